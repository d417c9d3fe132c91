//! Holds what z3 is told against the verifier's own domain, on numbers.

use osmia_fuzzing::Chance;
use osmia_isa::Cond;
use osmia_verify::domain::{Op, Scalar, Signed, Tnum, Unsigned, opposite};

use super::domain::{Bits, HALF, Num, Range, Ranges, View};
use crate::place::Error;

fn transcribed(scalar: &Scalar) -> Num<u64> {
    let signed = |min: i64, max: i64| Range::new(min as u64, max as u64);
    Num {
        bits: Bits {
            value: scalar.bits.value,
            mask: scalar.bits.mask,
        },
        ranges: Ranges {
            u: Range::new(scalar.u.min, scalar.u.max),
            s: signed(scalar.s.min, scalar.s.max),
            u32: Range::new(scalar.u32.min, scalar.u32.max),
            s32: signed(scalar.s32.min, scalar.s32.max),
        },
    }
}

/// A description that allows at least one number.
fn description(chance: &mut Chance) -> Scalar {
    let value = chance.awkward();
    let mut scalar = Scalar::UNKNOWN;
    if chance.percent(15) {
        return Scalar::known(value);
    }
    if chance.percent(50) {
        let mask = chance.awkward();
        scalar.bits = Tnum::new(value, mask);
    }
    if chance.percent(50) {
        let (below, above) = (chance.awkward(), chance.awkward());
        scalar.u = Unsigned {
            min: value.min(below),
            max: value.max(above),
        };
    }
    if chance.percent(50) {
        let (below, above) = (chance.awkward() as i64, chance.awkward() as i64);
        scalar.s = Signed {
            min: below.min(value as i64),
            max: above.max(value as i64),
        };
    }
    if chance.percent(30) {
        let above = u64::from(chance.awkward() as u32);
        scalar.u32.max = above.max(value & 0xffff_ffff);
    }
    scalar.sync();
    scalar
}

/// Compares every operation on so many random descriptions.
pub(super) fn check(count: usize) -> Result<(), Error> {
    let mut chance = Chance::seeded(1);
    for _ in 0..count {
        let pair = Pair::new(description(&mut chance), description(&mut chance));
        pair.conversions()?;
        for op in Op::ALL {
            match op {
                Op::Shl | Op::Shr | Op::Sar => pair.shift(op, chance.below(64) as u64)?,
                _ => pair.combine(op)?,
            }
        }
        for cond in Cond::ALL {
            for half in [false, true] {
                pair.comparison(cond, half)?;
            }
        }
    }
    Ok(())
}

/// Two descriptions, in both texts.
struct Pair {
    a: Scalar,
    b: Scalar,
    x: Num<u64>,
    y: Num<u64>,
}

fn sharp(mut num: Num<u64>) -> Num<u64> {
    num.sync();
    num
}

impl Pair {
    fn new(a: Scalar, b: Scalar) -> Self {
        let (x, y) = (transcribed(&a), transcribed(&b));
        Self { a, b, x, y }
    }

    fn same(&self, what: &str, ours: &Scalar, theirs: &Num<u64>) -> Result<(), Error> {
        // Nothing is described by what contradicts itself, however it does.
        if transcribed(ours) == *theirs || ours.is_contradictory() {
            return Ok(());
        }
        let (a, b) = (&self.a, &self.b);
        Err(format!("{what} of {a:?} and {b:?}: {ours:?}, but for z3 {theirs:?}").into())
    }

    fn conversions(&self) -> Result<(), Error> {
        let (mut synced, mut extended) = (self.a, self.a);
        synced.sync();
        self.same("sharpening", &synced, &sharp(self.x.clone()))?;
        extended.zero_extend();
        self.same("zero extension", &extended, &sharp(self.x.zero_extend()))?;
        for bits in [8, 16, 32] {
            let (mut cut, mut signed) = (self.a, self.a);
            cut.truncate_to(bits);
            let theirs = sharp(self.x.truncate_to(u64::from(bits)));
            self.same(&format!("the low {bits} bits"), &cut, &theirs)?;
            if self.a.constant().is_some() {
                continue;
            }
            signed.sign_extend_from(bits);
            let mut theirs = transcribed(&Scalar::UNKNOWN);
            theirs.ranges.s = Num::sign_extended(&self.x.ranges.s, u64::from(bits));
            self.same(
                &format!("sign extension of {bits} bits"),
                &signed,
                &sharp(theirs),
            )?;
        }
        Ok(())
    }

    fn shift(&self, op: Op, by: u64) -> Result<(), Error> {
        let result = self.a.apply(op, &Scalar::known(by));
        let theirs = sharp(self.x.shift(op, &by));
        self.same(&format!("{op:?} by {by}"), &result, &theirs)?;
        let by = by % HALF;
        let result = self.a.apply32(op, &Scalar::known(by));
        let theirs = sharp(self.x.shift_half(op, &by).zero_extend());
        self.same(&format!("{op:?} of the half by {by}"), &result, &theirs)
    }

    fn combine(&self, op: Op) -> Result<(), Error> {
        // Constants go another way there.
        let bitwise = matches!(op, Op::And | Op::Or | Op::Xor);
        let known = self.a.constant().is_some() && self.b.constant().is_some();
        if !(bitwise && known) {
            let theirs = sharp(self.x.combine(op, &self.y));
            self.same(&format!("{op:?}"), &self.a.apply(op, &self.b), &theirs)?;
        }
        let theirs = self.x.combine_half(op, &self.y);
        if bitwise && theirs.bits.mask == 0 {
            return Ok(());
        }
        let result = self.a.apply32(op, &self.b);
        self.same(
            &format!("{op:?} of the halves"),
            &result,
            &sharp(theirs.zero_extend()),
        )
    }

    fn comparison(&self, cond: Cond, half: bool) -> Result<(), Error> {
        let width = if half { HALF } else { 64 };
        let (left, right) = (self.x.view(half), self.y.view(half));
        let decided = match View::decided(cond, &left, &right) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        let (a, b) = (&self.a, &self.b);
        if decided != Scalar::decided(cond, half, a, b) {
            return Err(format!("{cond:?} decided for {a:?} and {b:?}: {decided:?}").into());
        }
        for outcome in [true, false] {
            let (mut ours, mut ours_too) = (*a, *b);
            Scalar::refine(cond, half, outcome, &mut ours, &mut ours_too);
            let (mut left, mut right) = (left.clone(), right.clone());
            match (outcome, opposite(cond)) {
                (true, _) => View::refine(cond, width, &mut left, &mut right),
                (false, Some(cond)) => View::refine(cond, width, &mut left, &mut right),
                (false, None) => View::refine_not_set(&mut left, &mut right),
            }
            let what = format!("{cond:?} {outcome}, half {half}");
            for (num, view, ours) in [(&self.x, left, ours), (&self.y, right, ours_too)] {
                let mut theirs = num.clone();
                theirs.set_view(half, view);
                self.same(&what, &ours, &sharp(theirs))?;
            }
        }
        Ok(())
    }
}

#[test]
fn what_z3_is_told_is_what_the_verifier_does() {
    check(3_000).expect("both do the same");
}
