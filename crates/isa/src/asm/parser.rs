//! One instruction: recursive descent over the tokens of its line.

use super::error::{AsmErrorKind, JUMP};
use super::lexer::Token;
use super::line::{Fail, Line, Parsed, Reference, register};
use crate::{AtomicOp, Callee, Cond, Insn, Operand, Size, Width};

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

impl<'t> Line<'t> {
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
        self.refuse_high_register(word)?;
        let range = self.here();
        self.at += 1;
        let jump = |long| Insn::Jump { off: 0, long };
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
        // The kernel's log prints the 32 bits of this immediate in hexadecimal, without its sign.
        let from_log = self.claimed.is_some() && self.is_signed_number();
        let src = if from_log {
            Operand::Imm(self.imm(Width::W32)?)
        } else {
            self.operand(width)?
        };
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
}
