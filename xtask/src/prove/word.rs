//! Words of 64 bits: numbers, or terms of SMT-LIB. What is written for any word runs on both.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::ops::{BitAnd, BitOr, Not};
use std::rc::Rc;

/// True or false, or a term that is.
pub(super) trait Truth:
    Clone + BitAnd<Output = Self> + BitOr<Output = Self> + Not<Output = Self>
{
}

impl Truth for bool {}
impl Truth for Formula {}

/// A word.
pub(super) trait Word: Clone {
    type Truth: Truth;
    fn known(value: u64) -> Self;
    fn add(&self, other: &Self) -> Self;
    fn sub(&self, other: &Self) -> Self;
    fn mul(&self, other: &Self) -> Self;
    fn and(&self, other: &Self) -> Self;
    fn or(&self, other: &Self) -> Self;
    fn xor(&self, other: &Self) -> Self;
    fn not(&self) -> Self;
    /// Shifts by less than 64.
    fn shl(&self, by: &Self) -> Self;
    fn shr(&self, by: &Self) -> Self;
    fn sar(&self, by: &Self) -> Self;
    fn same(&self, other: &Self) -> Self::Truth;
    fn below(&self, other: &Self) -> Self::Truth;
    fn below_signed(&self, other: &Self) -> Self::Truth;
    /// The product needs more than 64 bits.
    fn mul_overflows(&self, other: &Self) -> Self::Truth;
    fn mul_overflows_signed(&self, other: &Self) -> Self::Truth;
    fn pick(which: &Self::Truth, yes: &Self, no: &Self) -> Self;

    fn at_most(&self, other: &Self) -> Self::Truth {
        !other.below(self)
    }
    fn at_most_signed(&self, other: &Self) -> Self::Truth {
        !other.below_signed(self)
    }
    fn min(&self, other: &Self) -> Self {
        Self::pick(&self.below(other), self, other)
    }
    fn max(&self, other: &Self) -> Self {
        Self::pick(&self.below(other), other, self)
    }
    fn min_signed(&self, other: &Self) -> Self {
        Self::pick(&self.below_signed(other), self, other)
    }
    fn max_signed(&self, other: &Self) -> Self {
        Self::pick(&self.below_signed(other), other, self)
    }
    fn is(&self, value: u64) -> Self::Truth {
        self.same(&Self::known(value))
    }
}

impl Word for u64 {
    type Truth = bool;
    fn known(value: u64) -> Self {
        value
    }
    fn add(&self, other: &Self) -> Self {
        self.wrapping_add(*other)
    }
    fn sub(&self, other: &Self) -> Self {
        self.wrapping_sub(*other)
    }
    fn mul(&self, other: &Self) -> Self {
        self.wrapping_mul(*other)
    }
    fn and(&self, other: &Self) -> Self {
        self & other
    }
    fn or(&self, other: &Self) -> Self {
        self | other
    }
    fn xor(&self, other: &Self) -> Self {
        self ^ other
    }
    fn not(&self) -> Self {
        !self
    }
    fn shl(&self, by: &Self) -> Self {
        self << by
    }
    fn shr(&self, by: &Self) -> Self {
        self >> by
    }
    fn sar(&self, by: &Self) -> Self {
        (*self as i64 >> by) as u64
    }
    fn same(&self, other: &Self) -> bool {
        self == other
    }
    fn below(&self, other: &Self) -> bool {
        self < other
    }
    fn below_signed(&self, other: &Self) -> bool {
        (*self as i64) < *other as i64
    }
    fn mul_overflows(&self, other: &Self) -> bool {
        self.checked_mul(*other).is_none()
    }
    fn mul_overflows_signed(&self, other: &Self) -> bool {
        (*self as i64).checked_mul(*other as i64).is_none()
    }
    fn pick(which: &bool, yes: &Self, no: &Self) -> Self {
        if *which { *yes } else { *no }
    }
}

thread_local! {
    /// The definitions of the script being written; every term has a name, so scripts stay short.
    static SCRIPT: RefCell<(String, usize)> = RefCell::default();
}

fn define(sort: &str, body: &str) -> Rc<str> {
    SCRIPT.with_borrow_mut(|(script, count)| {
        *count += 1;
        let name = format!("t{count}");
        let _ = writeln!(script, "(define-fun {name} () {sort} {body})");
        name.into()
    })
}

/// A variable.
pub(super) fn variable() -> Term {
    SCRIPT.with_borrow_mut(|(script, count)| {
        *count += 1;
        let name = format!("v{count}");
        let _ = writeln!(script, "(declare-const {name} (_ BitVec 64))");
        Term(name.into())
    })
}

/// Begins a script.
pub(super) fn begin() {
    SCRIPT.with_borrow_mut(|script| *script = (String::new(), 0));
}

/// The script that asks for a way to make a formula true.
pub(super) fn finish(wanted: &Formula) -> String {
    SCRIPT.with_borrow_mut(|(script, _)| {
        let script = std::mem::take(script);
        // No logic is set: the words for overflow are not part of QF_BV.
        format!("{script}(assert {})\n(check-sat)\n", wanted.0)
    })
}

/// The name of a term of 64 bits.
#[derive(Clone, Debug)]
pub(super) struct Term(Rc<str>);

/// The name of a formula.
#[derive(Clone, Debug)]
pub(super) struct Formula(Rc<str>);

impl BitAnd for Formula {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Formula(define("Bool", &format!("(and {} {})", self.0, other.0)))
    }
}

impl BitOr for Formula {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Formula(define("Bool", &format!("(or {} {})", self.0, other.0)))
    }
}

impl Not for Formula {
    type Output = Self;
    fn not(self) -> Self {
        Formula(define("Bool", &format!("(not {})", self.0)))
    }
}

impl Term {
    fn with(&self, operator: &str, other: &Term) -> Term {
        let body = format!("({operator} {} {})", self.0, other.0);
        Term(define("(_ BitVec 64)", &body))
    }

    fn ask(&self, predicate: &str, other: &Term) -> Formula {
        Formula(define(
            "Bool",
            &format!("({predicate} {} {})", self.0, other.0),
        ))
    }
}

impl Word for Term {
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
        Term(define("(_ BitVec 64)", &format!("(bvnot {})", self.0)))
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
    fn same(&self, other: &Self) -> Formula {
        self.ask("=", other)
    }
    fn below(&self, other: &Self) -> Formula {
        self.ask("bvult", other)
    }
    fn below_signed(&self, other: &Self) -> Formula {
        self.ask("bvslt", other)
    }
    fn mul_overflows(&self, other: &Self) -> Formula {
        !self.ask("bvumul_noovfl", other)
    }
    fn mul_overflows_signed(&self, other: &Self) -> Formula {
        !(self.ask("bvsmul_noovfl", other) & self.ask("bvsmul_noudfl", other))
    }
    fn pick(which: &Formula, yes: &Self, no: &Self) -> Self {
        let body = format!("(ite {} {} {})", which.0, yes.0, no.0);
        Term(define("(_ BitVec 64)", &body))
    }
}
