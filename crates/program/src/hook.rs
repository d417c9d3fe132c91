//! What an author asked a program to be attached to.

use serde::Serialize;

use crate::{AttachKind, ProgramKind};

/// The hook a program names: enough to load it and, later, to attach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hook {
    /// Program type.
    pub kind: ProgramKind,
    /// Expected attach type, where the kind has one.
    pub attach: Option<AttachKind>,
    /// What follows the slash in the section name: a function, an event, a path.
    pub target: Option<String>,
}

/// Type and expected attach type: what decides a program's context, its helpers and what its result
/// means.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Role {
    /// Program type.
    pub kind: ProgramKind,
    /// Expected attach type, if it is known.
    pub attach: Option<AttachKind>,
}

impl Role {
    /// Programs of this type that expect this attach type.
    pub const fn new(kind: ProgramKind, attach: AttachKind) -> Self {
        Self {
            kind,
            attach: Some(attach),
        }
    }
}

impl From<ProgramKind> for Role {
    fn from(kind: ProgramKind) -> Self {
        Self { kind, attach: None }
    }
}

impl From<&Hook> for Role {
    fn from(hook: &Hook) -> Self {
        Self {
            kind: hook.kind,
            attach: hook.attach,
        }
    }
}
