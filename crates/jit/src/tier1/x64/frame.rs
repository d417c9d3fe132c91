//! What functions have on the native stack.

use osmia_vm::limits::MAY_GOTO_BUDGET;

use super::super::frame::Frame;
use super::Compiler;
use super::regs::{COUNTER, gpr};
use crate::x64::{Gpr, op};

impl Compiler<'_> {
    pub(super) fn build(&mut self, frame: &Frame) {
        for reg in &frame.saved {
            self.asm.push(gpr(*reg));
        }
        let room = room(frame);
        if room > 0 {
            self.asm.emit_with(op::SUB_I8, true, Gpr::Rsp, room);
        }
        if frame.counts {
            let budget = i32::try_from(MAY_GOTO_BUDGET).expect("Linux' limit is 2^23");
            self.asm.emit_with(op::MOV_I32, true, COUNTER, budget);
        }
    }

    /// Takes down what `build` built.
    pub(super) fn leave(&mut self) {
        let room = room(&self.frame);
        if room > 0 {
            self.asm.emit_with(op::ADD_I8, true, Gpr::Rsp, room);
        }
        for reg in self.frame.saved.iter().rev() {
            self.asm.pop(gpr(*reg));
        }
    }
}

/// Bytes below what is saved: the counter, and what has calls find the stack aligned.
fn room(frame: &Frame) -> i32 {
    let mut words = usize::from(frame.counts);
    // With the return address an odd number of words is a multiple of sixteen bytes.
    words += usize::from(frame.calls && (frame.saved.len() + words).is_multiple_of(2));
    8 * words as i32
}
