//! Holds what z3 is told against the verifier's own domain, on numbers.

use osmia_fuzzing::Chance;
use osmia_isa::Cond;
use osmia_verify::domain::{Op, Scalar, Signed, Tnum, Unsigned};

use super::domain::{Bits, Num, Range};
use crate::place::Error;

const OPS: [Op; 9] = [
    Op::Add,
    Op::Sub,
    Op::Mul,
    Op::And,
    Op::Or,
    Op::Xor,
    Op::Shl,
    Op::Shr,
    Op::Sar,
];
const CONDS: [Cond; 11] = [
    Cond::Eq,
    Cond::Ne,
    Cond::Gt,
    Cond::Ge,
    Cond::Lt,
    Cond::Le,
    Cond::Set,
    Cond::Sgt,
    Cond::Sge,
    Cond::Slt,
    Cond::Sle,
];

fn transcribed(scalar: &Scalar) -> Num<u64> {
    let signed = |min: i64, max: i64| Range::new(min as u64, max as u64);
    Num {
        bits: Bits {
            value: scalar.bits.value,
            mask: scalar.bits.mask,
        },
        u: Range::new(scalar.u.min, scalar.u.max),
        s: signed(scalar.s.min, scalar.s.max),
        u32: Range::new(scalar.u32.min, scalar.u32.max),
        s32: signed(scalar.s32.min, scalar.s32.max),
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
        let (a, b) = (description(&mut chance), description(&mut chance));
        let (x, y) = (transcribed(&a), transcribed(&b));
        let same = |what: &str, ours: &Scalar, theirs: &Num<u64>| -> Result<(), Error> {
            if transcribed(ours) == *theirs {
                return Ok(());
            }
            Err(format!("{what} of {a:?} and {b:?}: {ours:?}, but for z3 {theirs:?}").into())
        };
        let sharp = |mut num: Num<u64>| {
            num.sync();
            num
        };
        let (mut synced, mut extended) = (a, a);
        synced.sync();
        same("sharpening", &synced, &sharp(x.clone()))?;
        extended.zero_extend();
        same("zero extension", &extended, &sharp(x.zero_extend()))?;
        for op in OPS {
            if let Op::Shl | Op::Shr | Op::Sar = op {
                let by = chance.below(64) as u64;
                let result = a.apply(op, &Scalar::known(by));
                same(
                    &format!("{op:?} by {by}"),
                    &result,
                    &sharp(x.shift(op, &by)),
                )?;
                continue;
            }
            let known = matches!(op, Op::And | Op::Or | Op::Xor)
                && a.constant().is_some()
                && b.constant().is_some();
            if !known {
                let theirs = sharp(x.combine(op, &y));
                same(&format!("{op:?}"), &a.apply(op, &b), &theirs)?;
            }
        }
        for cond in CONDS {
            let (mut ours, mut ours_too) = (a, b);
            Scalar::refine(cond, false, true, &mut ours, &mut ours_too);
            let (mut theirs, mut theirs_too) = (x.clone(), y.clone());
            Num::refine(cond, &mut theirs, &mut theirs_too);
            same(&format!("{cond:?}"), &ours, &sharp(theirs))?;
            same(&format!("{cond:?}"), &ours_too, &sharp(theirs_too))?;
            let decided = match Num::decided(cond, &x, &y) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            };
            if decided != Scalar::decided(cond, false, &a, &b) {
                return Err(format!("{cond:?} decided for {a:?} and {b:?}: {decided:?}").into());
            }
        }
    }
    Ok(())
}

#[test]
fn what_z3_is_told_is_what_the_verifier_does() {
    check(3_000).expect("both do the same");
}
