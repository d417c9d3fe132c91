//! What people are told when a host says no, or when there is nothing of that name.

use osmia_diag::Diagnostic;
use osmia_program::{Errno, Fault};

use super::ObjectKind;
use crate::{Error, codes};

/// A host that said no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What it was asked for.
    pub what: String,
    /// What it said.
    pub errno: Errno,
}

impl Refused {
    /// It said this when it was asked for that.
    pub fn new(what: impl Into<String>, errno: Errno) -> Self {
        Self {
            what: what.into(),
            errno,
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let Refused { what, errno } = refused;
        let said = errno
            .name()
            .map_or_else(|| errno.to_string(), str::to_owned);
        match errno {
            Errno::EPERM | Errno::EACCES => {
                let message = format!(
                    "the host does not allow: {what}: {said}, {}",
                    errno.meaning()
                );
                let diagnostic = Diagnostic::error(codes::NOUN_PRIVILEGE, message)
                    .help("walking ids and opening an object by its id want CAP_SYS_ADMIN; what is pinned where you may read wants CAP_BPF or nothing")
                    .help("`--on user` needs no rights");
                Error::new(Fault::Unsupported, diagnostic)
            }
            Errno::ENOENT | Errno::ENOTDIR => {
                let message = format!("there is no {what}");
                let diagnostic = Diagnostic::error(codes::NOUN_UNKNOWN, message);
                Error::new(Fault::Input, diagnostic)
            }
            _ => {
                let message = format!("{what}: {said}, {}", errno.meaning());
                Error::new(
                    Fault::Input,
                    Diagnostic::error(codes::NOUN_REFUSED, message),
                )
            }
        }
    }
}

/// Nothing goes by that name; these do.
pub fn unknown(kind: ObjectKind, asked: &str, known: &[String]) -> Error {
    let mut diagnostic = Diagnostic::error(
        codes::NOUN_UNKNOWN,
        format!("there is no {kind} of {asked}"),
    );
    if known.is_empty() {
        diagnostic = diagnostic.note(format!("the host has no {kind} with one"));
    } else {
        diagnostic = diagnostic.note(format!("near it: {}", known.join(", ")));
    }
    Error::new(Fault::Input, diagnostic)
}

/// The object at a path is of another kind.
pub fn wrong_kind(path: &str, found: ObjectKind, wanted: ObjectKind) -> Error {
    let message = format!("what is pinned at `{path}` is a {found}, not a {wanted}");
    let mut diagnostic = Diagnostic::error(codes::NOUN_KIND, message);
    let noun = match found {
        ObjectKind::Program => Some("prog"),
        ObjectKind::Map => Some("map"),
        ObjectKind::Link => Some("link"),
        ObjectKind::Btf => None,
    };
    if let Some(noun) = noun {
        diagnostic = diagnostic.help(format!("osmia {noun} show pinned {path}"));
    }
    Error::new(Fault::Input, diagnostic)
}

/// Words that are not understood, and what is.
pub fn words(message: impl Into<String>, help: &str) -> Error {
    let diagnostic = Diagnostic::error(codes::NOUN_WORDS, message).help(help);
    Error::new(Fault::Usage, diagnostic)
}
