//! What is to be proved, each as a question whether it can be broken: does an operation on what is
//! known of numbers lose a number that it should keep?

use osmia_isa::Cond;
use osmia_verify::domain::Op;

use super::domain::{Bits, Num, Range, on_numbers, sign_extend};
use super::word::{Formula, Term, Truth, Word, variable};

/// A claim and how to ask for a way to break it.
pub(super) struct Claim {
    pub(super) name: String,
    pub(super) broken: Box<dyn Fn() -> Formula>,
}

fn claim(name: impl Into<String>, broken: impl Fn() -> Formula + 'static) -> Claim {
    Claim {
        name: name.into(),
        broken: Box::new(broken),
    }
}

fn any_bits() -> Bits<Term> {
    Bits {
        value: variable(),
        mask: variable(),
    }
}

fn any_range() -> Range<Term> {
    Range {
        min: variable(),
        max: variable(),
    }
}

/// Any description with the half-width ranges inside of half the width.
fn any_num() -> Num<Term> {
    Num {
        bits: any_bits(),
        u: any_range(),
        s: any_range(),
        u32: any_range(),
        s32: any_range(),
    }
}

/// A number that a description allows, and the condition that it does.
fn member(num: &Num<Term>) -> (Term, Formula) {
    let value = variable();
    let ends = [&num.u32.min, &num.u32.max].map(|end| end.at_most(&Term::known(0xffff_ffff)));
    let signed = [&num.s32.min, &num.s32.max].map(|end| end.same(&sign_extend(end, 32)));
    let proper = conjunction(ends.into_iter().chain(signed));
    let fits = num.contains(&value) & proper;
    (value, fits)
}

fn conjunction<T: Truth>(all: impl Iterator<Item = T>) -> T {
    all.reduce(|a, b| a & b).expect("more than none")
}

const ALU: [Op; 6] = [Op::Add, Op::Sub, Op::Mul, Op::And, Op::Or, Op::Xor];
const SHIFTS: [Op; 3] = [Op::Shl, Op::Shr, Op::Sar];
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

/// Everything that is claimed.
pub(super) fn all() -> Vec<Claim> {
    let mut claims = Vec::new();
    for op in ALU {
        claims.push(claim(format!("known bits: {op:?}"), move || {
            let (a, b, x, y) = (any_bits(), any_bits(), variable(), variable());
            let result = a.apply(op, &b);
            a.contains(&x) & b.contains(&y) & !result.contains(&on_numbers(op, &x, &y))
        }));
    }
    for op in SHIFTS {
        claims.push(claim(format!("known bits: {op:?}"), move || {
            let (a, x, by) = (any_bits(), variable(), variable());
            let result = a.apply(op, &Bits::known(&by));
            let proper = by.below(&Term::known(64));
            proper & a.contains(&x) & !result.contains(&on_numbers(op, &x, &by))
        }));
    }
    claims.push(claim("known bits: intersection", || {
        let (a, b, x) = (any_bits(), any_bits(), variable());
        a.contains(&x) & b.contains(&x) & !a.intersect(&b).contains(&x)
    }));
    claims.push(claim("known bits: union", || {
        let (a, b, x) = (any_bits(), any_bits(), variable());
        a.contains(&x) & !a.union(&b).contains(&x)
    }));
    claims.push(claim("known bits: of a range", || {
        let (range, x) = (any_range(), variable());
        range.has(&x) & !Bits::range(&range.min, &range.max).contains(&x)
    }));
    for op in [Op::Add, Op::Sub, Op::Mul] {
        for width in [32, 64] {
            claims.push(claim(
                format!("unsigned range: {op:?}, {width} bits"),
                move || {
                    let (a, b, x, y) = (any_range(), any_range(), variable(), variable());
                    let ones = Term::known(u64::MAX >> (64 - width));
                    let proper = a.max.at_most(&ones) & b.max.at_most(&ones);
                    let result = a.apply(op, &b, width);
                    let real = on_numbers(op, &x, &y).and(&ones);
                    proper & a.has(&x) & b.has(&y) & !result.has(&real)
                },
            ));
            claims.push(claim(
                format!("signed range: {op:?}, {width} bits"),
                move || {
                    let (a, b, x, y) = (any_range(), any_range(), variable(), variable());
                    let narrow = |end: &Term| end.same(&sign_extend(end, width));
                    let proper =
                        conjunction([&a.min, &a.max, &b.min, &b.max].into_iter().map(narrow));
                    let result = a.apply_signed(op, &b, width);
                    let real = sign_extend(&on_numbers(op, &x, &y), width);
                    proper & a.has_signed(&x) & b.has_signed(&y) & !result.has_signed(&real)
                },
            ));
        }
    }
    for op in ALU {
        claims.push(claim(format!("number: {op:?}"), move || {
            let (a, b) = (any_num(), any_num());
            let ((x, fits), (y, also)) = (member(&a), member(&b));
            fits & also & !a.combine(op, &b).contains(&on_numbers(op, &x, &y))
        }));
    }
    for op in SHIFTS {
        claims.push(claim(format!("number: {op:?}"), move || {
            let (a, by) = (any_num(), variable());
            let (x, fits) = member(&a);
            let proper = by.below(&Term::known(64));
            proper & fits & !a.shift(op, &by).contains(&on_numbers(op, &x, &by))
        }));
    }
    type Step = fn(&mut Num<Term>);
    let steps: [(&str, Step); 5] = [
        ("ranges from bits", Num::ranges_from_bits),
        ("halves from wholes", Num::deduce_half),
        ("signed and unsigned", Num::deduce_full),
        ("wholes from halves", Num::deduce_across),
        ("bits from ranges", Num::bits_from_ranges),
    ];
    for (name, step) in steps {
        claims.push(claim(format!("sharpening: {name}"), move || {
            let mut a = any_num();
            let (x, fits) = member(&a);
            step(&mut a);
            fits & !a.contains(&x)
        }));
    }
    claims.push(claim("number: zero extension", || {
        let a = any_num();
        let (x, fits) = member(&a);
        let low = x.and(&Term::known(0xffff_ffff));
        fits & !a.zero_extend().contains(&low)
    }));
    for cond in CONDS {
        claims.push(claim(format!("comparison: {cond:?} decided"), move || {
            let (a, b) = (any_num(), any_num());
            let ((x, fits), (y, also)) = (member(&a), member(&b));
            let (always, never) = Num::decided(cond, &a, &b);
            let real = Num::holds(cond, &x, &y);
            fits & also & ((always & !real.clone()) | (never & real))
        }));
        claims.push(claim(format!("comparison: {cond:?} holds"), move || {
            let (mut a, mut b) = (any_num(), any_num());
            let ((x, fits), (y, also)) = (member(&a), member(&b));
            let real = Num::holds(cond, &x, &y);
            Num::refine(cond, &mut a, &mut b);
            fits & also & real & !(a.contains(&x) & b.contains(&y))
        }));
    }
    claims
}
