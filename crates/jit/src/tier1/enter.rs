//! The way in from outside, and out from inside.

use osmia_isa::Reg;
use osmia_vm::layout;

use super::regs::{RUN, SCRATCH, gpr};
use crate::x64::{Assembler, Gpr, Label, Place, op};

/// Registers that the machine's ABI has functions preserve, in the order they are pushed.
const PRESERVED: [Gpr; 6] = [Gpr::Rbx, Gpr::Rbp, Gpr::R12, Gpr::R13, Gpr::R14, Gpr::R15];

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
    let kept = Place::Mem(RUN, layout::STACK_POINTER);
    asm.emit(op::LOAD, true, Gpr::Rax, kept);
    asm.push(Gpr::Rax);
    asm.emit(op::MOV_TO, true, Gpr::Rsp, kept);
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
    asm.emit(op::LOAD, true, Gpr::Rsp, kept);
    asm.pop(Gpr::Rcx);
    asm.emit(op::MOV_TO, true, Gpr::Rcx, kept);
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
