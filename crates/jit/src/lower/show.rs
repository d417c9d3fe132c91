//! Lowered programs as text.

use std::fmt::{self, Display, Formatter};

use osmia_isa::{AtomicOp, Operand, Reg, Size, Width};

use super::{Base, Constant, Lowered, Op, PacketField};

/// An operation with the names of its program.
pub(crate) struct Shown<'a> {
    pub(crate) op: &'a Op,
    pub(crate) lowered: &'a Lowered,
}

/// A register by its width: `r1`, `w1`.
struct Wide(Width, Reg);

impl Display for Wide {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let letter = if self.0 == Width::W64 { 'r' } else { 'w' };
        write!(f, "{letter}{}", self.1.number())
    }
}

/// The second operand.
struct Second(Width, Operand);

impl Display for Second {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.1 {
            Operand::Reg(reg) => Wide(self.0, reg).fmt(f),
            Operand::Imm(imm) => imm.fmt(f),
        }
    }
}

fn bits(size: Size) -> u64 {
    size.bytes() * 8
}

/// `r1 + 8`
struct At(Reg, i32);

impl Display for At {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let sign = if self.1 < 0 { '-' } else { '+' };
        write!(f, "{} {sign} {}", self.0, self.1.unsigned_abs())
    }
}

impl Shown<'_> {
    fn map(&self, map: u32) -> &str {
        &self.lowered.maps[map as usize].spec().name
    }
}

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self.op {
            Op::Alu {
                op,
                width,
                dst,
                src,
            } => write!(
                f,
                "{} {} {}",
                Wide(width, dst),
                op.symbol(),
                Second(width, src)
            ),
            Op::Sum { dst, src, imm } => write!(f, "{dst} = {}", At(src, imm)),
            Op::Neg { width, dst } => {
                write!(f, "{} = -{}", Wide(width, dst), Wide(width, dst))
            }
            Op::MovSx {
                width,
                dst,
                src,
                from,
            } => write!(
                f,
                "{} = (s{}){}",
                Wide(width, dst),
                bits(from),
                Wide(width, src)
            ),
            Op::Swap { dst, size } => write!(f, "{dst} = swap{} {dst}", bits(size)),
            Op::Cut { dst, size } => write!(f, "{dst} = (u{}){dst}", bits(size)),
            Op::Constant { dst, value } => match value {
                Constant::Number(value) => write!(f, "{dst} = {value:#x}"),
                Constant::Function(slot) => write!(f, "{dst} = function at {slot}"),
                Constant::Map(map) => write!(f, "{dst} = map {}", self.map(map)),
                Constant::Value(map, off) => write!(f, "{dst} = &{}[0] + {off}", self.map(map)),
            },
            Op::Load {
                size,
                sign_extend,
                dst,
                base,
                off,
            } => match base {
                Base::Packet(field) => write!(f, "{dst} = run.packet_{}", name(field)),
                Base::Reg(base) => {
                    let kind = if sign_extend { 's' } else { 'u' };
                    write!(f, "{dst} = *({kind}{} *)({})", bits(size), At(base, off))
                }
            },
            Op::Store {
                size,
                base,
                off,
                src,
            } => write!(
                f,
                "*(u{} *)({}) = {}",
                bits(size),
                At(base, off),
                Second(Width::W64, src)
            ),
            Op::Atomic {
                op,
                size,
                base,
                off,
                src,
            } => write!(
                f,
                "atomic{} {} *({}), {src}",
                bits(size),
                atomic(op),
                At(base, off)
            ),
            Op::FarLoad {
                size,
                sign_extend,
                dst,
                base,
                off,
            } => {
                let kind = if sign_extend { 's' } else { 'u' };
                write!(
                    f,
                    "{dst} = far *({kind}{} *)({})",
                    bits(size),
                    At(base, off)
                )
            }
            Op::FarStore {
                size,
                base,
                off,
                src,
            } => write!(
                f,
                "far *(u{} *)({}) = {}",
                bits(size),
                At(base, off),
                Second(Width::W64, src)
            ),
            Op::FarAtomic {
                op,
                size,
                base,
                off,
                src,
            } => write!(
                f,
                "far atomic{} {} *({}), {src}",
                bits(size),
                atomic(op),
                At(base, off)
            ),
            Op::LoadPacket { size, index, off } => {
                write!(f, "r0 = packet u{} [{off}", bits(size))?;
                match index {
                    Some(index) => write!(f, " + {index}]"),
                    None => f.write_str("]"),
                }
            }
            Op::ToUser { dst, src } => write!(f, "{dst} = user pointer {src}"),
            Op::MayGoto { to } => write!(f, "may goto {to}"),
            Op::CallKfunc { kfunc } => {
                write!(f, "call {}", self.lowered.kfuncs[kfunc as usize])
            }
            Op::Jump { to } => write!(f, "goto {to}"),
            Op::Branch {
                cond,
                width,
                dst,
                src,
                to,
            } => write!(
                f,
                "if {} {} {} goto {to}",
                Wide(width, dst),
                cond.symbol(),
                Second(width, src)
            ),
            Op::Unless {
                cond,
                width,
                first,
                second,
                dst,
                copied,
                src,
            } => write!(
                f,
                "{} = {} unless {} {} {}",
                Wide(copied, dst),
                Second(copied, src),
                Wide(width, first),
                cond.symbol(),
                Second(width, second)
            ),
            Op::CallHelper { helper } | Op::CallLeaf { helper } => {
                let known = osmia_program::helper::by_id(helper);
                write!(f, "call {}", known.map_or("?", |helper| helper.name))
            }
            Op::CallMap { operation, map } => {
                write!(f, "call {} on {}", operation.name(), self.map(map))
            }
            Op::ArrayElement { map } => write!(f, "r0 = &{}[*r2]", self.map(map)),
            Op::CallFunction { to } => write!(f, "call function at {to}"),
            Op::Loop { to } => write!(f, "loop over function at {to}"),
            Op::TailCall => f.write_str("tail call"),
            Op::Exit => f.write_str("exit"),
            Op::Unreachable => f.write_str("unreachable"),
        }
    }
}

fn name(field: PacketField) -> &'static str {
    match field {
        PacketField::Start => "start",
        PacketField::End => "end",
        PacketField::Meta => "meta",
    }
}

fn atomic(op: AtomicOp) -> &'static str {
    match op {
        AtomicOp::Add { fetch: false } => "add",
        AtomicOp::Or { fetch: false } => "or",
        AtomicOp::And { fetch: false } => "and",
        AtomicOp::Xor { fetch: false } => "xor",
        AtomicOp::Add { fetch: true } => "fetch_add",
        AtomicOp::Or { fetch: true } => "fetch_or",
        AtomicOp::And { fetch: true } => "fetch_and",
        AtomicOp::Xor { fetch: true } => "fetch_xor",
        AtomicOp::Xchg => "xchg",
        AtomicOp::Cmpxchg => "cmpxchg",
    }
}
