//! What is known of a number that may be one of two: the least that says both, and more than that.

use super::scalar::Scalar;
use super::tnum::Tnum;

impl<const BITS: u32, const HALF: u32> Scalar<BITS, HALF> {
    /// Everything that either may be, description by description.
    pub fn hull(&self, other: &Self) -> Self {
        let (a, b) = (self, other);
        let mut hull = *a;
        hull.bits = a.bits.union(b.bits);
        (hull.u.min, hull.u.max) = (a.u.min.min(b.u.min), a.u.max.max(b.u.max));
        (hull.s.min, hull.s.max) = (a.s.min.min(b.s.min), a.s.max.max(b.s.max));
        (hull.u32.min, hull.u32.max) = (a.u32.min.min(b.u32.min), a.u32.max.max(b.u32.max));
        (hull.s32.min, hull.s32.max) = (a.s32.min.min(b.s32.min), a.s32.max.max(b.s32.max));
        hull
    }

    /// From 0 to the next power of two, with the alignment it has: so that a number which grows with each
    /// hull is soon done growing. Anything, if it may be negative.
    pub fn rounded(&self) -> Self {
        let below = BITS - (self.u.max << (64 - BITS)).leading_zeros().min(BITS);
        let all = u64::MAX.checked_shr(64 - below).unwrap_or(0);
        let possible = self.bits.value | self.bits.mask;
        let aligned = possible & possible.wrapping_neg();
        let mut rounded = Self::UNKNOWN;
        if below < BITS {
            rounded.bits = Tnum::new(0, all & !aligned.wrapping_sub(1));
            rounded.sync();
        }
        if rounded.includes(self) {
            rounded
        } else {
            Self::UNKNOWN
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Small = Scalar<6, 3>;

    fn range(min: u64, max: u64) -> Small {
        Small::from_range(min, max)
    }

    #[test]
    fn a_hull_includes_both() {
        for (a, b, c, d) in (0..16).flat_map(|seed: u64| {
            (0..16)
                .map(move |other: u64| (seed * 4, seed * 4 + other / 3, other * 4, other * 4 + 1))
        }) {
            let (one, two) = (range(a, b.min(63)), range(c, d.min(63)));
            let hull = one.hull(&two);
            assert!(
                hull.includes(&one) && hull.includes(&two),
                "{one:?} {two:?}"
            );
            assert!(hull.rounded().includes(&hull), "{hull:?}");
        }
    }

    #[test]
    fn rounding_keeps_the_alignment() {
        let eight_or_twelve = Small::known(8).hull(&Small::known(12));
        let rounded = eight_or_twelve.rounded();
        assert_eq!((rounded.u.min, rounded.u.max), (0, 12));
        assert!(rounded.bits.is_aligned(4));
    }

    #[test]
    fn what_may_be_negative_may_be_anything() {
        assert_eq!(
            Small::known(63).hull(&Small::known(0)).rounded(),
            Small::UNKNOWN
        );
    }
}
