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
