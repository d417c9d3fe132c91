//! `bpf_loop` without a helper: counter, count and argument lie on the native stack meanwhile.

use osmia_program::Errno;
use osmia_vm::limits::LOOP_ITERATIONS_MAX;

use super::super::templates::Calls as _;
use super::Compiler;
use crate::asm::{Assembly as _, Label};
use crate::x64::{Condition, Gpr, Place, op};

/// How often it was called.
const COUNTER: Place = Place::Mem(Gpr::Rsp, 0);
/// How often it is to be called.
const COUNT: Place = Place::Mem(Gpr::Rsp, 8);
/// What it is called with.
const ARGUMENT: Place = Place::Mem(Gpr::Rsp, 16);
/// Bytes of these, a multiple of sixteen.
const BYTES: i32 = 32;

impl Compiler<'_> {
    pub(super) fn count_calls(&mut self, slot: u32, to: u32) {
        let (turn, end, done) = (self.asm.label(), self.asm.label(), self.asm.label());
        // r4 is flags, of which there are none; r1 counts in 32 bits.
        self.asm.constant(Gpr::Rax, negative(Errno::EINVAL));
        self.asm.emit(op::TEST_TO, true, Gpr::Rcx, Gpr::Rcx);
        self.asm.jump_if(Condition::NotEqual, done);
        self.asm.constant(Gpr::Rax, negative(Errno::E2BIG));
        let max = i32::try_from(LOOP_ITERATIONS_MAX).expect("Linux' limit is 2^23");
        self.asm.emit_with(op::CMP_I32, false, Gpr::Rdi, max);
        self.asm.jump_if(Condition::Above, done);
        self.asm.emit(op::MOV_TO, false, Gpr::Rdi, Gpr::Rdi);
        self.asm.emit_with(op::SUB_I8, true, Gpr::Rsp, BYTES);
        self.asm.emit_with(op::MOV_I32, true, COUNTER, 0);
        self.asm.emit(op::MOV_TO, true, Gpr::Rdi, COUNT);
        self.asm.emit(op::MOV_TO, true, Gpr::Rdx, ARGUMENT);
        self.asm.bind(turn);
        self.stop_if_asked(slot);
        self.turn(to, turn, end);
        self.asm.bind(end);
        self.asm.emit(op::LOAD, true, Gpr::Rax, COUNTER);
        self.asm.emit_with(op::ADD_I8, true, Gpr::Rsp, BYTES);
        self.asm.bind(done);
    }

    fn turn(&mut self, to: u32, again: Label, end: Label) {
        self.asm.emit(op::LOAD, true, Gpr::Rdi, COUNTER);
        self.asm.emit(op::LOAD, true, Gpr::Rsi, ARGUMENT);
        self.asm.emit(op::CMP_TO, true, Gpr::Rdi, COUNT);
        self.asm.jump_if(Condition::BelowOrEqual, end);
        self.asm.emit_with(op::ADD_I8, true, COUNTER, 1);
        self.call_function(to);
        self.asm.emit(op::TEST_TO, true, Gpr::Rax, Gpr::Rax);
        self.asm.jump_if(Condition::Equal, again);
    }
}

fn negative(errno: Errno) -> u64 {
    i64::from(errno.0).wrapping_neg() as u64
}
