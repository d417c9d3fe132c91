//! One line: recursive descent over its tokens.

use std::ops::Range;

use super::error::{AsmErrorKind, JUMP, WIDE_IMM};
use super::lexer::{Spanned, Token, tokens};
use crate::{AluOp, AtomicOp, Callee, Cond, EndOp, Imm64, Insn, MapRef, Operand, Reg, Size, Width};

/// An error inside a line.
#[derive(Debug)]
pub(super) struct Fail {
    pub(super) range: Range<usize>,
    pub(super) kind: AsmErrorKind,
}

type Parsed<T> = Result<T, Fail>;

/// A name that is looked up once the whole text is read.
#[derive(Clone, Debug)]
pub(super) struct Reference<'t> {
    pub(super) name: &'t str,
    pub(super) range: Range<usize>,
}

/// What a line says about itself before its instruction.
pub(super) struct Claims {
    pub(super) slot: Option<(u64, Range<usize>)>,
    pub(super) opcode: Option<(u8, Range<usize>)>,
}

pub(super) struct Line<'t> {
    text: &'t str,
    tokens: Vec<Spanned<'t>>,
    at: usize,
}

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

/// A jump with its distance filled in.
pub(super) fn with_distance(insn: Insn, distance: i128) -> Result<Insn, AsmErrorKind> {
    let short = || {
        i16::try_from(distance).map_err(|_| AsmErrorKind::Range {
            value: format!("{distance:+}"),
            what: JUMP,
            min: i16::MIN.into(),
            max: i16::MAX.into(),
        })
    };
    Ok(match insn {
        Insn::Jump { long: false, .. } => Insn::Jump {
            off: short()?.into(),
            long: false,
        },
        Insn::Jump { long: true, .. } => Insn::Jump {
            off: i32::try_from(distance).map_err(|_| AsmErrorKind::Range {
                value: format!("{distance:+}"),
                what: "the 32-bit distance of a jump",
                min: i32::MIN.into(),
                max: i32::MAX.into(),
            })?,
            long: true,
        },
        Insn::JumpIf {
            cond,
            width,
            dst,
            src,
            ..
        } => Insn::JumpIf {
            cond,
            width,
            dst,
            src,
            off: short()?,
        },
        Insn::MayGoto { .. } => Insn::MayGoto { off: short()? },
        other => other,
    })
}

fn register(word: &str) -> Option<(Width, Reg)> {
    let (width, digits) = if let Some(digits) = word.strip_prefix('r') {
        (Width::W64, digits)
    } else {
        (Width::W32, word.strip_prefix('w')?)
    };
    if digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    let number = digits.parse().ok()?;
    Some((width, Reg::new(number)?))
}

/// `u32`, `s8`: whether signed, and the size.
fn memory_type(word: &str) -> Option<(bool, Size)> {
    let signed = word.starts_with('s');
    let bits = word.strip_prefix(['u', 's'])?;
    let size = match bits {
        "8" => Size::B,
        "16" => Size::H,
        "32" => Size::W,
        "64" => Size::DW,
        _ => return None,
    };
    Some((signed, size))
}

impl<'t> Line<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            tokens: tokens(text),
            at: 0,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// First byte of what comes next.
    pub(super) fn position(&self) -> usize {
        self.tokens
            .get(self.at)
            .map_or(self.end(), |token| token.start)
    }

    /// The byte after the last token.
    pub(super) fn end(&self) -> usize {
        self.tokens.last().map_or(0, |token| token.end)
    }

    fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.at).map(|spanned| spanned.token)
    }

    fn peek_second(&self) -> Option<Token<'t>> {
        self.tokens.get(self.at + 1).map(|spanned| spanned.token)
    }

    /// The place of the next token, or the end of the line.
    fn here(&self) -> Range<usize> {
        self.tokens
            .get(self.at)
            .map_or(self.end()..self.end(), |token| token.start..token.end)
    }

    fn expected<T>(&self, expected: &'static str) -> Parsed<T> {
        let found = self
            .peek()
            .map_or("the end of the line".to_owned(), |token| token.quoted());
        Err(Fail {
            range: self.here(),
            kind: AsmErrorKind::Expected { expected, found },
        })
    }

    fn operand_error<T>(range: Range<usize>, reason: &'static str) -> Parsed<T> {
        let kind = AsmErrorKind::Operand { reason };
        Err(Fail { range, kind })
    }

    fn takes(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(s)) if s == symbol);
        self.at += usize::from(found);
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(w)) if w == word);
        self.at += usize::from(found);
        found
    }

    fn symbol(&mut self, symbol: &'static str) -> Parsed<()> {
        if self.takes(symbol) {
            return Ok(());
        }
        self.expected(symbol)
    }

    fn word(&mut self, expected: &'static str) -> Parsed<&'t str> {
        let Some(Token::Word(word)) = self.peek() else {
            return self.expected(expected);
        };
        self.at += 1;
        Ok(word)
    }

    /// `name:` at the start of the rest.
    pub(super) fn label(&mut self) -> Option<(&'t str, Range<usize>)> {
        let (Some(Token::Word(word)), Some(Token::Symbol(":"))) = (self.peek(), self.peek_second())
        else {
            return None;
        };
        let range = self.here();
        self.at += 2;
        Some((word, range))
    }

    /// `3:` and `(b7)` at the start of the rest.
    pub(super) fn claims(&mut self) -> Parsed<Claims> {
        let mut claims = Claims {
            slot: None,
            opcode: None,
        };
        if let Some(Token::Number(slot)) = self.peek() {
            claims.slot = Some((slot, self.here()));
            self.at += 1;
            self.symbol(":")?;
        }
        if self.takes("(") {
            // Always hexadecimal, whatever the lexer made of it.
            let range = self.here();
            let Ok(opcode) = u8::from_str_radix(&self.text[range.clone()], 16) else {
                return self.expected("an opcode byte in hexadecimal");
            };
            claims.opcode = Some((opcode, range));
            self.at += 1;
            self.symbol(")")?;
        }
        Ok(claims)
    }

    fn reg(&mut self) -> Parsed<(Width, Reg)> {
        let Some(Token::Word(word)) = self.peek() else {
            return self.expected("a register");
        };
        match register(word) {
            Some(found) => {
                self.at += 1;
                Ok(found)
            }
            None => self.expected("a register, r0 to r10 or w0 to w10"),
        }
    }

    /// A register of this width.
    fn reg_of(&mut self, width: Width) -> Parsed<Reg> {
        let range = self.here();
        let (found, reg) = self.reg()?;
        if found != width {
            return Self::operand_error(range, "both registers must be 64-bit (r) or 32-bit (w)");
        }
        Ok(reg)
    }

    /// A register for an access of this size: `w` too, unless it is 8 bytes.
    fn reg_sized(&mut self, size: Size) -> Parsed<Reg> {
        let range = self.here();
        let (width, reg) = self.reg()?;
        Self::check_sized(range, width, size)?;
        Ok(reg)
    }

    fn check_sized(range: Range<usize>, width: Width, size: Size) -> Parsed<()> {
        if width == Width::W32 && size == Size::DW {
            return Self::operand_error(range, "an 8-byte access needs a 64-bit register (r)");
        }
        Ok(())
    }

    fn same_reg(&mut self, width: Width, dst: Reg) -> Parsed<()> {
        let range = self.here();
        if self.reg_of(width)? != dst {
            return Self::operand_error(range, "this instruction changes one register in place");
        }
        Ok(())
    }

    fn number(&mut self) -> Parsed<u64> {
        match self.peek() {
            Some(Token::Number(number)) => {
                self.at += 1;
                Ok(number)
            }
            Some(Token::TooLarge(text)) => Err(Fail {
                range: self.here(),
                kind: AsmErrorKind::Range {
                    value: text.to_owned(),
                    what: "64 bits",
                    min: i64::MIN.into(),
                    max: u64::MAX.into(),
                },
            }),
            _ => self.expected("a number"),
        }
    }

    fn is_signed_number(&self) -> bool {
        let number = |token| matches!(token, Some(Token::Number(_) | Token::TooLarge(_)));
        match self.peek() {
            Some(Token::Symbol("-" | "+")) => number(self.peek_second()),
            token => number(token),
        }
    }

    /// A number with or without sign, between limits.
    fn signed(&mut self, what: &'static str, min: i128, max: i128) -> Parsed<i128> {
        let start = self.position();
        let negative = self.takes("-");
        if !negative {
            self.takes("+");
        }
        let magnitude = i128::from(self.number()?);
        let value = if negative { -magnitude } else { magnitude };
        if value < min || value > max {
            let end = self.tokens[self.at - 1].end;
            return Err(Fail {
                range: start..end,
                kind: AsmErrorKind::Range {
                    value: self.text[start..end].to_owned(),
                    what,
                    min,
                    max,
                },
            });
        }
        Ok(value)
    }

    fn i32(&mut self, what: &'static str) -> Parsed<i32> {
        let value = self.signed(what, i32::MIN.into(), i32::MAX.into())?;
        Ok(value as i32)
    }

    /// An immediate. Where only 32 bits count, `0xffffffff` is another spelling of `-1`.
    fn imm(&mut self, width: Width) -> Parsed<i32> {
        match width {
            Width::W64 => self.i32(WIDE_IMM),
            Width::W32 => {
                let value = self.signed("32 bits", i32::MIN.into(), u32::MAX.into())?;
                Ok(value as u32 as i32)
            }
        }
    }

    /// A register of this width, or a number.
    fn operand(&mut self, width: Width) -> Parsed<Operand> {
        if self.is_signed_number() {
            return Ok(Operand::Imm(self.imm(width)?));
        }
        if !matches!(self.peek(), Some(Token::Word(_))) {
            return self.expected("a register or a number");
        }
        Ok(Operand::Reg(self.reg_of(width)?))
    }

    /// `r1 + 4`, `r1 +4`, `r1 - 4` or `r1`.
    fn base_and_offset(&mut self) -> Parsed<(Reg, i16)> {
        let base = self.reg_of(Width::W64)?;
        let off = if matches!(self.peek(), Some(Token::Symbol("+" | "-"))) {
            self.signed("a 16-bit offset", i16::MIN.into(), i16::MAX.into())? as i16
        } else {
            0
        };
        Ok((base, off))
    }

    /// `(u32 *)(r1 + 4)`: whether signed, size, base, offset.
    fn pointer(&mut self) -> Parsed<(bool, Size, Reg, i16)> {
        let (signed, size) = self.pointer_type()?;
        self.symbol("(")?;
        let (base, off) = self.base_and_offset()?;
        self.symbol(")")?;
        Ok((signed, size, base, off))
    }

    fn unsigned_pointer(&mut self) -> Parsed<(Size, Reg, i16)> {
        let range = self.here();
        let (signed, size, base, off) = self.pointer()?;
        if signed {
            return Self::operand_error(range, "only a load can be signed");
        }
        Ok((size, base, off))
    }

    fn pointer_type(&mut self) -> Parsed<(bool, Size)> {
        const TYPES: &str = "a type, u8 to u64 or s8 to s32";
        self.symbol("(")?;
        let Some(Token::Word(word)) = self.peek() else {
            return self.expected(TYPES);
        };
        let Some(found) = memory_type(word) else {
            return self.expected(TYPES);
        };
        self.at += 1;
        self.symbol("*")?;
        self.symbol(")")?;
        Ok(found)
    }

    /// The whole instruction; nothing may follow it.
    pub(super) fn statement(&mut self) -> Parsed<(Insn, Option<Reference<'t>>)> {
        let begin = self.position();
        let (insn, reference) = self.instruction()?;
        if !self.is_done() {
            return self.expected("the end of the line");
        }
        if insn.opcode().is_none() {
            let range = begin..self.end();
            return Self::operand_error(range, "there is no such instruction for this size");
        }
        Ok((insn, reference))
    }

    fn instruction(&mut self) -> Parsed<(Insn, Option<Reference<'t>>)> {
        if self.takes("*") {
            let (size, base, off) = self.unsigned_pointer()?;
            self.symbol("=")?;
            let src = if self.is_signed_number() {
                let narrow = size < Size::DW;
                Operand::Imm(self.imm(if narrow { Width::W32 } else { Width::W64 })?)
            } else {
                Operand::Reg(self.reg_sized(size)?)
            };
            let insn = Insn::Store {
                size,
                base,
                off,
                src,
            };
            return Ok((insn, None));
        }
        let Some(Token::Word(word)) = self.peek() else {
            return self.expected("an instruction");
        };
        if register(word).is_some() {
            return self.assignment();
        }
        let range = self.here();
        self.at += 1;
        let jump = |off| Insn::Jump { off: 0, long: off };
        match word {
            "exit" => Ok((Insn::Exit, None)),
            "goto" => self.jump(jump(false)),
            "gotol" => self.jump(jump(true)),
            "may_goto" => self.jump(Insn::MayGoto { off: 0 }),
            "if" => self.conditional(),
            "call" => self.call(),
            "callx" => Ok((Insn::CallReg(self.reg_of(Width::W64)?), None)),
            "lock" => Ok((self.lock()?, None)),
            "store_release" => Ok((self.store_release()?, None)),
            _ => {
                let found = format!("`{word}`");
                let expected = "an instruction";
                let kind = AsmErrorKind::Expected { expected, found };
                Err(Fail { range, kind })
            }
        }
    }

    /// `+3`, `pc-3`, or the name of a label.
    fn jump(&mut self, insn: Insn) -> Parsed<(Insn, Option<Reference<'t>>)> {
        let range = self.here();
        let pc = matches!(self.peek(), Some(Token::Word("pc")))
            && matches!(self.peek_second(), Some(Token::Symbol("+" | "-")));
        self.at += usize::from(pc);
        if let Some(Token::Symbol("+" | "-")) = self.peek() {
            let distance = self.signed("64 bits", i64::MIN.into(), i64::MAX.into())?;
            let end = self.tokens[self.at - 1].end;
            let range = range.start..end;
            let insn = with_distance(insn, distance).map_err(|kind| Fail { range, kind })?;
            return Ok((insn, None));
        }
        let name = self.word("a distance such as +3, or a label")?;
        Ok((insn, Some(Reference { name, range })))
    }

    fn conditional(&mut self) -> Parsed<(Insn, Option<Reference<'t>>)> {
        let (width, dst) = self.reg()?;
        let cond = Cond::ALL
            .into_iter()
            .find(|cond| matches!(self.peek(), Some(Token::Symbol(s)) if s == cond.symbol()));
        let Some(cond) = cond else {
            return self.expected("a comparison");
        };
        self.at += 1;
        let src = self.operand(width)?;
        if !self.takes_word("goto") {
            return self.expected("`goto`");
        }
        self.jump(Insn::JumpIf {
            cond,
            width,
            dst,
            src,
            off: 0,
        })
    }

    /// `#1`, `1`, `pc+5`, `kfunc:7:2`, `name`, or `name#` before any but the last.
    fn call(&mut self) -> Parsed<(Insn, Option<Reference<'t>>)> {
        let range = self.here();
        let Some(Token::Word(name)) = self.peek() else {
            self.takes("#");
            return Ok((Insn::Call(self.callee()?), None));
        };
        if name == "pc" || name == "kfunc" {
            return Ok((Insn::Call(self.callee()?), None));
        }
        self.at += 1;
        if self.takes("#") {
            return Ok((Insn::Call(self.callee()?), None));
        }
        let insn = Insn::Call(Callee::Helper(0));
        Ok((insn, Some(Reference { name, range })))
    }

    fn callee(&mut self) -> Parsed<Callee> {
        if self.takes_word("pc") {
            if !matches!(self.peek(), Some(Token::Symbol("+" | "-"))) {
                return self.expected("a distance such as +3");
            }
            return Ok(Callee::Local(self.i32("the 32-bit distance of a call")?));
        }
        if self.takes_word("kfunc") {
            self.symbol(":")?;
            let id = self.i32("a 32-bit BTF id")?;
            let mut module = 0;
            if self.takes(":") {
                module = self.signed("16 bits", i16::MIN.into(), i16::MAX.into())? as i16;
            }
            return Ok(Callee::Kfunc { id, module });
        }
        if !self.is_signed_number() {
            return self.expected("a helper number, pc+N or kfunc:N");
        }
        Ok(Callee::Helper(self.i32("a 32-bit helper number")?))
    }

    /// `lock *(u64 *)(r1 + 0) += r2`
    fn lock(&mut self) -> Parsed<Insn> {
        self.symbol("*")?;
        let (size, base, off) = self.unsigned_pointer()?;
        let fetch = false;
        let op = match self.peek() {
            Some(Token::Symbol("+=")) => AtomicOp::Add { fetch },
            Some(Token::Symbol("|=")) => AtomicOp::Or { fetch },
            Some(Token::Symbol("&=")) => AtomicOp::And { fetch },
            Some(Token::Symbol("^=")) => AtomicOp::Xor { fetch },
            _ => return self.expected("+=, |=, &= or ^="),
        };
        self.at += 1;
        let src = self.reg_sized(size)?;
        Ok(Insn::Atomic {
            op,
            size,
            base,
            off,
            src,
        })
    }

    /// `store_release((u64 *)(r1 + 0), r2)`
    fn store_release(&mut self) -> Parsed<Insn> {
        self.symbol("(")?;
        let (size, base, off) = self.unsigned_pointer()?;
        self.symbol(",")?;
        let src = self.reg_sized(size)?;
        self.symbol(")")?;
        Ok(Insn::StoreRelease {
            size,
            base,
            off,
            src,
        })
    }

    /// Everything that starts with a register.
    fn assignment(&mut self) -> Parsed<(Insn, Option<Reference<'t>>)> {
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

    /// `5`, or `5 ll` for the two-slot form.
    fn constant(&mut self, width: Width, dst: Reg) -> Parsed<Insn> {
        let digits = self.at + usize::from(matches!(self.peek(), Some(Token::Symbol(_))));
        let wide = self.tokens.get(digits + 1).map(|spanned| spanned.token);
        if wide == Some(Token::Word("ll")) {
            let range = self.here();
            let number = self.signed("64 bits", i64::MIN.into(), u64::MAX.into())?;
            self.at += 1;
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
            let off = if matches!(self.peek(), Some(Token::Symbol("+" | "-"))) {
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
