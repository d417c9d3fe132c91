//! What can be wrong with BTF and .BTF.ext, each with its place.

use osmia_diag::{Code, Diagnostic, Place};

use crate::{Kind, TypeId, codes, limits};

/// Why bytes are not BTF.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BtfError {
    /// The first two bytes are not the magic number in either order.
    #[error("BTF starts with 9f eb or eb 9f, found {found:02x?}")]
    NotBtf {
        /// The first bytes, at most four.
        found: Vec<u8>,
    },
    /// The version is not 1.
    #[error("BTF version {found} is not known, only 1 is")]
    Version {
        /// What the header says.
        found: u8,
    },
    /// Something ends outside the bytes.
    #[error("{what} needs {need} bytes at offset {offset:#x}, {have} are there")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Where.
        offset: usize,
        /// Bytes needed.
        need: usize,
        /// Bytes left.
        have: usize,
    },
    /// The header contradicts itself.
    #[error("the header at offset {offset:#x} says {what}")]
    Header {
        /// Offset of the field.
        offset: usize,
        /// What is wrong.
        what: String,
    },
    /// The string section does not begin or end with a NUL.
    #[error("the string section at offset {offset:#x} {what}")]
    Strings {
        /// Offset of the string section.
        offset: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// A string is too long.
    #[error(
        "the string section at offset {offset:#x} has a string of more than STRING_BYTES_MAX = {} bytes",
        limits::STRING_BYTES_MAX
    )]
    LongString {
        /// Offset of the string section.
        offset: usize,
    },
    /// A string offset is outside the strings.
    #[error("{what} of type {id} is at string offset {string}, the strings have {strings} bytes")]
    Name {
        /// The type.
        id: TypeId,
        /// Offset of its record.
        offset: usize,
        /// Which name.
        what: &'static str,
        /// The string offset.
        string: u32,
        /// Bytes of strings, base included.
        strings: u32,
    },
    /// A kind this crate does not know.
    #[error("type {id} is of kind {number}, which is not known")]
    Kind {
        /// The type.
        id: TypeId,
        /// Offset of its record.
        offset: usize,
        /// The kind.
        number: u32,
    },
    /// A record has a value its kind cannot have.
    #[error("{kind} {id} {what}")]
    Record {
        /// The type.
        id: TypeId,
        /// Its kind.
        kind: Kind,
        /// Offset of its record.
        offset: usize,
        /// What is wrong.
        what: String,
    },
    /// A record refers to a type that is not there or cannot be there.
    #[error("{kind} {id} refers to type {target}, {what}")]
    Reference {
        /// The type.
        id: TypeId,
        /// Its kind.
        kind: Kind,
        /// Offset of its record.
        offset: usize,
        /// What it refers to.
        target: TypeId,
        /// What is wrong.
        what: String,
    },
    /// A type is part of itself.
    #[error("{kind} {id} contains itself")]
    Cycle {
        /// A type on the cycle.
        id: TypeId,
        /// Its kind.
        kind: Kind,
        /// Offset of its record.
        offset: usize,
    },
    /// Types are nested too deeply.
    #[error(
        "{kind} {id} is nested more than NESTING_MAX = {} types deep",
        limits::NESTING_MAX
    )]
    Nesting {
        /// The type.
        id: TypeId,
        /// Its kind.
        kind: Kind,
        /// Offset of its record.
        offset: usize,
    },
    /// The whole is too large.
    #[error(
        "{bytes} bytes are more than SECTION_BYTES_MAX = {}",
        limits::SECTION_BYTES_MAX
    )]
    TooLarge {
        /// How large.
        bytes: usize,
    },
    /// A .BTF.ext section is malformed.
    #[error("{what}")]
    Ext {
        /// Offset inside .BTF.ext.
        offset: usize,
        /// What is wrong.
        what: String,
    },
}

impl BtfError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            BtfError::NotBtf { .. } | BtfError::Version { .. } => codes::NOT_BTF,
            BtfError::Truncated { .. } => codes::TRUNCATED,
            BtfError::Header { .. } => codes::HEADER,
            BtfError::Strings { .. } | BtfError::Name { .. } => codes::STRINGS,
            BtfError::Kind { .. } | BtfError::Record { .. } => codes::RECORD,
            BtfError::Reference { .. } => codes::REFERENCE,
            BtfError::Cycle { .. } => codes::CYCLE,
            BtfError::Nesting { .. } | BtfError::TooLarge { .. } | BtfError::LongString { .. } => {
                codes::LIMIT
            }
            BtfError::Ext { .. } => codes::EXT,
        }
    }

    /// Byte offset inside the section, where known.
    pub fn offset(&self) -> Option<usize> {
        match self {
            BtfError::NotBtf { .. } => Some(0),
            BtfError::Version { .. } => Some(2),
            BtfError::TooLarge { .. } => None,
            BtfError::Truncated { offset, .. }
            | BtfError::Header { offset, .. }
            | BtfError::Strings { offset, .. }
            | BtfError::LongString { offset }
            | BtfError::Name { offset, .. }
            | BtfError::Kind { offset, .. }
            | BtfError::Record { offset, .. }
            | BtfError::Reference { offset, .. }
            | BtfError::Cycle { offset, .. }
            | BtfError::Nesting { offset, .. }
            | BtfError::Ext { offset, .. } => Some(*offset),
        }
    }

    /// The error for a person. The caller adds file and section.
    pub fn to_diagnostic(&self) -> Diagnostic {
        let mut place = Place::none();
        if let Some(offset) = self.offset() {
            place = place.offset(offset as u64);
        }
        let diagnostic = Diagnostic::error(self.code(), self.to_string()).at(place);
        match self {
            BtfError::NotBtf { .. } => diagnostic
                .help("give an object file's .BTF section or a file as in /sys/kernel/btf"),
            BtfError::Name { .. } | BtfError::Reference { .. } => diagnostic.help(
                "if this is the BTF of a kernel module, give the kernel's own BTF as its base",
            ),
            BtfError::Kind { .. } => {
                diagnostic.help("a newer kernel or compiler made it; strip the BTF or use theirs")
            }
            _ => diagnostic.help("build the object again; its debug information is damaged"),
        }
    }
}
