//! What functions have on the native stack: the registers they save, in pairs, and their counter.

use osmia_vm::limits::MAY_GOTO_BUDGET;

use super::super::frame::Frame;
use super::Compiler;
use super::regs::{SCRATCH, gpr};
use crate::arm64::{Gpr, Indexed, op};

impl Compiler<'_> {
    pub(super) fn build(&mut self, frame: &Frame) {
        let (saved, bytes) = (saved(frame), bytes(frame));
        if bytes > 0 {
            self.asm.move_stack(op::SUB_I, bytes);
        }
        for (pair, at) in saved.chunks(2).zip((0..).step_by(16)) {
            match *pair {
                [first, second] => {
                    let pair = (first, second);
                    (self.asm).pair(op::STORE_PAIR, pair, Gpr::SP, at, Indexed::No);
                }
                _ => self.stack(op::STORE64, pair[0], at),
            }
        }
        if frame.counts {
            self.asm.constant(SCRATCH, MAY_GOTO_BUDGET);
            self.stack(op::STORE64, SCRATCH, counter(frame));
        }
    }

    /// Takes down what `build` built.
    pub(super) fn leave(&mut self) {
        let (saved, bytes) = (saved(&self.frame), bytes(&self.frame));
        for (pair, at) in saved.chunks(2).zip((0..).step_by(16)) {
            match *pair {
                [first, second] => {
                    let pair = (first, second);
                    (self.asm).pair(op::LOAD_PAIR, pair, Gpr::SP, at, Indexed::No);
                }
                _ => self.stack(op::LOAD64, pair[0], at),
            }
        }
        if bytes > 0 {
            self.asm.move_stack(op::ADD_I, bytes);
        }
    }
}

fn saved(frame: &Frame) -> Vec<Gpr> {
    let link = frame.calls.then_some(Gpr::LINK);
    let saved = frame.saved.iter().map(|reg| gpr(*reg));
    link.into_iter().chain(saved).collect()
}

/// The stack pointer is a multiple of sixteen wherever it is used.
fn bytes(frame: &Frame) -> u32 {
    let words = frame.saved.len() + usize::from(frame.calls) + usize::from(frame.counts);
    (8 * words).next_multiple_of(16) as u32
}

/// How often the function may pass jumps that count: behind what it saves.
pub(super) fn counter(frame: &Frame) -> i32 {
    8 * (frame.saved.len() + usize::from(frame.calls)) as i32
}
