//! Known bits: which bits of a value are certain, and what they are.
//!
//! A "tristate number": each bit is 0, 1 or unknown. The operations are sound and, except for
//! multiplication, exact bit by bit; the rules are those Linux has, since its verdicts depend on
//! their precision. Widths below 64 exist for the tests, which try every value there.

use super::width::{Width, sign_extend, truncate};

/// Bits of a value of `BITS` bits.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Default)]
pub struct Tnum<const BITS: u32 = 64> {
    /// The bits known to be 1.
    pub value: u64,
    /// The bits not known; disjoint from `value`.
    pub mask: u64,
}

impl<const BITS: u32> std::fmt::Debug for Tnum<BITS> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.mask, self.value) {
            (0, 0) => f.write_str("0"),
            (0, value) => write!(f, "{value:#x}"),
            (mask, value) => write!(f, "({value:#x}; {mask:#x})"),
        }
    }
}

impl<const BITS: u32> Tnum<BITS> {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        value: 0,
        mask: Width::<BITS>::MAX,
    };

    /// All bits are known.
    pub const fn known(value: u64) -> Self {
        Self {
            value: truncate::<BITS>(value),
            mask: 0,
        }
    }

    /// From known ones and unknown bits.
    pub const fn new(value: u64, mask: u64) -> Self {
        Self {
            value: truncate::<BITS>(value & !mask),
            mask: truncate::<BITS>(mask),
        }
    }

    /// The common leading bits of every number from `min` to `max`.
    pub const fn range(min: u64, max: u64) -> Self {
        let unlike = min ^ max;
        if unlike == 0 {
            return Self::known(min);
        }
        let mask = u64::MAX >> unlike.leading_zeros();
        Self::new(min, mask)
    }

    /// True if only one value is possible.
    pub const fn is_known(self) -> bool {
        self.mask == 0
    }

    /// True if this value is possible.
    pub const fn contains(self, value: u64) -> bool {
        truncate::<BITS>(value) & !self.mask == self.value
    }

    /// True if every value of `other` is one of `self`.
    pub const fn includes(self, other: Self) -> bool {
        other.mask & !self.mask == 0 && other.value & !self.mask == self.value
    }

    /// True if some value is possible for both.
    pub const fn meets(self, other: Self) -> bool {
        (self.value ^ other.value) & !self.mask & !other.mask == 0
    }

    /// True if every possible value is a multiple of this power of two.
    pub const fn is_aligned(self, bytes: u64) -> bool {
        (self.value | self.mask) & bytes.wrapping_sub(1) == 0
    }

    /// The smallest value.
    pub const fn min(self) -> u64 {
        self.value
    }

    /// The largest value.
    pub const fn max(self) -> u64 {
        self.value | self.mask
    }

    /// What both say; meaningless if they contradict each other.
    pub const fn intersect(self, other: Self) -> Self {
        Self::new(self.value | other.value, self.mask & other.mask)
    }

    /// What either may be.
    pub const fn union(self, other: Self) -> Self {
        let mask = self.mask | other.mask | (self.value ^ other.value);
        Self::new(self.value & other.value, mask)
    }

    /// Shifted left.
    pub const fn shl(self, by: u32) -> Self {
        Self::new(self.value << by, self.mask << by)
    }

    /// Shifted right.
    pub const fn shr(self, by: u32) -> Self {
        Self::new(self.value >> by, self.mask >> by)
    }

    /// Shifted right, the sign bit (or its being unknown) coming in.
    pub const fn sar(self, by: u32) -> Self {
        Self::new(
            (sign_extend::<BITS>(self.value) >> by) as u64,
            (sign_extend::<BITS>(self.mask) >> by) as u64,
        )
    }

    /// Sum: carries out of unknown bits are unknown.
    pub const fn add(self, other: Self) -> Self {
        let mask_sum = self.mask.wrapping_add(other.mask);
        let value_sum = self.value.wrapping_add(other.value);
        let greatest = mask_sum.wrapping_add(value_sum);
        let carried = greatest ^ value_sum;
        Self::new(value_sum, carried | self.mask | other.mask)
    }

    /// Difference: borrows from unknown bits are unknown.
    pub const fn sub(self, other: Self) -> Self {
        let difference = self.value.wrapping_sub(other.value);
        let greatest = difference.wrapping_add(self.mask);
        let least = difference.wrapping_sub(other.mask);
        Self::new(difference, (greatest ^ least) | self.mask | other.mask)
    }

    /// The negative.
    pub const fn neg(self) -> Self {
        Self::known(0).sub(self)
    }

    /// Bitwise and.
    pub const fn and(self, other: Self) -> Self {
        let ones = self.value & other.value;
        let maybe = (self.value | self.mask) & (other.value | other.mask);
        Self::new(ones, maybe & !ones)
    }

    /// Bitwise or.
    pub const fn or(self, other: Self) -> Self {
        let ones = self.value | other.value;
        Self::new(ones, (self.mask | other.mask) & !ones)
    }

    /// Bitwise exclusive or.
    pub const fn xor(self, other: Self) -> Self {
        Self::new(self.value ^ other.value, self.mask | other.mask)
    }

    /// Product, by long multiplication: the sum of what each bit of `self` contributes.
    pub const fn mul(self, other: Self) -> Self {
        let certain = Self::known(self.value.wrapping_mul(other.value));
        let mut doubt = Self::known(0);
        let (mut a, mut b) = (self, other);
        while a.value != 0 || a.mask != 0 {
            if a.value & 1 == 1 {
                doubt = doubt.add(Self::new(0, b.mask));
            } else if a.mask & 1 == 1 {
                doubt = doubt.add(Self::new(0, b.value | b.mask));
            }
            a = a.shr(1);
            b = b.shl(1);
        }
        certain.add(doubt)
    }

    /// The low `bits` bits.
    pub const fn low(self, bits: u32) -> Self {
        let keep = low_bits(bits);
        Self::new(self.value & keep, self.mask & keep)
    }

    /// Without the low `bits` bits.
    pub const fn without_low(self, bits: u32) -> Self {
        let keep = !low_bits(bits);
        Self::new(self.value & keep, self.mask & keep)
    }

    /// With the low `bits` bits of `low`.
    pub const fn with_low(self, bits: u32, low: Self) -> Self {
        let (high, low) = (self.without_low(bits), low.low(bits));
        Self::new(high.value | low.value, high.mask | low.mask)
    }
}

const fn low_bits(bits: u32) -> u64 {
    if bits >= 64 {
        u64::MAX
    } else {
        (1 << bits) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Small = Tnum<4>;

    fn every() -> impl Iterator<Item = Small> + Clone {
        (0..16_u64).flat_map(|mask| {
            (0..16_u64)
                .filter(move |value| value & mask == 0)
                .map(move |value| Small::new(value, mask))
        })
    }

    fn members(t: Small) -> impl Iterator<Item = u64> + Clone {
        (0..16).filter(move |&value| t.contains(value))
    }

    /// The best description of a set of values.
    fn best(values: impl Iterator<Item = u64>) -> Small {
        let all = values.map(Small::known).reduce(Small::union);
        all.expect("a set with members")
    }

    fn check(name: &str, exact: bool, ours: fn(Small, Small) -> Small, real: fn(u64, u64) -> u64) {
        for a in every() {
            for b in every() {
                let result = ours(a, b);
                let values = members(a).flat_map(|x| members(b).map(move |y| real(x, y) & 15));
                let best = best(values);
                assert!(
                    result.includes(best),
                    "{name} {a:?} {b:?}: {result:?}, {best:?}"
                );
                assert!(
                    !exact || result == best,
                    "{name} {a:?} {b:?}: {result:?}, {best:?}"
                );
            }
        }
    }

    #[test]
    fn operations_are_sound_and_mostly_exact() {
        check("add", true, Small::add, u64::wrapping_add);
        check("sub", true, Small::sub, u64::wrapping_sub);
        check("and", true, Small::and, |a, b| a & b);
        check("or", true, Small::or, |a, b| a | b);
        check("xor", true, Small::xor, |a, b| a ^ b);
        check("mul", false, Small::mul, u64::wrapping_mul);
    }

    #[test]
    fn shifts_are_exact() {
        for a in every() {
            for by in 0..4 {
                assert_eq!(a.shl(by), best(members(a).map(|x| x << by & 15)));
                assert_eq!(a.shr(by), best(members(a).map(|x| x >> by)));
                let arithmetic = |x| (sign_extend::<4>(x) >> by) as u64 & 15;
                assert_eq!(a.sar(by), best(members(a).map(arithmetic)));
            }
        }
    }

    #[test]
    fn a_range_is_described_by_its_common_leading_bits() {
        for min in 0..16 {
            for max in min..16 {
                let t = Small::range(min, max);
                assert!((min..=max).all(|x| t.contains(x)), "{min} {max} {t:?}");
            }
        }
        assert_eq!(Small::range(4, 7), Small::new(4, 3));
    }

    #[test]
    fn sets_meet_include_and_intersect() {
        for a in every() {
            for b in every() {
                let common = members(a).filter(|&x| b.contains(x)).count();
                assert_eq!(a.meets(b), common > 0);
                assert_eq!(a.includes(b), members(b).all(|x| a.contains(x)));
                if a.meets(b) {
                    assert_eq!(members(a.intersect(b)).count(), common);
                }
            }
        }
    }
}
