//! Lines in a row that are fewer instructions together: addresses that loads can add up themselves, sums
//! and shifts that go to another register. Which of them a machine has its templates say.

use osmia_isa::{AluOp, Operand, Reg, Width};

use super::templates::{Arithmetic, Memory, Templates};
use super::walk::Compiler;
use crate::asm::Assembly;
use crate::lower::{Base, Line, Op};

/// How far is looked whether a register is still needed.
const LOOK: usize = 4;

impl<A: Assembly> Compiler<'_, A>
where
    Self: Templates,
{
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
        if (then, width) == (AluOp::Add, Width::W64) && self.sum_and_load(dst, (from, by), behind) {
            return Some(3);
        }
        self.alu_to(then, width, dst, from, by).then_some(2)
    }

    /// A load through a sum that nothing else needs.
    fn sum_and_load(&mut self, dst: Reg, sum: (Reg, Reg), behind: &[Line]) -> bool {
        let [line, behind @ ..] = behind else {
            return false;
        };
        let Op::Load {
            size,
            sign_extend,
            dst: loaded,
            base: Base::Reg(base),
            off,
        } = line.op
        else {
            return false;
        };
        let is_alone = base == dst
            && !self.is_target(line.slot)
            && (loaded == dst || self.is_done_with(dst, behind));
        is_alone && self.load_through(size, sign_extend, loaded, sum, off)
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
