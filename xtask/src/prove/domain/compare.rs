//! Comparisons, of the full width or of the lower half.

use osmia_isa::Cond;

use super::{Bits, HALF, Num, Range};
use crate::prove::word::Word;

/// One width of a number, as comparisons see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct View<W> {
    pub(in super::super) bits: Bits<W>,
    pub(in super::super) u: Range<W>,
    pub(in super::super) s: Range<W>,
}

impl<W: Word> Num<W> {
    pub(in super::super) fn view(&self, half: bool) -> View<W> {
        let ranges = &self.ranges;
        let (bits, u, s) = if half {
            (self.bits.low(HALF), &ranges.u32, &ranges.s32)
        } else {
            (self.bits.clone(), &ranges.u, &ranges.s)
        };
        View {
            bits,
            u: u.clone(),
            s: s.clone(),
        }
    }

    pub(in super::super) fn set_view(&mut self, half: bool, view: View<W>) {
        let ranges = &mut self.ranges;
        if half {
            self.bits = self.bits.with_low(&view.bits.low(HALF));
            (ranges.u32, ranges.s32) = (view.u, view.s);
        } else {
            (self.bits, ranges.u, ranges.s) = (view.bits, view.u, view.s);
        }
    }
}

impl<W: Word> View<W> {
    /// What an outcome of a comparison says, before sharpening.
    pub(in super::super) fn refine(cond: Cond, width: u64, a: &mut Self, b: &mut Self) {
        let one = W::known(1);
        match cond {
            Cond::Eq => {
                let mut u = a.u.clone();
                u.keep(&b.u);
                let mut s = a.s.clone();
                s.keep_signed(&b.s);
                let bits = a.bits.intersect(&b.bits);
                for side in [a, b] {
                    (side.u, side.s, side.bits) = (u.clone(), s.clone(), bits.clone());
                }
            }
            Cond::Ne => {
                let (a_known, b_known) = (a.bits.is_known(), b.bits.is_known());
                let shaved = |side: &Self, value: &W, which: W::Truth| {
                    let step =
                        |hit: W::Truth, from: &W, to: W| W::pick(&(which.clone() & hit), &to, from);
                    let (u, s, signed) = (&side.u, &side.s, &value.extend(width));
                    (
                        Range {
                            min: step(u.min.same(value), &u.min, u.min.add(&one)),
                            max: step(u.max.same(value), &u.max, u.max.sub(&one)),
                        },
                        Range {
                            min: step(s.min.same(signed), &s.min, s.min.add(&one)),
                            max: step(s.max.same(signed), &s.max, s.max.sub(&one)),
                        },
                    )
                };
                let for_a = shaved(a, &b.bits.value, b_known.clone());
                let for_b = shaved(b, &a.bits.value, !b_known & a_known);
                (a.u, a.s) = for_a;
                (b.u, b.s) = for_b;
            }
            Cond::Set => {
                let bit = |side: &Self| {
                    let value = &side.bits.value;
                    let power = value.and(&value.sub(&one)).is(0) & !value.is(0);
                    side.bits.is_known() & power
                };
                let (a_bit, b_bit) = (bit(a), bit(b));
                let with = |bits: &Bits<W>, which: &W::Truth, value: &W| {
                    Bits::pick(which, &bits.or(&Bits::known(value)), bits)
                };
                let for_a = with(&a.bits, &b_bit, &b.bits.value);
                let for_b = with(&b.bits, &(!b_bit & a_bit), &a.bits.value);
                (a.bits, b.bits) = (for_a, for_b);
            }
            Cond::Le => {
                a.u.max = a.u.max.min(&b.u.max);
                b.u.min = b.u.min.max(&a.u.min);
            }
            Cond::Lt => {
                a.u.max = a.u.max.min(&b.u.max.sub(&one));
                b.u.min = b.u.min.max(&a.u.min.add(&one));
            }
            Cond::Sle => {
                a.s.max = a.s.max.min_signed(&b.s.max);
                b.s.min = b.s.min.max_signed(&a.s.min);
            }
            Cond::Slt => {
                a.s.max = a.s.max.min_signed(&b.s.max.sub(&one));
                b.s.min = b.s.min.max_signed(&a.s.min.add(&one));
            }
            Cond::Gt => Self::refine(Cond::Lt, width, b, a),
            Cond::Ge => Self::refine(Cond::Le, width, b, a),
            Cond::Sgt => Self::refine(Cond::Slt, width, b, a),
            Cond::Sge => Self::refine(Cond::Sle, width, b, a),
        }
    }

    /// Whether a comparison is known to hold, and whether it is known not to.
    pub(in super::super) fn decided(cond: Cond, a: &Self, b: &Self) -> (W::Truth, W::Truth) {
        match cond {
            Cond::Eq => {
                let known = a.bits.is_known() & b.bits.is_known();
                let equal = a.bits.value.same(&b.bits.value);
                let apart = !a.bits.meets(&b.bits)
                    | b.u.max.below(&a.u.min)
                    | a.u.max.below(&b.u.min)
                    | b.s.max.below_signed(&a.s.min)
                    | a.s.max.below_signed(&b.s.min);
                (
                    known.clone() & equal.clone(),
                    (known.clone() & !equal) | (!known & apart),
                )
            }
            Cond::Ne => {
                let (equal, unlike) = Self::decided(Cond::Eq, a, b);
                (unlike, equal)
            }
            Cond::Set => {
                let by = |wanted: &Self, other: &Self| {
                    let sure = !wanted.bits.value.and(&other.bits.value).is(0);
                    let never = wanted.bits.value.and(&other.bits.most()).is(0);
                    (sure.clone(), !sure & never)
                };
                let (a_known, b_known) = (a.bits.is_known(), b.bits.is_known());
                let (yes, no) = by(b, a);
                let (also_yes, also_no) = by(a, b);
                let other = !b_known.clone() & a_known;
                (
                    (b_known.clone() & yes) | (other.clone() & also_yes),
                    (b_known & no) | (other & also_no),
                )
            }
            Cond::Gt => (b.u.max.below(&a.u.min), a.u.max.at_most(&b.u.min)),
            Cond::Ge => (b.u.max.at_most(&a.u.min), a.u.max.below(&b.u.min)),
            Cond::Sgt => (
                b.s.max.below_signed(&a.s.min),
                a.s.max.at_most_signed(&b.s.min),
            ),
            Cond::Sge => (
                b.s.max.at_most_signed(&a.s.min),
                a.s.max.below_signed(&b.s.min),
            ),
            Cond::Lt => Self::decided(Cond::Gt, b, a),
            Cond::Le => Self::decided(Cond::Ge, b, a),
            Cond::Slt => Self::decided(Cond::Sgt, b, a),
            Cond::Sle => Self::decided(Cond::Sge, b, a),
        }
    }

    /// No common bit, where one side is a constant.
    pub(in super::super) fn refine_not_set(a: &mut Self, b: &mut Self) {
        let (a_known, b_known) = (a.bits.is_known(), b.bits.is_known());
        let without = |bits: &Bits<W>, which: &W::Truth, value: &W| {
            Bits::pick(which, &bits.and(&Bits::known(&value.not())), bits)
        };
        let for_a = without(&a.bits, &b_known, &b.bits.value);
        let for_b = without(&b.bits, &(!b_known & a_known), &a.bits.value);
        (a.bits, b.bits) = (for_a, for_b);
    }
}

/// Whether a comparison of two numbers, or of their lower halves, holds.
pub(in super::super) fn holds<W: Word>(cond: Cond, width: u64, a: &W, b: &W) -> W::Truth {
    let signed = matches!(cond, Cond::Sgt | Cond::Sge | Cond::Slt | Cond::Sle);
    let seen = |value: &W| {
        if signed {
            value.extend(width)
        } else {
            value.low(width)
        }
    };
    let (a, b) = (&seen(a), &seen(b));
    match cond {
        Cond::Eq => a.same(b),
        Cond::Ne => !a.same(b),
        Cond::Set => !a.and(b).is(0),
        Cond::Gt => b.below(a),
        Cond::Ge => b.at_most(a),
        Cond::Lt => a.below(b),
        Cond::Le => a.at_most(b),
        Cond::Sgt => b.below_signed(a),
        Cond::Sge => b.at_most_signed(a),
        Cond::Slt => a.below_signed(b),
        Cond::Sle => a.at_most_signed(b),
    }
}
