//! One line as tokens, and the pieces that instructions are made of: registers, numbers, addresses.

use std::ops::Range;

use super::error::{AsmErrorKind, WIDE_IMM};
use super::lexer::{Spanned, Token, tokens};
use crate::{Operand, Reg, Size, Width};

/// An error inside a line.
#[derive(Debug)]
pub(super) struct Fail {
    pub(super) range: Range<usize>,
    pub(super) kind: AsmErrorKind,
}

pub(super) type Parsed<T> = Result<T, Fail>;

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

/// A line, read from left to right.
pub(super) struct Line<'t> {
    pub(super) text: &'t str,
    pub(super) tokens: Vec<Spanned<'t>>,
    pub(super) at: usize,
    /// The opcode byte the line carries, if it comes from the kernel's log.
    pub(super) claimed: Option<u8>,
}

pub(super) fn register(word: &str) -> Option<(Width, Reg)> {
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
pub(super) fn memory_type(word: &str) -> Option<(bool, Size)> {
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
            claimed: None,
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

    pub(super) fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.at).map(|spanned| spanned.token)
    }

    pub(super) fn peek_second(&self) -> Option<Token<'t>> {
        self.tokens.get(self.at + 1).map(|spanned| spanned.token)
    }

    /// The place of the next token, or the end of the line.
    pub(super) fn here(&self) -> Range<usize> {
        self.tokens
            .get(self.at)
            .map_or(self.end()..self.end(), |token| token.start..token.end)
    }

    pub(super) fn expected<T>(&self, expected: &'static str) -> Parsed<T> {
        let found = self
            .peek()
            .map_or("the end of the line".to_owned(), |token| token.quoted());
        Err(Fail {
            range: self.here(),
            kind: AsmErrorKind::Expected { expected, found },
        })
    }

    pub(super) fn operand_error<T>(range: Range<usize>, reason: &'static str) -> Parsed<T> {
        let kind = AsmErrorKind::Operand { reason };
        Err(Fail { range, kind })
    }

    pub(super) fn takes(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(s)) if s == symbol);
        self.at += usize::from(found);
        found
    }

    pub(super) fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(w)) if w == word);
        self.at += usize::from(found);
        found
    }

    pub(super) fn symbol(&mut self, symbol: &'static str) -> Parsed<()> {
        if self.takes(symbol) {
            return Ok(());
        }
        self.expected(symbol)
    }

    pub(super) fn word(&mut self, expected: &'static str) -> Parsed<&'t str> {
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
            self.claimed = Some(opcode);
            self.at += 1;
            self.symbol(")")?;
        }
        Ok(claims)
    }

    pub(super) fn reg(&mut self) -> Parsed<(Width, Reg)> {
        let Some(Token::Word(word)) = self.peek() else {
            return self.expected("a register");
        };
        match register(word) {
            Some(found) => {
                self.at += 1;
                Ok(found)
            }
            None => {
                self.refuse_high_register(word)?;
                self.expected("a register, r0 to r10 or w0 to w10")
            }
        }
    }

    /// Says of `r11` that it does not exist rather than that something else was expected.
    pub(super) fn refuse_high_register(&self, word: &str) -> Parsed<()> {
        let digits = word.strip_prefix(['r', 'w']).unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(());
        }
        Self::operand_error(self.here(), "registers are r0 to r10 and w0 to w10")
    }

    /// A register of this width.
    pub(super) fn reg_of(&mut self, width: Width) -> Parsed<Reg> {
        let range = self.here();
        let (found, reg) = self.reg()?;
        if found != width {
            return Self::operand_error(range, "both registers must be 64-bit (r) or 32-bit (w)");
        }
        Ok(reg)
    }

    /// A register for an access of this size: `w` too, unless it is 8 bytes.
    pub(super) fn reg_sized(&mut self, size: Size) -> Parsed<Reg> {
        let range = self.here();
        let (width, reg) = self.reg()?;
        Self::check_sized(range, width, size)?;
        Ok(reg)
    }

    pub(super) fn check_sized(range: Range<usize>, width: Width, size: Size) -> Parsed<()> {
        if width == Width::W32 && size == Size::DW {
            return Self::operand_error(range, "an 8-byte access needs a 64-bit register (r)");
        }
        Ok(())
    }

    pub(super) fn same_reg(&mut self, width: Width, dst: Reg) -> Parsed<()> {
        let range = self.here();
        if self.reg_of(width)? != dst {
            return Self::operand_error(range, "this instruction changes one register in place");
        }
        Ok(())
    }

    pub(super) fn number(&mut self) -> Parsed<u64> {
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

    pub(super) fn is_signed_number(&self) -> bool {
        let number = |token| matches!(token, Some(Token::Number(_) | Token::TooLarge(_)));
        match self.peek() {
            Some(Token::Symbol("-" | "+")) => number(self.peek_second()),
            token => number(token),
        }
    }

    /// A number with or without sign, between limits.
    pub(super) fn signed(&mut self, what: &'static str, min: i128, max: i128) -> Parsed<i128> {
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

    pub(super) fn i32(&mut self, what: &'static str) -> Parsed<i32> {
        let value = self.signed(what, i32::MIN.into(), i32::MAX.into())?;
        Ok(value as i32)
    }

    /// An immediate. Where only 32 bits count, `0xffffffff` is another spelling of `-1`.
    pub(super) fn imm(&mut self, width: Width) -> Parsed<i32> {
        match width {
            Width::W64 => self.i32(WIDE_IMM),
            Width::W32 => {
                let value = self.signed("32 bits", i32::MIN.into(), u32::MAX.into())?;
                Ok(value as u32 as i32)
            }
        }
    }

    /// A register of this width, or a number.
    pub(super) fn operand(&mut self, width: Width) -> Parsed<Operand> {
        if self.is_signed_number() {
            return Ok(Operand::Imm(self.imm(width)?));
        }
        if !matches!(self.peek(), Some(Token::Word(_))) {
            return self.expected("a register or a number");
        }
        Ok(Operand::Reg(self.reg_of(width)?))
    }

    /// `r1 + 4`, `r1 +4`, `r1 - 4` or `r1`.
    pub(super) fn base_and_offset(&mut self) -> Parsed<(Reg, i16)> {
        let base = self.reg_of(Width::W64)?;
        let off = if matches!(self.peek(), Some(Token::Symbol("+" | "-"))) {
            self.signed("a 16-bit offset", i16::MIN.into(), i16::MAX.into())? as i16
        } else {
            0
        };
        Ok((base, off))
    }

    /// `(u32 *)(r1 + 4)`: whether signed, size, base, offset.
    pub(super) fn pointer(&mut self) -> Parsed<(bool, Size, Reg, i16)> {
        let (signed, size) = self.pointer_type()?;
        self.symbol("(")?;
        let (base, off) = self.base_and_offset()?;
        self.symbol(")")?;
        Ok((signed, size, base, off))
    }

    pub(super) fn unsigned_pointer(&mut self) -> Parsed<(Size, Reg, i16)> {
        let range = self.here();
        let (signed, size, base, off) = self.pointer()?;
        if signed {
            return Self::operand_error(range, "only a load can be signed");
        }
        Ok((size, base, off))
    }

    pub(super) fn pointer_type(&mut self) -> Parsed<(bool, Size)> {
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
}
