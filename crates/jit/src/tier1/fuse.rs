//! Lines in a row that are fewer instructions together: addresses that loads can add up themselves, sums
//! and shifts that go to another register.

use osmia_isa::{AluOp, Operand, Reg, Width};

use super::regs::gpr;
use super::{Compiler, is_wide};
use crate::lower::{Base, Line, Op};
use crate::x64::{Place, op};

/// How far is looked whether a register is still needed.
const LOOK: usize = 4;

impl Compiler<'_> {
    /// Compiles the first lines together, if it can, and says how many. None but the first is jumped to.
    pub(super) fn fused(&mut self, lines: &[Line]) -> Option<usize> {
        let [first, second, behind @ ..] = lines else {
            return None;
        };
        let Op::Alu {
            op: AluOp::Mov,
            width,
            dst,
            src: Operand::Reg(from),
        } = first.op
        else {
            return None;
        };
        let Op::Alu {
            op: then,
            width: same,
            dst: into,
            src: Operand::Reg(by),
        } = second.op
        else {
            return None;
        };
        if (same, into) != (width, dst) || by == dst || self.is_target(second.slot) {
            return None;
        }
        match then {
            AluOp::Add if width == Width::W64 => Some(self.sum(dst, from, by, behind)),
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh if self.processor.shifts_to => {
                self.shift_to(then, is_wide(width), gpr(dst), gpr(from), gpr(by));
                Some(2)
            }
            _ => None,
        }
    }

    /// `dst = first + second`, and the load through it that may follow.
    fn sum(&mut self, dst: Reg, first: Reg, second: Reg, behind: &[Line]) -> usize {
        if let [line, behind @ ..] = behind
            && let Op::Load {
                size,
                sign_extend,
                dst: loaded,
                base: Base::Reg(base),
                off,
            } = line.op
            && base == dst
            && !self.is_target(line.slot)
            && (loaded == dst || self.is_done_with(dst, behind))
        {
            let place = Place::Sum(gpr(first), gpr(second), off);
            self.load_from(size, sign_extend, gpr(loaded), place);
            return 3;
        }
        let place = Place::Sum(gpr(first), gpr(second), 0);
        self.asm.emit(op::LEA, true, gpr(dst), place);
        2
    }

    /// True if the next lines set a register before anything looks at it.
    fn is_done_with(&self, reg: Reg, lines: &[Line]) -> bool {
        for line in lines.iter().take(LOOK) {
            let goes_on = line.op.result().is_some() || matches!(line.op, Op::Store { .. });
            if self.is_target(line.slot) || line.op.reads(reg) || !goes_on {
                return false;
            }
            if line.op.result() == Some(reg) {
                return true;
            }
        }
        false
    }
}
