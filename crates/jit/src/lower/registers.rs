//! Which registers an operation reads and writes.

use osmia_isa::{AluOp, Operand, Reg};

use super::{Base, Op};

/// A set of registers.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Regs(u16);

impl Regs {
    pub(crate) const NONE: Self = Self(0);
    /// What calls return in and do not preserve.
    pub(crate) const CALLER_SAVED: Self = Self(0b11_1111);
    const R0: Self = Self(1);
    const ARGUMENTS: Self = Self(0b11_1110);

    pub(crate) const fn of(reg: Reg) -> Self {
        Self(1 << reg.number())
    }

    /// What is in one of both.
    #[must_use]
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) const fn has(self, reg: Reg) -> bool {
        self.0 >> reg.number() & 1 == 1
    }

    /// Those in it, from the lowest on.
    pub(crate) fn iter(self) -> impl Iterator<Item = Reg> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let reg = Reg::new(u8::try_from(left.trailing_zeros()).ok()?)?;
            left &= left - 1;
            Some(reg)
        })
    }

    const fn both(first: Reg, second: Reg) -> Self {
        Self::of(first).and(Self::of(second))
    }

    const fn second(operand: Operand) -> Self {
        match operand {
            Operand::Reg(reg) => Self::of(reg),
            Operand::Imm(_) => Self::NONE,
        }
    }
}

impl Op {
    /// Registers that may be others afterwards.
    pub(crate) fn written(&self) -> Regs {
        match *self {
            Op::Alu { dst, .. }
            | Op::Sum { dst, .. }
            | Op::Neg { dst, .. }
            | Op::MovSx { dst, .. }
            | Op::Swap { dst, .. }
            | Op::Cut { dst, .. }
            | Op::Constant { dst, .. }
            | Op::Unless { dst, .. }
            | Op::Load { dst, .. }
            | Op::FarLoad { dst, .. }
            | Op::ToUser { dst, .. } => Regs::of(dst),
            // A fetched value comes back in the source, or in r0.
            Op::Atomic { src, .. } | Op::FarAtomic { src, .. } => Regs::of(src).and(Regs::R0),
            Op::LoadPacket { .. } => Regs::R0,
            Op::CallHelper { .. }
            | Op::CallLeaf { .. }
            | Op::CallKfunc { .. }
            | Op::ArrayElement { .. }
            | Op::CallMap { .. }
            | Op::CallFunction { .. }
            | Op::Loop { .. }
            | Op::TailCall => Regs::CALLER_SAVED,
            Op::Store { .. }
            | Op::FarStore { .. }
            | Op::Jump { .. }
            | Op::Branch { .. }
            | Op::MayGoto { .. }
            | Op::Exit
            | Op::Unreachable => Regs::NONE,
        }
    }

    /// Registers that are operands.
    pub(crate) fn read(&self) -> Regs {
        match *self {
            Op::Alu {
                op: AluOp::Mov,
                src,
                ..
            } => Regs::second(src),
            Op::Alu { dst, src, .. } | Op::Branch { dst, src, .. } => {
                Regs::of(dst).and(Regs::second(src))
            }
            Op::Neg { dst, .. } | Op::Swap { dst, .. } | Op::Cut { dst, .. } => Regs::of(dst),
            Op::MovSx { src, .. } | Op::Sum { src, .. } | Op::ToUser { src, .. } => Regs::of(src),
            Op::Load { base, .. } => match base {
                Base::Reg(base) => Regs::of(base),
                Base::Packet(_) => Regs::NONE,
            },
            Op::FarLoad { base, .. } => Regs::of(base),
            Op::Store { base, src, .. } | Op::FarStore { base, src, .. } => {
                Regs::of(base).and(Regs::second(src))
            }
            Op::Atomic { base, src, .. } | Op::FarAtomic { base, src, .. } => {
                Regs::both(base, src).and(Regs::R0)
            }
            Op::LoadPacket { index, .. } => index.map_or(Regs::NONE, Regs::of),
            Op::Unless {
                first,
                second,
                dst,
                src,
                ..
            } => Regs::both(first, dst)
                .and(Regs::second(second))
                .and(Regs::second(src)),
            Op::CallHelper { .. }
            | Op::CallKfunc { .. }
            | Op::CallFunction { .. }
            | Op::Loop { .. } => Regs::ARGUMENTS,
            Op::ArrayElement { .. } => Regs(0b100),
            Op::CallMap { .. } => Regs(0b1_1100),
            Op::TailCall => Regs(0b1110),
            Op::Exit => Regs::R0,
            Op::Constant { .. }
            | Op::CallLeaf { .. }
            | Op::Jump { .. }
            | Op::MayGoto { .. }
            | Op::Unreachable => Regs::NONE,
        }
    }

    /// True if the register may be another afterwards.
    pub(crate) fn writes(&self, reg: Reg) -> bool {
        self.written().has(reg)
    }

    /// True if the register is an operand.
    pub(crate) fn reads(&self, reg: Reg) -> bool {
        self.read().has(reg)
    }

    /// The register that gets a result, of operations that have no other effect.
    pub(crate) fn result(&self) -> Option<Reg> {
        match *self {
            Op::Alu { dst, .. }
            | Op::Sum { dst, .. }
            | Op::Neg { dst, .. }
            | Op::MovSx { dst, .. }
            | Op::Swap { dst, .. }
            | Op::Cut { dst, .. }
            | Op::Constant { dst, .. }
            | Op::Unless { dst, .. }
            | Op::Load { dst, .. } => Some(dst),
            _ => None,
        }
    }
}
