//! The verifier's domain, written once more for any word, so that z3 can read it. A test holds it
//! against the domain itself.
//!
//! Numbers of half the width are kept in whole words, as the domain keeps them.

use osmia_isa::Cond;
use osmia_verify::domain::Op;

use super::word::Word;

const HALF: u64 = 32;
const LOW: u64 = 0xffff_ffff;

/// The lower half as a signed number.
pub(super) fn sign_extend<W: Word>(value: &W, bits: u64) -> W {
    let by = W::known(64 - bits);
    value.shl(&by).sar(&by)
}

fn all_ones(width: u64) -> u64 {
    u64::MAX >> (64 - width)
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bits<W> {
    pub(super) value: W,
    pub(super) mask: W,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range<W> {
    pub(super) min: W,
    pub(super) max: W,
}

/// All five descriptions of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Num<W> {
    pub(super) bits: Bits<W>,
    pub(super) u: Range<W>,
    pub(super) s: Range<W>,
    pub(super) u32: Range<W>,
    pub(super) s32: Range<W>,
}

impl<W: Word> Bits<W> {
    pub(super) fn known(value: &W) -> Self {
        Bits {
            value: value.clone(),
            mask: W::known(0),
        }
    }
    fn new(value: &W, mask: &W) -> Self {
        Bits {
            value: value.and(&mask.not()),
            mask: mask.clone(),
        }
    }
    /// The bits that all numbers of a range have in common.
    pub(super) fn range(min: &W, max: &W) -> Self {
        let mut mask = min.xor(max);
        for by in [1, 2, 4, 8, 16, 32] {
            mask = mask.or(&mask.shr(&W::known(by)));
        }
        Bits::new(min, &mask)
    }
    pub(super) fn contains(&self, value: &W) -> W::Truth {
        value.and(&self.mask.not()).same(&self.value)
    }
    fn is_known(&self) -> W::Truth {
        self.mask.is(0)
    }
    fn most(&self) -> W {
        self.value.or(&self.mask)
    }
    fn meets(&self, other: &Self) -> W::Truth {
        let unlike = self.value.xor(&other.value);
        unlike.and(&self.mask.not()).and(&other.mask.not()).is(0)
    }
    pub(super) fn intersect(&self, other: &Self) -> Self {
        Bits::new(&self.value.or(&other.value), &self.mask.and(&other.mask))
    }
    pub(super) fn union(&self, other: &Self) -> Self {
        let unlike = self.value.xor(&other.value);
        let mask = self.mask.or(&other.mask).or(&unlike);
        Bits::new(&self.value.and(&other.value), &mask)
    }
    pub(super) fn low(&self, bits: u64) -> Self {
        let keep = W::known(all_ones(bits));
        Bits {
            value: self.value.and(&keep),
            mask: self.mask.and(&keep),
        }
    }
    fn with_low(&self, low: &Self) -> Self {
        let keep = W::known(!LOW);
        Bits {
            value: self.value.and(&keep).or(&low.value),
            mask: self.mask.and(&keep).or(&low.mask),
        }
    }
    fn add(&self, other: &Self) -> Self {
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
    fn and(&self, other: &Self) -> Self {
        let ones = self.value.and(&other.value);
        let maybe = self.most().and(&other.most());
        Bits::new(&ones, &maybe.and(&ones.not()))
    }
    fn or(&self, other: &Self) -> Self {
        let ones = self.value.or(&other.value);
        Bits::new(&ones, &self.mask.or(&other.mask).and(&ones.not()))
    }
    fn xor(&self, other: &Self) -> Self {
        Bits::new(&self.value.xor(&other.value), &self.mask.or(&other.mask))
    }
    fn mul(&self, other: &Self) -> Self {
        let certain = Bits::known(&self.value.mul(&other.value));
        let mut doubt = Bits::known(&W::known(0));
        for bit in 0..64 {
            let by = W::known(bit);
            let one = W::known(1);
            let (value, mask) = (other.value.shl(&by), other.mask.shl(&by));
            let set = self.value.shr(&by).and(&one).is(1);
            let unsure = self.mask.shr(&by).and(&one).is(1);
            let zero = W::known(0);
            let maybe = W::pick(&unsure, &value.or(&mask), &zero);
            let more = W::pick(&set, &mask, &maybe);
            doubt = doubt.add(&Bits::new(&zero, &more));
        }
        certain.add(&doubt)
    }
    pub(super) fn apply(&self, op: Op, other: &Self) -> Self {
        match op {
            Op::Add => self.add(other),
            Op::Sub => self.sub(other),
            Op::Mul => self.mul(other),
            Op::And => self.and(other),
            Op::Or => self.or(other),
            Op::Xor => self.xor(other),
            Op::Shl => Bits {
                value: self.value.shl(&other.value),
                mask: self.mask.shl(&other.value),
            },
            Op::Shr => Bits {
                value: self.value.shr(&other.value),
                mask: self.mask.shr(&other.value),
            },
            Op::Sar => Bits::new(&self.value.sar(&other.value), &self.mask.sar(&other.value)),
        }
    }
}

impl<W: Word> Range<W> {
    pub(super) fn new(min: u64, max: u64) -> Self {
        Range {
            min: W::known(min),
            max: W::known(max),
        }
    }
    fn of(min: &W, max: &W) -> Self {
        Range {
            min: min.clone(),
            max: max.clone(),
        }
    }
    fn pick(which: &W::Truth, yes: &Self, no: &Self) -> Self {
        Range {
            min: W::pick(which, &yes.min, &no.min),
            max: W::pick(which, &yes.max, &no.max),
        }
    }
    pub(super) fn has(&self, value: &W) -> W::Truth {
        self.min.at_most(value) & value.at_most(&self.max)
    }
    pub(super) fn has_signed(&self, value: &W) -> W::Truth {
        self.min.at_most_signed(value) & value.at_most_signed(&self.max)
    }
    fn keep(&mut self, other: &Self) {
        self.min = self.min.max(&other.min);
        self.max = self.max.min(&other.max);
    }
    fn keep_signed(&mut self, other: &Self) {
        self.min = self.min.max_signed(&other.min);
        self.max = self.max.min_signed(&other.max);
    }
    fn keep_if(&mut self, which: &W::Truth, other: &Self) {
        let mut kept = self.clone();
        kept.keep(other);
        *self = Range::pick(which, &kept, self);
    }
    fn keep_signed_if(&mut self, which: &W::Truth, other: &Self) {
        let mut kept = self.clone();
        kept.keep_signed(other);
        *self = Range::pick(which, &kept, self);
    }
    /// As the other kind of number, and whether it can be.
    fn to_signed(&self, width: u64) -> (W::Truth, Self) {
        let other = Range::of(
            &sign_extend(&self.min, width),
            &sign_extend(&self.max, width),
        );
        (other.min.at_most_signed(&other.max), other)
    }
    fn to_unsigned(&self, width: u64) -> (W::Truth, Self) {
        let ones = W::known(all_ones(width));
        let other = Range::of(&self.min.and(&ones), &self.max.and(&ones));
        (other.min.at_most(&other.max), other)
    }
    fn all(width: u64) -> Self {
        Range::new(0, all_ones(width))
    }
    fn all_signed(width: u64) -> Self {
        Range::new(
            (i64::MIN >> (64 - width)) as u64,
            (i64::MAX >> (64 - width)) as u64,
        )
    }
    /// Unsigned addition, subtraction and multiplication.
    pub(super) fn apply(&self, op: Op, other: &Self, width: u64) -> Self {
        let ones = W::known(all_ones(width));
        match op {
            Op::Add => {
                let wraps = |a: &W, b: &W| {
                    let sum = a.add(b);
                    sum.below(a) | ones.below(&sum)
                };
                let (low, high) = (wraps(&self.min, &other.min), wraps(&self.max, &other.max));
                let sum = Range::of(
                    &self.min.add(&other.min).and(&ones),
                    &self.max.add(&other.max).and(&ones),
                );
                let alike = (low.clone() & high.clone()) | (!low & !high);
                Range::pick(&alike, &sum, &Range::all(width))
            }
            Op::Sub => {
                let low = self.min.below(&other.max);
                let high = self.max.below(&other.min);
                let difference = Range::of(
                    &self.min.sub(&other.max).and(&ones),
                    &self.max.sub(&other.min).and(&ones),
                );
                let alike = (low.clone() & high.clone()) | (!low & !high);
                Range::pick(&alike, &difference, &Range::all(width))
            }
            _ => {
                let too_much =
                    self.max.mul_overflows(&other.max) | ones.below(&self.max.mul(&other.max));
                let product = Range::of(&self.min.mul(&other.min), &self.max.mul(&other.max));
                Range::pick(&too_much, &Range::all(width), &product)
            }
        }
    }
    /// The same for signed numbers.
    pub(super) fn apply_signed(&self, op: Op, other: &Self, width: u64) -> Self {
        let all = Range::all_signed(width);
        let zero = W::known(0);
        let (range, too_much) = match op {
            Op::Add => {
                let overflows = |a: &W, b: &W| {
                    let sum = a.add(b);
                    a.xor(&sum).and(&b.xor(&sum)).below_signed(&zero)
                };
                let range = Range::of(&self.min.add(&other.min), &self.max.add(&other.max));
                let over = overflows(&self.min, &other.min) | overflows(&self.max, &other.max);
                (range, over)
            }
            Op::Sub => {
                let overflows = |a: &W, b: &W| {
                    let difference = a.sub(b);
                    a.xor(b).and(&a.xor(&difference)).below_signed(&zero)
                };
                let range = Range::of(&self.min.sub(&other.max), &self.max.sub(&other.min));
                let over = overflows(&self.min, &other.max) | overflows(&self.max, &other.min);
                (range, over)
            }
            _ => {
                let pairs = [
                    (&self.min, &other.min),
                    (&self.min, &other.max),
                    (&self.max, &other.min),
                    (&self.max, &other.max),
                ];
                let products = pairs.map(|(a, b)| a.mul(b));
                let over = pairs.map(|(a, b)| a.mul_overflows_signed(b));
                let [o1, o2, o3, o4] = over;
                let [p1, p2, p3, p4] = &products;
                let range = Range::of(
                    &p1.min_signed(p2).min_signed(&p3.min_signed(p4)),
                    &p1.max_signed(p2).max_signed(&p3.max_signed(p4)),
                );
                (range, o1 | o2 | o3 | o4)
            }
        };
        let outside = range.min.below_signed(&all.min) | all.max.below_signed(&range.max);
        Range::pick(&(too_much | outside), &all, &range)
    }
}

impl<W: Word> Num<W> {
    pub(super) fn contains(&self, value: &W) -> W::Truth {
        self.bits.contains(value)
            & self.u.has(value)
            & self.s.has_signed(value)
            & self.u32.has(&value.and(&W::known(LOW)))
            & self.s32.has_signed(&sign_extend(value, HALF))
    }

    pub(super) fn sync(&mut self) {
        self.ranges_from_bits();
        for _ in 0..3 {
            self.deduce_half();
            self.deduce_full();
            self.deduce_across();
        }
        self.bits_from_ranges();
        self.ranges_from_bits();
    }

    pub(super) fn ranges_from_bits(&mut self) {
        let ends = |bits: &Bits<W>, width: u64| {
            let sign = W::known(1 << (width - 1));
            let least = bits.value.or(&bits.mask.and(&sign));
            let most = bits.value.or(&bits.mask.and(&sign.not()));
            Range::of(&sign_extend(&least, width), &sign_extend(&most, width))
        };
        let low = self.bits.low(HALF);
        self.s.keep_signed(&ends(&self.bits, 64));
        self.u.keep(&Range::of(&self.bits.value, &self.bits.most()));
        self.s32.keep_signed(&ends(&low, HALF));
        self.u32.keep(&Range::of(&low.value, &low.most()));
    }

    pub(super) fn deduce_half(&mut self) {
        let (half, low) = (W::known(HALF), W::known(LOW));
        for ends in [self.u.clone(), self.s.clone()] {
            let (high_min, high_max) = (ends.min.shr(&half), ends.max.shr(&half));
            let unsigned = Range::of(&ends.min.and(&low), &ends.max.and(&low));
            let signed = Range::of(&sign_extend(&ends.min, HALF), &sign_extend(&ends.max, HALF));
            let alike = high_min.same(&high_max);
            let orderly = unsigned.min.at_most(&unsigned.max);
            self.u32.keep_if(&(alike.clone() & orderly), &unsigned);
            let orderly = signed.min.at_most_signed(&signed.max);
            let next = high_min.add(&W::known(1)).and(&low).same(&high_max);
            let zero = W::known(0);
            let across = signed.min.below_signed(&zero) & !signed.max.below_signed(&zero);
            let useful = (alike.clone() & orderly) | (!alike & next & across);
            self.s32.keep_signed_if(&useful, &signed);
        }
        let (possible, unsigned) = self.s32.to_unsigned(HALF);
        self.u32.keep_if(&possible, &unsigned);
        let (possible, signed) = self.u32.to_signed(HALF);
        self.s32.keep_signed_if(&possible, &signed);
    }

    pub(super) fn deduce_full(&mut self) {
        let (possible, signed) = self.u.to_signed(64);
        self.s.keep_signed_if(&possible, &signed);
        let (possible, unsigned) = self.s.to_unsigned(64);
        let mut kept = self.u.clone();
        kept.keep(&unsigned);
        let (low_end, high_start) = (self.s.max.clone(), self.s.min.clone());
        let below = self.u.max.below(&high_start);
        let above = low_end.below(&self.u.min);
        let s = Range {
            min: W::pick(&below, &self.u.min, &self.s.min),
            max: W::pick(&(!below.clone() & above.clone()), &self.u.max, &self.s.max),
        };
        let u = Range {
            min: W::pick(
                &(!below.clone() & above),
                &self.u.min.max(&high_start),
                &self.u.min,
            ),
            max: W::pick(&below, &self.u.max.min(&low_end), &self.u.max),
        };
        self.s = Range::pick(&possible, &self.s, &s);
        self.u = Range::pick(&possible, &kept, &u);
    }

    pub(super) fn deduce_across(&mut self) {
        let upper = |value: &W, low: &W| value.and(&W::known(!LOW)).or(low);
        self.u.keep(&Range::of(
            &upper(&self.u.min, &self.u32.min),
            &upper(&self.u.max, &self.u32.max),
        ));
        self.s.keep_signed(&Range::of(
            &upper(&self.s.min, &self.u32.min),
            &upper(&self.s.max, &self.u32.max),
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

    pub(super) fn bits_from_ranges(&mut self) {
        let whole = self.bits.intersect(&Bits::range(&self.u.min, &self.u.max));
        let low = Bits::range(&self.u32.min, &self.u32.max);
        self.bits = whole.with_low(&whole.low(HALF).intersect(&low));
    }

    /// Everything but sharpening afterwards: the operations that are no shifts.
    pub(super) fn combine(&self, op: Op, other: &Self) -> Self {
        let bits = self.bits.apply(op, &other.bits);
        let low = bits.low(HALF);
        let (u32, s32) = halves(op, self.lower(), other.lower(), &low, HALF);
        let (u, s) = halves(op, (&self.u, &self.s), (&other.u, &other.s), &bits, 64);
        Num {
            bits,
            u,
            s,
            u32,
            s32,
        }
    }

    fn lower(&self) -> (&Range<W>, &Range<W>) {
        (&self.u32, &self.s32)
    }

    /// Shifts of the full width by a number below 64, before sharpening.
    pub(super) fn shift(&self, op: Op, by: &W) -> Self {
        let all = Range::new(0, u64::MAX);
        let all_signed = Range::all_signed(64);
        let half = W::known(HALF);
        let (u, s, u32) = match op {
            Op::Shl => {
                let up = |range: &Range<W>| Range::of(&range.min.shl(by), &range.max.shl(by));
                let fits = self.u.max.at_most(&W::known(u64::MAX).shr(by));
                let sign = Range::of(&self.s32.min.shl(&half), &self.s32.max.shl(&half));
                let fits32 = by.below(&half) & self.u32.max.at_most(&W::known(LOW).shr(by));
                (
                    Range::pick(&fits, &up(&self.u), &all),
                    Range::pick(&by.same(&half), &sign, &all_signed),
                    Range::pick(&fits32, &up(&self.u32), &Range::all(HALF)),
                )
            }
            Op::Shr => (
                Range::of(&self.u.min.shr(by), &self.u.max.shr(by)),
                all_signed,
                Range::all(HALF),
            ),
            _ => (
                all,
                Range::of(&self.s.min.sar(by), &self.s.max.sar(by)),
                Range::all(HALF),
            ),
        };
        Num {
            bits: self.bits.apply(op, &Bits::known(by)),
            u,
            s,
            u32,
            s32: Range::all_signed(HALF),
        }
    }

    /// The lower half alone, before sharpening.
    pub(super) fn zero_extend(&self) -> Self {
        let zero = W::known(0);
        let whole = Range::of(&zero, &W::known(LOW));
        let positive = !self.s32.min.below_signed(&zero);
        Num {
            bits: self.bits.low(HALF),
            u: self.u32.clone(),
            s: Range::pick(&positive, &self.s32, &whole),
            u32: self.u32.clone(),
            s32: self.s32.clone(),
        }
    }

    /// What an outcome of a comparison says, before sharpening.
    pub(super) fn refine(cond: Cond, a: &mut Self, b: &mut Self) {
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
                    let (u, s) = (&side.u, &side.s);
                    (
                        Range {
                            min: step(u.min.same(value), &u.min, u.min.add(&one)),
                            max: step(u.max.same(value), &u.max, u.max.sub(&one)),
                        },
                        Range {
                            min: step(s.min.same(value), &s.min, s.min.add(&one)),
                            max: step(s.max.same(value), &s.max, s.max.sub(&one)),
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
                    let set = bits.or(&Bits::known(value));
                    Bits {
                        value: W::pick(which, &set.value, &bits.value),
                        mask: W::pick(which, &set.mask, &bits.mask),
                    }
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
            Cond::Gt => Self::refine(Cond::Lt, b, a),
            Cond::Ge => Self::refine(Cond::Le, b, a),
            Cond::Sgt => Self::refine(Cond::Slt, b, a),
            Cond::Sge => Self::refine(Cond::Sle, b, a),
        }
    }

    /// Whether a comparison is known to hold, and whether it is known not to.
    pub(super) fn decided(cond: Cond, a: &Self, b: &Self) -> (W::Truth, W::Truth) {
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

    /// Whether a comparison of two numbers holds.
    pub(super) fn holds(cond: Cond, a: &W, b: &W) -> W::Truth {
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
}

/// The unsigned and the signed range of a result.
fn halves<W: Word>(
    op: Op,
    (u, s): (&Range<W>, &Range<W>),
    (other_u, other_s): (&Range<W>, &Range<W>),
    bits: &Bits<W>,
    width: u64,
) -> (Range<W>, Range<W>) {
    let u = match op {
        Op::Add | Op::Sub | Op::Mul => {
            let u = u.apply(op, other_u, width);
            return (u, s.apply_signed(op, other_s, width));
        }
        Op::And => Range::of(&bits.value, &u.max.min(&other_u.max)),
        Op::Or => Range::of(&u.min.max(&other_u.min), &bits.most()),
        _ => Range::of(&bits.value, &bits.most()),
    };
    let (possible, signed) = u.to_signed(width);
    let s = Range::pick(&possible, &signed, &Range::all_signed(width));
    (u, s)
}

/// What an operation gives on numbers.
pub(super) fn on_numbers<W: Word>(op: Op, a: &W, b: &W) -> W {
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
