//! What functions and programs use, and therefore save.

use osmia_isa::Reg;

use crate::lower::{Base, Lowered, Op};

/// Registers that calls preserve: in the machine's ABI and in the program's.
const SAVED: [u8; 4] = [6, 7, 8, 9];

/// What a function has on the native stack.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    /// Registers of its caller's that it writes.
    pub(super) saved: Vec<Reg>,
    /// It calls something.
    pub(super) calls: bool,
    /// It has jumps that count how often they are passed.
    pub(super) counts: bool,
}

impl Frame {
    pub(super) fn of(lowered: &Lowered, function: usize) -> Self {
        let start = lowered.functions[function];
        let end = (lowered.functions.get(function + 1)).map_or(u32::MAX, |end| *end);
        let first = lowered.lines.partition_point(|line| line.slot < start);
        let lines = lowered.lines[first..].iter();
        let (mut written, mut calls, mut counts) = ([false; 4], false, false);
        for line in lines.take_while(|line| line.slot < end) {
            for (written, number) in written.iter_mut().zip(SAVED) {
                *written |= Reg::new(number).is_some_and(|reg| line.op.writes(reg));
            }
            calls |= calls_something(&line.op);
            counts |= matches!(line.op, Op::MayGoto { .. });
        }
        let saved = SAVED.iter().zip(written).filter(|(_, written)| *written);
        Self {
            saved: saved.filter_map(|(number, _)| Reg::new(*number)).collect(),
            calls,
            counts,
        }
    }
}

/// What a program uses besides its arguments and what calls preserve.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// The run may be ended from inside.
    pub(crate) unwinds: bool,
    /// What the machine keeps of the run.
    pub(crate) machine: bool,
    /// The frame pointer.
    pub(crate) frame: bool,
}

impl Surroundings {
    pub(super) fn of(lowered: &Lowered, unwinds: bool) -> Self {
        let lines = || lowered.lines.iter();
        Self {
            unwinds,
            machine: lines().any(|line| uses_machine(&line.op)),
            frame: lines().any(|line| uses_frame(&line.op)),
        }
    }
}

fn uses_machine(op: &Op) -> bool {
    let is_packet = matches!(
        op,
        Op::Load {
            base: Base::Packet(_),
            ..
        }
    );
    is_packet || calls_something(op) || matches!(op, Op::ArrayElement { .. } | Op::MayGoto { .. })
}

fn uses_frame(op: &Op) -> bool {
    op.reads(Reg::R10) || matches!(op, Op::CallFunction { .. } | Op::Loop { .. })
}

/// True for what becomes a call.
fn calls_something(op: &Op) -> bool {
    matches!(
        op,
        Op::CallHelper { .. }
            | Op::CallLeaf { .. }
            | Op::CallKfunc { .. }
            | Op::CallMap { .. }
            | Op::CallFunction { .. }
            | Op::Loop { .. }
            | Op::TailCall
            | Op::FarLoad { .. }
            | Op::FarStore { .. }
            | Op::FarAtomic { .. }
            | Op::LoadPacket { .. }
            | Op::ToUser { .. }
    )
}
