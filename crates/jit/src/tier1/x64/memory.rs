//! Loads, stores and atomics.

use osmia_isa::{AtomicOp, Operand, Reg, Size};
use osmia_vm::layout;

use super::super::templates::Memory;
use super::Compiler;
use super::regs::{RUN, SCRATCH, gpr};
use crate::asm::Assembly as _;
use crate::lower::{Base, PacketField};
use crate::x64::{Condition, Gpr, Place, op};

impl Memory for Compiler<'_> {
    fn load(&mut self, size: Size, sign_extend: bool, dst: Reg, base: Base, off: i32) {
        let place = match base {
            Base::Reg(base) => Place::Mem(gpr(base), off),
            Base::Packet(field) => Place::Mem(RUN, offset(field)),
        };
        self.load_from(size, sign_extend, dst, place);
    }

    fn load_through(
        &mut self,
        size: Size,
        sign_extend: bool,
        dst: Reg,
        (first, second): (Reg, Reg),
        off: i32,
    ) -> bool {
        let place = Place::Sum(gpr(first), gpr(second), off);
        self.load_from(size, sign_extend, dst, place);
        true
    }

    fn store(&mut self, size: Size, base: Reg, off: i32, src: Operand) {
        let place = Place::Mem(gpr(base), off);
        match src {
            Operand::Reg(src) => {
                let (row, wide) = match size {
                    Size::B => (op::STORE8, false),
                    Size::H => (op::STORE16, false),
                    Size::W => (op::MOV_TO, false),
                    Size::DW => (op::MOV_TO, true),
                };
                self.asm.emit(row, wide, gpr(src), place);
            }
            Operand::Imm(imm) => {
                let (row, wide) = match size {
                    Size::B => (op::STORE8_I8, false),
                    Size::H => (op::STORE16_I16, false),
                    Size::W => (op::MOV_I32, false),
                    Size::DW => (op::MOV_I32, true),
                };
                self.asm.emit_with(row, wide, place, imm);
            }
        }
    }

    fn atomic(&mut self, atomic: AtomicOp, size: Size, base: Reg, off: i32, src: Reg) {
        let (wide, place) = (size == Size::DW, Place::Mem(gpr(base), off));
        let src = gpr(src);
        match atomic {
            AtomicOp::Add { fetch: false } => self.asm.emit(op::LOCK_ADD, wide, src, place),
            AtomicOp::Or { fetch: false } => self.asm.emit(op::LOCK_OR, wide, src, place),
            AtomicOp::And { fetch: false } => self.asm.emit(op::LOCK_AND, wide, src, place),
            AtomicOp::Xor { fetch: false } => self.asm.emit(op::LOCK_XOR, wide, src, place),
            AtomicOp::Add { fetch: true } => self.asm.emit(op::LOCK_XADD, wide, src, place),
            AtomicOp::Xchg => self.asm.emit(op::XCHG, wide, src, place),
            AtomicOp::Cmpxchg => {
                self.asm.emit(op::LOCK_CMPXCHG, wide, src, place);
                if !wide {
                    // Where they were equal nothing is written to the register.
                    self.asm.emit(op::MOV_TO, false, Gpr::Rax, Gpr::Rax);
                }
            }
            AtomicOp::Or { fetch: true } => self.fetch(op::OR_TO, wide, gpr(base), off, src),
            AtomicOp::And { fetch: true } => self.fetch(op::AND_TO, wide, gpr(base), off, src),
            AtomicOp::Xor { fetch: true } => self.fetch(op::XOR_TO, wide, gpr(base), off, src),
        }
    }
}

impl Compiler<'_> {
    fn load_from(&mut self, size: Size, sign_extend: bool, dst: Reg, place: Place) {
        let (row, wide) = match (size, sign_extend) {
            (Size::B, false) => (op::LOAD8, false),
            (Size::H, false) => (op::LOAD16, false),
            (Size::W, false) => (op::LOAD, false),
            (Size::DW, _) => (op::LOAD, true),
            (Size::B, true) => (op::LOAD_SX8, true),
            (Size::H, true) => (op::LOAD_SX16, true),
            (Size::W, true) => (op::LOAD_SX32, true),
        };
        self.asm.emit(row, wide, gpr(dst), place);
    }

    /// What the machine has no instruction for is tried until nobody came between.
    fn fetch(&mut self, row: crate::x64::Op, wide: bool, base: Gpr, off: i32, src: Gpr) {
        // The old value has to be in `rax`, whose own one waits in `r10`; operands that are `rax` are
        // read there.
        const KEPT: Gpr = Gpr::R10;
        let instead = |reg: Gpr| if reg == Gpr::Rax { KEPT } else { reg };
        let place = Place::Mem(instead(base), off);
        self.asm.emit(op::MOV_TO, true, Gpr::Rax, KEPT);
        self.asm.emit(op::LOAD, wide, Gpr::Rax, place);
        let again = self.asm.label();
        self.asm.bind(again);
        self.asm.emit(op::MOV_TO, wide, Gpr::Rax, SCRATCH);
        self.asm.emit(row, wide, instead(src), SCRATCH);
        self.asm.emit(op::LOCK_CMPXCHG, wide, SCRATCH, place);
        self.asm.jump_if(Condition::NotEqual, again);
        if src != Gpr::Rax {
            self.asm.emit(op::MOV_TO, wide, Gpr::Rax, src);
            self.asm.emit(op::MOV_TO, true, KEPT, Gpr::Rax);
        } else if !wide {
            self.asm.emit(op::MOV_TO, false, Gpr::Rax, Gpr::Rax);
        }
    }
}

/// Where the machine keeps an address.
fn offset(field: PacketField) -> i32 {
    match field {
        PacketField::Start => layout::PACKET_START,
        PacketField::End => layout::PACKET_END,
        PacketField::Meta => layout::PACKET_META,
    }
}
