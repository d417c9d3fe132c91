//! Every operation on every pair of descriptions, at widths so small that there are few of them.

use std::collections::BTreeSet;

use osmia_isa::Cond;

use super::interval::{Signed, Unsigned};
use super::width::{sign_extend, truncate};
use super::*;

/// Three bits, of which one is the lower half.
type Tiny = Scalar<3, 1>;

const NUMBERS: u64 = 8;

/// Every range of so many numbers, from the first on.
fn ends(first: i64, count: i64) -> impl Iterator<Item = (i64, i64)> {
    let last = first + count - 1;
    (first..=last).flat_map(move |min| (min..=last).map(move |max| (min, max)))
}

/// Every description, sharpened, that some number fits; with its numbers as a set of bits.
fn every() -> Vec<(Tiny, u8)> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for mask in 0..NUMBERS {
        for value in (0..NUMBERS).filter(|value| value & mask == 0) {
            for (umin, umax) in ends(0, 8) {
                for (smin, smax) in ends(-4, 8) {
                    for (low_min, low_max) in ends(0, 2) {
                        for (half_min, half_max) in ends(-1, 2) {
                            let mut tiny = Tiny::UNKNOWN;
                            tiny.bits = Tnum::new(value, mask);
                            tiny.u.keep(umin as u64, umax as u64);
                            tiny.s.keep(smin, smax);
                            tiny.u32.keep(low_min as u64, low_max as u64);
                            tiny.s32.keep(half_min, half_max);
                            let before = members(&tiny);
                            if before == 0 {
                                continue;
                            }
                            tiny.sync();
                            let after = members(&tiny);
                            assert_eq!(before & !after, 0, "sharpened to {tiny:?}");
                            if seen.insert(format!("{tiny:?}")) {
                                found.push((tiny, after));
                            }
                        }
                    }
                }
            }
        }
    }
    found
}

fn members(tiny: &Tiny) -> u8 {
    let fits = (0..NUMBERS).filter(|&number| tiny.contains(number));
    fits.fold(0, |set, number| set | 1 << number)
}

fn numbers(set: u8) -> impl Iterator<Item = u64> + Clone {
    (0..NUMBERS).filter(move |number| set & 1 << number != 0)
}

/// What a function makes of the pairs of two sets.
fn images(a: u8, b: u8, real: impl Fn(u64, u64) -> u64) -> u8 {
    numbers(a)
        .flat_map(|x| numbers(b).map(move |y| (x, y)))
        .fold(0, |set, (x, y)| set | 1 << real(x, y))
}

#[test]
fn no_operation_on_any_pair_loses_a_result() {
    let every = every();
    for (a, xs) in &every {
        for (b, ys) in &every {
            for op in Op::ALL {
                let (full, half) = (a.apply(op, b), a.apply32(op, b));
                let lost = images(*xs, *ys, |x, y| on_numbers::<3>(op, x, y)) & !members(&full);
                assert_eq!(lost, 0, "{op:?} of {a:?} and {b:?}: {full:?}");
                let real = |x, y| on_numbers::<1>(op, truncate::<1>(x), truncate::<1>(y));
                let lost = images(*xs, *ys, real) & !members(&half);
                assert_eq!(lost, 0, "{op:?} of the halves of {a:?} and {b:?}: {half:?}");
            }
        }
    }
}

#[test]
fn no_conversion_of_any_description_loses_a_result() {
    for (a, xs) in every() {
        let mut zero = a;
        zero.zero_extend();
        let lost = images(xs, 1, |x, _| truncate::<1>(x)) & !members(&zero);
        assert_eq!(lost, 0, "zero extension of {a:?}: {zero:?}");
        for bits in 1..3 {
            let (mut cut, mut extended) = (a, a);
            cut.truncate_to(bits);
            let low = |x: u64| x & ((1 << bits) - 1);
            let lost = images(xs, 1, |x, _| low(x)) & !members(&cut);
            assert_eq!(lost, 0, "the low {bits} bits of {a:?}: {cut:?}");
            extended.sign_extend_from(bits);
            let sign = |x: u64| (low(x) ^ 1 << (bits - 1)).wrapping_sub(1 << (bits - 1));
            let lost = images(xs, 1, |x, _| truncate::<3>(sign(x))) & !members(&extended);
            assert_eq!(lost, 0, "{a:?} extended from {bits}: {extended:?}");
        }
        let lost = images(xs, 1, |x, _| truncate::<3>(x.wrapping_neg())) & !members(&a.negate());
        assert_eq!(lost, 0, "the negative of {a:?}: {:?}", a.negate());
    }
}

#[test]
fn no_comparison_of_any_pair_is_decided_wrongly_or_loses_a_number() {
    let every = every();
    for (a, xs) in &every {
        for (b, ys) in &every {
            for cond in Cond::ALL {
                for half in [false, true] {
                    compare((a, *xs), (b, *ys), cond, half);
                }
            }
        }
    }
}

fn compare((a, xs): (&Tiny, u8), (b, ys): (&Tiny, u8), cond: Cond, half: bool) {
    let real = |x: u64, y: u64| match half {
        true => holds::<1>(cond, truncate::<1>(x), truncate::<1>(y)),
        false => holds::<3>(cond, x, y),
    };
    // The numbers of either side that an outcome is possible with.
    let mut left = [0, 0];
    let mut right = [0, 0];
    for x in numbers(xs) {
        for y in numbers(ys) {
            let outcome = usize::from(real(x, y));
            left[outcome] |= 1 << x;
            right[outcome] |= 1 << y;
        }
    }
    if let Some(said) = Tiny::decided(cond, half, a, b) {
        let other = left[usize::from(!said)];
        assert_eq!(other, 0, "{a:?} {cond:?} {b:?}, half {half}: {said}");
    }
    for outcome in [false, true] {
        let (mut x, mut y) = (*a, *b);
        Tiny::refine(cond, half, outcome, &mut x, &mut y);
        let kept = left[usize::from(outcome)] & !members(&x) == 0
            && right[usize::from(outcome)] & !members(&y) == 0;
        assert!(
            kept,
            "{a:?} {cond:?} {b:?}, half {half}, {outcome}: {x:?}, {y:?}"
        );
    }
}

#[test]
fn no_operation_on_any_pair_of_ranges_loses_a_result() {
    for (a_min, a_max) in ends(0, 32) {
        for (b_min, b_max) in ends(0, 32) {
            let of = |min: i64, max: i64| Unsigned::<5> {
                min: min as u64,
                max: max as u64,
            };
            let (a, b) = (of(a_min, a_max), of(b_min, b_max));
            let signed = |min: i64, max: i64| Signed::<5> {
                min: min - 16,
                max: max - 16,
            };
            let (c, d) = (signed(a_min, a_max), signed(b_min, b_max));
            let results = [a.sum(b), a.difference(b), a.product(b)];
            let signed_results = [c.sum(d), c.difference(d), c.product(d)];
            for x in a_min..=a_max {
                for y in b_min..=b_max {
                    for (result, real) in results.iter().zip([x + y, x - y, x * y]) {
                        let real = truncate::<5>(real as u64);
                        let inside = (result.min..=result.max).contains(&real);
                        assert!(inside, "{a:?} {b:?}: {results:?}, {x} {y}");
                    }
                    let (x, y) = (x - 16, y - 16);
                    for (result, real) in signed_results.iter().zip([x + y, x - y, x * y]) {
                        let real = sign_extend::<5>(real as u64);
                        let inside = (result.min..=result.max).contains(&real);
                        assert!(inside, "{c:?} {d:?}: {signed_results:?}, {x} {y}");
                    }
                }
            }
        }
    }
}
