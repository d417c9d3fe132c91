//! The way in from outside, and out from inside.

use osmia_isa::Reg;
use osmia_vm::layout;

use super::super::frame::Surroundings;
use super::super::templates::Ways;
use super::regs::{RUN, SCRATCH, gpr};
use crate::asm::{Assembly as _, Label};
use crate::x64::{Assembler, Gpr, Place, op};

/// Registers that the machine's ABI has functions preserve, in the order they are pushed.
const PRESERVED: [Gpr; 6] = [Gpr::Rbx, Gpr::Rbp, Gpr::R12, Gpr::R13, Gpr::R14, Gpr::R15];

/// Where the stack pointer of the innermost entry is.
const KEPT: Place = Place::Mem(RUN, layout::STACK_POINTER);

impl Ways for Assembler {
    fn first(&mut self, surroundings: Surroundings, entry: Label, unwind: Label) -> Label {
        let first = self.label();
        self.bind(first);
        let frame = Place::Mem(Gpr::R9, layout::FRAME_POINTER);
        if surroundings.unwinds {
            for reg in PRESERVED {
                self.push(reg);
            }
            self.emit(op::MOV_TO, true, Gpr::R9, RUN);
            keep_stack_pointer(self);
            self.emit(op::LOAD, true, Gpr::Rbp, frame);
            self.call(entry);
            self.jump(unwind);
            return first;
        }
        let mut saved = Vec::new();
        saved.extend(surroundings.frame.then_some(Gpr::Rbp));
        saved.extend(surroundings.machine.then_some(RUN));
        for reg in &saved {
            self.push(*reg);
        }
        if surroundings.frame {
            self.emit(op::LOAD, true, Gpr::Rbp, frame);
        }
        if surroundings.machine {
            self.emit(op::MOV_TO, true, Gpr::R9, RUN);
        }
        // With the return address an even number of words is a multiple of sixteen bytes.
        let is_even = saved.len() % 2 == 1;
        if !is_even {
            self.push(Gpr::Rax);
        }
        self.call(entry);
        if !is_even {
            self.pop(Gpr::Rcx);
        }
        for reg in saved.into_iter().rev() {
            self.pop(reg);
        }
        self.ret();
        first
    }

    /// From outside: `rdi` is what the machine keeps of the run, `rsi` the frame pointer, `rdx` the function,
    /// `rcx` where its five arguments lie. Gives the function's result. Who jumps to `unwind` ends the run
    /// that began here from inside: the stack pointer of that moment is kept, and that of a run around this
    /// one put back in the end.
    fn enter(&mut self, unwind: Label) -> Label {
        let enter = self.label();
        self.bind(enter);
        for reg in PRESERVED {
            self.push(reg);
        }
        self.emit(op::MOV_TO, true, Gpr::Rdi, RUN);
        keep_stack_pointer(self);
        self.emit(op::MOV_TO, true, Gpr::Rsi, Gpr::Rbp);
        self.emit(op::MOV_TO, true, Gpr::Rdx, Gpr::Rax);
        self.emit(op::MOV_TO, true, Gpr::Rcx, SCRATCH);
        for (number, offset) in (1..=5).zip((0..).step_by(8)) {
            let reg = gpr(Reg::new(number).expect("there are eleven registers"));
            let place = Place::Mem(SCRATCH, offset);
            self.emit(op::LOAD, true, reg, place);
        }
        self.emit_one(op::CALL_AT, false, Gpr::Rax);
        self.bind(unwind);
        // What functions in between pushed is left behind; all they saved is loaded below.
        self.emit(op::LOAD, true, Gpr::Rsp, KEPT);
        self.pop(Gpr::Rcx);
        self.emit(op::MOV_TO, true, Gpr::Rcx, KEPT);
        for reg in PRESERVED.into_iter().rev() {
            self.pop(reg);
        }
        self.ret();
        enter
    }

    fn returned(&mut self) -> Label {
        let returned = self.label();
        self.bind(returned);
        let result = Place::Mem(RUN, layout::RESULT);
        self.emit(op::LOAD, true, Gpr::Rax, result);
        self.ret();
        returned
    }
}

/// Keeps the stack pointer for those who unwind, and that of a run around this one below it.
fn keep_stack_pointer(asm: &mut Assembler) {
    asm.emit(op::LOAD, true, Gpr::Rax, KEPT);
    asm.push(Gpr::Rax);
    asm.emit(op::MOV_TO, true, Gpr::Rsp, KEPT);
}
