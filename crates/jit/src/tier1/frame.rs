//! What functions and programs use, and therefore save.

use osmia_isa::Reg;

use crate::lower::{Base, Lowered, Op, Regs};

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
        let (mut written, mut calls, mut counts) = (Regs::NONE, false, false);
        for line in lines.take_while(|line| line.slot < end) {
            written = written.and(line.op.written());
            calls |= calls_something(&line.op);
            counts |= matches!(line.op, Op::MayGoto { .. });
        }
        let saved = written
            .without(Regs::CALLER_SAVED)
            .without(Regs::of(Reg::R10));
        Self {
            saved: saved.iter().collect(),
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
        let mut uses = Self {
            unwinds,
            machine: false,
            frame: false,
        };
        for line in &lowered.lines {
            uses.machine |= uses_machine(&line.op);
            uses.frame |= uses_frame(&line.op);
        }
        uses
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
