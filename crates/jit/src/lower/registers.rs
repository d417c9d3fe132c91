//! Which registers an operation reads and writes.

use osmia_isa::{AluOp, Operand, Reg};

use super::{Base, Op};

impl Op {
    /// True if the register may be another afterwards.
    pub(crate) fn writes(&self, reg: Reg) -> bool {
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
            | Op::ToUser { dst, .. } => dst == reg,
            // A fetched value comes back in the source, or in r0.
            Op::Atomic { src, .. } | Op::FarAtomic { src, .. } => src == reg || reg == Reg::R0,
            Op::LoadPacket { .. } => reg == Reg::R0,
            Op::CallHelper { .. }
            | Op::CallLeaf { .. }
            | Op::CallKfunc { .. }
            | Op::ArrayElement { .. }
            | Op::CallMap { .. }
            | Op::CallFunction { .. }
            | Op::Loop { .. }
            | Op::TailCall => reg.number() <= 5,
            Op::Store { .. }
            | Op::FarStore { .. }
            | Op::Jump { .. }
            | Op::Branch { .. }
            | Op::MayGoto { .. }
            | Op::Exit
            | Op::Unreachable => false,
        }
    }

    /// True if the register is an operand.
    pub(crate) fn reads(&self, reg: Reg) -> bool {
        let second = |src: Operand| src == Operand::Reg(reg);
        match *self {
            Op::Alu { op, dst, src, .. } => (op != AluOp::Mov && dst == reg) || second(src),
            Op::Neg { dst, .. } | Op::Swap { dst, .. } | Op::Cut { dst, .. } => dst == reg,
            Op::MovSx { src, .. } | Op::Sum { src, .. } | Op::ToUser { src, .. } => src == reg,
            Op::Load { base, .. } => base == Base::Reg(reg),
            Op::FarLoad { base, .. } => base == reg,
            Op::Store { base, src, .. } | Op::FarStore { base, src, .. } => {
                base == reg || second(src)
            }
            Op::Atomic { base, src, .. } | Op::FarAtomic { base, src, .. } => {
                base == reg || src == reg || reg == Reg::R0
            }
            Op::LoadPacket { index, .. } => index == Some(reg),
            Op::Unless {
                first,
                second: other,
                dst,
                src,
                ..
            } => first == reg || second(other) || dst == reg || second(src),
            Op::Branch { dst, src, .. } => dst == reg || second(src),
            Op::CallHelper { .. }
            | Op::CallKfunc { .. }
            | Op::CallFunction { .. }
            | Op::Loop { .. } => (1..=5).contains(&reg.number()),
            Op::ArrayElement { .. } => reg.number() == 2,
            Op::CallMap { .. } => (2..=4).contains(&reg.number()),
            Op::TailCall => (1..=3).contains(&reg.number()),
            Op::Exit => reg == Reg::R0,
            Op::Constant { .. }
            | Op::CallLeaf { .. }
            | Op::Jump { .. }
            | Op::MayGoto { .. }
            | Op::Unreachable => false,
        }
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
