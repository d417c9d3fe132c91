//! Calls on a known map: lookups in arrays become arithmetic, since their elements all exist and lie in
//! a row; the usual operations on other kinds become calls with the map itself.

use osmia_isa::Reg;
use osmia_program::MapKind;
use osmia_vm::map::Map;
use osmia_vm::map_call::MapOperation;

use super::{Constant, Lowered, Op};
use crate::facts::Facts;

pub(super) fn resolve(lowered: &mut Lowered, facts: &Facts) {
    if lowered.maps.is_empty() {
        return;
    }
    for at in 0..lowered.lines.len() {
        let line = lowered.lines[at];
        if let Op::CallHelper { helper } = line.op
            && !facts.far_arguments[line.slot as usize]
            && let Some(operation) = MapOperation::of_helper(helper)
            && let Some(Constant::Map(map)) = lowered.constant_before(at, Reg::R1)
            && let Some(op) = direct(operation, map, &lowered.maps[map as usize])
        {
            lowered.lines[at].op = op;
        }
    }
}

/// What an operation on a known map becomes.
fn direct(operation: MapOperation, map: u32, known: &Map) -> Option<Op> {
    if operation == MapOperation::Lookup && is_row(known) {
        return Some(Op::ArrayElement { map });
    }
    (operation.is_direct(known)).then_some(Op::CallMap { operation, map })
}

/// True for arrays whose numbers fit immediates.
fn is_row(map: &Map) -> bool {
    let is_array = matches!(map.spec().kind, MapKind::Array | MapKind::PercpuArray);
    let is_small = |number: usize| i32::try_from(number).is_ok();
    let stride = map.values().map(|values| values.stride());
    is_array && is_small(map.spec().max_entries as usize) && stride.is_some_and(is_small)
}
