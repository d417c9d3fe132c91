//! Arithmetic.

use osmia_isa::{AluOp, Operand, Reg, Size, Width};

use super::super::templates::Arithmetic;
use super::regs::{SCRATCH, SCRATCH2, gpr};
use super::{Compiler, is_wide};
use crate::asm::Assembly as _;
use crate::symbols::Symbol;
use crate::x64::{Condition, Gpr, Place, ShiftTo, op};

type Row = crate::x64::Op;

impl Arithmetic for Compiler<'_> {
    fn alu(&mut self, alu: AluOp, width: Width, dst: Reg, src: Operand) {
        let reg = dst;
        let (wide, dst) = (is_wide(width), gpr(reg));
        match (alu, src) {
            // It is there already.
            (AluOp::Mov, Operand::Reg(src)) if src == reg && (wide || self.narrow.has(reg)) => {}
            (AluOp::Mov, Operand::Reg(src)) => self.asm.emit(op::MOV_TO, wide, gpr(src), dst),
            (AluOp::Mov, Operand::Imm(imm)) => {
                let value = if wide {
                    i64::from(imm) as u64
                } else {
                    u64::from(imm as u32)
                };
                self.asm.constant(dst, value);
            }
            (AluOp::Mul, Operand::Reg(src)) => self.asm.emit(op::IMUL, wide, dst, gpr(src)),
            (AluOp::Mul, Operand::Imm(imm)) => match i8::try_from(imm) {
                Ok(_) => self.asm.emit_imm(op::IMUL_I8, wide, dst, dst, imm),
                Err(_) => self.asm.emit_imm(op::IMUL_I32, wide, dst, dst, imm),
            },
            (AluOp::Div | AluOp::Sdiv | AluOp::Mod | AluOp::Smod, src) => {
                self.divide(alu, wide, dst, src);
            }
            (AluOp::Lsh | AluOp::Rsh | AluOp::Arsh, src) => self.shift(alu, wide, dst, src),
            (_, Operand::Reg(src)) => self.asm.emit(two_operand(alu).0, wide, gpr(src), dst),
            (_, Operand::Imm(imm)) => {
                let (_, short, long) = two_operand(alu);
                self.with_imm(short, long, wide, dst, imm);
            }
        }
    }

    fn sum(&mut self, dst: Reg, src: Reg, imm: i32) {
        let place = Place::Mem(gpr(src), imm);
        self.asm.emit(op::LEA, true, gpr(dst), place);
    }

    fn neg(&mut self, width: Width, dst: Reg) {
        self.asm.emit_one(op::NEG, is_wide(width), gpr(dst));
    }

    fn extend(&mut self, width: Width, dst: Reg, src: Reg, from: Size) {
        let row = match from {
            Size::B => op::LOAD_SX8,
            Size::H => op::LOAD_SX16,
            Size::W | Size::DW => op::LOAD_SX32,
        };
        self.asm.emit(row, is_wide(width), gpr(dst), gpr(src));
    }

    fn swap(&mut self, dst: Reg, size: Size) {
        match size {
            Size::DW => self.asm.swap(true, gpr(dst)),
            Size::W => self.asm.swap(false, gpr(dst)),
            Size::H | Size::B => {
                self.asm.emit_with(op::ROL16_I8, false, gpr(dst), 8);
                self.cut(dst, size);
            }
        }
    }

    fn cut(&mut self, dst: Reg, size: Size) {
        let dst = gpr(dst);
        match size {
            Size::DW => {}
            Size::W => self.asm.emit(op::MOV_TO, false, dst, dst),
            Size::H => self.asm.emit(op::LOAD16, false, dst, dst),
            Size::B => self.asm.emit(op::LOAD8, false, dst, dst),
        }
    }

    fn number(&mut self, dst: Reg, value: u64) {
        self.asm.constant(gpr(dst), value);
    }

    fn symbol(&mut self, dst: Reg, symbol: Symbol) {
        self.address(gpr(dst), symbol);
    }

    fn alu_to(&mut self, alu: AluOp, width: Width, dst: Reg, first: Reg, second: Reg) -> bool {
        let (dst, first, second) = (gpr(dst), gpr(first), gpr(second));
        match alu {
            AluOp::Add if is_wide(width) => {
                let sum = Place::Sum(first, second, 0);
                self.asm.emit(op::LEA, true, dst, sum);
            }
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh if self.features.shifts_to => {
                self.shift_to(alu, is_wide(width), dst, first, second);
            }
            _ => return false,
        }
        true
    }
}

impl Compiler<'_> {
    pub(super) fn address(&mut self, dst: Gpr, symbol: Symbol) {
        self.names(symbol);
        self.asm.address(dst, self.symbols.address(symbol));
    }

    /// An immediate in one byte if it fits.
    pub(super) fn with_imm(&mut self, short: Row, long: Row, wide: bool, dst: Gpr, imm: i32) {
        let row = match i8::try_from(imm) {
            Ok(_) => short,
            Err(_) => long,
        };
        self.asm.emit_with(row, wide, dst, imm);
    }

    /// A shift to another register.
    fn shift_to(&mut self, alu: AluOp, wide: bool, dst: Gpr, src: Gpr, count: Gpr) {
        let shift = match alu {
            AluOp::Lsh => ShiftTo::Left,
            AluOp::Rsh => ShiftTo::Right,
            _ => ShiftTo::Arithmetic,
        };
        self.asm.shift_to(shift, wide, dst, src, count);
    }

    /// Counts are taken modulo the width, as the machine does by itself.
    fn shift(&mut self, alu: AluOp, wide: bool, dst: Gpr, src: Operand) {
        let (by_cl, by_imm) = match alu {
            AluOp::Lsh => (op::SHL, op::SHL_I8),
            AluOp::Rsh => (op::SHR, op::SHR_I8),
            _ => (op::SAR, op::SAR_I8),
        };
        let src = match src {
            Operand::Imm(imm) => {
                let bits = if wide { 63 } else { 31 };
                match imm & bits {
                    // A shift by nothing would leave the upper half of a 32-bit result.
                    0 if wide => {}
                    0 => self.asm.emit(op::MOV_TO, false, dst, dst),
                    count => self.asm.emit_with(by_imm, wide, dst, count),
                }
                return;
            }
            Operand::Reg(src) => gpr(src),
        };
        if self.features.shifts_to {
            self.shift_to(alu, wide, dst, dst, src);
            return;
        }
        // The count is in `cl`. Its own value waits in the scratch register meanwhile.
        if src == Gpr::Rcx && dst != Gpr::Rcx {
            self.asm.emit_one(by_cl, wide, dst);
            return;
        }
        self.asm.emit(op::MOV_TO, true, Gpr::Rcx, SCRATCH);
        if src != Gpr::Rcx {
            self.asm.emit(op::MOV_TO, false, src, Gpr::Rcx);
        }
        let shifted = if dst == Gpr::Rcx { SCRATCH } else { dst };
        self.asm.emit_one(by_cl, wide, shifted);
        self.asm.emit(op::MOV_TO, true, SCRATCH, Gpr::Rcx);
    }

    /// Division works on `rdx:rax`. Whatever of the two is not the destination keeps its value; by
    /// zero a quotient is zero and a remainder what was divided.
    fn divide(&mut self, alu: AluOp, wide: bool, dst: Gpr, src: Operand) {
        let signed = matches!(alu, AluOp::Sdiv | AluOp::Smod);
        let remainder = matches!(alu, AluOp::Mod | AluOp::Smod);
        let divisor = match src {
            Operand::Imm(0) => {
                self.divided_by_zero(remainder, wide, dst);
                return;
            }
            Operand::Imm(imm) => {
                self.asm.constant(SCRATCH, i64::from(imm) as u64);
                SCRATCH
            }
            Operand::Reg(src) => {
                self.asm.emit(op::MOV_TO, true, gpr(src), SCRATCH);
                SCRATCH
            }
        };
        let done = self.asm.label();
        let by_register = matches!(src, Operand::Reg(_));
        // What is divided stays as it is: nothing is to be done there.
        let stays = remainder && wide;
        let zero = if stays { done } else { self.asm.label() };
        if by_register {
            self.asm.emit(op::TEST_TO, wide, divisor, divisor);
            self.asm.jump_if(Condition::Equal, zero);
        }
        // The smallest number by minus one overflows, which the machine faults on.
        let minus = self.asm.label();
        let may_be_minus_one = signed && !matches!(src, Operand::Imm(imm) if imm != -1);
        if may_be_minus_one {
            self.asm.emit_with(op::CMP_I8, wide, divisor, -1);
            self.asm.jump_if(Condition::Equal, minus);
        }
        // `r9` holds no register of the program; the red zone below the stack pointer is not used.
        if dst != Gpr::Rax {
            self.asm.emit(op::MOV_TO, true, Gpr::Rax, SCRATCH2);
            self.asm.emit(op::MOV_TO, wide, dst, Gpr::Rax);
        }
        if dst != Gpr::Rdx {
            self.asm.emit(op::MOV_TO, true, Gpr::Rdx, Gpr::R9);
        }
        if signed {
            self.asm.extend_rax(wide);
            self.asm.emit_one(op::IDIV, wide, divisor);
        } else {
            self.asm.emit(op::XOR_TO, false, Gpr::Rdx, Gpr::Rdx);
            self.asm.emit_one(op::DIV, wide, divisor);
        }
        let result = if remainder { Gpr::Rdx } else { Gpr::Rax };
        if dst != result {
            self.asm.emit(op::MOV_TO, wide, result, dst);
        }
        if dst != Gpr::Rdx {
            self.asm.emit(op::MOV_TO, true, Gpr::R9, Gpr::Rdx);
        }
        if dst != Gpr::Rax {
            self.asm.emit(op::MOV_TO, true, SCRATCH2, Gpr::Rax);
        }
        if may_be_minus_one {
            self.asm.jump(done);
            self.asm.bind(minus);
            if remainder {
                self.asm.constant(dst, 0);
            } else {
                self.asm.emit_one(op::NEG, wide, dst);
            }
        }
        if by_register && !stays {
            self.asm.jump(done);
            self.asm.bind(zero);
            self.divided_by_zero(remainder, wide, dst);
        }
        self.asm.bind(done);
    }

    fn divided_by_zero(&mut self, remainder: bool, wide: bool, dst: Gpr) {
        match (remainder, wide) {
            (false, _) => self.asm.constant(dst, 0),
            (true, false) => self.asm.emit(op::MOV_TO, false, dst, dst),
            (true, true) => {}
        }
    }
}

/// With a register, with a byte, with four bytes.
fn two_operand(alu: AluOp) -> (Row, Row, Row) {
    match alu {
        AluOp::Add => (op::ADD_TO, op::ADD_I8, op::ADD_I32),
        AluOp::Sub => (op::SUB_TO, op::SUB_I8, op::SUB_I32),
        AluOp::Or => (op::OR_TO, op::OR_I8, op::OR_I32),
        AluOp::And => (op::AND_TO, op::AND_I8, op::AND_I32),
        AluOp::Xor => (op::XOR_TO, op::XOR_I8, op::XOR_I32),
        AluOp::Mov
        | AluOp::Mul
        | AluOp::Div
        | AluOp::Sdiv
        | AluOp::Mod
        | AluOp::Smod
        | AluOp::Lsh
        | AluOp::Rsh
        | AluOp::Arsh => unreachable!("these have forms of their own"),
    }
}
