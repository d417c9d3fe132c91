//! Words as integers from 0 to 2^64 - 1, wrapping where words do: z3 counts better with these than
//! with bits.

use std::rc::Rc;

use super::script::{Formula, assume, declare, define};
use super::{Number, Symbol};

const END: u128 = 1 << 64;

/// The name of a term that is an integer.
#[derive(Clone, Debug)]
pub(in super::super) struct Whole(Rc<str>);

impl Whole {
    fn of(body: &str) -> Whole {
        Whole(define("Int", body))
    }

    /// Any integer, no word.
    pub(in super::super) fn unbounded() -> Self {
        Whole(declare("Int"))
    }

    /// The product as an integer, which may be no word.
    pub(in super::super) fn times(&self, other: &Self) -> Self {
        Whole::of(&format!("(* {} {})", self.0, other.0))
    }

    /// Compares integers.
    pub(in super::super) fn less(&self, other: &Self) -> Formula {
        Formula::of(&format!("(< {} {})", self.0, other.0))
    }

    /// As a signed number.
    fn signed(&self) -> Whole {
        let half = END / 2;
        Whole::of(&format!("(ite (< {0} {half}) {0} (- {0} {END}))", self.0))
    }
}

impl Symbol for Whole {
    fn variable() -> Self {
        let name = declare("Int");
        assume(&format!("(and (<= 0 {name}) (< {name} {END}))"));
        Whole(name)
    }
}

impl Number for Whole {
    type Truth = Formula;
    fn known(value: u64) -> Self {
        Whole(value.to_string().into())
    }
    fn add(&self, other: &Self) -> Self {
        let sum = Whole::of(&format!("(+ {} {})", self.0, other.0));
        Whole::of(&format!("(ite (< {0} {END}) {0} (- {0} {END}))", sum.0))
    }
    fn sub(&self, other: &Self) -> Self {
        let difference = Whole::of(&format!("(- {} {})", self.0, other.0));
        Whole::of(&format!("(ite (< {0} 0) (+ {0} {END}) {0})", difference.0))
    }
    fn same(&self, other: &Self) -> Formula {
        Formula::of(&format!("(= {} {})", self.0, other.0))
    }
    fn below(&self, other: &Self) -> Formula {
        self.less(other)
    }
    fn below_signed(&self, other: &Self) -> Formula {
        self.signed().less(&other.signed())
    }
    fn pick(which: &Formula, yes: &Self, no: &Self) -> Self {
        Whole::of(&format!("(ite {} {} {})", which.name(), yes.0, no.0))
    }
    fn low(&self, bits: u64) -> Self {
        if bits == 64 {
            return self.clone();
        }
        Whole::of(&format!("(mod {} {})", self.0, 1_u64 << bits))
    }
    fn extend(&self, bits: u64) -> Self {
        if bits == 64 {
            return self.clone();
        }
        let low = self.low(bits);
        let (half, up) = (1_u64 << (bits - 1), END - (1 << bits));
        Whole::of(&format!("(ite (< {0} {half}) {0} (+ {0} {up}))", low.0))
    }
    fn high(&self) -> Self {
        Whole::of(&format!("(div {} {})", self.0, 1_u64 << 32))
    }
}
