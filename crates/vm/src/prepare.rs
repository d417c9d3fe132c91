//! Why a program cannot be prepared for running.

use std::sync::Arc;

use osmia_diag::{Diagnostic, Place};
use osmia_program::{Program, helper};

use crate::codes;
use crate::trap::listing;

/// Why a program cannot be prepared.
#[derive(Clone, Debug)]
pub enum PrepareError {
    /// It calls a helper this machine does not have.
    HelperMissing {
        /// The program.
        program: Arc<Program>,
        /// The call.
        slot: usize,
        /// The helper's number.
        id: i32,
    },
}

impl std::fmt::Display for PrepareError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PrepareError::HelperMissing { id, .. } => {
                let known = u32::try_from(*id).ok().and_then(helper::by_id);
                match known {
                    Some(helper) => write!(
                        f,
                        "the user-space host does not have helper {} (#{id}) yet",
                        helper.name
                    ),
                    None => write!(f, "there is no helper #{id}"),
                }
            }
        }
    }
}

impl std::error::Error for PrepareError {}

impl PrepareError {
    /// What people are told.
    pub fn to_diagnostic(&self) -> Diagnostic {
        match self {
            PrepareError::HelperMissing { program, slot, id } => {
                let diagnostic = Diagnostic::error(codes::HELPER_MISSING, self.to_string())
                    .at(Place::none()
                        .program(program.name.clone())
                        .insn(*slot as u64))
                    .listing(listing(program, *slot, "called here"));
                match u32::try_from(*id).ok().and_then(helper::by_id) {
                    Some(helper) => diagnostic.note(format!("on Linux: {}", helper.availability)),
                    None => diagnostic.note(format!(
                        "the last helper Linux has is {} (#{})",
                        helper::ALL[helper::ALL.len() - 1].name,
                        helper::ALL.len() - 1
                    )),
                }
            }
        }
    }
}
