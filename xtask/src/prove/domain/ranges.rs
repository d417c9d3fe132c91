//! The four ranges of a number, and what they say about each other.

use super::{HALF, Range};
use crate::prove::word::Number;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Ranges<W> {
    pub(in super::super) u: Range<W>,
    pub(in super::super) s: Range<W>,
    pub(in super::super) u32: Range<W>,
    pub(in super::super) s32: Range<W>,
}

impl<W: Number> Ranges<W> {
    /// Whether a number is in each of them.
    pub(in super::super) fn parts(&self, value: &W) -> [(&'static str, W::Truth); 4] {
        [
            ("unsigned", self.u.has(value)),
            ("signed", self.s.has_signed(value)),
            ("unsigned half", self.u32.has(&value.low(HALF))),
            ("signed half", self.s32.has_signed(&value.extend(HALF))),
        ]
    }

    pub(in super::super) fn deduce_half(&mut self) {
        self.halves_of_unsigned();
        self.halves_of_signed();
        self.halves_of_each_other();
    }

    // Its three steps; each is a claim of its own, as z3 takes minutes for two of them at once.

    pub(in super::super) fn halves_of_unsigned(&mut self) {
        self.halves_of(&self.u.clone());
    }

    pub(in super::super) fn halves_of_signed(&mut self) {
        self.halves_of(&self.s.clone());
    }

    pub(in super::super) fn halves_of_each_other(&mut self) {
        sharpen(&mut self.u32, &mut self.s32, HALF);
    }

    fn halves_of(&mut self, ends: &Range<W>) {
        let (high_min, high_max) = (ends.min.high(), ends.max.high());
        let unsigned = Range::of(&ends.min.low(HALF), &ends.max.low(HALF));
        let signed = Range::of(&ends.min.extend(HALF), &ends.max.extend(HALF));
        let alike = high_min.same(&high_max);
        let orderly = unsigned.min.at_most(&unsigned.max);
        self.u32.keep_if(&(alike.clone() & orderly), &unsigned);
        let orderly = signed.min.at_most_signed(&signed.max);
        let next = high_min.add(&W::known(1)).low(HALF).same(&high_max);
        let zero = W::known(0);
        let across = signed.min.below_signed(&zero) & !signed.max.below_signed(&zero);
        let useful = (alike.clone() & orderly) | (!alike & next & across);
        self.s32.keep_signed_if(&useful, &signed);
    }

    pub(in super::super) fn deduce_full(&mut self) {
        sharpen(&mut self.u, &mut self.s, 64);
    }

    pub(in super::super) fn deduce_across(&mut self) {
        let with_low = |value: &W, low: &W| value.sub(&value.low(HALF)).add(low);
        self.u.keep(&Range::of(
            &with_low(&self.u.min, &self.u32.min),
            &with_low(&self.u.max, &self.u32.max),
        ));
        self.s.keep_signed(&Range::of(
            &with_low(&self.s.min, &self.u32.min),
            &with_low(&self.s.max, &self.u32.max),
        ));
        let half: Range<W> = Range::all_signed(HALF);
        let fits = self.s32.min.at_most_signed(&self.s32.max)
            & half.min.at_most_signed(&self.s.min)
            & self.s.max.at_most_signed(&half.max);
        let s32 = self.s32.clone();
        self.s.keep_signed_if(&fits, &s32);
        let (possible, unsigned) = self.s.to_unsigned(64);
        self.u.keep_if(&(fits & possible), &unsigned);
    }
}

/// The two views of one number of so many bits from each other.
fn sharpen<W: Number>(u: &mut Range<W>, s: &mut Range<W>, width: u64) {
    let (possible, signed) = u.to_signed(width);
    s.keep_signed_if(&possible, &signed);
    let (possible, unsigned) = s.to_unsigned(width);
    let mut kept = u.clone();
    kept.keep(&unsigned);
    let (low_end, high_start) = (s.max.low(width), s.min.low(width));
    let below = u.max.below(&high_start);
    let above = !below.clone() & low_end.below(&u.min);
    let split = Range {
        min: W::pick(&below, &u.min.extend(width), &s.min),
        max: W::pick(&above, &u.max.extend(width), &s.max),
    };
    let met = Range {
        min: W::pick(&above, &u.min.max(&high_start), &u.min),
        max: W::pick(&below, &u.max.min(&low_end), &u.max),
    };
    *s = Range::pick(&possible, s, &split);
    *u = Range::pick(&possible, &kept, &met);
}
