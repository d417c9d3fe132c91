//! The way in from outside, and out from inside.

use osmia_vm::layout;

use super::super::frame::Surroundings;
use super::super::templates::Ways;
use super::immediate::of_run;
use super::regs::{FRAME, RESULT, RUN, RUNNING, SCRATCH, SCRATCH2};
use crate::arm64::{Assembler, Gpr, Indexed, Place, op};
use crate::asm::{Assembly as _, Label};

/// Registers that the machine's ABI has functions preserve, two and two, by number.
const PRESERVED: [u8; 6] = [19, 21, 23, 25, 27, 29];
/// Likewise of vector registers.
const PRESERVED_VECTORS: [u8; 4] = [8, 10, 12, 14];
/// Behind them on the stack: the stack pointer of a run around this one.
const OUTER: i32 = 16 * (PRESERVED.len() + PRESERVED_VECTORS.len()) as i32;
const BYTES: u32 = OUTER as u32 + 16;

impl Ways for Assembler {
    fn first(&mut self, surroundings: Surroundings, entry: Label, unwind: Label) -> Label {
        let first = self.label();
        self.bind(first);
        let frame = layout::FRAME_POINTER;
        if surroundings.unwinds {
            preserve(self);
            self.copy(true, RUN, RUNNING);
            keep_stack_pointer(self);
            self.access(op::LOAD64, FRAME, of_run(op::LOAD64, frame));
            self.call(entry);
            self.jump(unwind);
            return first;
        }
        let (saved, link) = ((FRAME, RUN), (Gpr::LINK, Gpr::ZERO));
        self.pair(op::STORE_PAIR, saved, Gpr::SP, -32, Indexed::Before);
        self.pair(op::STORE_PAIR, link, Gpr::SP, 16, Indexed::No);
        self.copy(true, RUN, RUNNING);
        if surroundings.frame {
            self.access(op::LOAD64, FRAME, of_run(op::LOAD64, frame));
        }
        self.call(entry);
        self.pair(op::LOAD_PAIR, link, Gpr::SP, 16, Indexed::No);
        self.pair(op::LOAD_PAIR, saved, Gpr::SP, 32, Indexed::After);
        self.ret();
        first
    }

    fn enter(&mut self, unwind: Label) -> Label {
        let enter = self.label();
        self.bind(enter);
        preserve(self);
        self.copy(true, RUN, Gpr::x(0));
        keep_stack_pointer(self);
        self.copy(true, FRAME, Gpr::x(1));
        self.copy(true, SCRATCH, Gpr::x(2));
        self.copy(true, SCRATCH2, Gpr::x(3));
        for (first, at) in [(0, 0), (2, 16)] {
            let pair = (Gpr::x(first), Gpr::x(first + 1));
            self.pair(op::LOAD_PAIR, pair, SCRATCH2, at, Indexed::No);
        }
        let fifth = Place::at(op::LOAD64, SCRATCH2, 32).expect("it is near");
        self.access(op::LOAD64, Gpr::x(4), fifth);
        self.to(op::CALL_TO, SCRATCH);
        self.bind(unwind);
        // What functions in between pushed is left behind; all they saved is loaded below.
        let kept = of_run(op::LOAD64, layout::STACK_POINTER);
        self.access(op::LOAD64, SCRATCH, kept);
        self.copy_stack(Gpr::SP, SCRATCH);
        self.access(op::LOAD64, SCRATCH, outer());
        self.access(op::STORE64, SCRATCH, kept);
        restore(self);
        self.ret();
        enter
    }

    fn returned(&mut self) -> Label {
        let returned = self.label();
        self.bind(returned);
        let result = of_run(op::LOAD64, layout::RESULT);
        self.access(op::LOAD64, RESULT, result);
        self.ret();
        returned
    }
}

/// Saves everything, for whoever unwinds.
fn preserve(asm: &mut Assembler) {
    asm.move_stack(op::SUB_I, BYTES);
    for (op, pair, at) in preserved(op::STORE_PAIR, op::STORE_PAIR_D) {
        asm.pair(op, pair, Gpr::SP, at, Indexed::No);
    }
}

fn restore(asm: &mut Assembler) {
    for (op, pair, at) in preserved(op::LOAD_PAIR, op::LOAD_PAIR_D) {
        asm.pair(op, pair, Gpr::SP, at, Indexed::No);
    }
    asm.move_stack(op::ADD_I, BYTES);
}

/// How to save or load each pair, and where it lies.
fn preserved<T: Copy>(plain: T, vector: T) -> impl Iterator<Item = (T, (Gpr, Gpr), i32)> {
    let plain = PRESERVED.into_iter().map(move |number| (plain, number));
    let vectors = PRESERVED_VECTORS.into_iter();
    let all = plain.chain(vectors.map(move |number| (vector, number)));
    all.zip((0..).step_by(16))
        .map(|((op, number), at)| (op, (Gpr::x(number), Gpr::x(number + 1)), at))
}

/// Keeps the stack pointer for those who unwind, and that of a run around this one above what is saved.
fn keep_stack_pointer(asm: &mut Assembler) {
    let kept = of_run(op::LOAD64, layout::STACK_POINTER);
    asm.access(op::LOAD64, SCRATCH, kept);
    asm.access(op::STORE64, SCRATCH, outer());
    asm.copy_stack(SCRATCH, Gpr::SP);
    asm.access(op::STORE64, SCRATCH, kept);
}

fn outer() -> Place {
    Place::at(op::LOAD64, Gpr::SP, OUTER).expect("it is near")
}
