//! Every operation on every pair of descriptions, at widths so small that there are few of them.

use osmia_isa::Cond;

use super::interval::{Signed, Unsigned};
use super::width::{sign_extend, truncate};
use super::*;

/// Four bits, of which two are the lower half.
type Tiny = Scalar<4, 2>;

const NUMBERS: u64 = 16;

/// Every range of so many numbers, from the first on.
fn ends(first: i64, count: i64) -> impl Iterator<Item = (i64, i64)> {
    let last = first + count - 1;
    (first..=last).flat_map(move |min| (min..=last).map(move |max| (min, max)))
}

fn every_bits() -> impl Iterator<Item = Tiny> {
    let masks = (0..NUMBERS).flat_map(|mask| (0..NUMBERS).map(move |value| (value, mask)));
    masks
        .filter(|(value, mask)| value & mask == 0)
        .map(|(value, mask)| Tiny {
            bits: Tnum::new(value, mask),
            ..Tiny::UNKNOWN
        })
}

fn every_range() -> impl Iterator<Item = Tiny> {
    ends(0, 16).map(|(min, max)| {
        let mut tiny = Tiny::UNKNOWN;
        tiny.u.keep(min as u64, max as u64);
        tiny
    })
}

fn every_signed_range() -> impl Iterator<Item = Tiny> {
    ends(-8, 16).map(|(min, max)| {
        let mut tiny = Tiny::UNKNOWN;
        tiny.s.keep(min, max);
        tiny
    })
}

/// Every description by bits or by one range, sharpened; with its numbers as a set of bits.
fn every() -> Vec<(Tiny, u16)> {
    let all = every_bits()
        .chain(every_range())
        .chain(every_signed_range());
    all.map(sharpened).collect()
}

/// The same with what is known of the lower half besides.
fn every_with_half() -> Vec<(Tiny, u16)> {
    let halves: Vec<_> = ends(0, 4).collect();
    let with_half = |(tiny, _): (Tiny, u16)| {
        halves.iter().flat_map(move |&(min, max)| {
            let (mut unsigned, mut signed) = (tiny, tiny);
            unsigned.u32.keep(min as u64, max as u64);
            signed.s32.keep(min - 2, max - 2);
            [unsigned, signed]
        })
    };
    let all = every().into_iter().flat_map(with_half);
    all.filter(|tiny| members(tiny) != 0)
        .map(sharpened)
        .collect()
}

fn sharpened(mut tiny: Tiny) -> (Tiny, u16) {
    let (before, plain) = (members(&tiny), tiny);
    tiny.sync();
    let lost = before & !members(&tiny);
    assert_eq!(lost, 0, "{plain:?} was sharpened to {tiny:?}");
    (tiny, members(&tiny))
}

fn members(tiny: &Tiny) -> u16 {
    let fits = (0..NUMBERS).filter(|&number| tiny.contains(number));
    fits.fold(0, |set, number| set | 1 << number)
}

fn numbers(set: u16) -> impl Iterator<Item = u64> + Clone {
    (0..NUMBERS).filter(move |number| set & 1 << number != 0)
}

/// What a function makes of the pairs of two sets.
fn images(a: u16, b: u16, real: impl Fn(u64, u64) -> u64) -> u16 {
    numbers(a)
        .flat_map(|x| numbers(b).map(move |y| (x, y)))
        .fold(0, |set, (x, y)| set | 1 << real(x, y))
}

#[test]
fn no_sharpening_of_bits_and_ranges_loses_a_number() {
    for bits in every_bits() {
        for range in every_range() {
            for signed in every_signed_range() {
                sharpened(Tiny {
                    u: range.u,
                    s: signed.s,
                    ..bits
                });
            }
        }
    }
}

#[test]
fn no_operation_on_any_pair_loses_a_result() {
    let every = every();
    for (a, xs) in &every {
        for (b, ys) in &every {
            for op in Op::ALL {
                let (full, half) = (a.apply(op, b), a.apply32(op, b));
                let lost = images(*xs, *ys, |x, y| on_numbers::<4>(op, x, y)) & !members(&full);
                assert_eq!(lost, 0, "{op:?} of {a:?} and {b:?}: {full:?}");
                let real = |x, y| on_numbers::<2>(op, truncate::<2>(x), truncate::<2>(y));
                let lost = images(*xs, *ys, real) & !members(&half);
                assert_eq!(lost, 0, "{op:?} of the halves of {a:?} and {b:?}: {half:?}");
            }
        }
    }
}

#[test]
fn no_conversion_of_any_description_loses_a_result() {
    for (a, xs) in every_with_half() {
        let mut zero = a;
        zero.zero_extend();
        let lost = images(xs, 1, |x, _| truncate::<2>(x)) & !members(&zero);
        assert_eq!(lost, 0, "zero extension of {a:?}: {zero:?}");
        for bits in 1..4 {
            let (mut cut, mut extended) = (a, a);
            cut.truncate_to(bits);
            let low = |x: u64| x & ((1 << bits) - 1);
            let lost = images(xs, 1, |x, _| low(x)) & !members(&cut);
            assert_eq!(lost, 0, "the low {bits} bits of {a:?}: {cut:?}");
            extended.sign_extend_from(bits);
            let sign = |x: u64| (low(x) ^ 1 << (bits - 1)).wrapping_sub(1 << (bits - 1));
            let lost = images(xs, 1, |x, _| truncate::<4>(sign(x))) & !members(&extended);
            assert_eq!(lost, 0, "{a:?} extended from {bits}: {extended:?}");
        }
        let lost = images(xs, 1, |x, _| truncate::<4>(x.wrapping_neg())) & !members(&a.negate());
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

fn compare((a, xs): (&Tiny, u16), (b, ys): (&Tiny, u16), cond: Cond, half: bool) {
    let real = |x: u64, y: u64| match half {
        true => holds::<2>(cond, truncate::<2>(x), truncate::<2>(y)),
        false => holds::<4>(cond, x, y),
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
