//! The script for z3 that is being written. Every term has a name, so scripts stay short.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::ops::{BitAnd, BitOr, Not};
use std::rc::Rc;

thread_local! {
    static SCRIPT: RefCell<(String, usize)> = RefCell::default();
}

/// Begins a script.
pub(in super::super) fn begin() {
    SCRIPT.with_borrow_mut(|script| *script = (String::new(), 0));
}

/// The script that asks for a way to make a formula true.
pub(in super::super) fn finish(wanted: &Formula) -> String {
    SCRIPT.with_borrow_mut(|(script, _)| {
        let script = std::mem::take(script);
        format!("{script}(assert {})\n(check-sat)\n", wanted.0)
    })
}

/// A name for a term.
pub(super) fn define(sort: &str, body: &str) -> Rc<str> {
    SCRIPT.with_borrow_mut(|(script, count)| {
        *count += 1;
        let name = format!("t{count}");
        let _ = writeln!(script, "(define-fun {name} () {sort} {body})");
        name.into()
    })
}

/// A variable.
pub(super) fn declare(sort: &str) -> Rc<str> {
    SCRIPT.with_borrow_mut(|(script, count)| {
        *count += 1;
        let name = format!("v{count}");
        let _ = writeln!(script, "(declare-const {name} {sort})");
        name.into()
    })
}

/// Something that holds of the variables.
pub(super) fn assume(what: &str) {
    SCRIPT.with_borrow_mut(|(script, _)| {
        let _ = writeln!(script, "(assert {what})");
    });
}

/// The name of a formula.
#[derive(Clone, Debug)]
pub(in super::super) struct Formula(Rc<str>);

impl Formula {
    pub(super) fn of(body: &str) -> Formula {
        Formula(define("Bool", body))
    }
    pub(super) fn name(&self) -> &str {
        &self.0
    }
}

impl BitAnd for Formula {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Formula::of(&format!("(and {} {})", self.0, other.0))
    }
}

impl BitOr for Formula {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Formula::of(&format!("(or {} {})", self.0, other.0))
    }
}

impl Not for Formula {
    type Output = Self;
    fn not(self) -> Self {
        Formula::of(&format!("(not {})", self.0))
    }
}
