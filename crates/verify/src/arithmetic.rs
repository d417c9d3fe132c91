//! ALU instructions: on numbers, and what may be done to pointers.

use osmia_isa::{AluOp, Insn, Operand, Reg as RegName, Size, Width};
use osmia_program::release::Feature;

use crate::domain::{Op, Scalar, Unsigned};
use crate::limits;
use crate::reg::{Range, Reg, Sum, What};
use crate::reject::{Check, denied, invalid};
use crate::speculation::Masked;
use crate::transfer::Transfer;

impl Transfer<'_> {
    pub(crate) fn arithmetic(&mut self, insn: &Insn) -> Check {
        match *insn {
            Insn::Neg { width, dst } => {
                let reg = self.number_operand(dst)?;
                let num = match width {
                    Width::W64 => reg.num.negate(),
                    Width::W32 => reg.num.negate32(),
                };
                self.write(dst, Reg::number(num))
            }
            Insn::End { dst, .. } => {
                self.number_operand(dst)?;
                self.write(dst, Reg::number(SWAPPED))
            }
            Insn::MovSx {
                width,
                dst,
                src,
                from,
            } => self.move_extending(width, dst, src, from),
            Insn::Alu {
                op: AluOp::Mov,
                width,
                dst,
                src,
            } => self.copy(width, dst, src),
            Insn::Alu {
                op,
                width,
                dst,
                src,
            } => self.combine(op, width, dst, src),
            _ => Ok(()),
        }
    }

    fn number_operand(&mut self, name: RegName) -> Check<Reg> {
        let reg = self.read(name)?;
        if self.would_leak(&reg) {
            return denied(
                self.at,
                format!("R{} pointer arithmetic prohibited", name.number()),
            );
        }
        Ok(if reg.is_number() { reg } else { Reg::UNKNOWN })
    }

    /// Gives a number an id before it is copied, so that what is learned of one is learned of both.
    pub(crate) fn identify(&mut self, name: RegName) -> Reg {
        let reg = *self.state.reg(name);
        if !reg.is_number() || reg.num.constant().is_some() || !self.has(Feature::EqualNumbers) {
            return reg;
        }
        // A number at a distance from others starts a family of its own.
        if reg.id == 0 || reg.sum != Sum::None {
            let id = self.fresh_id();
            let reg = self.state.reg_mut(name);
            reg.unlink();
            reg.id = id;
        }
        *self.state.reg(name)
    }

    fn copy(&mut self, width: Width, dst: RegName, src: Operand) -> Check {
        let src = match src {
            Operand::Imm(imm) => {
                let value = match width {
                    Width::W64 => imm as i64 as u64,
                    Width::W32 => u64::from(imm as u32),
                };
                return self.write(dst, Reg::constant(value));
            }
            Operand::Reg(src) => src,
        };
        let reg = self.read(src)?;
        match width {
            Width::W64 => {
                let copy = self.identify(src);
                self.write(dst, copy)
            }
            Width::W32 if self.would_leak(&reg) => denied(
                self.at,
                format!("R{} partial copy of pointer", src.number()),
            ),
            Width::W32 if reg.is_pointer() => {
                self.write(dst, Reg::number(Scalar::zero_extended(32)))
            }
            Width::W32 => {
                let whole = reg.num.u.max <= u64::from(u32::MAX);
                let mut copy = if whole { self.identify(src) } else { reg };
                if !whole {
                    copy.unlink();
                }
                copy.num.zero_extend();
                self.write(dst, copy)
            }
        }
    }

    fn move_extending(&mut self, width: Width, dst: RegName, src: RegName, from: Size) -> Check {
        let reg = self.read(src)?;
        if self.would_leak(&reg) {
            return denied(
                self.at,
                format!("R{} sign-extension part of pointer", src.number()),
            );
        }
        if reg.is_pointer() {
            return self.write(dst, Reg::UNKNOWN);
        }
        let bits = from.bytes() as u32 * 8;
        let unchanged = reg.num.u.max < 1 << (bits - 1);
        let mut copy = if unchanged { self.identify(src) } else { reg };
        if !unchanged {
            copy.unlink();
            copy.num.sign_extend_from(bits);
        }
        if width == Width::W32 {
            copy.num.zero_extend();
        }
        self.write(dst, copy)
    }

    fn combine(&mut self, op: AluOp, width: Width, dst: RegName, src: Operand) -> Check {
        let other = match src {
            Operand::Imm(imm) => {
                self.check_constant(op, width, imm)?;
                Reg::constant(imm as i64 as u64)
            }
            Operand::Reg(src) => self.read(src)?,
        };
        let this = self.read(dst)?;
        if dst == RegName::R10 {
            return denied(self.at, "frame pointer is read only");
        }
        if this.what == What::Arena {
            // The kernel catches what goes wrong there.
            return self.write(dst, this);
        }
        match (this.is_pointer(), other.is_pointer()) {
            (true, true) => {
                if op == AluOp::Sub && self.options.is_trusted() {
                    return self.write(dst, Reg::UNKNOWN);
                }
                denied(
                    self.at,
                    format!(
                        "R{} pointer {} pointer prohibited",
                        dst.number(),
                        symbol(op)
                    ),
                )
            }
            (false, true) => {
                self.want(dst);
                let operands = (&other, &this, true);
                let result = self.move_pointer(op, width, dst, src, operands)?;
                self.write(dst, result)
            }
            (true, false) => {
                if let Operand::Reg(src) = src {
                    self.want(src);
                }
                let operands = (&this, &other, false);
                let result = self.move_pointer(op, width, dst, src, operands)?;
                self.write(dst, result)
            }
            (false, false) => {
                if this.precise
                    && let Operand::Reg(src) = src
                {
                    self.want(src);
                }
                self.mask_numbers(op, src)?;
                let doubled = src == Operand::Reg(dst);
                self.write(dst, self.compute(op, width, &this, &other, doubled))
            }
        }
    }

    /// Rules for constants that have no meaning at run time.
    fn check_constant(&self, op: AluOp, width: Width, imm: i32) -> Check {
        let bits = match width {
            Width::W32 => 32,
            Width::W64 => 64,
        };
        match op {
            AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod if imm == 0 => {
                invalid(self.at, "div by zero")
            }
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh if !(0..bits).contains(&imm) => {
                invalid(self.at, format!("invalid shift {imm}"))
            }
            _ => Ok(()),
        }
    }

    /// The result of an operation on numbers, which may be one and the same register.
    fn compute(&self, op: AluOp, width: Width, this: &Reg, other: &Reg, doubled: bool) -> Reg {
        let Some(op) = transfer(op) else {
            // Linux knows nothing of the result, not even its width.
            return Reg::UNKNOWN;
        };
        let mut result = Reg {
            num: match width {
                Width::W64 => this.num.apply(op, &other.num),
                Width::W32 => this.num.apply32(op, &other.num),
            },
            ..*this
        };
        match self.distance(op, width, this, other) {
            Some(step) if !doubled => {
                result.delta = step;
                result.sum = match width {
                    Width::W64 => Sum::Whole,
                    Width::W32 => Sum::Half,
                };
            }
            _ => result.unlink(),
        }
        result
    }

    /// The constant that is added, if the number stays in its family at that distance.
    fn distance(&self, op: Op, width: Width, this: &Reg, other: &Reg) -> Option<i32> {
        if this.id == 0 || this.sum != Sum::None || !self.has(Feature::DistantNumbers) {
            return None;
        }
        let upward = op == Op::Add && width == Width::W64;
        if !self.has(Feature::AnyDistance) {
            let step = other.num.constant().filter(|_| upward)?;
            return i32::try_from(step).ok();
        }
        let step = match width {
            Width::W64 => i32::try_from(other.num.constant()? as i64).ok()?,
            // What is added to a half stays at a distance only from numbers that are no more than one.
            Width::W32 if this.num.u.max > u64::from(u32::MAX) => return None,
            Width::W32 => other.num.constant32()? as i32,
        };
        match op {
            Op::Add => Some(step),
            Op::Sub => step.checked_neg(),
            _ => None,
        }
    }

    /// A pointer plus or minus a number.
    fn move_pointer(
        &mut self,
        op: AluOp,
        width: Width,
        dst: RegName,
        src: Operand,
        (pointer, number, reversed): (&Reg, &Reg, bool),
    ) -> Check<Reg> {
        let at = self.at;
        let name = pointer.name();
        let register = dst.number();
        let num = number.num;
        if num.is_contradictory() {
            return Ok(Reg::UNKNOWN);
        }
        if width == Width::W32 {
            if op == AluOp::Sub {
                return Ok(Reg::UNKNOWN);
            }
            return denied(
                at,
                format!("R{register} 32-bit pointer arithmetic prohibited"),
            );
        }
        if pointer.may_be_null() {
            return denied(
                at,
                format!("R{register} pointer arithmetic on {name} prohibited, null-check it first"),
            );
        }
        let known = num.constant();
        let allowed = match pointer.what {
            What::PacketEnd | What::Socket(_) => false,
            What::Map(_) => known == Some(0) && op == AluOp::Add,
            What::FlowKeys => known.is_some(),
            _ => true,
        };
        if !allowed {
            return denied(
                at,
                format!("R{register} pointer arithmetic on {name} prohibited"),
            );
        }
        self.check_sane(&num, 0, name)?;
        self.check_sane(&pointer.num, pointer.off, name)?;
        let sum = Masked {
            op,
            dst,
            pointer,
            number,
            reversed,
        };
        let mask = self.mask_pointer(&sum, src)?;
        let mut result = *pointer;
        // Pointers know nothing of their lower half.
        result.num.forget_half();
        let fixed = known.map(|known| known as i64);
        match op {
            AluOp::Add => {
                let off = fixed.and_then(|by| i32::try_from(i64::from(pointer.off) + by).ok());
                if let Some(off) = off {
                    result.off = off;
                } else {
                    self.add_variable(&mut result, &num);
                }
            }
            AluOp::Sub => {
                if reversed {
                    return denied(
                        at,
                        format!("R{register} tried to subtract pointer from scalar"),
                    );
                }
                if let What::Stack { .. } = pointer.what {
                    return denied(
                        at,
                        format!("R{register} subtraction from stack pointer prohibited"),
                    );
                }
                let off = fixed.and_then(|by| i32::try_from(i64::from(pointer.off) - by).ok());
                if let Some(off) = off {
                    result.off = off;
                } else {
                    self.subtract_variable(&mut result, &num);
                }
            }
            AluOp::And | AluOp::Or | AluOp::Xor => {
                return denied(
                    at,
                    format!(
                        "R{register} bitwise operator {} on pointer prohibited",
                        symbol(op)
                    ),
                );
            }
            _ => {
                return denied(
                    at,
                    format!(
                        "R{register} pointer arithmetic with {} operator prohibited",
                        symbol(op)
                    ),
                );
            }
        }
        self.check_sane(&result.num, result.off, name)?;
        result.num.sync();
        self.check_moved(dst, &result)?;
        if let Some(mask) = mask {
            self.commit_mask(&sum, mask, &result)?;
        }
        Ok(result)
    }

    fn add_variable(&mut self, pointer: &mut Reg, num: &Scalar) {
        pointer.num.s = pointer.num.s.sum(num.s);
        pointer.num.u = match pointer.num.u.max.checked_add(num.u.max) {
            Some(max) => Unsigned {
                min: pointer.num.u.min + num.u.min,
                max,
            },
            None => Unsigned::ALL,
        };
        pointer.num.bits = pointer.num.bits.add(num.bits);
        self.restart_packet(pointer, true);
    }

    fn subtract_variable(&mut self, pointer: &mut Reg, num: &Scalar) {
        pointer.num.s = pointer.num.s.difference(num.s);
        pointer.num.u = match pointer.num.u.min.checked_sub(num.u.max) {
            Some(min) => Unsigned {
                min,
                max: pointer.num.u.max - num.u.min,
            },
            None => Unsigned::ALL,
        };
        pointer.num.bits = pointer.num.bits.sub(num.bits);
        self.restart_packet(pointer, num.s.min < 0);
    }

    /// A packet pointer with a new variable part starts a family of its own, of which no range is
    /// known yet.
    fn restart_packet(&mut self, pointer: &mut Reg, forget_range: bool) {
        if !pointer.is_packet() {
            return;
        }
        pointer.id = self.fresh_id();
        if forget_range
            && let What::Packet { range } | What::PacketMeta { range } = &mut pointer.what
        {
            *range = Range::NONE;
        }
    }

    /// Offsets must stay small enough that sums of them do not overflow.
    fn check_sane(&self, num: &Scalar, off: i32, name: &str) -> Check {
        let max = limits::OFFSET_MAX;
        let at = self.at;
        if let Some(value) = num.constant() {
            let value = value as i64;
            if value >= max || value <= -max {
                return invalid(
                    at,
                    format!("math between {name} pointer and {value} is not allowed"),
                );
            }
        }
        if i64::from(off) >= max || i64::from(off) <= -max {
            return invalid(at, format!("{name} pointer offset {off} is not allowed"));
        }
        if num.s.min == i64::MIN {
            return invalid(
                at,
                format!(
                    "math between {name} pointer and register with unbounded min value is not allowed"
                ),
            );
        }
        if num.s.min >= max || num.s.min <= -max {
            return invalid(
                at,
                format!("value {} makes {name} pointer be out of bounds", num.s.min),
            );
        }
        Ok(())
    }
}

/// The transfer function of an operation, if it has one.
fn transfer(op: AluOp) -> Option<Op> {
    Some(match op {
        AluOp::Add => Op::Add,
        AluOp::Sub => Op::Sub,
        AluOp::Mul => Op::Mul,
        AluOp::And => Op::And,
        AluOp::Or => Op::Or,
        AluOp::Xor => Op::Xor,
        AluOp::Lsh => Op::Shl,
        AluOp::Rsh => Op::Shr,
        AluOp::Arsh => Op::Sar,
        AluOp::Div | AluOp::Sdiv | AluOp::Mod | AluOp::Smod | AluOp::Mov => return None,
    })
}

/// Bytes in another order: Linux knows nothing of the result, not even its width.
const SWAPPED: Scalar = Scalar::UNKNOWN;

fn symbol(op: AluOp) -> &'static str {
    match op {
        AluOp::Add => "+=",
        AluOp::Sub => "-=",
        AluOp::Mul => "*=",
        AluOp::Div | AluOp::Sdiv => "/=",
        AluOp::Mod | AluOp::Smod => "%=",
        AluOp::Or => "|=",
        AluOp::And => "&=",
        AluOp::Xor => "^=",
        AluOp::Lsh => "<<=",
        AluOp::Rsh => ">>=",
        AluOp::Arsh => "s>>=",
        AluOp::Mov => "=",
    }
}
