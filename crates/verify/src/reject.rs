//! Why a program is rejected.

use osmia_diag::{Diagnostic, Place};
use osmia_program::{Errno, Program, listing};

use crate::Mistake;

/// A rejection: the instruction and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The slot, if it is about one.
    pub at: Option<usize>,
    /// What kind of mistake it is.
    pub mistake: Mistake,
    /// What is wrong, in the kernel's words where it has some.
    pub message: String,
    /// The error number a load would fail with.
    pub errno: Errno,
}

/// The outcome of a check.
pub(crate) type Check<T = ()> = Result<T, Box<Reject>>;

/// The program does what it may not: `EACCES`.
pub(crate) fn denied<T>(at: usize, message: impl Into<String>) -> Check<T> {
    reject(Some(at), message, Errno::EACCES)
}

/// The program makes no sense: `EINVAL`.
pub(crate) fn invalid<T>(at: usize, message: impl Into<String>) -> Check<T> {
    reject(Some(at), message, Errno::EINVAL)
}

/// Any rejection.
pub(crate) fn reject<T>(at: Option<usize>, message: impl Into<String>, errno: Errno) -> Check<T> {
    let message = message.into();
    Err(Box::new(Reject {
        at,
        mistake: Mistake::of(&message),
        message,
        errno,
    }))
}

/// For checks that know better than their words which kind of mistake they found.
pub(crate) trait Because {
    /// Says the kind.
    fn because(self, mistake: Mistake) -> Self;
}

impl<T> Because for Check<T> {
    fn because(self, mistake: Mistake) -> Self {
        self.map_err(|mut why| {
            why.mistake = mistake;
            why
        })
    }
}

impl Reject {
    /// True if it is we who do not know something: no verdict.
    pub fn is_unsupported(&self) -> bool {
        self.mistake == Mistake::Unsupported
    }

    /// What kind of mistake it is; of ours, if it is we who do not know something.
    pub fn kind(&self) -> Mistake {
        self.mistake
    }

    /// What people are told.
    pub fn to_diagnostic(&self, program: &Program) -> Diagnostic {
        let code = self.kind().code();
        let mut lines = self.message.lines();
        let first = lines.next().unwrap_or_default();
        let mut place = Place::none().program(program.name.clone());
        if let Some(at) = self.at {
            place = place.insn(at as u64);
        }
        let mut diagnostic = Diagnostic::error(code, first).at(place);
        if let Some(at) = self.at {
            diagnostic = diagnostic.listing(listing(program, at, ""));
        }
        for line in lines {
            diagnostic = diagnostic.note(line);
        }
        diagnostic
    }
}
