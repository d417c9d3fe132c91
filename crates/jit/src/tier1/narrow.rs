//! Which registers have nothing in their upper half: what works on the lower one alone leaves them so, and
//! need not clear it again.

use osmia_isa::{Operand, Reg, Size, Width};

use crate::lower::{Constant, Op, Regs};

/// Those registers.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Narrow(Regs);

impl Narrow {
    pub(super) fn has(self, reg: Reg) -> bool {
        self.0.has(reg)
    }

    /// What is so behind an operation.
    pub(super) fn after(self, op: &Op) -> Self {
        let Some(dst) = op.result() else {
            return Self(self.0.without(op.written()));
        };
        match self.makes(op, dst) {
            true => Self(self.0.and(Regs::of(dst))),
            false => Self(self.0.without(Regs::of(dst))),
        }
    }

    fn makes(self, op: &Op, dst: Reg) -> bool {
        match *op {
            Op::Alu { width, .. } | Op::Neg { width, .. } | Op::MovSx { width, .. } => {
                width == Width::W32
            }
            Op::Swap { size, .. } | Op::Cut { size, .. } => size != Size::DW,
            Op::Load {
                size, sign_extend, ..
            } => size != Size::DW && !sign_extend,
            Op::Constant {
                value: Constant::Number(value),
                ..
            } => u32::try_from(value).is_ok(),
            Op::Unless { copied, src, .. } => {
                let is_narrow = copied == Width::W32
                    || match src {
                        Operand::Reg(src) => self.has(src),
                        Operand::Imm(imm) => imm >= 0,
                    };
                is_narrow && self.has(dst)
            }
            _ => false,
        }
    }
}
