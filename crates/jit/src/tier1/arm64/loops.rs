//! `bpf_loop` without a helper: counter, count and argument lie on the native stack meanwhile.

use osmia_isa::Width;
use osmia_program::Errno;
use osmia_vm::limits::LOOP_ITERATIONS_MAX;

use super::super::templates::Calls as _;
use super::Compiler;
use super::regs::{R0, SCRATCH};
use crate::arm64::{Condition, Gpr, op};
use crate::asm::Assembly as _;

/// How often it was called.
const COUNTER: i32 = 0;
/// How often it is to be called.
const COUNT: i32 = 8;
/// What it is called with.
const ARGUMENT: i32 = 16;
/// Bytes of these, a multiple of sixteen.
const BYTES: u32 = 32;

/// `r1`: how often, and to callbacks how often before.
const TIMES: Gpr = Gpr::x(0);
/// `r2`: to callbacks what is passed on.
const SECOND: Gpr = Gpr::x(1);
/// `r3`: what is passed on.
const PASSED: Gpr = Gpr::x(2);
/// `r4`
const FLAGS: Gpr = Gpr::x(3);

impl Compiler<'_> {
    pub(super) fn count_calls(&mut self, slot: u32, to: u32) {
        let (turn, end, done) = (self.asm.label(), self.asm.label(), self.asm.label());
        // r4 is flags, of which there are none; r1 counts in 32 bits.
        self.asm.constant(R0, negative(Errno::EINVAL));
        self.asm.jump_if_zero(false, true, FLAGS, done);
        self.asm.constant(R0, negative(Errno::E2BIG));
        let max = i32::try_from(LOOP_ITERATIONS_MAX).expect("Linux' limit is 2^23");
        self.compare_with(Width::W32, TIMES, max);
        self.asm.jump_if(Condition::Above, done);
        self.asm.copy(false, TIMES, TIMES);
        self.asm.move_stack(op::SUB_I, BYTES);
        self.stack(op::STORE64, Gpr::ZERO, COUNTER);
        self.stack(op::STORE64, TIMES, COUNT);
        self.stack(op::STORE64, PASSED, ARGUMENT);
        self.asm.bind(turn);
        self.stop_if_asked(slot);
        self.stack(op::LOAD64, TIMES, COUNTER);
        self.stack(op::LOAD64, SCRATCH, COUNT);
        self.stack(op::LOAD64, SECOND, ARGUMENT);
        self.asm.three(op::SUBS, true, Gpr::ZERO, SCRATCH, TIMES);
        self.asm.jump_if(Condition::BelowOrEqual, end);
        self.add(Width::W64, SCRATCH, TIMES, 1);
        self.stack(op::STORE64, SCRATCH, COUNTER);
        self.call_function(to);
        self.asm.jump_if_zero(true, true, R0, turn);
        self.asm.bind(end);
        self.stack(op::LOAD64, R0, COUNTER);
        self.asm.move_stack(op::ADD_I, BYTES);
        self.asm.bind(done);
    }
}

fn negative(errno: Errno) -> u64 {
    i64::from(errno.0).wrapping_neg() as u64
}
