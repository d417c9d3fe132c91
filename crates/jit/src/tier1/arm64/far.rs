//! What is not a single instruction: a stub keeps the program's registers and calls the machine.
//!
//! The stub takes an address in one scratch register, a value in the other and what to do in a third, and
//! gives its result where the address was.

use osmia_isa::{AtomicOp, Operand, Reg, Size, Width};
use osmia_vm::{Far, MISSED, layout};

use super::super::templates::{Arithmetic as _, Calls as _, FarMemory};
use super::Compiler;
use super::immediate::value;
use super::regs::{R0, REACH as NUMBER, RUNNING, SCRATCH as VALUE, SCRATCH2 as ADDRESS, gpr};
use crate::arm64::{Condition, Gpr, Indexed, op};
use crate::asm::Assembly as _;
use crate::symbols::Symbol;

/// Registers of the program that calls do not preserve, and where they return to.
const VOLATILE: [(Gpr, Gpr); 4] = [
    (Gpr::x(0), Gpr::x(1)),
    (Gpr::x(2), Gpr::x(3)),
    (Gpr::x(4), R0),
    (Gpr::LINK, Gpr::ZERO),
];
const VOLATILE_BYTES: u32 = 16 * VOLATILE.len() as u32;

impl FarMemory for Compiler<'_> {
    fn far_load(&mut self, size: Size, sign_extend: bool, dst: Reg, base: Reg, off: i32) {
        self.far_at(base, off, Far::Load(size));
        let last = match (sign_extend, size) {
            (true, Size::B) => 7,
            (true, Size::H) => 15,
            (true, Size::W) => 31,
            _ => 63,
        };
        (self.asm).field(op::SIGNED, true, gpr(dst), ADDRESS, (0, last));
    }

    fn far_store(&mut self, size: Size, base: Reg, off: i32, src: Operand) {
        match src {
            Operand::Reg(src) => self.asm.copy(true, VALUE, gpr(src)),
            Operand::Imm(imm) => self.asm.constant(VALUE, value(imm, Width::W64)),
        }
        self.far_at(base, off, Far::Store(size));
    }

    fn far_atomic(&mut self, atomic: AtomicOp, size: Size, base: Reg, off: i32, src: Reg) {
        self.asm.copy(true, VALUE, gpr(src));
        self.far_at(base, off, Far::Atomic(atomic, size));
        match atomic {
            AtomicOp::Cmpxchg => self.asm.copy(true, R0, ADDRESS),
            AtomicOp::Xchg
            | AtomicOp::Add { fetch: true }
            | AtomicOp::Or { fetch: true }
            | AtomicOp::And { fetch: true }
            | AtomicOp::Xor { fetch: true } => self.asm.copy(true, gpr(src), ADDRESS),
            _ => {}
        }
    }

    fn load_packet(&mut self, size: Size, index: Option<Reg>, off: i32) {
        match index {
            Some(index) => self.asm.copy(true, ADDRESS, gpr(index)),
            None => self.asm.constant(ADDRESS, 0),
        }
        self.asm.constant(VALUE, u64::from(off as u32));
        self.far(Far::Packet(size));
        let there = self.asm.label();
        self.compare_with(Width::W64, ADDRESS, MISSED as i64 as i32);
        self.asm.jump_if(Condition::NotEqual, there);
        self.number(Reg::R0, 0);
        self.exit();
        self.asm.bind(there);
        self.asm.copy(true, R0, ADDRESS);
    }

    fn user_pointer(&mut self, dst: Reg, src: Reg) {
        self.asm.copy(true, ADDRESS, gpr(src));
        self.far(Far::ToUser);
        self.asm.copy(true, gpr(dst), ADDRESS);
    }

    fn far_stub(&mut self) {
        let Some(stub) = self.far else {
            return;
        };
        self.asm.bind(stub);
        self.asm.move_stack(op::SUB_I, VOLATILE_BYTES);
        for (pair, at) in VOLATILE.into_iter().zip((0..).step_by(16)) {
            (self.asm).pair(op::STORE_PAIR, pair, Gpr::SP, at, Indexed::No);
        }
        self.asm.copy(true, Gpr::x(3), R0);
        self.asm.copy(true, Gpr::x(0), ADDRESS);
        self.asm.copy(true, Gpr::x(1), VALUE);
        self.asm.copy(false, Gpr::x(2), NUMBER);
        self.run(op::LOAD64, RUNNING, layout::RUNNING);
        self.address(VALUE, Symbol::Far);
        self.asm.to(op::CALL_TO, VALUE);
        self.asm.copy(true, ADDRESS, Gpr::x(0));
        for (pair, at) in VOLATILE.into_iter().zip((0..).step_by(16)) {
            (self.asm).pair(op::LOAD_PAIR, pair, Gpr::SP, at, Indexed::No);
        }
        self.asm.move_stack(op::ADD_I, VOLATILE_BYTES);
        self.asm.ret();
    }
}

impl Compiler<'_> {
    fn far_at(&mut self, base: Reg, off: i32, what: Far) {
        self.add(Width::W64, ADDRESS, gpr(base), off);
        self.far(what);
    }

    fn far(&mut self, what: Far) {
        let stub = match self.far {
            Some(stub) => stub,
            None => *self.far.insert(self.asm.label()),
        };
        self.asm.constant(NUMBER, what.number().into());
        self.asm.call(stub);
    }
}
