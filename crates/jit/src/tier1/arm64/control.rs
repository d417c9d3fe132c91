//! Jumps and conditions.

use osmia_isa::{Cond, Operand, Reg, Width};
use osmia_vm::layout;

use super::super::templates::Control;
use super::frame::counter;
use super::immediate::value;
use super::regs::{SCRATCH, SCRATCH2, gpr};
use super::{Compiler, is_wide};
use crate::arm64::{Condition, Gpr, Place, op};
use crate::asm::Label;

impl Control for Compiler<'_> {
    fn jump(&mut self, to: Label) {
        self.asm.jump(to);
    }

    fn branch(&mut self, cond: Cond, width: Width, dst: Reg, src: Operand, to: Label) {
        if let (Cond::Eq | Cond::Ne, Operand::Imm(0)) = (cond, src) {
            let is_zero = cond == Cond::Eq;
            (self.asm).jump_if_zero(is_zero, is_wide(width), gpr(dst), to);
            return;
        }
        self.compare(cond, width, gpr(dst), src);
        self.asm.jump_if(condition(cond), to);
    }

    fn copy_unless(
        &mut self,
        cond: Cond,
        width: Width,
        (first, second): (Reg, Operand),
        copied: Width,
        dst: Reg,
        src: Operand,
    ) {
        // The lower half alone, where the upper one is clear already.
        let wide = copied == Width::W64 || !self.narrow.has(dst);
        let value = match src {
            Operand::Imm(imm) => self.held(SCRATCH2, value(imm, copied)),
            Operand::Reg(src) if copied == Width::W32 && wide && !self.narrow.has(src) => {
                self.asm.copy(false, SCRATCH2, gpr(src));
                SCRATCH2
            }
            Operand::Reg(src) => gpr(src),
        };
        self.compare(cond, width, gpr(first), second);
        let dst = gpr(dst);
        (self.asm).select(condition(cond), wide, dst, (dst, value));
    }

    fn count_and_jump(&mut self, to: Label) {
        let at = counter(&self.frame);
        self.stack(op::LOAD64, SCRATCH, at);
        let fits = self.asm.sum(op::SUBS_I, true, SCRATCH, SCRATCH, 1);
        debug_assert!(fits);
        self.stack(op::STORE64, SCRATCH, at);
        self.asm.jump_if(Condition::Less, to);
    }

    fn jump_if_stopping(&mut self, to: Label) {
        self.run(op::LOAD64, SCRATCH, layout::STOP);
        let flag = Place::Sum(SCRATCH, Gpr::ZERO);
        self.asm.access(op::LOAD32, SCRATCH, flag);
        self.asm.jump_if_zero(false, false, SCRATCH, to);
    }

    fn jump_if_ended(&mut self, to: Label) {
        self.run(op::LOAD32, SCRATCH, layout::ENDED);
        self.asm.jump_if_zero(false, false, SCRATCH, to);
    }

    fn note_end(&mut self) {
        self.asm.constant(SCRATCH, 1);
        self.run(op::STORE32, SCRATCH, layout::ENDED);
    }

    fn end_at(&mut self, slot: u32) {
        let slot = self.held(SCRATCH, slot.into());
        self.run(op::STORE32, slot, layout::SLOT);
        self.asm.jump(self.unwind);
    }

    fn align_loop(&mut self) {
        // Instructions do not straddle what is read together.
    }

    fn trap(&mut self) {
        self.asm.trap();
    }
}

impl Compiler<'_> {
    /// Sets the flags that a condition is read from.
    fn compare(&mut self, cond: Cond, width: Width, dst: Gpr, src: Operand) {
        let wide = is_wide(width);
        match (cond, src) {
            (Cond::Set, Operand::Imm(imm))
                if (self.asm).logical(op::ANDS_I, wide, Gpr::ZERO, dst, value(imm, width)) => {}
            (Cond::Set, src) => {
                let src = self.register(src, width);
                self.asm.three(op::ANDS, wide, Gpr::ZERO, dst, src);
            }
            (_, Operand::Imm(imm)) => self.compare_with(width, dst, imm),
            (_, Operand::Reg(src)) => {
                self.asm.three(op::SUBS, wide, Gpr::ZERO, dst, gpr(src));
            }
        }
    }
}

fn condition(cond: Cond) -> Condition {
    match cond {
        Cond::Eq => Condition::Equal,
        Cond::Ne | Cond::Set => Condition::NotEqual,
        Cond::Gt => Condition::Above,
        Cond::Ge => Condition::AboveOrEqual,
        Cond::Lt => Condition::Below,
        Cond::Le => Condition::BelowOrEqual,
        Cond::Sgt => Condition::Greater,
        Cond::Sge => Condition::GreaterOrEqual,
        Cond::Slt => Condition::Less,
        Cond::Sle => Condition::LessOrEqual,
    }
}
