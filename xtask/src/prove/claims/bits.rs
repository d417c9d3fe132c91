//! Known bits.

use osmia_verify::domain::Op;

use super::super::domain::{Bits, HALF, on_numbers};
use super::super::word::{Number, Symbol, Term, Word};
use super::{ALU, Claim, SHIFTS, any_bits, any_range, claim};

pub(super) fn all() -> Vec<Claim> {
    let mut claims = Vec::new();
    for op in ALU {
        if op == Op::Mul {
            continue;
        }
        claims.push(claim(format!("known bits: {op:?}"), move || {
            let (a, b, x, y) = (any_bits(), any_bits(), Term::variable(), Term::variable());
            let result = a.apply(op, &b);
            a.contains(&x) & b.contains(&y) & !result.contains(&on_numbers(op, &x, &y))
        }));
    }
    claims.extend(product());
    for op in SHIFTS {
        claims.push(claim(format!("known bits: {op:?}"), move || {
            let (a, x, by) = (any_bits(), Term::variable(), Term::variable());
            let proper = by.below(&Term::known(64));
            proper & a.contains(&x) & !a.shift(op, &by).contains(&on_numbers(op, &x, &by))
        }));
        claims.push(claim(format!("known bits: {op:?}, 32 bits"), move || {
            let (a, x, by) = (any_bits(), Term::variable(), Term::variable());
            let proper = by.below(&Term::known(HALF));
            let result = a.shift_half(op, &by);
            let low = match op {
                Op::Sar => x.extend(HALF),
                _ => x.low(HALF),
            };
            let real = on_numbers(op, &low, &by).low(HALF);
            proper & a.contains(&x) & !result.contains(&real)
        }));
    }
    claims.push(claim("known bits: intersection", || {
        let (a, b, x) = (any_bits(), any_bits(), Term::variable());
        a.contains(&x) & b.contains(&x) & !a.intersect(&b).contains(&x)
    }));
    claims.push(claim("known bits: union", || {
        let (a, b, x) = (any_bits(), any_bits(), Term::variable());
        a.contains(&x) & !a.union(&b).contains(&x)
    }));
    claims.push(claim("known bits: of a range", || {
        let (range, x) = (any_range::<Term>(), Term::variable());
        range.has(&x) & !Bits::range(&range.min, &range.max).contains(&x)
    }));
    for bits in [8, 16, HALF] {
        claims.push(claim(format!("known bits: the low {bits}"), move || {
            let (a, x) = (any_bits(), Term::variable());
            a.contains(&x) & !a.low(bits).contains(&x.low(bits))
        }));
    }
    claims.push(claim("known bits: with more of the lower half", || {
        let (a, low, x) = (any_bits(), any_bits(), Term::variable());
        let result = a.with_low(&a.low(HALF).intersect(&low));
        a.contains(&x) & low.contains(&x.low(HALF)) & !result.contains(&x)
    }));
    claims
}

/// Long multiplication, by induction over its turns: what is left of the factors, and the doubt so
/// far, hold what they should.
fn product() -> Vec<Claim> {
    let zero = || Term::known(0);
    let one = || Term::known(1);
    vec![
        claim("known bits: Mul, one turn", move || {
            let (a, b, doubt) = (any_bits(), any_bits(), any_bits());
            let (x, y, so_far) = (Term::variable(), Term::variable(), Term::variable());
            // What the lowest bit of x contributes, but for what is certain.
            let times =
                |factor: &Term, other: &Term| Term::pick(&factor.and(&one()).is(1), other, &zero());
            let more = times(&x, &y).sub(&times(&a.value, &b.value));
            let result = doubt.add(&a.turn(&b));
            let before = a.contains(&x) & b.contains(&y) & doubt.contains(&so_far);
            before & !result.contains(&so_far.add(&more))
        }),
        claim("known bits: Mul, factors of the next turn", move || {
            let (a, b) = (any_bits(), any_bits());
            let (x, y) = (Term::variable(), Term::variable());
            let left = a.shift(Op::Shr, &one()).contains(&x.shr(&one()));
            let right = b.shift(Op::Shl, &one()).contains(&y.shl(&one()));
            a.contains(&x) & b.contains(&y) & !(left & right)
        }),
        claim("known bits: Mul, a bit and the rest", move || {
            let x = Term::variable();
            let parts = x.and(&one()).add(&Term::known(2).mul(&x.shr(&one())));
            !parts.same(&x)
        }),
        claim("known bits: Mul, turns make the product", move || {
            let (bit, rest, y) = (Term::variable(), Term::variable(), Term::variable());
            let two = Term::known(2);
            let whole = bit.add(&two.mul(&rest)).mul(&y);
            !whole.same(&bit.mul(&y).add(&rest.mul(&two.mul(&y))))
        }),
    ]
}
