//! Lookups in arrays become arithmetic: their elements all exist and lie in a row.

use osmia_isa::Reg;
use osmia_program::MapKind;
use osmia_vm::map::Map;

use super::{Constant, Lowered, Op};

/// `bpf_map_lookup_elem`
const LOOKUP: u32 = 1;

pub(super) fn inline(lowered: &mut Lowered) {
    let targets = lowered.targets();
    // The map that r1 stands for, as far as the lines since the last jump's target tell.
    let mut known = None;
    for line in &mut lowered.lines {
        if targets.binary_search(&line.slot).is_ok() {
            known = None;
        }
        match line.op {
            Op::CallHelper { helper: LOOKUP } => {
                if let Some(map) = known
                    && is_array(&lowered.maps[map as usize])
                {
                    line.op = Op::ArrayElement { map };
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

/// True for arrays whose numbers fit immediates.
fn is_array(map: &Map) -> bool {
    let is_array = matches!(map.spec().kind, MapKind::Array | MapKind::PercpuArray);
    let is_small = |number: usize| i32::try_from(number).is_ok();
    let stride = map.values().map(|values| values.stride());
    is_array && is_small(map.spec().max_entries as usize) && stride.is_some_and(is_small)
}
