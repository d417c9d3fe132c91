//! All that is known of a number: its bits and its ranges.

use osmia_verify::domain::Op;

use super::{Bits, HALF, Range, Ranges, all_ones};
use crate::prove::word::Word;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Num<W> {
    pub(in super::super) bits: Bits<W>,
    pub(in super::super) ranges: Ranges<W>,
}

impl<W: Word> Num<W> {
    /// Whether each description allows a number.
    pub(in super::super) fn parts(&self, value: &W) -> Vec<(&'static str, W::Truth)> {
        let mut parts = vec![("bits", self.bits.contains(value))];
        parts.extend(self.ranges.parts(value));
        parts
    }

    pub(in super::super) fn sync(&mut self) {
        self.ranges_from_bits();
        for _ in 0..3 {
            self.ranges.deduce_half();
            self.ranges.deduce_full();
            self.ranges.deduce_across();
        }
        let ranges = &self.ranges;
        let whole = (self.bits).intersect(&Bits::range(&ranges.u.min, &ranges.u.max));
        let low = Bits::range(&ranges.u32.min, &ranges.u32.max);
        self.bits = whole.with_low(&whole.low(HALF).intersect(&low));
        self.ranges_from_bits();
    }

    pub(in super::super) fn ranges_from_bits(&mut self) {
        let ends = |bits: &Bits<W>, width: u64| {
            let sign = W::known(1 << (width - 1));
            let least = bits.value.or(&bits.mask.and(&sign));
            let most = bits.value.or(&bits.mask.and(&sign.not()));
            Range::of(&least.extend(width), &most.extend(width))
        };
        let (low, ranges) = (self.bits.low(HALF), &mut self.ranges);
        ranges.s.keep_signed(&ends(&self.bits, 64));
        (ranges.u).keep(&Range::of(&self.bits.value, &self.bits.most()));
        ranges.s32.keep_signed(&ends(&low, HALF));
        ranges.u32.keep(&Range::of(&low.value, &low.most()));
    }

    /// The ranges of one width after a bitwise operation; `bits` are those of the result.
    pub(in super::super) fn bitwise(
        op: Op,
        u: &Range<W>,
        other: &Range<W>,
        bits: &Bits<W>,
        width: u64,
    ) -> (Range<W>, Range<W>) {
        let u = match op {
            Op::And => Range::of(&bits.value, &u.max.min(&other.max)),
            Op::Or => Range::of(&u.min.max(&other.min), &bits.most()),
            _ => Range::of(&bits.value, &bits.most()),
        };
        let (possible, signed) = u.to_signed(width);
        let s = Range::pick(&possible, &signed, &Range::all_signed(width));
        (u, s)
    }

    /// Shifts of the full width by a number below 64, before sharpening.
    pub(in super::super) fn shift(&self, op: Op, by: &W) -> Self {
        let (all, all_signed) = (Range::all(64), Range::all_signed(64));
        let (half, ranges) = (W::known(HALF), &self.ranges);
        let (u, s, u32) = match op {
            Op::Shl => {
                let sign = Range::of(&ranges.s32.min.shl(&half), &ranges.s32.max.shl(&half));
                (
                    ranges.u.shifted_left(by, 64),
                    Range::pick(&by.same(&half), &sign, &all_signed),
                    ranges.u32.shifted_left(by, HALF),
                )
            }
            Op::Shr => (
                Range::of(&ranges.u.min.shr(by), &ranges.u.max.shr(by)),
                all_signed,
                Range::all(HALF),
            ),
            _ => (
                all,
                Range::of(&ranges.s.min.sar(by), &ranges.s.max.sar(by)),
                Range::all(HALF),
            ),
        };
        Num {
            bits: self.bits.shift(op, by),
            ranges: Ranges {
                u,
                s,
                u32,
                s32: Range::all_signed(HALF),
            },
        }
    }

    /// Shifts of the lower half by a number below 32: what its zero extension goes by.
    pub(in super::super) fn shift_half(&self, op: Op, by: &W) -> Self {
        let mut result = self.clone();
        let ranges = &mut result.ranges;
        let (u32, s32) = match op {
            Op::Shl => (ranges.u32.shifted_left(by, HALF), Range::all_signed(HALF)),
            Op::Shr => (
                Range::of(&ranges.u32.min.shr(by), &ranges.u32.max.shr(by)),
                Range::all_signed(HALF),
            ),
            _ => (
                Range::all(HALF),
                Range::of(&ranges.s32.min.sar(by), &ranges.s32.max.sar(by)),
            ),
        };
        (ranges.u32, ranges.s32) = (u32, s32);
        result.bits = self.bits.shift_half(op, by);
        result
    }

    /// The lower half alone, before sharpening.
    pub(in super::super) fn zero_extend(&self) -> Self {
        let (zero, ranges) = (W::known(0), &self.ranges);
        let positive = !ranges.s32.min.below_signed(&zero);
        Num {
            bits: self.bits.low(HALF),
            ranges: Ranges {
                u: ranges.u32.clone(),
                s: Range::pick(&positive, &ranges.s32, &Range::all(HALF)),
                u32: ranges.u32.clone(),
                s32: ranges.s32.clone(),
            },
        }
    }

    /// The low bits, before sharpening.
    pub(in super::super) fn truncate_to(&self, bits: u64) -> Self {
        let upper = W::known(!all_ones(bits));
        let ranges = &self.ranges;
        let alike = (ranges.u.min.and(&upper)).same(&ranges.u.max.and(&upper));
        let kept = Range::of(&ranges.u.min.low(bits), &ranges.u.max.low(bits));
        let u = Range::pick(&alike, &kept, &Range::all(bits));
        let half = bits >= HALF;
        Num {
            bits: self.bits.low(bits),
            ranges: Ranges {
                s: u.clone(),
                u,
                u32: if half {
                    ranges.u32.clone()
                } else {
                    Range::all(HALF)
                },
                s32: if half {
                    ranges.s32.clone()
                } else {
                    Range::all_signed(HALF)
                },
            },
        }
    }

    /// The signed range after a sign extension of the low bits.
    pub(in super::super) fn sign_extended(s: &Range<W>, bits: u64) -> Range<W> {
        let (min, max) = (s.min.extend(bits), s.max.extend(bits));
        let (by, zero) = (W::known(bits), W::known(0));
        let alike = s.min.sar(&by).same(&s.max.sar(&by));
        let (low, high) = (min.below_signed(&zero), max.below_signed(&zero));
        let same_sign = (low.clone() & high.clone()) | (!low & !high);
        let kept = alike & same_sign & min.at_most_signed(&max);
        Range::pick(&kept, &Range::of(&min, &max), &Range::all_signed(bits))
    }
}

impl Num<u64> {
    /// Everything but sharpening afterwards: the operations that are no shifts.
    pub(in super::super) fn combine(&self, op: Op, other: &Self) -> Self {
        let bits = self.bits.apply(op, &other.bits);
        let (a, b) = (&self.ranges, &other.ranges);
        let low = bits.low(HALF);
        let (u, s) = Self::ends(op, (&a.u, &a.s), (&b.u, &b.s), &bits, 64);
        let (u32, s32) = Self::ends(op, (&a.u32, &a.s32), (&b.u32, &b.s32), &low, HALF);
        Num {
            bits,
            ranges: Ranges { u, s, u32, s32 },
        }
    }

    /// The same of the lower halves: what their zero extension goes by.
    pub(in super::super) fn combine_half(&self, op: Op, other: &Self) -> Self {
        let low = self.bits.low(HALF).apply(op, &other.bits.low(HALF));
        let low = low.low(HALF);
        let (a, b) = (&self.ranges, &other.ranges);
        let mut result = self.clone();
        let (u32, s32) = Self::ends(op, (&a.u32, &a.s32), (&b.u32, &b.s32), &low, HALF);
        (result.ranges.u32, result.ranges.s32) = (u32, s32);
        result.bits = low;
        result
    }

    /// The unsigned and the signed range of a result.
    fn ends(
        op: Op,
        (u, s): (&Range<u64>, &Range<u64>),
        (other_u, other_s): (&Range<u64>, &Range<u64>),
        bits: &Bits<u64>,
        width: u64,
    ) -> (Range<u64>, Range<u64>) {
        match op {
            Op::Add | Op::Sub => (
                u.count(op, other_u, width),
                s.count_signed(op, other_s, width),
            ),
            Op::Mul => (u.product(other_u, width), s.product_signed(other_s, width)),
            _ => Self::bitwise(op, u, other_u, bits, width),
        }
    }
}

/// What an operation gives on numbers.
pub(in super::super) fn on_numbers<W: Word>(op: Op, a: &W, b: &W) -> W {
    match op {
        Op::Add => a.add(b),
        Op::Sub => a.sub(b),
        Op::Mul => a.mul(b),
        Op::And => a.and(b),
        Op::Or => a.or(b),
        Op::Xor => a.xor(b),
        Op::Shl => a.shl(b),
        Op::Shr => a.shr(b),
        Op::Sar => a.sar(b),
    }
}
