//! Arithmetic and comparisons.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use osmia_isa::{AluOp, Cond, Operand, Reg, Size, Width};

use super::body::Body;

pub(super) fn type_of(width: Width) -> Type {
    match width {
        Width::W32 => types::I32,
        Width::W64 => types::I64,
    }
}

pub(super) fn type_of_size(size: Size) -> Type {
    match size {
        Size::B => types::I8,
        Size::H => types::I16,
        Size::W => types::I32,
        Size::DW => types::I64,
    }
}

impl Body<'_, '_> {
    /// A register in a width.
    pub(super) fn narrow(&mut self, reg: Reg, width: Width) -> Value {
        let value = self.get(reg);
        self.reduce(value, type_of(width))
    }

    pub(super) fn reduce(&mut self, value: Value, to: Type) -> Value {
        match to {
            types::I64 => value,
            _ => self.builder.ins().ireduce(to, value),
        }
    }

    /// The low bytes, zeroes above.
    pub(super) fn widen(&mut self, value: Value, from: Type) -> Value {
        match from {
            types::I64 => value,
            _ => self.builder.ins().uextend(types::I64, value),
        }
    }

    pub(super) fn operand(&mut self, operand: Operand, width: Width) -> Value {
        match (operand, width) {
            (Operand::Reg(reg), _) => self.narrow(reg, width),
            (Operand::Imm(imm), Width::W64) => self.number(imm.into()),
            (Operand::Imm(imm), Width::W32) => {
                let imm = i64::from(imm as u32);
                self.builder.ins().iconst(types::I32, imm)
            }
        }
    }

    pub(super) fn alu(&mut self, op: AluOp, width: Width, dst: Reg, src: Operand) {
        let second = self.operand(src, width);
        let value = if op == AluOp::Mov {
            second
        } else {
            let first = self.narrow(dst, width);
            self.result(op, type_of(width), first, second, src)
        };
        let value = self.widen(value, type_of(width));
        match (op, src) {
            (AluOp::Mov, Operand::Reg(src)) => self.put(dst, value, &[src]),
            (AluOp::Mov, Operand::Imm(_)) => self.set(dst, value),
            (_, Operand::Reg(src)) => self.put(dst, value, &[dst, src]),
            (_, Operand::Imm(_)) => self.put(dst, value, &[dst]),
        }
    }

    fn result(&mut self, op: AluOp, ty: Type, first: Value, second: Value, src: Operand) -> Value {
        let ins = self.builder.ins();
        match op {
            AluOp::Add => ins.iadd(first, second),
            AluOp::Sub => ins.isub(first, second),
            AluOp::Mul => ins.imul(first, second),
            AluOp::Or => ins.bor(first, second),
            AluOp::And => ins.band(first, second),
            AluOp::Xor => ins.bxor(first, second),
            // Counts are taken modulo the width.
            AluOp::Lsh => ins.ishl(first, second),
            AluOp::Rsh => ins.ushr(first, second),
            AluOp::Arsh => ins.sshr(first, second),
            AluOp::Mov => second,
            AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => {
                self.divide(op, ty, first, second, src)
            }
        }
    }

    /// By zero a quotient is zero and a remainder what was divided.
    fn divide(&mut self, op: AluOp, ty: Type, first: Value, second: Value, src: Operand) -> Value {
        let is_quotient = matches!(op, AluOp::Div | AluOp::Sdiv);
        match src {
            Operand::Imm(0) if is_quotient => return self.builder.ins().iconst(ty, 0),
            Operand::Imm(0) => return first,
            Operand::Imm(imm) if imm != -1 => return self.quotient(op, first, second),
            _ => {}
        }
        let [zero, other, done] = [(); 3].map(|()| self.builder.create_block());
        self.builder.append_block_param(done, ty);
        self.builder.set_cold_block(zero);
        self.fork(second, other, zero);
        self.go_on(zero);
        let without = match is_quotient {
            true => self.builder.ins().iconst(ty, 0),
            false => first,
        };
        self.jump(done, &[without]);
        self.go_on(other);
        if op == AluOp::Sdiv {
            self.unless_minus_one(ty, first, second, done);
        }
        let quotient = self.quotient(op, first, second);
        self.jump(done, &[quotient]);
        self.go_on(done);
        self.builder.block_params(done)[0]
    }

    /// The smallest number by minus one overflows, which machines fault on: that is a negation.
    fn unless_minus_one(
        &mut self,
        ty: Type,
        first: Value,
        second: Value,
        done: cranelift_codegen::ir::Block,
    ) {
        let [minus, other] = [(); 2].map(|()| self.builder.create_block());
        self.builder.set_cold_block(minus);
        let all_ones = match ty {
            types::I64 => self.number(-1),
            _ => self.builder.ins().iconst(ty, i64::from(u32::MAX)),
        };
        let is_minus_one = self.builder.ins().icmp(IntCC::Equal, second, all_ones);
        self.fork(is_minus_one, minus, other);
        self.go_on(minus);
        let negated = self.builder.ins().ineg(first);
        self.jump(done, &[negated]);
        self.go_on(other);
    }

    fn quotient(&mut self, op: AluOp, first: Value, second: Value) -> Value {
        let ins = self.builder.ins();
        match op {
            AluOp::Div => ins.udiv(first, second),
            AluOp::Mod => ins.urem(first, second),
            AluOp::Sdiv => ins.sdiv(first, second),
            _ => ins.srem(first, second),
        }
    }

    /// Copies if a condition does not hold.
    pub(super) fn unless(&mut self, holds: Value, dst: Reg, copied: Width, src: Operand) {
        let kept = self.get(dst);
        let value = self.operand(src, copied);
        let value = self.widen(value, type_of(copied));
        let value = self.builder.ins().select(holds, kept, value);
        match src {
            Operand::Reg(src) => self.put(dst, value, &[dst, src]),
            Operand::Imm(_) => self.put(dst, value, &[dst]),
        }
    }

    pub(super) fn neg(&mut self, width: Width, dst: Reg) {
        let value = self.narrow(dst, width);
        let value = self.builder.ins().ineg(value);
        let value = self.widen(value, type_of(width));
        self.put(dst, value, &[dst]);
    }

    /// Sign-extends to the width, zeroes above.
    pub(super) fn extend(&mut self, width: Width, dst: Reg, src: Reg, from: Size) {
        let value = self.get(src);
        let value = self.reduce(value, type_of_size(from));
        let value = match (from, width) {
            (Size::DW, _) | (Size::W, Width::W32) => value,
            _ => self.builder.ins().sextend(type_of(width), value),
        };
        let value = self.widen(value, type_of(width));
        self.put(dst, value, &[src]);
    }

    pub(super) fn swap(&mut self, dst: Reg, size: Size) {
        let value = self.get(dst);
        let value = self.reduce(value, type_of_size(size));
        let value = match size {
            Size::B => value,
            _ => self.builder.ins().bswap(value),
        };
        let value = self.widen(value, type_of_size(size));
        self.put(dst, value, &[dst]);
    }

    pub(super) fn cut(&mut self, dst: Reg, size: Size) {
        let value = self.get(dst);
        let value = self.reduce(value, type_of_size(size));
        let value = self.widen(value, type_of_size(size));
        self.put(dst, value, &[dst]);
    }

    /// Whether a comparison holds.
    pub(super) fn holds(&mut self, cond: Cond, width: Width, first: Reg, second: Operand) -> Value {
        let (cond, second) = one_flag(cond, second);
        let (first, second) = (self.narrow(first, width), self.operand(second, width));
        self.compare(cond, first, second)
    }

    pub(super) fn compare(&mut self, cond: Cond, first: Value, second: Value) -> Value {
        let code = match cond {
            Cond::Eq => IntCC::Equal,
            Cond::Ne => IntCC::NotEqual,
            Cond::Gt => IntCC::UnsignedGreaterThan,
            Cond::Ge => IntCC::UnsignedGreaterThanOrEqual,
            Cond::Lt => IntCC::UnsignedLessThan,
            Cond::Le => IntCC::UnsignedLessThanOrEqual,
            Cond::Sgt => IntCC::SignedGreaterThan,
            Cond::Sge => IntCC::SignedGreaterThanOrEqual,
            Cond::Slt => IntCC::SignedLessThan,
            Cond::Sle => IntCC::SignedLessThanOrEqual,
            // True if any bit is left.
            Cond::Set => return self.builder.ins().band(first, second),
        };
        self.builder.ins().icmp(code, first, second)
    }
}

/// The same comparison so that it looks at one flag of the processor: moves on two take twice as long.
fn one_flag(cond: Cond, second: Operand) -> (Cond, Operand) {
    let Operand::Imm(imm) = second else {
        return (cond, second);
    };
    // Of the largest number there is no next one, and of the largest positive one none that fits.
    let next = imm.checked_add(1).filter(|next| *next != 0);
    match (cond, next) {
        (Cond::Gt, Some(next)) => (Cond::Ge, Operand::Imm(next)),
        (Cond::Le, Some(next)) => (Cond::Lt, Operand::Imm(next)),
        _ => (cond, second),
    }
}
