//! An inclusive interval of numbers of one width, seen as unsigned or as signed.

use super::width::{Width, sign_extend, truncate};

/// Unsigned numbers from `min` to `max`.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Unsigned<const BITS: u32> {
    /// The smallest.
    pub min: u64,
    /// The largest.
    pub max: u64,
}

/// Signed numbers from `min` to `max`.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Signed<const BITS: u32> {
    /// The smallest.
    pub min: i64,
    /// The largest.
    pub max: i64,
}

impl<const BITS: u32> Unsigned<BITS> {
    /// Every number.
    pub const ALL: Self = Self {
        min: 0,
        max: Width::<BITS>::MAX,
    };

    /// One number.
    pub const fn known(value: u64) -> Self {
        let value = truncate::<BITS>(value);
        Self {
            min: value,
            max: value,
        }
    }

    /// Keeps what lies from `min` to `max`.
    pub fn keep(&mut self, min: u64, max: u64) {
        self.min = self.min.max(min);
        self.max = self.max.min(max);
    }

    /// True if there is no number in it.
    pub const fn is_empty(self) -> bool {
        self.min > self.max
    }

    /// The only number.
    pub const fn only(self) -> Option<u64> {
        if self.min == self.max {
            Some(self.min)
        } else {
            None
        }
    }

    /// True if it has every number of `other`.
    pub const fn includes(self, other: Self) -> bool {
        self.min <= other.min && self.max >= other.max
    }

    /// The same numbers as signed ones, if they do not cross from the largest to the smallest.
    pub const fn signed(self) -> Option<Signed<BITS>> {
        let (min, max) = (sign_extend::<BITS>(self.min), sign_extend::<BITS>(self.max));
        if min <= max {
            Some(Signed { min, max })
        } else {
            None
        }
    }

    /// Every sum; everything if only some of the sums wrap around.
    pub fn sum(self, other: Self) -> Self {
        let (min, min_wraps) = wrapping_add::<BITS>(self.min, other.min);
        let (max, max_wraps) = wrapping_add::<BITS>(self.max, other.max);
        if min_wraps == max_wraps {
            Self { min, max }
        } else {
            Self::ALL
        }
    }

    /// Every difference; everything if only some of the differences wrap around.
    pub fn difference(self, other: Self) -> Self {
        let min = truncate::<BITS>(self.min.wrapping_sub(other.max));
        let max = truncate::<BITS>(self.max.wrapping_sub(other.min));
        if (self.min < other.max) == (self.max < other.min) {
            Self { min, max }
        } else {
            Self::ALL
        }
    }

    /// Every product; everything if one wraps around.
    pub fn product(self, other: Self) -> Self {
        match self.max.checked_mul(other.max) {
            Some(max) if max <= Width::<BITS>::MAX => Self {
                min: self.min * other.min,
                max,
            },
            _ => Self::ALL,
        }
    }
}

impl<const BITS: u32> Signed<BITS> {
    /// Every number.
    pub const ALL: Self = Self {
        min: Width::<BITS>::SMIN,
        max: Width::<BITS>::SMAX,
    };

    /// One number, given by its bits.
    pub const fn known(bits: u64) -> Self {
        let value = sign_extend::<BITS>(bits);
        Self {
            min: value,
            max: value,
        }
    }

    /// Keeps what lies from `min` to `max`.
    pub fn keep(&mut self, min: i64, max: i64) {
        self.min = self.min.max(min);
        self.max = self.max.min(max);
    }

    /// True if there is no number in it.
    pub const fn is_empty(self) -> bool {
        self.min > self.max
    }

    /// True if it has every number of `other`.
    pub const fn includes(self, other: Self) -> bool {
        self.min <= other.min && self.max >= other.max
    }

    /// The same numbers as unsigned ones, if they do not cross from -1 to 0.
    pub const fn unsigned(self) -> Option<Unsigned<BITS>> {
        let min = truncate::<BITS>(self.min as u64);
        let max = truncate::<BITS>(self.max as u64);
        if min <= max {
            Some(Unsigned { min, max })
        } else {
            None
        }
    }

    /// Every sum; everything if one overflows.
    pub fn sum(self, other: Self) -> Self {
        Self::from_wide(
            i128::from(self.min) + i128::from(other.min),
            i128::from(self.max) + i128::from(other.max),
        )
    }

    /// Every difference; everything if one overflows.
    pub fn difference(self, other: Self) -> Self {
        Self::from_wide(
            i128::from(self.min) - i128::from(other.max),
            i128::from(self.max) - i128::from(other.min),
        )
    }

    /// Every product; everything if one overflows.
    pub fn product(self, other: Self) -> Self {
        let products = [
            i128::from(self.min) * i128::from(other.min),
            i128::from(self.min) * i128::from(other.max),
            i128::from(self.max) * i128::from(other.min),
            i128::from(self.max) * i128::from(other.max),
        ];
        Self::from_wide(
            products.into_iter().min().unwrap_or_default(),
            products.into_iter().max().unwrap_or_default(),
        )
    }

    fn from_wide(min: i128, max: i128) -> Self {
        if min < i128::from(Self::ALL.min) || max > i128::from(Self::ALL.max) {
            return Self::ALL;
        }
        Self {
            min: min as i64,
            max: max as i64,
        }
    }
}

/// Sharpens the two views of one number by each other.
pub(super) fn sharpen<const BITS: u32>(u: &mut Unsigned<BITS>, s: &mut Signed<BITS>) {
    if let Some(signed) = u.signed() {
        s.keep(signed.min, signed.max);
    }
    if let Some(unsigned) = s.unsigned() {
        u.keep(unsigned.min, unsigned.max);
        return;
    }
    // As unsigned numbers the signed range is two pieces, one at each end; the unsigned range may
    // meet only one of them.
    let low_end = truncate::<BITS>(s.max as u64);
    let high_start = truncate::<BITS>(s.min as u64);
    if u.max < high_start {
        s.min = sign_extend::<BITS>(u.min);
        u.max = u.max.min(low_end);
    } else if low_end < u.min {
        s.max = sign_extend::<BITS>(u.max);
        u.min = u.min.max(high_start);
    }
}

fn wrapping_add<const BITS: u32>(a: u64, b: u64) -> (u64, bool) {
    let (sum, carried) = a.overflowing_add(b);
    (truncate::<BITS>(sum), carried || sum > Width::<BITS>::MAX)
}
