//! One range of numbers, seen as unsigned or as signed.

use osmia_verify::domain::Op;

use super::all_ones;
use crate::prove::word::{Number, Word};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Range<W> {
    pub(in super::super) min: W,
    pub(in super::super) max: W,
}

impl<W: Number> Range<W> {
    pub(in super::super) fn new(min: u64, max: u64) -> Self {
        Range {
            min: W::known(min),
            max: W::known(max),
        }
    }
    pub(super) fn of(min: &W, max: &W) -> Self {
        Range {
            min: min.clone(),
            max: max.clone(),
        }
    }
    pub(super) fn pick(which: &W::Truth, yes: &Self, no: &Self) -> Self {
        Range {
            min: W::pick(which, &yes.min, &no.min),
            max: W::pick(which, &yes.max, &no.max),
        }
    }
    pub(in super::super) fn has(&self, value: &W) -> W::Truth {
        self.min.at_most(value) & value.at_most(&self.max)
    }
    pub(in super::super) fn has_signed(&self, value: &W) -> W::Truth {
        self.min.at_most_signed(value) & value.at_most_signed(&self.max)
    }
    pub(super) fn keep(&mut self, other: &Self) {
        self.min = self.min.max(&other.min);
        self.max = self.max.min(&other.max);
    }
    pub(super) fn keep_signed(&mut self, other: &Self) {
        self.min = self.min.max_signed(&other.min);
        self.max = self.max.min_signed(&other.max);
    }
    pub(super) fn keep_if(&mut self, which: &W::Truth, other: &Self) {
        let mut kept = self.clone();
        kept.keep(other);
        *self = Range::pick(which, &kept, self);
    }
    pub(super) fn keep_signed_if(&mut self, which: &W::Truth, other: &Self) {
        let mut kept = self.clone();
        kept.keep_signed(other);
        *self = Range::pick(which, &kept, self);
    }
    /// As the other kind of number, and whether it can be.
    pub(in super::super) fn to_signed(&self, width: u64) -> (W::Truth, Self) {
        let other = Range::of(&self.min.extend(width), &self.max.extend(width));
        (other.min.at_most_signed(&other.max), other)
    }
    pub(in super::super) fn to_unsigned(&self, width: u64) -> (W::Truth, Self) {
        let other = Range::of(&self.min.low(width), &self.max.low(width));
        (other.min.at_most(&other.max), other)
    }
    pub(super) fn all(width: u64) -> Self {
        Range::new(0, all_ones(width))
    }
    pub(super) fn all_signed(width: u64) -> Self {
        Range::new(
            (i64::MIN >> (64 - width)) as u64,
            (i64::MAX >> (64 - width)) as u64,
        )
    }
    /// Unsigned sums (or differences).
    pub(in super::super) fn count(&self, op: Op, other: &Self, width: u64) -> Self {
        let ones = W::known(all_ones(width));
        let (low, high, range) = if op == Op::Add {
            let wraps = |a: &W, b: &W| {
                let sum = a.add(b);
                sum.below(a) | ones.below(&sum)
            };
            let (low, high) = (wraps(&self.min, &other.min), wraps(&self.max, &other.max));
            let (min, max) = (self.min.add(&other.min), self.max.add(&other.max));
            (low, high, Range::of(&min.low(width), &max.low(width)))
        } else {
            let low = self.min.below(&other.max);
            let high = self.max.below(&other.min);
            let (min, max) = (self.min.sub(&other.max), self.max.sub(&other.min));
            (low, high, Range::of(&min.low(width), &max.low(width)))
        };
        let alike = (low.clone() & high.clone()) | (!low & !high);
        Range::pick(&alike, &range, &Range::all(width))
    }
    /// The same for signed numbers.
    pub(in super::super) fn count_signed(&self, op: Op, other: &Self, width: u64) -> Self {
        let all = Range::all_signed(width);
        let zero = W::known(0);
        let (range, too_much) = if op == Op::Add {
            let overflows = |a: &W, b: &W| {
                let (sum, negative) = (a.add(b), b.below_signed(&zero));
                let less = sum.below_signed(a);
                (!negative.clone() & less.clone()) | (negative & !less)
            };
            let range = Range::of(&self.min.add(&other.min), &self.max.add(&other.max));
            let over = overflows(&self.min, &other.min) | overflows(&self.max, &other.max);
            (range, over)
        } else {
            let overflows = |a: &W, b: &W| {
                let (difference, negative) = (a.sub(b), b.below_signed(&zero));
                let more = a.below_signed(&difference);
                (!negative.clone() & more.clone()) | (negative & !more)
            };
            let range = Range::of(&self.min.sub(&other.max), &self.max.sub(&other.min));
            let over = overflows(&self.min, &other.max) | overflows(&self.max, &other.min);
            (range, over)
        };
        let outside = range.min.below_signed(&all.min) | all.max.below_signed(&range.max);
        Range::pick(&(too_much | outside), &all, &range)
    }
}

impl<W: Word> Range<W> {
    /// Shifted left; everything if a bit is lost.
    pub(super) fn shifted_left(&self, by: &W, width: u64) -> Self {
        let ones = W::known(all_ones(width));
        let fits = by.below(&W::known(width)) & self.max.at_most(&ones.shr(by));
        let shifted = Range::of(&self.min.shl(by), &self.max.shl(by));
        Range::pick(&fits, &shifted, &Range::all(width))
    }
}

impl Range<u64> {
    /// Unsigned products, of which the proof is about integers.
    pub(super) fn product(&self, other: &Self, width: u64) -> Self {
        match self.max.checked_mul(other.max) {
            Some(max) if max <= all_ones(width) => Range::new(self.min * other.min, max),
            _ => Range::all(width),
        }
    }
    /// The same for signed numbers.
    pub(super) fn product_signed(&self, other: &Self, width: u64) -> Self {
        let wide = |word: u64| i128::from(word as i64);
        let corners = [
            wide(self.min) * wide(other.min),
            wide(self.min) * wide(other.max),
            wide(self.max) * wide(other.min),
            wide(self.max) * wide(other.max),
        ];
        let min = corners.into_iter().min().unwrap_or_default();
        let max = corners.into_iter().max().unwrap_or_default();
        let all = Range::all_signed(width);
        if min < wide(all.min) || max > wide(all.max) {
            return all;
        }
        Range::new(min as u64, max as u64)
    }
}
