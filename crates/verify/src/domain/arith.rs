//! Arithmetic on what is known: the transfer functions of the ALU instructions.
//!
//! They are as precise as Linux 6.18's and not more: shifts by unknown amounts, divisions and
//! remainders give anything.

use super::interval::{Signed, Unsigned};
use super::scalar::Scalar;
use super::tnum::Tnum;
use super::width::{Width, sign_extend, truncate};

/// An operation that has a transfer function.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Bitwise and.
    And,
    /// Bitwise or.
    Or,
    /// Bitwise exclusive or.
    Xor,
    /// Shift left.
    Shl,
    /// Shift right, zeroes coming in.
    Shr,
    /// Shift right, the sign coming in.
    Sar,
}

impl Op {
    /// All of them.
    pub const ALL: [Op; 9] = [
        Op::Add,
        Op::Sub,
        Op::Mul,
        Op::And,
        Op::Or,
        Op::Xor,
        Op::Shl,
        Op::Shr,
        Op::Sar,
    ];
}

impl<const BITS: u32, const HALF: u32> Scalar<BITS, HALF> {
    /// The result of an operation of the full width.
    pub fn apply(&self, op: Op, other: &Self) -> Self {
        if let Op::Shl | Op::Shr | Op::Sar = op {
            return match other.constant() {
                Some(by) if by < u64::from(BITS) => self.shift(op, by as u32),
                _ => Self::UNKNOWN,
            };
        }
        let mut result = *self;
        result.bits = bits(op, self.bits, other.bits);
        // The lower half of these depends on the lower halves alone.
        half(
            op,
            &mut result.u32,
            &mut result.s32,
            other.u32,
            other.s32,
            result.bits.low(HALF),
        );
        half(
            op,
            &mut result.u,
            &mut result.s,
            other.u,
            other.s,
            result.bits,
        );
        if let (Op::And | Op::Or | Op::Xor, Some(_), Some(_)) =
            (op, self.constant(), other.constant())
        {
            return Self::known(result.bits.value);
        }
        result.sync();
        result
    }

    /// The result of an operation of half the width: the upper half is 0.
    pub fn apply32(&self, op: Op, other: &Self) -> Self {
        let mut result = *self;
        if let Op::Shl | Op::Shr | Op::Sar = op {
            match other.constant32() {
                Some(by) if by < u64::from(HALF) => result.shift32(op, by as u32),
                _ => {
                    result = Self::UNKNOWN;
                    result.bits = Tnum::UNKNOWN.low(HALF);
                }
            }
        } else {
            let low = bits(op, self.bits.low(HALF), other.bits.low(HALF)).low(HALF);
            half(
                op,
                &mut result.u32,
                &mut result.s32,
                other.u32,
                other.s32,
                low,
            );
            result.bits = low;
            if let (Op::And | Op::Or | Op::Xor, true) = (op, low.is_known()) {
                result.u32 = Unsigned::known(low.value);
                result.s32 = Signed::known(low.value);
            }
        }
        result.zero_extend();
        result
    }

    /// The negative.
    pub fn negate(&self) -> Self {
        Self::known(0).apply(Op::Sub, self)
    }

    /// The negative of the lower half.
    pub fn negate32(&self) -> Self {
        Self::known(0).apply32(Op::Sub, self)
    }

    fn shift(&self, op: Op, by: u32) -> Self {
        let mut result = *self;
        match op {
            Op::Shl => {
                // A shift by half the width is the first half of a sign extension.
                result.s = if by == HALF {
                    Signed {
                        min: self.s32.min << HALF,
                        max: self.s32.max << HALF,
                    }
                } else {
                    Signed::ALL
                };
                result.u = if self.u.max > Width::<BITS>::MAX >> by {
                    Unsigned::ALL
                } else {
                    Unsigned {
                        min: self.u.min << by,
                        max: self.u.max << by,
                    }
                };
                result.bits = self.bits.shl(by);
                let low = truncate_unsigned_shift(self.u32, by);
                result.forget_half();
                result.u32 = low;
            }
            Op::Shr => {
                result.s = Signed::ALL;
                result.u = Unsigned {
                    min: self.u.min >> by,
                    max: self.u.max >> by,
                };
                result.bits = self.bits.shr(by);
                result.forget_half();
            }
            _ => {
                result.s = Signed {
                    min: self.s.min >> by,
                    max: self.s.max >> by,
                };
                result.u = Unsigned::ALL;
                result.bits = self.bits.sar(by);
                result.forget_half();
            }
        }
        result.sync();
        result
    }

    fn shift32(&mut self, op: Op, by: u32) {
        let low: Tnum<HALF> = Tnum::new(self.bits.low(HALF).value, self.bits.low(HALF).mask);
        let shifted = match op {
            Op::Shl => {
                self.u32 = truncate_unsigned_shift(self.u32, by);
                self.s32 = Signed::ALL;
                low.shl(by)
            }
            Op::Shr => {
                self.u32 = Unsigned {
                    min: self.u32.min >> by,
                    max: self.u32.max >> by,
                };
                self.s32 = Signed::ALL;
                low.shr(by)
            }
            _ => {
                self.s32 = Signed {
                    min: self.s32.min >> by,
                    max: self.s32.max >> by,
                };
                self.u32 = Unsigned::ALL;
                low.sar(by)
            }
        };
        self.bits = Tnum::new(shifted.value, shifted.mask);
    }
}

/// The range of numbers shifted left; everything if a bit is lost.
fn truncate_unsigned_shift<const BITS: u32>(range: Unsigned<BITS>, by: u32) -> Unsigned<BITS> {
    if by >= BITS || range.max > Width::<BITS>::MAX >> by {
        return Unsigned::ALL;
    }
    Unsigned {
        min: range.min << by,
        max: range.max << by,
    }
}

fn bits<const BITS: u32>(op: Op, a: Tnum<BITS>, b: Tnum<BITS>) -> Tnum<BITS> {
    match op {
        Op::Add => a.add(b),
        Op::Sub => a.sub(b),
        Op::Mul => a.mul(b),
        Op::And => a.and(b),
        Op::Or => a.or(b),
        Op::Xor => a.xor(b),
        Op::Shl | Op::Shr | Op::Sar => Tnum::UNKNOWN,
    }
}

/// The ranges of one width, changed in place; `bits` are those of the result.
fn half<const BITS: u32, const ANY: u32>(
    op: Op,
    u: &mut Unsigned<BITS>,
    s: &mut Signed<BITS>,
    other_u: Unsigned<BITS>,
    other_s: Signed<BITS>,
    bits: Tnum<ANY>,
) {
    match op {
        Op::Add => {
            *u = u.sum(other_u);
            *s = s.sum(other_s);
        }
        Op::Sub => {
            *u = u.difference(other_u);
            *s = s.difference(other_s);
        }
        Op::Mul => {
            *u = u.product(other_u);
            *s = s.product(other_s);
        }
        Op::And => {
            *u = Unsigned {
                min: truncate::<BITS>(bits.value),
                max: u.max.min(other_u.max),
            };
            *s = u.signed().unwrap_or(Signed::ALL);
        }
        Op::Or => {
            *u = Unsigned {
                min: u.min.max(other_u.min),
                max: truncate::<BITS>(bits.max()),
            };
            *s = u.signed().unwrap_or(Signed::ALL);
        }
        Op::Xor => {
            *u = Unsigned {
                min: truncate::<BITS>(bits.min()),
                max: truncate::<BITS>(bits.max()),
            };
            *s = u.signed().unwrap_or(Signed::ALL);
        }
        Op::Shl | Op::Shr | Op::Sar => {}
    }
}

/// The result on numbers: what the instructions do.
pub fn on_numbers<const BITS: u32>(op: Op, a: u64, b: u64) -> u64 {
    let by = (b % u64::from(BITS)) as u32;
    truncate::<BITS>(match op {
        Op::Add => a.wrapping_add(b),
        Op::Sub => a.wrapping_sub(b),
        Op::Mul => a.wrapping_mul(b),
        Op::And => a & b,
        Op::Or => a | b,
        Op::Xor => a ^ b,
        Op::Shl => a << by,
        Op::Shr => truncate::<BITS>(a) >> by,
        Op::Sar => (sign_extend::<BITS>(a) >> by) as u64,
    })
}
