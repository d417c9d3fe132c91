//! What a program asks of the machine, as far as its operations tell.

use osmia_program::MapKind;
use osmia_program::helper::OWN_START;
use osmia_vm::Demands;
use osmia_vm::map_call::MapOperation;

use crate::lower::{Lowered, Op};

pub(super) fn of(lowered: &Lowered) -> Demands {
    let any = |does: fn(&Lowered, &Op) -> bool| {
        (lowered.lines.iter()).any(|line| does(lowered, &line.op))
    };
    Demands {
        cleared_bytes: lowered.cleared_bytes(),
        context_bytes: lowered.context_bytes,
        is_counted: any(looks_up),
        sees_heap: any(|_, op| calls_machine(op) || matches!(op, Op::CallHelper { .. })),
        needs_input: any(|_, op| calls_machine(op)),
    }
}

/// The machine may do anything then. What helpers of the application do is the application's business: they
/// see no more than their arguments.
fn calls_machine(op: &Op) -> bool {
    matches!(
        op,
        Op::CallHelper {
            helper: ..OWN_START
        } | Op::CallKfunc { .. }
            | Op::FarLoad { .. }
            | Op::FarStore { .. }
            | Op::FarAtomic { .. }
            | Op::ToUser { .. }
            | Op::LoadPacket { .. }
            | Op::TailCall
    )
}

/// It may get hold of what others remove meanwhile. Elements of arrays stay.
fn looks_up(lowered: &Lowered, op: &Op) -> bool {
    match *op {
        Op::CallMap { map, operation } => {
            let kind = lowered.maps[map as usize].spec().kind;
            let stays = matches!(kind, MapKind::Array | MapKind::PercpuArray);
            !(stays && operation == MapOperation::Update)
        }
        _ => calls_machine(op),
    }
}
