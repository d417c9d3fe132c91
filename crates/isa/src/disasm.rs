//! Instructions as text, in the notation of the kernel's verifier log with spaces around offsets:
//! `r0 = *(u32 *)(r1 + 4)`, `if w1 s> 7 goto +3`; or, to compare with a log, as the kernel itself
//! spells them ([`Spelling::Kernel`]).
//!
//! Everything printed assembles to the same instruction again, with or without names: a name
//! stands before the number (`call bpf_map_lookup_elem#1`), never instead of it.

use std::fmt::{self, Display, Formatter, Write};

use crate::names::is_word;
use crate::{
    AluOp, AtomicOp, Callee, Cond, EndOp, Imm64, Insn, MapRef, Names, NoNames, Operand, Reg, Size,
    Slot, Width, decode,
};

impl AluOp {
    /// `+=` and so on.
    pub const fn symbol(self) -> &'static str {
        match self {
            AluOp::Add => "+=",
            AluOp::Sub => "-=",
            AluOp::Mul => "*=",
            AluOp::Div => "/=",
            AluOp::Sdiv => "s/=",
            AluOp::Mod => "%=",
            AluOp::Smod => "s%=",
            AluOp::Or => "|=",
            AluOp::And => "&=",
            AluOp::Xor => "^=",
            AluOp::Lsh => "<<=",
            AluOp::Rsh => ">>=",
            AluOp::Arsh => "s>>=",
            AluOp::Mov => "=",
        }
    }

    /// Every operation.
    pub const ALL: [AluOp; 14] = [
        AluOp::Add,
        AluOp::Sub,
        AluOp::Mul,
        AluOp::Div,
        AluOp::Sdiv,
        AluOp::Mod,
        AluOp::Smod,
        AluOp::Or,
        AluOp::And,
        AluOp::Xor,
        AluOp::Lsh,
        AluOp::Rsh,
        AluOp::Arsh,
        AluOp::Mov,
    ];
}

impl Cond {
    /// `==` and so on.
    pub const fn symbol(self) -> &'static str {
        match self {
            Cond::Eq => "==",
            Cond::Ne => "!=",
            Cond::Gt => ">",
            Cond::Ge => ">=",
            Cond::Lt => "<",
            Cond::Le => "<=",
            Cond::Set => "&",
            Cond::Sgt => "s>",
            Cond::Sge => "s>=",
            Cond::Slt => "s<",
            Cond::Sle => "s<=",
        }
    }

    /// Every condition.
    pub const ALL: [Cond; 11] = [
        Cond::Eq,
        Cond::Ne,
        Cond::Gt,
        Cond::Ge,
        Cond::Lt,
        Cond::Le,
        Cond::Set,
        Cond::Sgt,
        Cond::Sge,
        Cond::Slt,
        Cond::Sle,
    ];
}

impl EndOp {
    /// `le`, `be`, `bswap`; the size in bits follows.
    pub const fn symbol(self) -> &'static str {
        match self {
            EndOp::ToLe => "le",
            EndOp::ToBe => "be",
            EndOp::Swap => "bswap",
        }
    }
}

impl Size {
    /// 8, 16, 32 or 64.
    pub const fn bits(self) -> u64 {
        self.bytes() * 8
    }
}

/// How instructions are written.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Spelling {
    /// `r0 = *(u32 *)(r1 + 4)`, `if r1 > 7 goto +3`: each line reads back alone.
    #[default]
    Spaced,
    /// `r0 = *(u32 *)(r1 +4)`, `if r1 > 0x7 goto pc+3`, as in verifier logs and
    /// `bpftool prog dump xlated`. A line reads back with the opcode byte that the kernel puts
    /// before it (see [`listing_as`]); only calls of kernel functions do not, because the kernel
    /// spells them like calls of helpers.
    Kernel,
}

/// An instruction at a slot, with names, to be printed.
pub struct Shown<'a> {
    insn: Insn,
    at: usize,
    names: &'a dyn Names,
    spelling: Spelling,
}

impl Shown<'_> {
    /// The same, spelled in this way.
    pub fn spelled(self, spelling: Spelling) -> Self {
        Shown { spelling, ..self }
    }
}

impl Insn {
    /// Prints it as it stands at slot `at` of a program in which `names` are known.
    pub fn show<'a>(&self, at: usize, names: &'a dyn Names) -> Shown<'a> {
        let insn = *self;
        let spelling = Spelling::default();
        Shown {
            insn,
            at,
            names,
            spelling,
        }
    }
}

impl Display for Insn {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.show(0, &NoNames).fmt(f)
    }
}

/// A whole program, one line per instruction, each with its slot number: `3: exit`.
/// A slot that is no instruction becomes a comment, `; 3: unknown opcode 0x00`.
pub fn listing(slots: &[Slot], names: &dyn Names) -> String {
    listing_as(slots, names, Spelling::default())
}

/// The same in this spelling; the kernel's has opcode bytes, `3: (95) exit`.
pub fn listing_as(slots: &[Slot], names: &dyn Names, spelling: Spelling) -> String {
    let mut text = String::new();
    let mut at = 0;
    while at < slots.len() {
        let result = match decode(slots, at) {
            Ok(insn) => {
                let shown = insn.show(at, names).spelled(spelling);
                let line = match spelling {
                    Spelling::Spaced => writeln!(text, "{at}: {shown}"),
                    Spelling::Kernel => writeln!(text, "{at}: ({:02x}) {shown}", slots[at].code),
                };
                at += insn.slots();
                line
            }
            Err(error) => {
                let line = writeln!(text, "; {at}: {error}");
                at += 1;
                line
            }
        };
        result.expect("writing to a string cannot fail");
    }
    text
}

/// `r3` or `w3`.
fn reg(width: Width, reg: Reg) -> impl Display {
    let letter = match width {
        Width::W32 => 'w',
        Width::W64 => 'r',
    };
    fmt::from_fn(move |f| write!(f, "{letter}{}", reg.number()))
}

fn operand(width: Width, operand: Operand) -> impl Display {
    fmt::from_fn(move |f| match operand {
        Operand::Reg(src) => reg(width, src).fmt(f),
        Operand::Imm(imm) => imm.fmt(f),
    })
}

impl Spelling {
    /// `+3` or `-3`, for the kernel `pc+3`.
    fn distance(self, off: i32) -> impl Display {
        fmt::from_fn(move |f| match self {
            Spelling::Spaced => write!(f, "{off:+}"),
            Spelling::Kernel => write!(f, "pc{off:+}"),
        })
    }

    /// `(r1 + 4)` or `(r1 - 4)`, for the kernel `(r1 +4)`.
    fn address(self, base: Reg, off: i16) -> impl Display {
        let sign = if off < 0 { '-' } else { '+' };
        fmt::from_fn(move |f| match self {
            Spelling::Spaced => write!(f, "({base} {sign} {})", off.unsigned_abs()),
            Spelling::Kernel => write!(f, "({base} {off:+})"),
        })
    }

    /// `(u32 *)(r1 + 4)`.
    fn pointer(self, size: Size, base: Reg, off: i16) -> impl Display {
        fmt::from_fn(move |f| write!(f, "(u{} *){}", size.bits(), self.address(base, off)))
    }

    /// What a register is compared with: the kernel prints the 32 bits of an immediate.
    fn compared(self, width: Width, src: Operand) -> impl Display {
        fmt::from_fn(move |f| match (self, src) {
            (Spelling::Kernel, Operand::Imm(imm)) => write!(f, "{imm:#x}"),
            _ => operand(width, src).fmt(f),
        })
    }
}

/// `name#` if there is a name.
fn named(name: Option<std::borrow::Cow<'_, str>>) -> String {
    match name {
        Some(name) if is_word(&name) => format!("{name}#"),
        _ => String::new(),
    }
}

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let spelling = self.spelling;
        match self.insn {
            Insn::Alu {
                op,
                width,
                dst,
                src,
            } => {
                let symbol = op.symbol();
                write!(f, "{} {symbol} {}", reg(width, dst), operand(width, src))
            }
            Insn::Neg { width, dst } => write!(f, "{0} = -{0}", reg(width, dst)),
            Insn::MovSx {
                width,
                dst,
                src,
                from,
            } => {
                let bits = from.bits();
                write!(f, "{} = (s{bits}){}", reg(width, dst), reg(width, src))
            }
            Insn::End { op, dst, size } => {
                write!(f, "{dst} = {}{} {dst}", op.symbol(), size.bits())
            }
            Insn::LoadImm64 { dst, value } => {
                write!(f, "{dst} = ")?;
                self.imm64(f, value)
            }
            Insn::Load {
                size,
                sign_extend,
                dst,
                base,
                off,
            } => {
                let (sign, bits) = (if sign_extend { 's' } else { 'u' }, size.bits());
                write!(
                    f,
                    "{dst} = *({sign}{bits} *){}",
                    spelling.address(base, off)
                )
            }
            Insn::Store {
                size,
                base,
                off,
                src,
            } => {
                let src = operand(Width::W64, src);
                write!(f, "*{} = {src}", spelling.pointer(size, base, off))
            }
            Insn::Atomic {
                op,
                size,
                base,
                off,
                src,
            } => atomic(f, op, size, spelling.pointer(size, base, off), src),
            Insn::LoadAcquire {
                size,
                dst,
                base,
                off,
            } => write!(
                f,
                "{dst} = load_acquire({})",
                spelling.pointer(size, base, off)
            ),
            Insn::StoreRelease {
                size,
                base,
                off,
                src,
            } => write!(
                f,
                "store_release({}, {src})",
                spelling.pointer(size, base, off)
            ),
            Insn::LoadPacket { size, index, off } => {
                write!(f, "r0 = *(u{} *)skb[", size.bits())?;
                match index {
                    None => write!(f, "{off}]"),
                    Some(index) if spelling == Spelling::Kernel => write!(f, "{index} + {off}]"),
                    Some(index) => {
                        let sign = if off < 0 { '-' } else { '+' };
                        write!(f, "{index} {sign} {}]", off.unsigned_abs())
                    }
                }
            }
            Insn::Jump { off, long } => {
                write!(
                    f,
                    "goto{} {}",
                    if long { "l" } else { "" },
                    spelling.distance(off)
                )
            }
            Insn::JumpIf {
                cond,
                width,
                dst,
                src,
                off,
            } => write!(
                f,
                "if {} {} {} goto {}",
                reg(width, dst),
                cond.symbol(),
                spelling.compared(width, src),
                spelling.distance(off.into())
            ),
            Insn::MayGoto { off } => {
                write!(f, "may_goto {}", spelling.distance(off.into()))
            }
            Insn::Call(callee) => self.call(f, callee),
            Insn::CallReg(target) => write!(f, "callx {target}"),
            Insn::Exit => f.write_str("exit"),
            Insn::AddrSpaceCast { dst, src, to, from } => {
                write!(f, "{dst} = addr_space_cast({src}, {to}, {from})")
            }
        }
    }
}

impl Shown<'_> {
    fn imm64(&self, f: &mut Formatter<'_>, value: Imm64) -> fmt::Result {
        let names = self.names;
        match value {
            Imm64::Value(number) if self.spelling == Spelling::Kernel => write!(f, "{number:#x}"),
            Imm64::Value(number) => write!(f, "{number:#x} ll"),
            Imm64::MapFd(fd) => write!(f, "map[{}fd:{fd}]", named(names.map(MapRef::Fd(fd)))),
            Imm64::MapValue { fd, off } => {
                let name = named(names.map(MapRef::Fd(fd)));
                write!(f, "map[{name}fd:{fd}][0]+{off}")
            }
            Imm64::MapIdx(idx) => {
                write!(f, "map[{}idx:{idx}]", named(names.map(MapRef::Idx(idx))))
            }
            Imm64::MapIdxValue { idx, off } => {
                let name = named(names.map(MapRef::Idx(idx)));
                write!(f, "map[{name}idx:{idx}][0]+{off}")
            }
            Imm64::BtfId { id, fd } => {
                write!(f, "btf[{}id:{id}", named(names.variable(id, fd)))?;
                if fd != 0 {
                    write!(f, ",fd:{fd}")?;
                }
                f.write_char(']')
            }
            Imm64::Func(off) => {
                let name = self.insn.target(self.at).and_then(|at| names.function(at));
                write!(f, "subprog[{}{off:+}]", named(name))
            }
        }
    }

    fn call(&self, f: &mut Formatter<'_>, callee: Callee) -> fmt::Result {
        if self.spelling == Spelling::Kernel {
            return self.call_as_kernel(f, callee);
        }
        match callee {
            Callee::Helper(id) => {
                let name = named(self.names.helper(id));
                let name = if name.is_empty() { "#" } else { &name };
                write!(f, "call {name}{id}")
            }
            Callee::Local(off) => {
                let target = self.insn.target(self.at);
                let name = named(target.and_then(|at| self.names.function(at)));
                write!(f, "call {name}pc{off:+}")
            }
            Callee::Kfunc { id, module } => {
                write!(f, "call {}kfunc:{id}", named(self.names.kfunc(id, module)))?;
                if module != 0 {
                    write!(f, ":{module}")?;
                }
                Ok(())
            }
        }
    }
}

impl Shown<'_> {
    fn call_as_kernel(&self, f: &mut Formatter<'_>, callee: Callee) -> fmt::Result {
        let (name, unnamed, number) = match callee {
            Callee::Local(off) => return write!(f, "call pc{off:+}"),
            Callee::Helper(id) => (named(self.names.helper(id)), "unknown#", id),
            Callee::Kfunc { id, module } => {
                (named(self.names.kfunc(id, module)), "kernel-function#", id)
            }
        };
        let name = if name.is_empty() { unnamed } else { &name };
        write!(f, "call {name}{number}")
    }
}

/// Operations without a result look like assignments, those with one like function calls.
fn atomic(
    f: &mut Formatter<'_>,
    op: AtomicOp,
    size: Size,
    pointer: impl Display,
    src: Reg,
) -> fmt::Result {
    let infix = size.bits();
    let infix = if infix == 64 { "64" } else { "" };
    let (name, symbol, fetch) = match op {
        AtomicOp::Add { fetch } => ("add", "+=", fetch),
        AtomicOp::Or { fetch } => ("or", "|=", fetch),
        AtomicOp::And { fetch } => ("and", "&=", fetch),
        AtomicOp::Xor { fetch } => ("xor", "^=", fetch),
        AtomicOp::Xchg => return write!(f, "{src} = atomic{infix}_xchg({pointer}, {src})"),
        AtomicOp::Cmpxchg => {
            return write!(f, "r0 = atomic{infix}_cmpxchg({pointer}, r0, {src})");
        }
    };
    if fetch {
        write!(f, "{src} = atomic{infix}_fetch_{name}({pointer}, {src})")
    } else {
        write!(f, "lock *{pointer} {symbol} {src}")
    }
}
