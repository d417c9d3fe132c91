//! Calls on a known map: lookups in arrays become arithmetic, since their elements all exist and lie in
//! a row; the usual operations on other kinds become calls with the map itself.

use osmia_isa::Reg;
use osmia_program::MapKind;
use osmia_vm::map::Map;
use osmia_vm::map_call::MapOperation;

use super::{Constant, Lowered, Op};
use crate::facts::Facts;

pub(super) fn resolve(lowered: &mut Lowered, facts: &Facts) {
    let targets = lowered.targets();
    // The map that r1 stands for, as far as the lines since the last jump's target tell.
    let mut known = None;
    for line in &mut lowered.lines {
        if targets.binary_search(&line.slot).is_ok() {
            known = None;
        }
        match line.op {
            Op::CallHelper { helper } => {
                if let Some(map) = known
                    && !facts.far_arguments[line.slot as usize]
                    && let Some(operation) = MapOperation::of_helper(helper)
                    && let Some(op) = direct(operation, map, &lowered.maps[map as usize])
                {
                    line.op = op;
                }
                known = None;
            }
            Op::Constant {
                dst: Reg::R1,
                value: Constant::Map(map),
            } => known = Some(map),
            _ if line.op.writes(Reg::R1) => known = None,
            _ => {}
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
