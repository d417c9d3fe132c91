//! Arithmetic.

use osmia_isa::{AluOp, Operand, Reg, Size, Width};

use super::super::templates::Arithmetic;
use super::immediate::value;
use super::regs::{REACH, SCRATCH, gpr};
use super::{Compiler, is_wide};
use crate::arm64::{Gpr, op};
use crate::symbols::Symbol;

impl Arithmetic for Compiler<'_> {
    fn alu(&mut self, alu: AluOp, width: Width, dst: Reg, src: Operand) {
        let (reg, wide) = (gpr(dst), is_wide(width));
        match (alu, src) {
            // It is there already.
            (AluOp::Mov, Operand::Reg(src)) if src == dst && (wide || self.narrow.has(dst)) => {}
            (AluOp::Mov, Operand::Reg(src)) => self.asm.copy(wide, reg, gpr(src)),
            (AluOp::Mov, Operand::Imm(imm)) => self.asm.constant(reg, value(imm, width)),
            (AluOp::Lsh | AluOp::Rsh | AluOp::Arsh, Operand::Imm(imm)) => {
                self.shift(alu, wide, reg, imm);
            }
            (AluOp::Add, Operand::Imm(imm)) => self.add(width, reg, reg, imm),
            (AluOp::Sub, Operand::Imm(imm)) if imm != i32::MIN => self.add(width, reg, reg, -imm),
            (_, Operand::Imm(imm)) if self.logical(alu, width, reg, imm) => {}
            (_, src) => {
                let src = self.register(src, width);
                self.operate(alu, wide, reg, reg, src);
            }
        }
    }

    fn sum(&mut self, dst: Reg, src: Reg, imm: i32) {
        self.add(Width::W64, gpr(dst), gpr(src), imm);
    }

    fn neg(&mut self, width: Width, dst: Reg) {
        let dst = gpr(dst);
        self.asm.three(op::SUB, is_wide(width), dst, Gpr::ZERO, dst);
    }

    fn extend(&mut self, width: Width, dst: Reg, src: Reg, from: Size) {
        let last = match from {
            Size::B => 7,
            Size::H => 15,
            Size::W | Size::DW => 31,
        };
        (self.asm).field(op::SIGNED, is_wide(width), gpr(dst), gpr(src), (0, last));
    }

    fn swap(&mut self, dst: Reg, size: Size) {
        let reg = gpr(dst);
        match size {
            Size::DW => self.asm.two(op::REV64, reg, reg),
            Size::W => self.asm.two(op::REV32, reg, reg),
            Size::H | Size::B => {
                self.asm.two(op::REV16, reg, reg);
                self.cut(dst, size);
            }
        }
    }

    fn cut(&mut self, dst: Reg, size: Size) {
        let dst = gpr(dst);
        match size {
            Size::DW => {}
            Size::W => self.asm.copy(false, dst, dst),
            Size::H => self.asm.field(op::UNSIGNED, false, dst, dst, (0, 15)),
            Size::B => self.asm.field(op::UNSIGNED, false, dst, dst, (0, 7)),
        }
    }

    fn number(&mut self, dst: Reg, value: u64) {
        self.asm.constant(gpr(dst), value);
    }

    fn symbol(&mut self, dst: Reg, symbol: Symbol) {
        self.address(gpr(dst), symbol);
    }

    fn alu_to(&mut self, alu: AluOp, width: Width, dst: Reg, first: Reg, second: Reg) -> bool {
        if alu == AluOp::Mov {
            return false;
        }
        self.operate(alu, is_wide(width), gpr(dst), gpr(first), gpr(second));
        true
    }
}

impl Compiler<'_> {
    pub(super) fn address(&mut self, dst: Gpr, symbol: Symbol) {
        self.names(symbol);
        self.asm.address(dst, self.symbols.address(symbol));
    }

    /// Counts are taken modulo the width, as the machine does by itself. By zero a quotient is zero, as the
    /// machine has it, too, and thus the remainder what was divided; nothing overflows.
    fn operate(&mut self, alu: AluOp, wide: bool, dst: Gpr, first: Gpr, second: Gpr) {
        let row = match alu {
            AluOp::Add => op::ADD,
            AluOp::Sub => op::SUB,
            AluOp::Mul => op::MUL,
            AluOp::Or => op::OR,
            AluOp::And => op::AND,
            AluOp::Xor => op::XOR,
            AluOp::Lsh => op::LSL,
            AluOp::Rsh => op::LSR,
            AluOp::Arsh => op::ASR,
            AluOp::Div | AluOp::Mod => op::UDIV,
            AluOp::Sdiv | AluOp::Smod => op::SDIV,
            AluOp::Mov => unreachable!("copies have forms of their own"),
        };
        if matches!(alu, AluOp::Mod | AluOp::Smod) {
            self.asm.three(row, wide, SCRATCH, first, second);
            (self.asm).four(op::MSUB, wide, dst, (SCRATCH, second), first);
        } else {
            self.asm.three(row, wide, dst, first, second);
        }
    }

    fn shift(&mut self, alu: AluOp, wide: bool, dst: Gpr, imm: i32) {
        let last = if wide { 63 } else { 31 };
        let count = imm as u32 & last;
        match (alu, count) {
            (_, 0) if wide => {}
            // A shift by nothing clears the upper half of a 32-bit result.
            (_, 0) => self.asm.copy(false, dst, dst),
            (AluOp::Lsh, _) => self.asm.shift_left(wide, dst, dst, count),
            (AluOp::Rsh, _) => (self.asm).field(op::UNSIGNED, wide, dst, dst, (count, last)),
            _ => self.asm.field(op::SIGNED, wide, dst, dst, (count, last)),
        }
    }

    /// A logical operation with a pattern of ones, if it is one.
    fn logical(&mut self, alu: AluOp, width: Width, dst: Gpr, imm: i32) -> bool {
        let row = match alu {
            AluOp::And => op::AND_I,
            AluOp::Or => op::OR_I,
            AluOp::Xor => op::XOR_I,
            _ => return false,
        };
        let value = value(imm, width);
        self.asm.logical(row, is_wide(width), dst, dst, value)
    }

    /// `dst = src * factor`, or a shift if that is the same.
    pub(super) fn times(&mut self, dst: Gpr, src: Gpr, factor: u64) {
        if factor.is_power_of_two() {
            let bits = factor.trailing_zeros();
            self.asm.shift_left(true, dst, src, bits);
        } else {
            self.asm.constant(REACH, factor);
            self.asm.three(op::MUL, true, dst, src, REACH);
        }
    }
}
