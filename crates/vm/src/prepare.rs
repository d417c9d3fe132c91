//! Why a program cannot be prepared for running.

use std::sync::Arc;

use osmia_diag::{Diagnostic, Place};
use osmia_program::helper::{self, Helper, HelperDenial};
use osmia_program::kfunc::Kfunc;
use osmia_program::limits::PROGRAM_MAPS_MAX;
use osmia_program::{Program, kfunc};

use crate::codes;
use crate::permit;
use osmia_program::listing;

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
    /// It calls a kernel function this machine does not have.
    KfuncMissing {
        /// The program.
        program: Arc<Program>,
        /// The call.
        slot: usize,
        /// The function's name.
        name: String,
    },
    /// It calls a helper that Linux does not let it call.
    HelperDenied {
        /// The program.
        program: Arc<Program>,
        /// The call.
        slot: usize,
        /// The helper.
        helper: &'static Helper,
        /// Why not.
        why: HelperDenial,
    },
    /// It calls a kernel function that Linux does not let it call.
    KfuncDenied {
        /// The program.
        program: Arc<Program>,
        /// The call.
        slot: usize,
        /// The function.
        kfunc: &'static Kfunc,
    },
    /// More maps than a program may use.
    TooManyMaps {
        /// The program.
        program: Arc<Program>,
        /// How many.
        maps: usize,
    },
    /// A program has one arena at most.
    TwoArenas {
        /// The program.
        program: Arc<Program>,
    },
    /// A map with more value bytes than addresses can name.
    MapTooLarge {
        /// The program.
        program: Arc<Program>,
        /// The map's name.
        map: String,
    },
    /// It names a map it was not given.
    NoSuchMap {
        /// The program.
        program: Arc<Program>,
        /// The instruction.
        slot: usize,
        /// The position it names.
        idx: i32,
        /// How many maps it was given.
        count: usize,
    },
    /// It takes the address of a value in a map that has none there.
    NoSuchValue {
        /// The program.
        program: Arc<Program>,
        /// The instruction.
        slot: usize,
        /// The map's name.
        map: String,
        /// The offset in the value.
        off: u32,
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
            PrepareError::KfuncMissing { name, .. } => match kfunc::by_name(name) {
                Some(_) => write!(
                    f,
                    "the user-space host does not have kernel function {name}"
                ),
                None => write!(f, "kernel function {name} is not known"),
            },
            PrepareError::HelperDenied {
                program,
                helper,
                why,
                ..
            } => permit::explain(f, program, helper, *why),
            PrepareError::KfuncDenied { program, kfunc, .. } => {
                permit::explain_caller(f, program, kfunc.name)
            }
            PrepareError::TooManyMaps { maps, .. } => write!(
                f,
                "the program uses {maps} maps, at most {PROGRAM_MAPS_MAX} are possible"
            ),
            PrepareError::TwoArenas { .. } => {
                f.write_str("the program uses two arenas, but its pointers are of one")
            }
            PrepareError::MapTooLarge { map, .. } => {
                write!(f, "map {map} has more bytes than addresses can name")
            }
            PrepareError::NoSuchMap { idx, count, .. } => {
                write!(f, "the program names map {idx} and was given {count} maps")
            }
            PrepareError::NoSuchValue { map, off, .. } => {
                write!(f, "map {map} has no value with a byte at offset {off}")
            }
        }
    }
}

impl std::error::Error for PrepareError {}

impl PrepareError {
    /// What people are told.
    pub fn to_diagnostic(&self) -> Diagnostic {
        match self {
            PrepareError::TooManyMaps { program, .. }
            | PrepareError::TwoArenas { program }
            | PrepareError::MapTooLarge { program, .. } => {
                Diagnostic::error(codes::MAPS, self.to_string())
                    .at(Place::none().program(program.name.clone()))
            }
            PrepareError::NoSuchMap { program, slot, .. }
            | PrepareError::NoSuchValue { program, slot, .. } => {
                Diagnostic::error(codes::MAPS, self.to_string())
                    .at(Place::none()
                        .program(program.name.clone())
                        .insn(*slot as u64))
                    .listing(listing(program, *slot, "named here"))
            }
            PrepareError::KfuncMissing {
                program,
                slot,
                name,
            } => {
                let diagnostic = Diagnostic::error(codes::KFUNC_MISSING, self.to_string())
                    .at(Place::none()
                        .program(program.name.clone())
                        .insn(*slot as u64))
                    .listing(listing(program, *slot, "called here"))
                    .help("declare it __weak and guard the call with bpf_ksym_exists()");
                match crate::kfunc::reason(name) {
                    Some(reason) => diagnostic.note(reason),
                    None => diagnostic,
                }
            }
            PrepareError::HelperDenied {
                program,
                slot,
                helper,
                why,
            } => {
                let diagnostic = Diagnostic::error(codes::HELPER_DENIED, self.to_string())
                    .at(Place::none()
                        .program(program.name.clone())
                        .insn(*slot as u64))
                    .listing(listing(program, *slot, "called here"));
                permit::advise(diagnostic, helper, *why)
            }
            PrepareError::KfuncDenied {
                program,
                slot,
                kfunc,
            } => Diagnostic::error(codes::HELPER_DENIED, self.to_string())
                .at(Place::none()
                    .program(program.name.clone())
                    .insn(*slot as u64))
                .listing(listing(program, *slot, "called here"))
                .note(format!("on Linux it is for {}", kfunc.callers)),
            PrepareError::HelperMissing { program, slot, id } => {
                let diagnostic = Diagnostic::error(codes::HELPER_MISSING, self.to_string())
                    .at(Place::none()
                        .program(program.name.clone())
                        .insn(*slot as u64))
                    .listing(listing(program, *slot, "called here"));
                match u32::try_from(*id).ok().and_then(helper::by_id) {
                    Some(helper) => {
                        diagnostic.note(format!("on Linux it is for {}", helper.callers))
                    }
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
