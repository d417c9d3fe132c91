//! What is to be proved, each as a question whether it can be broken: does an operation on what is
//! known of numbers lose a number that it should keep?
//!
//! A claim says of one description of a result what follows from the descriptions it is made of. So
//! an operation is proved description by description, and sharpening step by step.

mod bits;
mod comparisons;
mod numbers;
mod ranges;

use osmia_isa::Cond;
use osmia_verify::domain::Op;

use super::domain::{Bits, Range};
use super::word::{Formula, Symbol, Term, Truth};

/// How to ask for a way to break a claim.
type Question = Box<dyn Fn() -> Formula>;

/// A claim and how to ask for a way to break it.
pub(super) struct Claim {
    pub(super) name: String,
    /// The question, in as many forms as may help: the first one answered counts.
    pub(super) broken: Vec<(&'static str, Question)>,
}

/// About vectors of bits.
fn claim(name: impl Into<String>, broken: impl Fn() -> Formula + 'static) -> Claim {
    Claim {
        name: name.into(),
        broken: vec![("bits", Box::new(broken))],
    }
}

impl Claim {
    /// The same in integers, asked first.
    fn or_whole(mut self, broken: impl Fn() -> Formula + 'static) -> Claim {
        self.broken.insert(0, ("integers", Box::new(broken)));
        self
    }
}

fn any_bits() -> Bits<Term> {
    Bits {
        value: Term::variable(),
        mask: Term::variable(),
    }
}

fn any_range<W: Symbol>() -> Range<W> {
    Range {
        min: W::variable(),
        max: W::variable(),
    }
}

/// The ends are numbers of a width.
fn proper<W: Symbol>(range: &Range<W>, width: u64) -> Formula {
    range.min.same(&range.min.low(width)) & range.max.same(&range.max.low(width))
}

/// The ends are signed numbers of a width.
fn proper_signed<W: Symbol>(range: &Range<W>, width: u64) -> Formula {
    range.min.same(&range.min.extend(width)) & range.max.same(&range.max.extend(width))
}

fn conjunction<T: Truth>(all: impl Iterator<Item = T>) -> T {
    all.reduce(|a, b| a & b).expect("more than none")
}

const ALU: [Op; 6] = [Op::Add, Op::Sub, Op::Mul, Op::And, Op::Or, Op::Xor];
const SHIFTS: [Op; 3] = [Op::Shl, Op::Shr, Op::Sar];
const WIDTHS: [u64; 2] = [64, 32];

/// Everything that is claimed.
pub(super) fn all() -> Vec<Claim> {
    let mut claims = bits::all();
    claims.extend(ranges::all());
    claims.extend(numbers::all());
    claims.extend(Cond::ALL.iter().flat_map(|&cond| comparisons::of(cond)));
    claims.extend(comparisons::not_set());
    claims
}
