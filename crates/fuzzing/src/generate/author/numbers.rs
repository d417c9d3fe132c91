//! Arithmetic on numbers, and where numbers come from.

use osmia_isa::{AluOp, Cond, EndOp, Imm64, Insn, Operand, Size, Width};
use osmia_program::ProgramKind;

use super::{Author, Kind, SIZES, WIDTHS, reg};

/// Helpers without arguments that return a number: the time, a random number, the CPU's number.
const NUMBERS: [i32; 3] = [5, 7, 8];

impl Author<'_> {
    /// A register that holds a number; there will be one.
    pub(super) fn number(&mut self) -> usize {
        let numbers = self.has(|kind| kind == Kind::Number);
        if numbers.is_empty() || self.chance.percent(5) {
            return self.fresh_number();
        }
        numbers[self.chance.below(numbers.len())]
    }

    /// A number the verifier does not know much of.
    pub(super) fn fresh_number(&mut self) -> usize {
        let dst = self.target();
        let contexts = self.has(|kind| kind == Kind::Context);
        let values = self.has(|kind| matches!(kind, Kind::Value(_)));
        if let Some(&base) = values.first()
            && self.chance.percent(60)
        {
            let Kind::Value(start) = self.regs[base] else {
                return dst;
            };
            let off = self.chance.below(8) as i64 * 8 - start;
            let size = self.chance.one_of(&SIZES);
            self.load(size, dst, reg(base), off as i16);
        } else if let Some(&base) = contexts.first()
            && self.chance.percent(60)
        {
            // A number in every one of the contexts: an ingress index, or a length.
            let off = if self.kind == ProgramKind::Xdp { 12 } else { 0 };
            self.code.push(Insn::Load {
                size: Size::W,
                sign_extend: false,
                dst: reg(dst),
                base: reg(base),
                off,
            });
        } else {
            let value = Imm64::Value(self.chance.awkward());
            self.code.push(Insn::LoadImm64 {
                dst: reg(dst),
                value,
            });
        }
        self.regs[dst] = Kind::Number;
        dst
    }

    pub(super) fn arithmetic(&mut self) {
        let dst = self.number();
        let (op, width) = (self.chance.one_of(&AluOp::ALL), self.chance.one_of(&WIDTHS));
        let shift = matches!(op, AluOp::Lsh | AluOp::Rsh | AluOp::Arsh);
        let divides = matches!(op, AluOp::Div | AluOp::Sdiv | AluOp::Mod | AluOp::Smod);
        let src = if self.chance.percent(50) {
            Operand::Reg(reg(self.number()))
        } else if shift {
            let bits = if width == Width::W32 { 32 } else { 64 };
            Operand::Imm(self.chance.below(bits) as i32)
        } else {
            let value = self.chance.immediate();
            Operand::Imm(if divides && value == 0 { 3 } else { value })
        };
        self.alu(op, width, dst, src);
        self.regs[dst] = Kind::Number;
    }

    pub(super) fn convert(&mut self) {
        let dst = self.number();
        let width = self.chance.one_of(&WIDTHS);
        match self.chance.below(3) {
            0 => self.code.push(Insn::Neg {
                width,
                dst: reg(dst),
            }),
            1 => {
                let src = self.number();
                let from: &[Size] = match width {
                    Width::W32 => &[Size::B, Size::H],
                    Width::W64 => &[Size::B, Size::H, Size::W],
                };
                let from = self.chance.one_of(from);
                self.code.push(Insn::MovSx {
                    width,
                    dst: reg(dst),
                    src: reg(src),
                    from,
                });
            }
            _ => {
                let op = self.chance.one_of(&[EndOp::ToLe, EndOp::ToBe, EndOp::Swap]);
                let size = self.chance.one_of(&[Size::H, Size::W, Size::DW]);
                self.code.push(Insn::End {
                    op,
                    dst: reg(dst),
                    size,
                });
            }
        }
    }

    pub(super) fn number_helper(&mut self) {
        let helper = self.chance.one_of(&NUMBERS);
        self.helper(helper);
    }

    /// Makes a number lie below a limit by one of the ways people know, and goes on inside.
    pub(super) fn bound(&mut self, index: usize, limit: i64, inside: impl FnOnce(&mut Self)) {
        let limit = limit.max(1);
        let skip = self.code.label();
        let mask = (1 << (63 - (limit as u64).leading_zeros())) - 1;
        let (regs, stack) = (self.regs, self.stack);
        match self.chance.below(6) {
            0 => self.alu(AluOp::And, Width::W64, index, Operand::Imm(mask)),
            1 => self.alu(AluOp::And, Width::W32, index, Operand::Imm(mask)),
            2 => self.alu(AluOp::Mod, Width::W64, index, Operand::Imm(limit as i32)),
            3 => {
                let imm = Operand::Imm(limit as i32);
                self.jump_if(Cond::Gt, Width::W64, index, imm, skip);
            }
            4 => {
                let imm = Operand::Imm(limit as i32);
                self.jump_if(Cond::Sgt, Width::W64, index, imm, skip);
                self.jump_if(Cond::Slt, Width::W64, index, Operand::Imm(0), skip);
            }
            _ => {
                let width = self.chance.one_of(&WIDTHS);
                let cond = self.chance.one_of(&[Cond::Gt, Cond::Ge, Cond::Sge]);
                self.jump_if(cond, width, index, Operand::Imm(limit as i32), skip);
                if self.chance.percent(50) {
                    self.alu(AluOp::Mov, Width::W32, index, Operand::Reg(reg(index)));
                }
            }
        }
        inside(self);
        self.code.place(skip);
        self.meet(&regs, &stack);
    }
}
