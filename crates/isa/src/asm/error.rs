//! What can be wrong with an assembly text.

use osmia_diag::{Code, Diagnostic, Label, Listing, Place};

use crate::codes;

/// One error, with its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct AsmError {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Bytes of the text it is about.
    pub range: std::ops::Range<usize>,
    /// What it is.
    pub kind: AsmErrorKind,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AsmErrorKind {
    /// Something else should stand here.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What should stand here.
        expected: &'static str,
        /// What does.
        found: String,
    },
    /// There is no instruction of this shape.
    #[error("{reason}")]
    Operand {
        /// Why not.
        reason: &'static str,
    },
    /// A number does not fit.
    #[error("{value} does not fit {what}: {min} to {max}")]
    Range {
        /// As written.
        value: String,
        /// The field.
        what: &'static str,
        /// Smallest.
        min: i128,
        /// Largest.
        max: i128,
    },
    /// No such label, helper, kernel function or map.
    #[error("no {what} is called `{name}`")]
    UnknownName {
        /// What was looked for.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A label that stands elsewhere too.
    #[error("label `{name}` is already defined in line {first}")]
    DuplicateLabel {
        /// The label.
        name: String,
        /// Where it was first.
        first: u32,
    },
    /// The line starts with a slot number that is not its own.
    #[error("this line says it is slot {says}, but it is slot {is}")]
    Slot {
        /// As written.
        says: u64,
        /// As counted.
        is: usize,
    },
    /// The line starts with an opcode byte that is not its own.
    #[error("this line says its opcode is {says:#04x}, but it is {is:#04x}")]
    Opcode {
        /// As written.
        says: u8,
        /// As encoded.
        is: u8,
    },
    /// The text is too large.
    #[error("the text has {len} bytes, more than the limit of {max} (TEXT_BYTES_MAX)")]
    TooLong {
        /// Its length.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// Too many errors.
    #[error("more than {max} errors (ASM_ERRORS_MAX); the rest of the text was not read")]
    TooMany {
        /// The limit.
        max: usize,
    },
}

impl AsmErrorKind {
    /// Its stable code.
    pub fn code(&self) -> Code {
        match self {
            AsmErrorKind::Expected { .. } => codes::SYNTAX,
            AsmErrorKind::Operand { .. } => codes::OPERAND,
            AsmErrorKind::Range { .. } => codes::RANGE,
            AsmErrorKind::UnknownName { .. } => codes::NAME,
            AsmErrorKind::DuplicateLabel { .. } => codes::LABEL,
            AsmErrorKind::Slot { .. } | AsmErrorKind::Opcode { .. } => codes::POSITION,
            AsmErrorKind::TooLong { .. } | AsmErrorKind::TooMany { .. } => codes::LIMIT,
        }
    }

    fn help(&self) -> Option<&'static str> {
        match self {
            AsmErrorKind::Range { what, .. } if *what == WIDE_IMM => {
                Some("to set all 64 bits of a register write `r1 = 0x… ll`")
            }
            AsmErrorKind::Range { what, .. } if *what == JUMP => {
                Some("`gotol` reaches further than `goto`")
            }
            AsmErrorKind::UnknownName { what, .. } if *what == HELPER => {
                Some("write its number: `call #1`")
            }
            AsmErrorKind::Slot { .. } => Some("leave the slot number out"),
            AsmErrorKind::Opcode { .. } => Some("leave the opcode byte out"),
            _ => None,
        }
    }
}

/// Names of fields that a help text depends on.
pub(super) const WIDE_IMM: &str = "a sign-extended 32-bit immediate";
pub(super) const JUMP: &str = "the 16-bit distance of a jump";
pub(super) const HELPER: &str = "helper, kernel function or label";

impl AsmError {
    /// For people: with the line, and a caret under the place. `source` names the text.
    pub fn to_diagnostic(&self, source: &str, text: &str) -> Diagnostic {
        let mut diagnostic = Diagnostic::error(self.kind.code(), self.kind.to_string())
            .at(Place::none().source(source, self.line, self.column));
        let start = text.get(..self.range.start).map_or(0, |before| {
            before.rfind('\n').map_or(0, |newline| newline + 1)
        });
        let line = text.get(start..).and_then(|rest| rest.lines().next());
        if let Some(line) = line {
            diagnostic = diagnostic.listing(Listing {
                name: source.to_owned(),
                first_line: self.line as usize,
                text: line.to_owned(),
                labels: vec![Label {
                    range: self.range.start - start..self.range.end - start,
                    message: self.label().to_owned(),
                    primary: true,
                }],
            });
        }
        match self.kind.help() {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }

    fn label(&self) -> &'static str {
        match self.kind {
            AsmErrorKind::Expected { expected, .. } => expected,
            AsmErrorKind::UnknownName { .. } => "not known",
            AsmErrorKind::DuplicateLabel { .. } => "again",
            _ => "here",
        }
    }
}
