//! The diagnostic value and how it is put together.

use std::ops::Range;

use serde::Serialize;

use crate::{Code, Place};

/// How much it matters.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something worth knowing; nothing is wrong.
    Note,
    /// It went on, but probably not as meant.
    Warning,
    /// It could not go on.
    Error,
}

/// A message under a range of bytes of a [`Listing`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Byte range inside the listing's text.
    pub range: Range<usize>,
    /// What is said there.
    pub message: String,
    /// The main one gets carets, the others dashes.
    pub primary: bool,
}

/// A piece of text, source or disassembly, in which the labels point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// Its name: a path, or what it lists.
    pub name: String,
    /// Number of its first line.
    pub first_line: usize,
    /// The text.
    pub text: String,
    /// What is said about it.
    pub labels: Vec<Label>,
}

/// Something Osmia has to say to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// Its stable name.
    pub code: Code,
    /// One sentence, no full stop: what is wrong.
    pub message: String,
    /// Where.
    pub place: Place,
    /// The text it is about, with carets.
    pub listing: Option<Listing>,
    /// What was expected, what was known.
    pub notes: Vec<String>,
    /// What would fix it.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error with this code and sentence, nowhere yet.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A warning.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// A remark.
    pub fn note_only(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, message)
    }

    fn new(severity: Severity, code: Code, message: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            message: message.into(),
            place: Place::none(),
            listing: None,
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    /// At this place.
    pub fn at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// In this file, unless one is already named.
    pub fn in_file(mut self, file: &str) -> Self {
        if self.place.file.is_none() {
            self.place.file = Some(file.to_owned());
        }
        self
    }

    /// With the text it is about.
    pub fn listing(mut self, listing: Listing) -> Self {
        self.listing = Some(listing);
        self
    }

    /// With one more thing that was known or expected.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// With one more thing that would fix it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}
