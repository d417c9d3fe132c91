//! What a program asks of the machine, as far as its operations tell.

use osmia_program::MapKind;
use osmia_program::helper::OWN_START;
use osmia_vm::Demands;
use osmia_vm::map_call::MapOperation;

use crate::lower::{Lowered, Op};

pub(super) fn of(lowered: &Lowered) -> Demands {
    let mut demands = Demands {
        cleared_bytes: lowered.cleared_bytes(),
        context_bytes: lowered.context_bytes,
        ..Demands::default()
    };
    for line in &lowered.lines {
        let calls_machine = calls_machine(&line.op);
        demands.is_counted |= calls_machine || looks_up(lowered, &line.op);
        demands.sees_heap |= calls_machine || matches!(line.op, Op::CallHelper { .. });
        demands.needs_input |= calls_machine;
    }
    demands
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

/// It may get hold of what others remove meanwhile without the machine. Elements of arrays stay.
fn looks_up(lowered: &Lowered, op: &Op) -> bool {
    match *op {
        Op::CallMap { map, operation } => {
            let kind = lowered.maps[map as usize].spec().kind;
            let stays = matches!(kind, MapKind::Array | MapKind::PercpuArray);
            !(stays && operation == MapOperation::Update)
        }
        _ => false,
    }
}
