//! Operands that instructions may not have room for.

use osmia_isa::{Operand, Width};
use osmia_vm::layout;

use super::regs::{REACH, RUN, gpr};
use super::{Compiler, is_wide};
use crate::arm64::{Access, Gpr, Place, op};

/// What an immediate of a program stands for at a width.
pub(super) fn value(imm: i32, width: Width) -> u64 {
    match width {
        Width::W64 => i64::from(imm) as u64,
        Width::W32 => u64::from(imm as u32),
    }
}

impl Compiler<'_> {
    /// A register that holds an operand, which may be one for what does not fit an instruction.
    pub(super) fn register(&mut self, src: Operand, width: Width) -> Gpr {
        match src {
            Operand::Reg(src) => gpr(src),
            Operand::Imm(imm) => self.held(REACH, value(imm, width)),
        }
    }

    /// A register that holds a number: this one, unless the number is zero.
    pub(super) fn held(&mut self, reg: Gpr, value: u64) -> Gpr {
        if value == 0 {
            return Gpr::ZERO;
        }
        self.asm.constant(reg, value);
        reg
    }

    /// `dst = src + imm`
    pub(super) fn add(&mut self, width: Width, dst: Gpr, src: Gpr, imm: i32) {
        let distance = imm.unsigned_abs().into();
        let row = if imm < 0 { op::SUB_I } else { op::ADD_I };
        let wide = is_wide(width);
        if !self.asm.sum(row, wide, dst, src, distance) {
            self.asm.constant(REACH, value(imm, width));
            self.asm.three(op::ADD, wide, dst, src, REACH);
        }
    }

    /// Sets the flags by a difference.
    pub(super) fn compare_with(&mut self, width: Width, reg: Gpr, imm: i32) {
        let distance = imm.unsigned_abs().into();
        let row = if imm < 0 { op::ADDS_I } else { op::SUBS_I };
        let wide = is_wide(width);
        if !self.asm.sum(row, wide, Gpr::ZERO, reg, distance) {
            self.asm.constant(REACH, value(imm, width));
            self.asm.three(op::SUBS, wide, Gpr::ZERO, reg, REACH);
        }
    }

    /// A place that an access can hold.
    pub(super) fn place(&mut self, access: Access, base: Gpr, off: i32) -> Place {
        Place::at(access, base, off).unwrap_or_else(|| {
            self.asm.constant(REACH, i64::from(off) as u64);
            Place::Sum(base, REACH)
        })
    }

    /// Loads or stores what the machine keeps of the run.
    pub(super) fn run(&mut self, access: Access, reg: Gpr, field: i32) {
        self.asm.access(access, reg, of_run(access, field));
    }

    /// Loads or stores at the stack pointer.
    pub(super) fn stack(&mut self, access: Access, reg: Gpr, at: i32) {
        let place = Place::at(access, Gpr::SP, at).expect("stack frames are small");
        self.asm.access(access, reg, place);
    }
}

/// Where the machine keeps something of the run.
pub(super) fn of_run(access: Access, field: i32) -> Place {
    debug_assert!(layout::NAMES.iter().any(|(offset, _)| *offset == field));
    Place::at(access, RUN, field).expect("what the machine keeps is small")
}
