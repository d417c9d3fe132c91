//! Ranges: arithmetic on them, and what they say about each other.

use osmia_verify::domain::Op;

use super::super::domain::{HALF, Range, Ranges};
use super::super::word::{Formula, Number, Symbol, Term, Whole};
use super::{Claim, WIDTHS, any_range, claim, proper, proper_signed};

/// A step of sharpening.
type Step<W> = fn(&mut Ranges<W>);

pub(super) fn all() -> Vec<Claim> {
    let mut claims = Vec::new();
    for op in [Op::Add, Op::Sub] {
        for width in WIDTHS {
            claims.push(
                claim(format!("unsigned range: {op:?}, {width} bits"), move || {
                    count::<Term>(op, width)
                })
                .or_whole(move || count::<Whole>(op, width)),
            );
            claims.push(
                claim(format!("signed range: {op:?}, {width} bits"), move || {
                    count_signed::<Term>(op, width)
                })
                .or_whole(move || count_signed::<Whole>(op, width)),
            );
        }
    }
    claims.extend(products());
    for width in WIDTHS {
        claims.push(
            claim(format!("unsigned as signed, {width} bits"), move || {
                to_signed::<Term>(width)
            })
            .or_whole(move || to_signed::<Whole>(width)),
        );
        claims.push(
            claim(format!("signed as unsigned, {width} bits"), move || {
                to_unsigned::<Term>(width)
            })
            .or_whole(move || to_unsigned::<Whole>(width)),
        );
    }
    let steps: [(&str, Step<Term>, Step<Whole>); 5] = [
        (
            "halves from unsigned wholes",
            Ranges::halves_of_unsigned,
            Ranges::halves_of_unsigned,
        ),
        (
            "halves from signed wholes",
            Ranges::halves_of_signed,
            Ranges::halves_of_signed,
        ),
        (
            "halves from each other",
            Ranges::halves_of_each_other,
            Ranges::halves_of_each_other,
        ),
        (
            "signed and unsigned",
            Ranges::deduce_full,
            Ranges::deduce_full,
        ),
        (
            "wholes from halves",
            Ranges::deduce_across,
            Ranges::deduce_across,
        ),
    ];
    for (name, in_bits, in_integers) in steps {
        for part in 0..4 {
            let described = ["unsigned", "signed", "unsigned half", "signed half"][part];
            claims.push(
                claim(format!("sharpening: {name}, {described}"), move || {
                    sharpened(in_bits, part)
                })
                .or_whole(move || sharpened(in_integers, part)),
            );
        }
    }
    claims
}

fn count<W: Symbol>(op: Op, width: u64) -> Formula {
    let (a, b, x, y) = (any_range(), any_range(), W::variable(), W::variable());
    let real = if op == Op::Add { x.add(&y) } else { x.sub(&y) };
    let result = a.count(op, &b, width);
    proper(&a, width) & proper(&b, width) & a.has(&x) & b.has(&y) & !result.has(&real.low(width))
}

fn count_signed<W: Symbol>(op: Op, width: u64) -> Formula {
    let (a, b, x, y) = (any_range(), any_range(), W::variable(), W::variable());
    let real = if op == Op::Add { x.add(&y) } else { x.sub(&y) };
    let result = a.count_signed(op, &b, width);
    proper_signed(&a, width)
        & proper_signed(&b, width)
        & a.has_signed(&x)
        & b.has_signed(&y)
        & !result.has_signed(&real.extend(width))
}

/// Products are taken where none of the corners needs more bits than there are, so they are
/// products of integers: those lie between the corners.
fn products() -> [Claim; 2] {
    let between = |signed: bool| {
        let [a, c, b, d, x, y] = std::array::from_fn(|_| Whole::unbounded());
        let within = !x.less(&a) & !c.less(&x) & !y.less(&b) & !d.less(&y);
        let product = x.times(&y);
        let corners = [a.times(&b), a.times(&d), c.times(&b), c.times(&d)];
        if !signed {
            let zero = Whole::known(0);
            let [least, _, _, most] = corners;
            let outside = product.less(&least) | most.less(&product);
            return within & !a.less(&zero) & !b.less(&zero) & outside;
        }
        let below = super::conjunction(corners.iter().map(|corner| product.less(corner)));
        let above = super::conjunction(corners.iter().map(|corner| corner.less(&product)));
        within & (below | above)
    };
    let integers = |name: &str, signed: bool| Claim {
        name: name.to_owned(),
        broken: vec![("integers", Box::new(move || between(signed)))],
    };
    [
        integers("unsigned range: Mul", false),
        integers("signed range: Mul", true),
    ]
}

fn to_signed<W: Symbol>(width: u64) -> Formula {
    let (a, x) = (any_range(), W::variable());
    let (possible, signed) = a.to_signed(width);
    proper(&a, width) & a.has(&x) & possible & !signed.has_signed(&x.extend(width))
}

fn to_unsigned<W: Symbol>(width: u64) -> Formula {
    let (a, x) = (any_range(), W::variable());
    let (possible, unsigned) = a.to_unsigned(width);
    proper_signed(&a, width) & a.has_signed(&x) & possible & !unsigned.has(&x.low(width))
}

/// A step of sharpening loses a number in one of the descriptions.
fn sharpened<W: Symbol>(step: Step<W>, part: usize) -> Formula {
    let mut ranges = Ranges {
        u: any_range::<W>(),
        s: any_range(),
        u32: any_range(),
        s32: any_range(),
    };
    let value = W::variable();
    let holds = |ranges: &Ranges<W>| ranges.parts(&value).map(|(_, holds)| holds);
    let halves: [&Range<W>; 2] = [&ranges.u32, &ranges.s32];
    let proper = proper(halves[0], HALF) & proper_signed(halves[1], HALF);
    let before = super::conjunction(holds(&ranges).into_iter());
    step(&mut ranges);
    let [u, s, u32, s32] = holds(&ranges);
    let after = [u, s, u32, s32][part].clone();
    proper & before & !after
}
