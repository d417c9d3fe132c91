//! Operations and comparisons against brute force, at a width where every number can be tried.

use osmia_isa::Cond;

use super::*;

type Small = Scalar<6, 3>;

/// Descriptions such as programs meet: ranges and bits of six-bit numbers, constants among them.
fn samples() -> Vec<(Small, Vec<u64>)> {
    let mut found = Vec::new();
    let mut add = |scalar: Small| {
        let members: Vec<u64> = (0..64).filter(|&x| scalar.contains(x)).collect();
        if !members.is_empty() {
            found.push((scalar, members));
        }
    };
    for value in (0..64).step_by(3) {
        add(Small::known(value));
    }
    for min in (0..64).step_by(5) {
        for max in (min + 1..64).step_by(9) {
            add(Small::from_range(min, max));
            add(Small::from_signed(min as i64 - 32, max as i64 - 32));
            let mut half = Small::from_range(min, max);
            half.u32.keep(min & 7, 7);
            half.sync();
            add(half);
        }
    }
    for mask in [1, 6, 0x21, 0x38, 0x3f, 0x15] {
        for value in [0, 2, 0x20, 0x18] {
            let mut scalar = Small::UNKNOWN;
            scalar.bits = Tnum::new(value, mask);
            scalar.sync();
            add(scalar);
        }
    }
    found
}

#[test]
fn operations_lose_no_result() {
    let samples = samples();
    for op in Op::ALL {
        for (a, xs) in &samples {
            for (b, ys) in &samples {
                let (full, half) = (a.apply(op, b), a.apply32(op, b));
                for &x in xs {
                    for &y in ys {
                        let result = on_numbers::<6>(op, x, y);
                        assert!(
                            full.contains(result),
                            "{x} {op:?} {y}: {a:?}, {b:?}: {full:?}"
                        );
                        let result = on_numbers::<3>(op, x & 7, y & 7);
                        assert!(
                            half.contains(result),
                            "{x} {op:?}32 {y}: {a:?}, {b:?}: {half:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn comparisons_are_decided_and_refined_soundly() {
    let samples = samples();
    for cond in Cond::ALL {
        for (a, xs) in &samples {
            for (b, ys) in &samples {
                for half in [false, true] {
                    let decided = Small::decided(cond, half, a, b);
                    let outcomes = [false, true].map(|outcome| {
                        let (mut x, mut y) = (*a, *b);
                        Small::refine(cond, half, outcome, &mut x, &mut y);
                        (x, y)
                    });
                    for &x in xs {
                        for &y in ys {
                            let real = match half {
                                true => holds::<3>(cond, x & 7, y & 7),
                                false => holds::<6>(cond, x, y),
                            };
                            assert!(
                                decided.is_none_or(|said| said == real),
                                "{x} {cond:?} {y} half {half}: {a:?}, {b:?}"
                            );
                            let (ref left, ref right) = outcomes[usize::from(real)];
                            assert!(
                                left.contains(x) && right.contains(y),
                                "{x} {cond:?} {y} half {half}: {a:?}, {b:?} became {left:?}, {right:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_length_check_bounds_the_length() {
    let mut length: Scalar = Scalar::zero_extended(32);
    let mut limit = Scalar::known(64);
    Scalar::refine(Cond::Gt, false, false, &mut length, &mut limit);
    assert_eq!((length.u.min, length.u.max), (0, 64));
    let offset = length.apply(Op::And, &Scalar::known(7));
    assert_eq!((offset.u.min, offset.u.max), (0, 7));
}
