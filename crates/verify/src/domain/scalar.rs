//! What is known about a number in a register: its bits, and its range as an unsigned and a signed
//! number of the full and of half the width.
//!
//! The five descriptions are kept as sharp as Linux keeps them ([`Scalar::sync`]): deductions go from
//! one to the next in the same order and for the same number of rounds, since one round fewer would
//! refuse programs that Linux takes. Facts are those of Linux 6.18.

use super::interval::{Signed, Unsigned, sharpen};
use super::tnum::Tnum;
use super::width::{Width, sign_extend, truncate};

/// A number of `BITS` bits with a lower half of `HALF` bits.
#[derive(Copy, Clone, PartialEq, Eq)]
pub struct Scalar<const BITS: u32 = 64, const HALF: u32 = 32> {
    /// Its bits.
    pub bits: Tnum<BITS>,
    /// Its unsigned range.
    pub u: Unsigned<BITS>,
    /// Its signed range.
    pub s: Signed<BITS>,
    /// The unsigned range of its lower half.
    pub u32: Unsigned<HALF>,
    /// The signed range of its lower half.
    pub s32: Signed<HALF>,
}

impl<const BITS: u32, const HALF: u32> std::fmt::Debug for Scalar<BITS, HALF> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(value) = self.constant() {
            return write!(f, "{}", sign_extend::<BITS>(value));
        }
        write!(
            f,
            "{:?} u {}..{} s {}..{} u32 {}..{} s32 {}..{}",
            self.bits,
            self.u.min,
            self.u.max,
            self.s.min,
            self.s.max,
            self.u32.min,
            self.u32.max,
            self.s32.min,
            self.s32.max
        )
    }
}

impl<const BITS: u32, const HALF: u32> Scalar<BITS, HALF> {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        bits: Tnum::UNKNOWN,
        u: Unsigned::ALL,
        s: Signed::ALL,
        u32: Unsigned::ALL,
        s32: Signed::ALL,
    };

    /// One number.
    pub const fn known(value: u64) -> Self {
        Self {
            bits: Tnum::known(value),
            u: Unsigned::known(value),
            s: Signed::known(value),
            u32: Unsigned::known(value),
            s32: Signed::known(value),
        }
    }

    /// Any unsigned number from `min` to `max`.
    pub fn from_range(min: u64, max: u64) -> Self {
        let mut scalar = Self::UNKNOWN;
        scalar.u.keep(min, max);
        scalar.sync();
        scalar
    }

    /// Any number whose upper bits, from `bits` on, are 0: what a narrow load gives.
    pub fn zero_extended(bits: u32) -> Self {
        let mut scalar = Self::UNKNOWN;
        scalar.truncate_to(bits);
        scalar
    }

    /// Any signed number from `min` to `max`.
    pub fn from_signed(min: i64, max: i64) -> Self {
        let mut scalar = Self::UNKNOWN;
        scalar.s.keep(min, max);
        scalar.sync();
        scalar
    }

    /// The only possible number.
    pub const fn constant(&self) -> Option<u64> {
        if self.bits.is_known() {
            Some(self.bits.value)
        } else {
            None
        }
    }

    /// The only possible lower half.
    pub const fn constant32(&self) -> Option<u64> {
        let low = self.bits.low(HALF);
        if low.is_known() {
            Some(low.value)
        } else {
            None
        }
    }

    /// True if this number is possible.
    pub fn contains(&self, value: u64) -> bool {
        let value = truncate::<BITS>(value);
        let (signed, low) = (sign_extend::<BITS>(value), truncate::<HALF>(value));
        let low_signed = sign_extend::<HALF>(value);
        self.bits.contains(value)
            && (self.u.min..=self.u.max).contains(&value)
            && (self.s.min..=self.s.max).contains(&signed)
            && (self.u32.min..=self.u32.max).contains(&low)
            && (self.s32.min..=self.s32.max).contains(&low_signed)
    }

    /// True if every number `other` may be is one `self` may be, description by description.
    pub fn includes(&self, other: &Self) -> bool {
        self.u.includes(other.u)
            && self.s.includes(other.s)
            && self.u32.includes(other.u32)
            && self.s32.includes(other.s32)
            && self.bits.includes(other.bits)
    }

    /// True if the descriptions contradict each other: no number is possible.
    pub fn is_contradictory(&self) -> bool {
        self.u.is_empty()
            || self.s.is_empty()
            || self.u32.is_empty()
            || self.s32.is_empty()
            || (self.bits.is_known() && !self.known_fits())
    }

    fn known_fits(&self) -> bool {
        let value = self.bits.value;
        (self.u.min..=self.u.max).contains(&value)
            && (self.s.min..=self.s.max).contains(&sign_extend::<BITS>(value))
    }

    /// Sharpens each description by the others.
    pub fn sync(&mut self) {
        /// As often as Linux does since 6.17.
        const ROUNDS: usize = 3;
        self.ranges_from_bits();
        for _ in 0..ROUNDS {
            self.deduce_half();
            self.deduce_full();
            self.deduce_across();
        }
        self.bits_from_ranges();
        self.ranges_from_bits();
    }

    fn ranges_from_bits(&mut self) {
        let sign = Width::<BITS>::SMIN as u64;
        let bits = self.bits;
        self.s.keep(
            sign_extend::<BITS>(bits.value | bits.mask & sign),
            sign_extend::<BITS>(bits.value | bits.mask & !sign),
        );
        self.u.keep(bits.min(), bits.max());
        let sign = Width::<HALF>::SMIN as u64;
        let low = bits.low(HALF);
        self.s32.keep(
            sign_extend::<HALF>(low.value | low.mask & sign),
            sign_extend::<HALF>(low.value | low.mask & !sign),
        );
        self.u32.keep(low.min(), low.max());
    }

    /// The lower half from the whole number where the upper half is the same all over the range,
    /// then the two views of the lower half from each other.
    fn deduce_half(&mut self) {
        let ends = [
            (self.u.min, self.u.max),
            (self.s.min as u64, self.s.max as u64),
        ];
        for (min, max) in ends {
            let (high_min, high_max) = (high::<BITS, HALF>(min), high::<BITS, HALF>(max));
            let (low_min, low_max) = (truncate::<HALF>(min), truncate::<HALF>(max));
            let (signed_min, signed_max) = (sign_extend::<HALF>(min), sign_extend::<HALF>(max));
            if high_min == high_max {
                if low_min <= low_max {
                    self.u32.keep(low_min, low_max);
                }
                if signed_min <= signed_max {
                    self.s32.keep(signed_min, signed_max);
                }
            } else if next_high::<BITS, HALF>(high_min) == high_max
                && signed_min < 0
                && signed_max >= 0
            {
                // The range runs over one boundary of the lower half, from negative to positive.
                self.s32.keep(signed_min, signed_max);
            }
        }
        sharpen(&mut self.u32, &mut self.s32);
    }

    /// The two views of the whole number from each other.
    fn deduce_full(&mut self) {
        sharpen(&mut self.u, &mut self.s);
    }

    /// The whole number from its lower half.
    fn deduce_across(&mut self) {
        let upper = |value: u64| truncate::<BITS>(value) & !Width::<HALF>::MAX;
        self.u.keep(
            upper(self.u.min) | self.u32.min,
            upper(self.u.max) | self.u32.max,
        );
        self.s.keep(
            sign_extend::<BITS>(upper(self.s.min as u64) | self.u32.min),
            sign_extend::<BITS>(upper(self.s.max as u64) | self.u32.max),
        );
        // A number that fits the signed half, as after a sign extension, is its lower half.
        if self.s32.min <= self.s32.max
            && self.s.min >= Width::<HALF>::SMIN
            && self.s.max <= Width::<HALF>::SMAX
        {
            self.s.keep(self.s32.min, self.s32.max);
            if let Some(unsigned) = self.s.unsigned() {
                self.u.keep(unsigned.min, unsigned.max);
            }
        }
    }

    fn bits_from_ranges(&mut self) {
        let whole = Tnum::range(self.u.min, self.u.max);
        let low = Tnum::range(self.u32.min, self.u32.max);
        let whole = self.bits.intersect(whole);
        let halved = whole.with_low(HALF, whole.low(HALF).intersect(low));
        self.bits = halved;
    }

    /// Forgets what is known of the lower half but by the bits.
    pub fn forget_half(&mut self) {
        self.u32 = Unsigned::ALL;
        self.s32 = Signed::ALL;
    }

    /// The lower half, zero-extended: what every 32-bit operation leaves.
    pub fn zero_extend(&mut self) {
        self.bits = self.bits.low(HALF);
        self.u = Unsigned {
            min: self.u32.min,
            max: self.u32.max,
        };
        self.s = if self.s32.min >= 0 {
            Signed {
                min: self.s32.min,
                max: self.s32.max,
            }
        } else {
            Signed {
                min: 0,
                max: Width::<HALF>::MAX as i64,
            }
        };
        self.sync();
    }

    /// The low `bits` bits, zero-extended.
    pub fn truncate_to(&mut self, bits: u32) {
        if bits >= BITS {
            return;
        }
        let mask = (1 << bits) - 1;
        self.bits = self.bits.low(bits);
        // Within one block of that size the order is kept.
        if self.u.min & !mask == self.u.max & !mask {
            self.u = Unsigned {
                min: self.u.min & mask,
                max: self.u.max & mask,
            };
        } else {
            self.u = Unsigned { min: 0, max: mask };
        }
        self.s = Signed {
            min: self.u.min as i64,
            max: self.u.max as i64,
        };
        if bits < HALF {
            self.forget_half();
        }
        self.sync();
    }

    /// The low `bits` bits, sign-extended to the full width.
    pub fn sign_extend_from(&mut self, bits: u32) {
        if let Some(value) = self.constant() {
            *self = Self::known(sign_extend_at(value, bits) as u64);
            return;
        }
        let (min, max) = (
            sign_extend_at(self.s.min as u64, bits),
            sign_extend_at(self.s.max as u64, bits),
        );
        let same_block = self.s.min >> bits == self.s.max >> bits;
        *self = Self::UNKNOWN;
        if same_block && (min < 0) == (max < 0) && min <= max {
            self.s = Signed { min, max };
        } else {
            self.s = Signed {
                min: -1 << (bits - 1),
                max: (1 << (bits - 1)) - 1,
            };
        }
        self.sync();
    }
}

fn sign_extend_at(value: u64, bits: u32) -> i64 {
    (value << (64 - bits)) as i64 >> (64 - bits)
}

fn high<const BITS: u32, const HALF: u32>(value: u64) -> u64 {
    truncate::<BITS>(value) >> HALF
}

/// The upper half after this one, 0 after the last.
fn next_high<const BITS: u32, const HALF: u32>(high: u64) -> u64 {
    (high + 1) & (Width::<BITS>::MAX >> HALF)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Small = Scalar<6, 3>;

    /// Random descriptions of numbers of six bits; every one is of a set that has a member.
    fn samples(count: usize) -> Vec<(Small, Vec<u64>)> {
        let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut found = Vec::new();
        while found.len() < count {
            let mut scalar = Small::UNKNOWN;
            let pick = next();
            if pick & 1 != 0 {
                scalar.bits = Tnum::new(next(), next());
            }
            if pick & 2 != 0 {
                let (a, b) = (next() & 63, next() & 63);
                scalar.u.keep(a.min(b), a.max(b));
            }
            if pick & 4 != 0 {
                let (a, b) = (sign_extend::<6>(next()), sign_extend::<6>(next()));
                scalar.s.keep(a.min(b), a.max(b));
            }
            if pick & 8 != 0 {
                let (a, b) = (next() & 7, next() & 7);
                scalar.u32.keep(a.min(b), a.max(b));
            }
            if pick & 16 != 0 {
                let (a, b) = (sign_extend::<3>(next()), sign_extend::<3>(next()));
                scalar.s32.keep(a.min(b), a.max(b));
            }
            let members: Vec<u64> = (0..64).filter(|&x| scalar.contains(x)).collect();
            if !members.is_empty() {
                found.push((scalar, members));
            }
        }
        found
    }

    #[test]
    fn sharpening_loses_no_number() {
        for (before, members) in samples(200_000) {
            let mut after = before;
            after.sync();
            for &x in &members {
                assert!(after.contains(x), "{x}: {before:?} became {after:?}");
            }
        }
    }

    #[test]
    fn narrowing_and_extending_lose_no_number() {
        for (mut scalar, members) in samples(50_000) {
            scalar.sync();
            let mut zero = scalar;
            zero.zero_extend();
            for bits in 1..6 {
                let (mut cut, mut extended) = (scalar, scalar);
                cut.truncate_to(bits);
                extended.sign_extend_from(bits);
                for &x in &members {
                    let low = x & ((1 << bits) - 1);
                    assert!(cut.contains(low), "{x} {bits}: {scalar:?} {cut:?}");
                    let wide = sign_extend_at(x, bits) as u64;
                    assert!(
                        extended.contains(wide),
                        "{x} {bits}: {scalar:?} {extended:?}"
                    );
                    assert!(zero.contains(x & 7), "{x}: {scalar:?} {zero:?}");
                }
            }
        }
    }

    #[test]
    fn a_loaded_byte_is_below_256() {
        let byte: Scalar = Scalar::zero_extended(8);
        assert_eq!((byte.u.max, byte.s.min, byte.s32.max), (255, 0, 255));
        assert_eq!(byte.bits, Tnum::new(0, 255));
    }
}
