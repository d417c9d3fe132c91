//! Words of 64 bits: numbers, or terms of SMT-LIB. What is written for any word runs on both.

mod integers;
mod script;
mod vectors;

use std::ops::{BitAnd, BitOr, Not};

pub(super) use integers::Whole;
pub(super) use script::{Formula, begin, finish};
pub(super) use vectors::Term;

/// True or false, or a term that is.
pub(super) trait Truth:
    Clone + BitAnd<Output = Self> + BitOr<Output = Self> + Not<Output = Self>
{
}

impl Truth for bool {}
impl Truth for Formula {}

/// A word as what counts: all that ranges need.
pub(super) trait Number: Clone {
    type Truth: Truth;
    fn known(value: u64) -> Self;
    fn add(&self, other: &Self) -> Self;
    fn sub(&self, other: &Self) -> Self;
    fn same(&self, other: &Self) -> Self::Truth;
    fn below(&self, other: &Self) -> Self::Truth;
    fn below_signed(&self, other: &Self) -> Self::Truth;
    fn pick(which: &Self::Truth, yes: &Self, no: &Self) -> Self;
    /// The low bits.
    fn low(&self, bits: u64) -> Self;
    /// The low bits as a signed number.
    fn extend(&self, bits: u64) -> Self;
    /// What is above the low 32 bits, as a number.
    fn high(&self) -> Self;

    fn at_most(&self, other: &Self) -> Self::Truth {
        !other.below(self)
    }
    fn at_most_signed(&self, other: &Self) -> Self::Truth {
        !other.below_signed(self)
    }
    fn min(&self, other: &Self) -> Self {
        Self::pick(&self.below(other), self, other)
    }
    fn max(&self, other: &Self) -> Self {
        Self::pick(&self.below(other), other, self)
    }
    fn min_signed(&self, other: &Self) -> Self {
        Self::pick(&self.below_signed(other), self, other)
    }
    fn max_signed(&self, other: &Self) -> Self {
        Self::pick(&self.below_signed(other), other, self)
    }
    fn is(&self, value: u64) -> Self::Truth {
        self.same(&Self::known(value))
    }
}

/// A word with its bits.
pub(super) trait Word: Number {
    fn mul(&self, other: &Self) -> Self;
    fn and(&self, other: &Self) -> Self;
    fn or(&self, other: &Self) -> Self;
    fn xor(&self, other: &Self) -> Self;
    fn not(&self) -> Self;
    /// Shifts by less than 64.
    fn shl(&self, by: &Self) -> Self;
    fn shr(&self, by: &Self) -> Self;
    fn sar(&self, by: &Self) -> Self;
}

/// A term, of which there are variables.
pub(super) trait Symbol: Number<Truth = Formula> {
    fn variable() -> Self;
}

impl Number for u64 {
    type Truth = bool;
    fn known(value: u64) -> Self {
        value
    }
    fn add(&self, other: &Self) -> Self {
        self.wrapping_add(*other)
    }
    fn sub(&self, other: &Self) -> Self {
        self.wrapping_sub(*other)
    }
    fn same(&self, other: &Self) -> bool {
        self == other
    }
    fn below(&self, other: &Self) -> bool {
        self < other
    }
    fn below_signed(&self, other: &Self) -> bool {
        (*self as i64) < *other as i64
    }
    fn pick(which: &bool, yes: &Self, no: &Self) -> Self {
        if *which { *yes } else { *no }
    }
    fn low(&self, bits: u64) -> Self {
        self & u64::MAX >> (64 - bits)
    }
    fn extend(&self, bits: u64) -> Self {
        ((self << (64 - bits)) as i64 >> (64 - bits)) as u64
    }
    fn high(&self) -> Self {
        self >> 32
    }
}

impl Word for u64 {
    fn mul(&self, other: &Self) -> Self {
        self.wrapping_mul(*other)
    }
    fn and(&self, other: &Self) -> Self {
        self & other
    }
    fn or(&self, other: &Self) -> Self {
        self | other
    }
    fn xor(&self, other: &Self) -> Self {
        self ^ other
    }
    fn not(&self) -> Self {
        !self
    }
    fn shl(&self, by: &Self) -> Self {
        self << by
    }
    fn shr(&self, by: &Self) -> Self {
        self >> by
    }
    fn sar(&self, by: &Self) -> Self {
        (*self as i64 >> by) as u64
    }
}
