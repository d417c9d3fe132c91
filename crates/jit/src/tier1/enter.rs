//! The way in from outside, and out from inside.

use osmia_isa::Reg;
use osmia_vm::layout;

use super::Compiler;
use super::regs::{RUN, SCRATCH, calls_something, gpr};
use crate::lower::{Base, Op};
use crate::x64::{Assembler, Gpr, Label, Place, op};

/// Registers that the machine's ABI has functions preserve, in the order they are pushed.
const PRESERVED: [Gpr; 6] = [Gpr::Rbx, Gpr::Rbp, Gpr::R12, Gpr::R13, Gpr::R14, Gpr::R15];

/// Where the stack pointer of the innermost entry is.
const KEPT: Place = Place::Mem(RUN, layout::STACK_POINTER);

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

impl Compiler<'_> {
    /// What the program being compiled uses, once all of it is.
    pub(super) fn surroundings(&self) -> Surroundings {
        let lines = || self.lowered.lines.iter();
        Surroundings {
            unwinds: self.unwinds,
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

/// The program as a function that is called from outside: its arguments where they belong already, the
/// sixth what the machine keeps of the run. Saves no more than the program uses.
pub(crate) fn first(
    asm: &mut Assembler,
    surroundings: Surroundings,
    entry: Label,
    unwind: Label,
) -> Label {
    let first = asm.label();
    asm.bind(first);
    let frame = Place::Mem(Gpr::R9, layout::FRAME_POINTER);
    if surroundings.unwinds {
        for reg in PRESERVED {
            asm.push(reg);
        }
        asm.emit(op::MOV_TO, true, Gpr::R9, RUN);
        keep_stack_pointer(asm);
        asm.emit(op::LOAD, true, Gpr::Rbp, frame);
        asm.call(entry);
        asm.jump(unwind);
        return first;
    }
    let mut saved = Vec::new();
    saved.extend(surroundings.frame.then_some(Gpr::Rbp));
    saved.extend(surroundings.machine.then_some(RUN));
    for reg in &saved {
        asm.push(*reg);
    }
    if surroundings.frame {
        asm.emit(op::LOAD, true, Gpr::Rbp, frame);
    }
    if surroundings.machine {
        asm.emit(op::MOV_TO, true, Gpr::R9, RUN);
    }
    // With the return address an even number of words is a multiple of sixteen bytes.
    let is_even = saved.len() % 2 == 1;
    if !is_even {
        asm.push(Gpr::Rax);
    }
    asm.call(entry);
    if !is_even {
        asm.pop(Gpr::Rcx);
    }
    for reg in saved.into_iter().rev() {
        asm.pop(reg);
    }
    asm.ret();
    first
}

/// Keeps the stack pointer for those who unwind, and that of a run around this one below it.
fn keep_stack_pointer(asm: &mut Assembler) {
    asm.emit(op::LOAD, true, Gpr::Rax, KEPT);
    asm.push(Gpr::Rax);
    asm.emit(op::MOV_TO, true, Gpr::Rsp, KEPT);
}

/// From outside: `rdi` is what the machine keeps of the run, `rsi` the frame pointer, `rdx` the function,
/// `rcx` where its five arguments lie. Gives the function's result. Who jumps to `unwind` ends the run
/// that began here from inside: the stack pointer of that moment is kept, and that of a run around this
/// one put back in the end.
pub(crate) fn enter(asm: &mut Assembler, unwind: Label) -> Label {
    let enter = asm.label();
    asm.bind(enter);
    for reg in PRESERVED {
        asm.push(reg);
    }
    asm.emit(op::MOV_TO, true, Gpr::Rdi, RUN);
    keep_stack_pointer(asm);
    asm.emit(op::MOV_TO, true, Gpr::Rsi, Gpr::Rbp);
    asm.emit(op::MOV_TO, true, Gpr::Rdx, Gpr::Rax);
    asm.emit(op::MOV_TO, true, Gpr::Rcx, SCRATCH);
    for (number, offset) in (1..=5).zip((0..).step_by(8)) {
        let reg = gpr(Reg::new(number).expect("there are eleven registers"));
        let place = Place::Mem(SCRATCH, offset);
        asm.emit(op::LOAD, true, reg, place);
    }
    asm.emit_one(op::CALL_AT, false, Gpr::Rax);
    asm.bind(unwind);
    // What functions in between pushed is left behind; all they saved is loaded below.
    asm.emit(op::LOAD, true, Gpr::Rsp, KEPT);
    asm.pop(Gpr::Rcx);
    asm.emit(op::MOV_TO, true, Gpr::Rcx, KEPT);
    for reg in PRESERVED.into_iter().rev() {
        asm.pop(reg);
    }
    asm.ret();
    enter
}

/// Returns what a tail call came to that is through.
pub(crate) fn returned(asm: &mut Assembler) -> Label {
    let returned = asm.label();
    asm.bind(returned);
    let result = Place::Mem(RUN, layout::RESULT);
    asm.emit(op::LOAD, true, Gpr::Rax, result);
    asm.ret();
    returned
}
