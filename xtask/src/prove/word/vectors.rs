//! Words as vectors of bits.

use std::rc::Rc;

use super::script::{Formula, declare, define};
use super::{Number, Symbol, Word};

const SORT: &str = "(_ BitVec 64)";

/// The name of a term of 64 bits.
#[derive(Clone, Debug)]
pub(in super::super) struct Term(Rc<str>);

impl Term {
    fn with(&self, operator: &str, other: &Term) -> Term {
        Term(define(
            SORT,
            &format!("({operator} {} {})", self.0, other.0),
        ))
    }

    fn ask(&self, predicate: &str, other: &Term) -> Formula {
        Formula::of(&format!("({predicate} {} {})", self.0, other.0))
    }
}

impl Symbol for Term {
    fn variable() -> Self {
        Term(declare(SORT))
    }
}

impl Number for Term {
    type Truth = Formula;
    fn known(value: u64) -> Self {
        Term(format!("#x{value:016x}").into())
    }
    fn add(&self, other: &Self) -> Self {
        self.with("bvadd", other)
    }
    fn sub(&self, other: &Self) -> Self {
        self.with("bvsub", other)
    }
    fn same(&self, other: &Self) -> Formula {
        self.ask("=", other)
    }
    fn below(&self, other: &Self) -> Formula {
        self.ask("bvult", other)
    }
    fn below_signed(&self, other: &Self) -> Formula {
        self.ask("bvslt", other)
    }
    fn pick(which: &Formula, yes: &Self, no: &Self) -> Self {
        let body = format!("(ite {} {} {})", which.name(), yes.0, no.0);
        Term(define(SORT, &body))
    }
    fn low(&self, bits: u64) -> Self {
        self.and(&Term::known(u64::MAX >> (64 - bits)))
    }
    fn extend(&self, bits: u64) -> Self {
        let by = Term::known(64 - bits);
        self.shl(&by).sar(&by)
    }
    fn high(&self) -> Self {
        self.shr(&Term::known(32))
    }
}

impl Word for Term {
    fn mul(&self, other: &Self) -> Self {
        self.with("bvmul", other)
    }
    fn and(&self, other: &Self) -> Self {
        self.with("bvand", other)
    }
    fn or(&self, other: &Self) -> Self {
        self.with("bvor", other)
    }
    fn xor(&self, other: &Self) -> Self {
        self.with("bvxor", other)
    }
    fn not(&self) -> Self {
        Term(define(SORT, &format!("(bvnot {})", self.0)))
    }
    fn shl(&self, by: &Self) -> Self {
        self.with("bvshl", by)
    }
    fn shr(&self, by: &Self) -> Self {
        self.with("bvlshr", by)
    }
    fn sar(&self, by: &Self) -> Self {
        self.with("bvashr", by)
    }
}
