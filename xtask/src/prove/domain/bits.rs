//! Known bits.

use osmia_verify::domain::Op;

use super::{HALF, all_ones};
use crate::prove::word::Word;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Bits<W> {
    pub(in super::super) value: W,
    pub(in super::super) mask: W,
}

impl<W: Word> Bits<W> {
    pub(in super::super) fn known(value: &W) -> Self {
        Bits {
            value: value.clone(),
            mask: W::known(0),
        }
    }
    pub(super) fn new(value: &W, mask: &W) -> Self {
        Bits {
            value: value.and(&mask.not()),
            mask: mask.clone(),
        }
    }
    /// The bits that all numbers of a range have in common.
    pub(in super::super) fn range(min: &W, max: &W) -> Self {
        let mut mask = min.xor(max);
        for by in [1, 2, 4, 8, 16, 32] {
            mask = mask.or(&mask.shr(&W::known(by)));
        }
        Bits::new(min, &mask)
    }
    pub(in super::super) fn contains(&self, value: &W) -> W::Truth {
        value.and(&self.mask.not()).same(&self.value)
    }
    pub(super) fn pick(which: &W::Truth, yes: &Self, no: &Self) -> Self {
        Bits {
            value: W::pick(which, &yes.value, &no.value),
            mask: W::pick(which, &yes.mask, &no.mask),
        }
    }
    pub(super) fn is_known(&self) -> W::Truth {
        self.mask.is(0)
    }
    pub(super) fn most(&self) -> W {
        self.value.or(&self.mask)
    }
    pub(super) fn meets(&self, other: &Self) -> W::Truth {
        let unlike = self.value.xor(&other.value);
        unlike.and(&self.mask.not()).and(&other.mask.not()).is(0)
    }
    pub(in super::super) fn intersect(&self, other: &Self) -> Self {
        Bits::new(&self.value.or(&other.value), &self.mask.and(&other.mask))
    }
    pub(in super::super) fn union(&self, other: &Self) -> Self {
        let unlike = self.value.xor(&other.value);
        let mask = self.mask.or(&other.mask).or(&unlike);
        Bits::new(&self.value.and(&other.value), &mask)
    }
    pub(in super::super) fn low(&self, bits: u64) -> Self {
        Bits {
            value: self.value.low(bits),
            mask: self.mask.low(bits),
        }
    }
    /// With a lower half of whose bits more is known.
    pub(in super::super) fn with_low(&self, low: &Self) -> Self {
        let keep = W::known(!all_ones(HALF));
        Bits {
            value: self.value.and(&keep).or(&low.value),
            mask: self.mask.and(&keep).or(&low.mask),
        }
    }
    pub(in super::super) fn add(&self, other: &Self) -> Self {
        let value = self.value.add(&other.value);
        let greatest = self.mask.add(&other.mask).add(&value);
        let mask = greatest.xor(&value).or(&self.mask).or(&other.mask);
        Bits::new(&value, &mask)
    }
    fn sub(&self, other: &Self) -> Self {
        let value = self.value.sub(&other.value);
        let (greatest, least) = (value.add(&self.mask), value.sub(&other.mask));
        Bits::new(&value, &greatest.xor(&least).or(&self.mask).or(&other.mask))
    }
    pub(super) fn and(&self, other: &Self) -> Self {
        let ones = self.value.and(&other.value);
        let maybe = self.most().and(&other.most());
        Bits::new(&ones, &maybe.and(&ones.not()))
    }
    pub(super) fn or(&self, other: &Self) -> Self {
        let ones = self.value.or(&other.value);
        Bits::new(&ones, &self.mask.or(&other.mask).and(&ones.not()))
    }
    fn xor(&self, other: &Self) -> Self {
        Bits::new(&self.value.xor(&other.value), &self.mask.or(&other.mask))
    }
    /// What the lowest bit of `self` contributes to the doubt about a product.
    pub(in super::super) fn turn(&self, other: &Self) -> Self {
        let (zero, one) = (W::known(0), W::known(1));
        let set = self.value.and(&one).is(1);
        let unsure = self.mask.and(&one).is(1);
        let maybe = W::pick(&unsure, &other.most(), &zero);
        Bits::new(&zero, &W::pick(&set, &other.mask, &maybe))
    }
    /// By long multiplication: as many turns as there are bits.
    fn mul(&self, other: &Self) -> Self {
        let certain = Bits::known(&self.value.mul(&other.value));
        let mut doubt = Bits::known(&W::known(0));
        let (mut a, mut b) = (self.clone(), other.clone());
        let one = Bits::known(&W::known(1));
        for _ in 0..64 {
            doubt = doubt.add(&a.turn(&b));
            a = a.shift(Op::Shr, &one.value);
            b = b.shift(Op::Shl, &one.value);
        }
        certain.add(&doubt)
    }
    pub(in super::super) fn apply(&self, op: Op, other: &Self) -> Self {
        match op {
            Op::Add => self.add(other),
            Op::Sub => self.sub(other),
            Op::Mul => self.mul(other),
            Op::And => self.and(other),
            Op::Or => self.or(other),
            Op::Xor => self.xor(other),
            Op::Shl | Op::Shr | Op::Sar => self.shift(op, &other.value),
        }
    }
    pub(in super::super) fn shift(&self, op: Op, by: &W) -> Self {
        match op {
            Op::Shl => Bits {
                value: self.value.shl(by),
                mask: self.mask.shl(by),
            },
            Op::Shr => Bits {
                value: self.value.shr(by),
                mask: self.mask.shr(by),
            },
            _ => Bits::new(&self.value.sar(by), &self.mask.sar(by)),
        }
    }
    /// The lower half shifted by less than its width.
    pub(in super::super) fn shift_half(&self, op: Op, by: &W) -> Self {
        let mut low = self.low(HALF);
        if op == Op::Sar {
            low = Bits {
                value: low.value.extend(HALF),
                mask: low.mask.extend(HALF),
            };
        }
        low.shift(op, by).low(HALF)
    }
}
