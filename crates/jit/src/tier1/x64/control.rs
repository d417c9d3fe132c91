//! Jumps and conditions.

use osmia_isa::{Cond, Operand, Reg, Width};
use osmia_vm::layout;

use super::super::templates::Control;
use super::regs::{COUNTER, RUN, SCRATCH, gpr};
use super::{Compiler, is_wide};
use crate::asm::Label;
use crate::x64::{Condition, Gpr, Place, op};

/// What is read from memory together.
const LOOP_ALIGNMENT: usize = 16;

impl Control for Compiler<'_> {
    fn jump(&mut self, to: Label) {
        self.asm.jump(to);
    }

    fn branch(&mut self, cond: Cond, width: Width, dst: Reg, src: Operand, to: Label) {
        self.compare(cond, is_wide(width), gpr(dst), src);
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
        let value = self.copied(copied, wide, src);
        let cond = self.compare_to_copy(cond, is_wide(width), gpr(first), second);
        (self.asm).move_unless(condition(cond), wide, gpr(dst), value);
    }

    fn count_and_jump(&mut self, to: Label) {
        self.asm.emit_with(op::SUB_I8, true, COUNTER, 1);
        self.asm.jump_if(Condition::Less, to);
    }

    fn jump_if_stopping(&mut self, to: Label) {
        let flag = Place::Mem(RUN, layout::STOP);
        self.asm.emit(op::LOAD, true, SCRATCH, flag);
        self.asm
            .emit_with(op::CMP_I8, false, Place::Mem(SCRATCH, 0), 0);
        self.asm.jump_if(Condition::NotEqual, to);
    }

    fn jump_if_ended(&mut self, to: Label) {
        let place = Place::Mem(RUN, layout::ENDED);
        self.asm.emit_with(op::CMP_I8, false, place, 0);
        self.asm.jump_if(Condition::NotEqual, to);
    }

    fn note_end(&mut self) {
        let ended = Place::Mem(RUN, layout::ENDED);
        self.asm.emit_with(op::MOV_I32, false, ended, 1);
    }

    fn end_at(&mut self, slot: u32) {
        let place = Place::Mem(RUN, layout::SLOT);
        self.asm.emit_with(op::MOV_I32, false, place, slot as i32);
        self.asm.jump(self.unwind);
    }

    fn align_loop(&mut self) {
        self.asm.align(LOOP_ALIGNMENT);
    }

    fn trap(&mut self) {
        self.asm.trap();
    }
}

impl Compiler<'_> {
    /// A register that holds what is copied at a width. Leaves flags to be set afterwards.
    fn copied(&mut self, width: Width, wide: bool, src: Operand) -> Gpr {
        match (width, src) {
            (Width::W64, Operand::Reg(src)) => return gpr(src),
            (Width::W32, Operand::Reg(src)) if !wide || self.narrow.has(src) => return gpr(src),
            (Width::W32, Operand::Reg(src)) => {
                (self.asm).emit(op::MOV_TO, false, gpr(src), SCRATCH);
            }
            (Width::W64, Operand::Imm(imm)) => {
                self.asm.constant(SCRATCH, i64::from(imm) as u64);
            }
            (Width::W32, Operand::Imm(imm)) => {
                self.asm.constant(SCRATCH, u64::from(imm as u32));
            }
        }
        SCRATCH
    }

    /// Sets the flags for a copy, and says by which condition: above and below are read from two flags, which
    /// takes longer than to read from one.
    fn compare_to_copy(&mut self, cond: Cond, wide: bool, dst: Gpr, src: Operand) -> Cond {
        let (cond, src) = match (cond, src) {
            (Cond::Gt, Operand::Imm(imm @ 0..=0x7fff_fffe)) => (Cond::Ge, Operand::Imm(imm + 1)),
            (Cond::Le, Operand::Imm(imm @ 0..=0x7fff_fffe)) => (Cond::Lt, Operand::Imm(imm + 1)),
            other => other,
        };
        self.compare(cond, wide, dst, src);
        cond
    }

    /// Sets the flags that a condition is read from.
    fn compare(&mut self, cond: Cond, wide: bool, dst: Gpr, src: Operand) {
        match (cond, src) {
            (Cond::Set, Operand::Reg(src)) => self.asm.emit(op::TEST_TO, wide, gpr(src), dst),
            (Cond::Set, Operand::Imm(imm)) => self.asm.emit_with(op::TEST_I32, wide, dst, imm),
            // Equality with zero, and the sign, a test shows as well.
            (_, Operand::Imm(0)) => self.asm.emit(op::TEST_TO, wide, dst, dst),
            (_, Operand::Reg(src)) => self.asm.emit(op::CMP_TO, wide, gpr(src), dst),
            (_, Operand::Imm(imm)) => {
                self.with_imm(op::CMP_I8, op::CMP_I32, wide, dst, imm);
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
