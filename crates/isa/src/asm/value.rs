//! What is assigned to a register: numbers, registers, loads, and operations written as calls.

use std::ops::Range;

use super::error::AsmErrorKind;
use super::lexer::Token;
use super::line::{Fail, Line, Parsed, Reference, memory_type, register};
use crate::table::{Form, rows};
use crate::{AluOp, AtomicOp, EndOp, Imm64, Insn, MapRef, Operand, Reg, Size, Width};

/// A reference to a map as an instruction.
pub(super) fn map(map: MapRef) -> Imm64 {
    match map {
        MapRef::Fd(fd) => Imm64::MapFd(fd),
        MapRef::Idx(idx) => Imm64::MapIdx(idx),
    }
}

/// A reference into the value of a map as an instruction.
pub(super) fn map_value(map: MapRef, off: u32) -> Imm64 {
    match map {
        MapRef::Fd(fd) => Imm64::MapValue { fd, off },
        MapRef::Idx(idx) => Imm64::MapIdxValue { idx, off },
    }
}

impl<'t> Line<'t> {
    /// Everything that starts with a register.
    pub(super) fn assignment(&mut self) -> Parsed<(Insn, Option<Reference<'t>>)> {
        let range = self.here();
        let (width, dst) = self.reg()?;
        if !self.takes("=") {
            let op = AluOp::ALL
                .into_iter()
                .find(|op| matches!(self.peek(), Some(Token::Symbol(s)) if s == op.symbol()));
            let Some(op) = op else {
                return self.expected("an assignment such as = or +=");
            };
            self.at += 1;
            let src = self.operand(width)?;
            let insn = Insn::Alu {
                op,
                width,
                dst,
                src,
            };
            return Ok((insn, None));
        }
        let target = Target { width, dst, range };
        match self.peek() {
            Some(Token::Word(word)) => match register(word) {
                Some(_) => Ok((self.mov(width, dst)?, None)),
                None => self.named_value(word, &target),
            },
            Some(Token::Symbol("*")) => {
                self.at += 1;
                Ok((self.load(&target)?, None))
            }
            Some(Token::Symbol("(")) => {
                self.at += 1;
                Ok((self.sign_extend(width, dst)?, None))
            }
            Some(Token::Symbol("-")) if !self.is_signed_number() => {
                self.at += 1;
                self.same_reg(width, dst)?;
                Ok((Insn::Neg { width, dst }, None))
            }
            _ if self.is_signed_number() => Ok((self.constant(width, dst)?, None)),
            _ => self.expected("a register, a number or a load"),
        }
    }

    fn mov(&mut self, width: Width, dst: Reg) -> Parsed<Insn> {
        let src = Operand::Reg(self.reg_of(width)?);
        let op = AluOp::Mov;
        Ok(Insn::Alu {
            op,
            width,
            dst,
            src,
        })
    }

    /// `5`, or `5 ll` for the two-slot form. The kernel's log leaves `ll` out and has the opcode.
    fn constant(&mut self, width: Width, dst: Reg) -> Parsed<Insn> {
        let digits = self.at + usize::from(matches!(self.peek(), Some(Token::Symbol(_))));
        let suffix = self.tokens.get(digits + 1).map(|spanned| spanned.token);
        let suffixed = suffix == Some(Token::Word("ll"));
        let claimed = self.claimed.and_then(|code| rows(code).first());
        if suffixed || claimed.is_some_and(|row| matches!(row.form, Form::LoadImm64(_))) {
            let range = self.here();
            let number = self.signed("64 bits", i64::MIN.into(), u64::MAX.into())?;
            self.at += usize::from(suffixed);
            if width == Width::W32 {
                return Self::operand_error(range, "`ll` needs a 64-bit register (r)");
            }
            let value = Imm64::Value(number as u64);
            return Ok(Insn::LoadImm64 { dst, value });
        }
        let src = Operand::Imm(self.imm(width)?);
        let op = AluOp::Mov;
        Ok(Insn::Alu {
            op,
            width,
            dst,
            src,
        })
    }

    /// `(s8)r2`, after the first bracket.
    fn sign_extend(&mut self, width: Width, dst: Reg) -> Parsed<Insn> {
        const TYPES: &str = "s8, s16 or s32";
        let Some(Token::Word(word)) = self.peek() else {
            return self.expected(TYPES);
        };
        let Some((true, from)) = memory_type(word) else {
            return self.expected(TYPES);
        };
        self.at += 1;
        self.symbol(")")?;
        let src = self.reg_of(width)?;
        Ok(Insn::MovSx {
            width,
            dst,
            src,
            from,
        })
    }

    /// `(u32 *)(r1 + 4)` or `(u32 *)skb[12]`, after the star.
    fn load(&mut self, target: &Target) -> Parsed<Insn> {
        let (sign_extend, size) = self.pointer_type()?;
        target.check(size)?;
        if self.takes_word("skb") {
            if sign_extend {
                return Self::operand_error(target.range.clone(), "packet loads are unsigned");
            }
            target.check_is_r0("packet loads go to r0")?;
            return self.packet(size);
        }
        if sign_extend && target.width == Width::W32 {
            let reason = "a signed load needs a 64-bit register (r)";
            return Self::operand_error(target.range.clone(), reason);
        }
        self.symbol("(")?;
        let (base, off) = self.base_and_offset()?;
        self.symbol(")")?;
        Ok(Insn::Load {
            size,
            sign_extend,
            dst: target.dst,
            base,
            off,
        })
    }

    fn packet(&mut self, size: Size) -> Parsed<Insn> {
        self.symbol("[")?;
        let (index, off) = if self.is_signed_number() {
            (None, self.i32("a 32-bit packet offset")?)
        } else {
            let index = self.reg_of(Width::W64)?;
            // The kernel writes `r1 + -4`.
            let added = self.takes("+");
            let off = if added || matches!(self.peek(), Some(Token::Symbol("-"))) {
                self.i32("a 32-bit packet offset")?
            } else {
                0
            };
            (Some(index), off)
        };
        self.symbol("]")?;
        Ok(Insn::LoadPacket { size, index, off })
    }

    /// What starts with a word that is no register.
    fn named_value(
        &mut self,
        word: &'t str,
        target: &Target,
    ) -> Parsed<(Insn, Option<Reference<'t>>)> {
        let range = self.here();
        self.at += 1;
        if self.takes("[") {
            let (value, reference) = self.bracketed(word, range)?;
            let dst = target.dst;
            target.check(Size::DW)?;
            return Ok((Insn::LoadImm64 { dst, value }, reference));
        }
        if self.takes_word("ll") {
            let (dst, value) = (target.dst, Imm64::Func(0));
            target.check(Size::DW)?;
            let reference = Reference { name: word, range };
            return Ok((Insn::LoadImm64 { dst, value }, Some(reference)));
        }
        if let Some((op, size)) = byte_order(word) {
            let (width, dst) = (target.width, target.dst);
            if width == Width::W32 {
                let reason = "byte order conversions take a 64-bit register (r)";
                return Self::operand_error(target.range.clone(), reason);
            }
            self.same_reg(width, dst)?;
            return Ok((Insn::End { op, dst, size }, None));
        }
        let insn = match word {
            "load_acquire" => {
                self.symbol("(")?;
                let (size, base, off) = self.unsigned_pointer()?;
                target.check(size)?;
                Insn::LoadAcquire {
                    size,
                    dst: target.dst,
                    base,
                    off,
                }
            }
            "addr_space_cast" => {
                self.symbol("(")?;
                target.check(Size::DW)?;
                let src = self.reg_of(Width::W64)?;
                self.symbol(",")?;
                let to = self.signed("an address space", 0, u16::MAX.into())? as u16;
                self.symbol(",")?;
                let from = self.signed("an address space", 0, u16::MAX.into())? as u16;
                let dst = target.dst;
                Insn::AddrSpaceCast { dst, src, to, from }
            }
            _ => match atomic_call(word) {
                Some(call) => self.atomic(call, target)?,
                None => {
                    self.at -= 1;
                    return self.expected("a register, a number, a load or an operation");
                }
            },
        };
        self.symbol(")")?;
        Ok((insn, None))
    }

    /// `atomic64_fetch_add((u64 *)(r1 + 0), r2)` from its first bracket, without its last.
    fn atomic(&mut self, call: AtomicCall, target: &Target) -> Parsed<Insn> {
        self.symbol("(")?;
        let range = self.here();
        let (size, base, off) = match call.size {
            Some(size) if call.bare_address => {
                let (base, off) = self.base_and_offset()?;
                (size, base, off)
            }
            _ => self.unsigned_pointer()?,
        };
        if call.size.is_some_and(|named| named != size) {
            return Self::operand_error(range, "the name of the operation and the type disagree");
        }
        target.check(size)?;
        self.symbol(",")?;
        if call.op == AtomicOp::Cmpxchg {
            target.check_is_r0("a compare-and-exchange compares with r0 and returns to it")?;
            let range = self.here();
            if self.reg_sized(size)? != Reg::R0 {
                return Self::operand_error(range, "a compare-and-exchange compares with r0");
            }
            self.symbol(",")?;
        }
        let range = self.here();
        let src = self.reg_sized(size)?;
        if call.op != AtomicOp::Cmpxchg && src != target.dst {
            return Self::operand_error(
                range,
                "the old value comes back in the operand's register",
            );
        }
        Ok(Insn::Atomic {
            op: call.op,
            size,
            base,
            off,
            src,
        })
    }

    /// `map[…]`, `btf[…]`, `subprog[…]`, after the bracket.
    fn bracketed(
        &mut self,
        word: &'t str,
        range: Range<usize>,
    ) -> Parsed<(Imm64, Option<Reference<'t>>)> {
        // A name before `#` is for people.
        if let (Some(Token::Word(_)), Some(Token::Symbol("#"))) = (self.peek(), self.peek_second())
        {
            self.at += 2;
        }
        match word {
            "map" => self.map(),
            "btf" => {
                if !self.takes_word("id") {
                    return self.expected("id:N");
                }
                self.symbol(":")?;
                let id = self.i32("a 32-bit BTF id")?;
                let mut fd = 0;
                if self.takes(",") {
                    if !self.takes_word("fd") {
                        return self.expected("fd:N");
                    }
                    self.symbol(":")?;
                    fd = self.i32("a 32-bit descriptor")?;
                }
                self.symbol("]")?;
                Ok((Imm64::BtfId { id, fd }, None))
            }
            "subprog" => {
                let range = self.here();
                if self.is_signed_number() {
                    let distance = self.i32("a 32-bit distance")?;
                    self.symbol("]")?;
                    return Ok((Imm64::Func(distance), None));
                }
                let name = self.word("a distance such as +3, or a label")?;
                self.symbol("]")?;
                Ok((Imm64::Func(0), Some(Reference { name, range })))
            }
            _ => {
                let found = format!("`{word}`");
                let expected = "map, btf or subprog";
                let kind = AsmErrorKind::Expected { expected, found };
                Err(Fail { range, kind })
            }
        }
    }

    /// `fd:5]`, `idx:5]`, `name]`, each with `[0]+16` behind it for an address inside the value.
    fn map(&mut self) -> Parsed<(Imm64, Option<Reference<'t>>)> {
        let range = self.here();
        let word = self.word("fd:N, idx:N or the name of a map")?;
        let (map_ref, reference) = if self.takes(":") {
            let number = self.i32("32 bits")?;
            let map_ref = match word {
                "fd" => MapRef::Fd(number),
                "idx" => MapRef::Idx(number),
                _ => {
                    let expected = "fd:N or idx:N";
                    let found = format!("`{word}`");
                    let kind = AsmErrorKind::Expected { expected, found };
                    return Err(Fail { range, kind });
                }
            };
            (map_ref, None)
        } else {
            (MapRef::Fd(0), Some(Reference { name: word, range }))
        };
        self.symbol("]")?;
        if !self.takes("[") {
            return Ok((map(map_ref), reference));
        }
        self.signed("the index of the only value", 0, 0)?;
        self.symbol("]")?;
        let mut off = 0;
        if self.takes("+") {
            off = self.signed("a 32-bit offset", 0, u32::MAX.into())? as u32;
        }
        Ok((map_value(map_ref, off), reference))
    }
}

/// The register an assignment goes to.
struct Target {
    width: Width,
    dst: Reg,
    range: Range<usize>,
}

impl Target {
    fn check(&self, size: Size) -> Parsed<()> {
        Line::check_sized(self.range.clone(), self.width, size)
    }

    fn check_is_r0(&self, reason: &'static str) -> Parsed<()> {
        if self.dst == Reg::R0 {
            return Ok(());
        }
        Line::operand_error(self.range.clone(), reason)
    }
}

/// `be16`, `bswap64` …
fn byte_order(word: &str) -> Option<(EndOp, Size)> {
    [EndOp::ToLe, EndOp::ToBe, EndOp::Swap]
        .into_iter()
        .find_map(|op| {
            let size = match word.strip_prefix(op.symbol())? {
                "16" => Size::H,
                "32" => Size::W,
                "64" => Size::DW,
                _ => return None,
            };
            Some((op, size))
        })
}

/// An atomic operation written as a call.
struct AtomicCall {
    op: AtomicOp,
    /// If the name says it; `atomic_` alone is also LLVM's spelling for 8 bytes.
    size: Option<Size>,
    /// LLVM writes the address of `xchg_64(r1 + 0, r2)` without a type.
    bare_address: bool,
}

fn atomic_call(word: &str) -> Option<AtomicCall> {
    let bare = |op, size| {
        Some(AtomicCall {
            op,
            size: Some(size),
            bare_address: true,
        })
    };
    match word {
        "xchg_64" => return bare(AtomicOp::Xchg, Size::DW),
        "xchg32_32" => return bare(AtomicOp::Xchg, Size::W),
        "cmpxchg_64" => return bare(AtomicOp::Cmpxchg, Size::DW),
        "cmpxchg32_32" => return bare(AtomicOp::Cmpxchg, Size::W),
        _ => {}
    }
    let (size, name) = match word.strip_prefix("atomic64_") {
        Some(name) => (Some(Size::DW), name),
        None => (None, word.strip_prefix("atomic_")?),
    };
    let fetch = true;
    let op = match name {
        "fetch_add" => AtomicOp::Add { fetch },
        "fetch_or" => AtomicOp::Or { fetch },
        "fetch_and" => AtomicOp::And { fetch },
        "fetch_xor" => AtomicOp::Xor { fetch },
        "xchg" => AtomicOp::Xchg,
        "cmpxchg" => AtomicOp::Cmpxchg,
        _ => return None,
    };
    Some(AtomicCall {
        op,
        size,
        bare_address: false,
    })
}
