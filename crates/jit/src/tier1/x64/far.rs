//! What is not a single instruction: a stub keeps the program's registers and calls the machine.
//!
//! The stub takes an address in one scratch register, a value in the other and what to do in `r9`, and
//! gives its result where the address was.

use osmia_isa::{AtomicOp, Operand, Reg, Size};
use osmia_vm::{Far, MISSED, layout};

use super::super::templates::{Calls, FarMemory};
use super::Compiler;
use super::regs::{RUN, SCRATCH as VALUE, SCRATCH2 as ADDRESS, gpr};
use crate::asm::Assembly as _;
use crate::symbols::Symbol;
use crate::x64::{Condition, Gpr, Place, op};

/// Registers of the program that calls do not preserve, in the order they are pushed.
const VOLATILE: [Gpr; 6] = [Gpr::Rax, Gpr::Rdi, Gpr::Rsi, Gpr::Rdx, Gpr::Rcx, Gpr::R8];
/// What keeps the stack aligned beside them and the return address.
const PADDING: i32 = 8;
/// Says what to do.
const NUMBER: Gpr = Gpr::R9;

impl FarMemory for Compiler<'_> {
    fn far_load(&mut self, size: Size, sign_extend: bool, dst: Reg, base: Reg, off: i32) {
        self.far_at(base, off, Far::Load(size));
        let row = match (sign_extend, size) {
            (true, Size::B) => op::LOAD_SX8,
            (true, Size::H) => op::LOAD_SX16,
            (true, Size::W) => op::LOAD_SX32,
            _ => op::LOAD,
        };
        self.asm.emit(row, true, gpr(dst), ADDRESS);
    }

    fn far_store(&mut self, size: Size, base: Reg, off: i32, src: Operand) {
        match src {
            Operand::Reg(src) => self.asm.emit(op::MOV_TO, true, gpr(src), VALUE),
            Operand::Imm(imm) => self.asm.constant(VALUE, i64::from(imm) as u64),
        }
        self.far_at(base, off, Far::Store(size));
    }

    fn far_atomic(&mut self, atomic: AtomicOp, size: Size, base: Reg, off: i32, src: Reg) {
        self.asm.emit(op::MOV_TO, true, gpr(src), VALUE);
        self.far_at(base, off, Far::Atomic(atomic, size));
        match atomic {
            AtomicOp::Cmpxchg => self.asm.emit(op::MOV_TO, true, ADDRESS, Gpr::Rax),
            AtomicOp::Xchg
            | AtomicOp::Add { fetch: true }
            | AtomicOp::Or { fetch: true }
            | AtomicOp::And { fetch: true }
            | AtomicOp::Xor { fetch: true } => {
                self.asm.emit(op::MOV_TO, true, ADDRESS, gpr(src));
            }
            _ => {}
        }
    }

    fn load_packet(&mut self, size: Size, index: Option<Reg>, off: i32) {
        match index {
            Some(index) => self.asm.emit(op::MOV_TO, true, gpr(index), ADDRESS),
            None => self.asm.constant(ADDRESS, 0),
        }
        self.asm.constant(VALUE, u64::from(off as u32));
        self.far(Far::Packet(size));
        let there = self.asm.label();
        self.asm
            .emit_with(op::CMP_I8, true, ADDRESS, MISSED as i64 as i32);
        self.asm.jump_if(Condition::NotEqual, there);
        self.asm.constant(Gpr::Rax, 0);
        self.exit();
        self.asm.bind(there);
        self.asm.emit(op::MOV_TO, true, ADDRESS, Gpr::Rax);
    }

    fn user_pointer(&mut self, dst: Reg, src: Reg) {
        self.asm.emit(op::MOV_TO, true, gpr(src), ADDRESS);
        self.far(Far::ToUser);
        self.asm.emit(op::MOV_TO, true, ADDRESS, gpr(dst));
    }

    fn far_stub(&mut self) {
        let Some(stub) = self.far else {
            return;
        };
        self.asm.bind(stub);
        for reg in VOLATILE {
            self.asm.push(reg);
        }
        self.asm.emit_with(op::SUB_I8, true, Gpr::Rsp, PADDING);
        self.asm.emit(op::MOV_TO, true, ADDRESS, Gpr::Rdi);
        self.asm.emit(op::MOV_TO, true, VALUE, Gpr::Rsi);
        self.asm.emit(op::MOV_TO, false, NUMBER, Gpr::Rdx);
        self.asm.emit(op::MOV_TO, true, Gpr::Rax, Gpr::Rcx);
        let running = Place::Mem(RUN, layout::RUNNING);
        self.asm.emit(op::LOAD, true, Gpr::R9, running);
        self.address(Gpr::Rax, Symbol::Far);
        self.asm.emit_one(op::CALL_AT, false, Gpr::Rax);
        self.asm.emit(op::MOV_TO, true, Gpr::Rax, ADDRESS);
        self.asm.emit_with(op::ADD_I8, true, Gpr::Rsp, PADDING);
        for reg in VOLATILE.into_iter().rev() {
            self.asm.pop(reg);
        }
        self.asm.ret();
    }
}

impl Compiler<'_> {
    fn far_at(&mut self, base: Reg, off: i32, what: Far) {
        self.asm
            .emit(op::LEA, true, ADDRESS, Place::Mem(gpr(base), off));
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
