//! Which register of the machine each register of a program is, and what functions save.

use osmia_isa::Reg;
use osmia_vm::limits::MAY_GOTO_BUDGET;

use super::{Compiler, gpr as of};
use crate::lower::Op;
use crate::x64::{Gpr, Place, op};

/// The machine, during a run.
pub(crate) const RUN: Gpr = Gpr::R12;
/// Free within a line.
pub(super) const SCRATCH: Gpr = Gpr::R11;
/// Likewise.
pub(super) const SCRATCH2: Gpr = Gpr::R10;

/// Registers that calls preserve: in the machine's ABI and in the program's.
const SAVED: [u8; 4] = [6, 7, 8, 9];

/// The register of a program's register.
pub(super) const fn gpr(reg: Reg) -> Gpr {
    match reg.number() {
        0 => Gpr::Rax,
        1 => Gpr::Rdi,
        2 => Gpr::Rsi,
        3 => Gpr::Rdx,
        4 => Gpr::Rcx,
        5 => Gpr::R8,
        6 => Gpr::Rbx,
        7 => Gpr::R13,
        8 => Gpr::R14,
        9 => Gpr::R15,
        _ => Gpr::Rbp,
    }
}

/// What the function being compiled has on the native stack, besides its return address.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    saved: Vec<Gpr>,
    /// Bytes below them: the counter, and what has calls find the stack aligned.
    room: i32,
}

/// How often the function may pass jumps that count.
pub(super) const COUNTER: Place = Place::Mem(Gpr::Rsp, 0);

impl Compiler<'_> {
    /// The start of a function.
    pub(super) fn begin(&mut self, function: usize) {
        let lowered = self.lowered;
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
        let saved: Vec<Gpr> = saved
            .filter_map(|(number, _)| Reg::new(*number).map(of))
            .collect();
        let mut words = usize::from(counts);
        // With the return address an odd number of words is a multiple of sixteen bytes.
        words += usize::from(calls && (saved.len() + words).is_multiple_of(2));
        let room = 8 * words as i32;
        self.frame = Frame { room, saved };
        self.asm.bind(self.functions[function]);
        for reg in self.frame.saved.clone() {
            self.asm.push(reg);
        }
        if self.frame.room > 0 {
            let room = self.frame.room;
            self.asm.emit_with(op::SUB_I8, true, Gpr::Rsp, room);
        }
        if counts {
            let budget = i32::try_from(MAY_GOTO_BUDGET).expect("Linux' limit is 2^23");
            self.asm.emit_with(op::MOV_I32, true, COUNTER, budget);
        }
    }

    /// Takes down what `begin` built.
    pub(super) fn leave(&mut self) {
        if self.frame.room > 0 {
            let room = self.frame.room;
            self.asm.emit_with(op::ADD_I8, true, Gpr::Rsp, room);
        }
        for reg in self.frame.saved.clone().into_iter().rev() {
            self.asm.pop(reg);
        }
    }
}

/// True for what becomes a call.
pub(super) fn calls_something(op: &Op) -> bool {
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
