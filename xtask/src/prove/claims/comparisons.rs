//! Comparisons, of the full width and of lower halves: what is decided, and what each outcome keeps.

use osmia_isa::Cond;

use super::super::domain::{View, holds};
use super::super::word::{Formula, Number, Symbol, Term};
use super::{Claim, WIDTHS, any_bits, any_range, claim, proper_signed};

/// Descriptions of one width.
const PARTS: [&str; 3] = ["bits", "unsigned", "signed"];

pub(super) fn of(cond: Cond) -> Vec<Claim> {
    let mut claims = Vec::new();
    for width in WIDTHS {
        claims.push(claim(
            format!("comparison: {cond:?} decided, {width} bits"),
            move || {
                let ((a, x), (b, y)) = (any_view(), any_view());
                let fits = fits(&a, &x, width) & fits(&b, &y, width);
                let (always, never) = View::decided(cond, &a, &b);
                let real = holds(cond, width, &x, &y);
                fits & ((always & !real.clone()) | (never & real))
            },
        ));
        for (part, described) in PARTS.into_iter().enumerate() {
            claims.push(claim(
                format!("comparison: {cond:?} holds, {width} bits, {described}"),
                move || {
                    kept(
                        width,
                        part,
                        |x, y| holds(cond, width, x, y),
                        |a, b| {
                            View::refine(cond, width, a, b);
                        },
                    )
                },
            ));
        }
    }
    claims
}

/// The outcome that is no comparison itself: no common bit.
pub(super) fn not_set() -> Vec<Claim> {
    let of_width = |width: u64| {
        claim(
            format!("comparison: Set does not hold, {width} bits, bits"),
            move || {
                let real = |x: &Term, y: &Term| !holds(Cond::Set, width, x, y);
                kept(width, 0, real, View::refine_not_set)
            },
        )
    };
    WIDTHS.map(of_width).into()
}

/// An outcome that is real takes a number away from one of the sides.
fn kept(
    width: u64,
    part: usize,
    real: impl Fn(&Term, &Term) -> Formula,
    refine: impl Fn(&mut View<Term>, &mut View<Term>),
) -> Formula {
    let ((mut a, x), (mut b, y)) = (any_view(), any_view());
    let before = fits(&a, &x, width) & fits(&b, &y, width) & real(&x, &y);
    refine(&mut a, &mut b);
    let [left, right] = [(&a, &x), (&b, &y)].map(|(view, value)| parts(view, value, width));
    before & !(left[part].clone() & right[part].clone())
}

fn any_view() -> (View<Term>, Term) {
    let view = View {
        bits: any_bits(),
        u: any_range(),
        s: any_range(),
    };
    (view, Term::variable())
}

fn parts(view: &View<Term>, value: &Term, width: u64) -> [Formula; 3] {
    [
        view.bits.contains(&value.low(width)),
        view.u.has(&value.low(width)),
        view.s.has_signed(&value.extend(width)),
    ]
}

/// A number is described, and the signed range is of the width.
fn fits(view: &View<Term>, value: &Term, width: u64) -> Formula {
    let [bits, u, s] = parts(view, value, width);
    bits & u & s & proper_signed(&view.s, width)
}
