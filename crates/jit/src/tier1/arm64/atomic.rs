//! Atomics. Those that give the old value order everything around them, as on Linux.

use osmia_isa::AtomicOp;

use super::Compiler;
use super::regs::{R0, REACH, SCRATCH2, STATUS};
use crate::arm64::{Condition, Gpr, op};
use crate::asm::Assembly as _;

impl Compiler<'_> {
    /// One instruction, where the processor has them.
    pub(super) fn atomic_at_once(&mut self, atomic: AtomicOp, wide: bool, base: Gpr, src: Gpr) {
        let given = |fetch: bool| if fetch { src } else { Gpr::ZERO };
        let (row, operand, result) = match atomic {
            AtomicOp::Add { fetch } => (op::LD_ADD, src, given(fetch)),
            AtomicOp::Or { fetch } => (op::LD_OR, src, given(fetch)),
            AtomicOp::Xor { fetch } => (op::LD_XOR, src, given(fetch)),
            AtomicOp::And { fetch } => {
                (self.asm).three(op::OR_NOT, wide, SCRATCH2, Gpr::ZERO, src);
                (op::LD_CLEAR, SCRATCH2, given(fetch))
            }
            AtomicOp::Xchg => (op::SWAP, src, src),
            AtomicOp::Cmpxchg => (op::COMPARE_SWAP, R0, src),
        };
        self.asm.atomic(row, wide, operand, result, base);
    }

    /// Tried until nobody came between.
    pub(super) fn atomic_by_turns(&mut self, atomic: AtomicOp, wide: bool, base: Gpr, src: Gpr) {
        const OLD: Gpr = SCRATCH2;
        let (again, done) = (self.asm.label(), self.asm.label());
        self.asm.bind(again);
        (self.asm).atomic(op::LOAD_LINKED, wide, Gpr::ZERO, OLD, base);
        let row = match atomic {
            AtomicOp::Add { .. } => Some(op::ADD),
            AtomicOp::Or { .. } => Some(op::OR),
            AtomicOp::And { .. } => Some(op::AND),
            AtomicOp::Xor { .. } => Some(op::XOR),
            AtomicOp::Xchg => None,
            AtomicOp::Cmpxchg => {
                self.asm.three(op::SUBS, wide, Gpr::ZERO, OLD, R0);
                self.asm.jump_if(Condition::NotEqual, done);
                None
            }
        };
        let new = match row {
            Some(row) => {
                self.asm.three(row, wide, REACH, OLD, src);
                REACH
            }
            None => src,
        };
        (self.asm).atomic(op::STORE_LINKED, wide, STATUS, new, base);
        self.asm.jump_if_zero(false, false, STATUS, again);
        self.asm.bind(done);
        let result = match atomic {
            AtomicOp::Add { fetch }
            | AtomicOp::Or { fetch }
            | AtomicOp::And { fetch }
            | AtomicOp::Xor { fetch } => fetch.then_some(src),
            AtomicOp::Xchg => Some(src),
            AtomicOp::Cmpxchg => Some(R0),
        };
        if let Some(result) = result {
            self.asm.barrier();
            self.asm.copy(wide, result, OLD);
        }
    }
}
