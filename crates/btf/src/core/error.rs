//! Why a relocation cannot be resolved at all. A field that the target lacks is not such an error:
//! that is a poisoned instruction, see [`crate::core::Poison`].

use osmia_diag::{Code, Diagnostic};

use crate::core::ReloKind;
use crate::{TypeId, codes, limits};

/// Why a CO-RE relocation has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoreError {
    /// The kind is none of the thirteen.
    #[error("CO-RE relocation kind {number} is not known")]
    UnknownKind {
        /// The number in the record.
        number: u32,
    },
    /// The record's type is not in the object's BTF.
    #[error("the CO-RE relocation is about type {ty}, which the object's BTF does not have")]
    UnknownType {
        /// The type.
        ty: TypeId,
    },
    /// The access path is not a path through the type.
    #[error("{kind} relocation of {ty}: access path {access:?} {problem}")]
    Access {
        /// What is asked.
        kind: ReloKind,
        /// The root type, as C.
        ty: String,
        /// The path.
        access: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The root type has no name to search by.
    #[error("{kind} relocation of {ty}: types without a name cannot be searched for")]
    Anonymous {
        /// What is asked.
        kind: ReloKind,
        /// The root type, as C.
        ty: String,
    },
    /// The question cannot be answered for this field or type.
    #[error("{kind} relocation of {ty}: {problem}")]
    Unanswerable {
        /// What is asked.
        kind: ReloKind,
        /// What it is about, as C.
        ty: String,
        /// Why not.
        problem: String,
    },
    /// Candidates disagree.
    #[error(
        "{kind} relocation of {ty} is ambiguous: {first} gives {first_answer}, {second} gives {second_answer}"
    )]
    Ambiguous {
        /// What is asked.
        kind: ReloKind,
        /// What it is about, as C.
        ty: Box<str>,
        /// A candidate.
        first: Box<str>,
        /// Its answer.
        first_answer: Box<str>,
        /// Another candidate.
        second: Box<str>,
        /// Its different answer.
        second_answer: Box<str>,
    },
    /// Comparing took too long or went too deep.
    #[error("{kind} relocation of {ty}: comparing types exceeds {limit}")]
    TooComplex {
        /// What is asked.
        kind: ReloKind,
        /// What it is about, as C.
        ty: String,
        /// Which limit.
        limit: &'static str,
    },
}

impl CoreError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            CoreError::Ambiguous { .. } => codes::CORE_AMBIGUOUS,
            CoreError::TooComplex { .. } => codes::LIMIT,
            _ => codes::CORE_RECORD,
        }
    }

    /// The error for a person. The caller adds file, program and instruction.
    pub fn to_diagnostic(&self) -> Diagnostic {
        let diagnostic = Diagnostic::error(self.code(), self.to_string());
        match self {
            CoreError::Ambiguous { .. } => diagnostic.help(
                "give the local type members that only one of the candidates has, or a flavour of its own",
            ),
            CoreError::UnknownKind { .. } => {
                diagnostic.note("kinds 0 to 12 are known").help("build the object with an older compiler")
            }
            CoreError::TooComplex { .. } => diagnostic.note(format!(
                "COMPARE_DEPTH_MAX = {}, COMPARE_STEPS_MAX = {}",
                limits::COMPARE_DEPTH_MAX,
                limits::COMPARE_STEPS_MAX
            )),
            CoreError::Anonymous { .. } => diagnostic.help("name the structure, or use a typedef"),
            _ => diagnostic.help("build the object again; its relocation records are damaged"),
        }
    }
}
