//! Numbers: bitwise operations on ranges, shifts, extensions; and that lower halves of results come
//! from lower halves. Sums, differences and products of numbers are those of their descriptions.

use osmia_verify::domain::Op;

use super::super::domain::{HALF, Num, Ranges, on_numbers};
use super::super::word::{Formula, Number, Symbol, Term};
use super::{
    ALU, Claim, SHIFTS, WIDTHS, any_bits, any_range, claim, conjunction, proper, proper_signed,
};

pub(super) fn all() -> Vec<Claim> {
    let mut claims = Vec::new();
    for op in ALU {
        claims.push(claim(format!("lower half: of {op:?}"), move || {
            let (x, y) = (Term::variable(), Term::variable());
            let low = on_numbers(op, &x.low(HALF), &y.low(HALF)).low(HALF);
            !on_numbers(op, &x, &y).low(HALF).same(&low)
        }));
    }
    for op in [Op::And, Op::Or, Op::Xor] {
        for width in WIDTHS {
            claims.push(claim(
                format!("unsigned range: {op:?}, {width} bits"),
                move || bitwise(op, width),
            ));
        }
    }
    for op in SHIFTS {
        for (part, described) in PARTS.into_iter().enumerate() {
            claims.push(claim(format!("number: {op:?}, {described}"), move || {
                let (a, by) = (any_num(), Term::variable());
                let (x, fits) = member(&a);
                let proper = by.below(&Term::known(64));
                let real = on_numbers(op, &x, &by);
                proper & fits & !holds(&a.shift(op, &by), &real, part)
            }));
        }
        for part in [3, 4] {
            let described = PARTS[part];
            claims.push(claim(
                format!("number: {op:?} of the half, {described}"),
                move || {
                    let (a, by) = (any_num(), Term::variable());
                    let (x, fits) = member(&a);
                    let proper = by.below(&Term::known(HALF));
                    let low = match op {
                        Op::Sar => x.extend(HALF),
                        _ => x.low(HALF),
                    };
                    let real = on_numbers(op, &low, &by).low(HALF);
                    proper & fits & !holds(&a.shift_half(op, &by), &real, part)
                },
            ));
        }
    }
    for (part, described) in PARTS.into_iter().enumerate() {
        claims.push(claim(
            format!("sharpening: ranges from bits, {described}"),
            move || {
                let mut a = any_num();
                let (x, fits) = member(&a);
                a.ranges_from_bits();
                fits & !holds(&a, &x, part)
            },
        ));
        claims.push(claim(
            format!("number: zero extension, {described}"),
            move || {
                // Only the lower half need fit: a result's upper half is not there yet.
                let a = any_num();
                let x = Term::variable();
                let [_, _, u32, s32] = a.ranges.parts(&x).map(|(_, holds)| holds);
                let low = x.low(HALF);
                let fits = a.bits.low(HALF).contains(&low) & u32 & s32 & halves_are_proper(&a);
                fits & !holds(&a.zero_extend(), &low, part)
            },
        ));
        for bits in [8, 16, HALF] {
            claims.push(claim(
                format!("number: the low {bits} bits, {described}"),
                move || {
                    let a = any_num();
                    let (x, fits) = member(&a);
                    fits & !holds(&a.truncate_to(bits), &x.low(bits), part)
                },
            ));
        }
    }
    for bits in [8, 16, HALF] {
        claims.push(claim(
            format!("number: sign extension of {bits} bits"),
            move || {
                let (s, x) = (any_range::<Term>(), Term::variable());
                let result = Num::sign_extended(&s, bits);
                s.has_signed(&x) & !result.has_signed(&x.extend(bits))
            },
        ));
    }
    claims
}

const PARTS: [&str; 5] = ["bits", "unsigned", "signed", "unsigned half", "signed half"];

/// Any description with the half-width ranges inside of half the width.
fn any_num() -> Num<Term> {
    Num {
        bits: any_bits(),
        ranges: Ranges {
            u: any_range(),
            s: any_range(),
            u32: any_range(),
            s32: any_range(),
        },
    }
}

fn halves_are_proper(num: &Num<Term>) -> Formula {
    proper(&num.ranges.u32, HALF) & proper_signed(&num.ranges.s32, HALF)
}

fn holds(num: &Num<Term>, value: &Term, part: usize) -> Formula {
    num.parts(value)[part].1.clone()
}

/// A number that a description allows, and the condition that it does.
fn member(num: &Num<Term>) -> (Term, Formula) {
    let value = Term::variable();
    let parts = num.parts(&value).into_iter().map(|(_, holds)| holds);
    let fits = conjunction(parts) & halves_are_proper(num);
    (value, fits)
}

/// The unsigned range of a bitwise operation; the signed one is that as signed.
fn bitwise(op: Op, width: u64) -> Formula {
    let (a, b) = (any_bits(), any_bits());
    let (range, other) = (any_range::<Term>(), any_range::<Term>());
    let (x, y) = (Term::variable(), Term::variable());
    let fits = a.contains(&x) & b.contains(&y) & range.has(&x) & other.has(&y);
    let narrow = x.same(&x.low(width)) & y.same(&y.low(width));
    let bits = a.apply(op, &b).low(width);
    let (u, _) = Num::bitwise(op, &range, &other, &bits, width);
    fits & narrow & !u.has(&on_numbers(op, &x, &y))
}
