//! What went wrong, as C reads it.

use std::any::Any;
use std::ffi::CString;

use osmia::diag::{Diagnostic, Paint};
use osmia::{Error, Fault};

/// An error with its texts, ready to be pointed to.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: CString,
    pub(crate) message: CString,
    pub(crate) text: CString,
    pub(crate) fault: Fault,
}

impl Failure {
    /// The caller passed what cannot be.
    pub(crate) fn misuse(message: &str) -> Self {
        Self {
            code: CString::from(c"capi-misuse"),
            message: c_text(message),
            text: c_text(message),
            fault: Fault::Usage,
        }
    }

    /// A panic, which must not go on into C.
    pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let message = format!("a bug of Osmia's: {}", text.unwrap_or("no message"));
        Self {
            fault: Fault::Internal,
            ..Self::misuse(&message)
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = error.diagnostics.first().map_or("", |first| first.code.id);
        let texts: Vec<String> = error.diagnostics.iter().map(render).collect();
        Self {
            code: c_text(code),
            message: c_text(&error.to_string()),
            text: c_text(&texts.join("\n")),
            fault: error.fault,
        }
    }
}

fn render(diagnostic: &Diagnostic) -> String {
    diagnostic.to_text(Paint::Plain)
}

/// A text up to its first zero, which C would take for its end.
fn c_text(text: &str) -> CString {
    let until = text.split('\0').next().unwrap_or_default();
    CString::new(until).unwrap_or_default()
}
