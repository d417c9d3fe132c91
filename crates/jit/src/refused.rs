//! Why a program stays with the interpreter.

use osmia_diag::Diagnostic;
use osmia_program::{Program, ProgramKind};

use crate::codes;

/// What has no native form yet.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what they are")]
pub enum Unsupported {
    #[error("the context of programs of type {0}")]
    Kind(ProgramKind),
    #[error("helper {}", name(*.0))]
    Helper(u32),
    #[error("a kernel function that this machine does not have")]
    Kfunc,
    #[error("a conversion of pointers that is not an arena's")]
    AddressSpace,
    #[error("a tail call from a function, beside such that call back or need the program,")]
    TailCall,
    #[error("a call through a register")]
    CallReg,
    #[error("a variable that the kernel does not have")]
    KernelVariable,
    #[error("a map that is not among the program's")]
    Descriptor,
    #[error("{0} of the context")]
    ContextField(&'static str),
}

fn name(id: u32) -> &'static str {
    osmia_program::helper::by_id(id).map_or("of an unknown number", |helper| helper.name)
}

/// Why there is no native code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCompiled {
    /// The program uses something that has no native form.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The code is another program than the facts are about, or has other maps.
    #[error("program `{program}` was verified in another form")]
    Other {
        /// The program's name.
        program: String,
    },
    /// It is not known how to make code for this machine.
    #[error("no machine code is made for {}", std::env::consts::ARCH)]
    Machine,
    /// The optimising tier was asked for and does not take it.
    #[error("program `{program}` is not optimised: {why}")]
    Optimiser {
        /// The program's name.
        program: String,
        /// Why.
        why: String,
    },
    /// No executable memory.
    #[error("there is no executable memory for {bytes} bytes of machine code: {why}")]
    Memory {
        /// How much was asked for.
        bytes: usize,
        /// What the system said.
        why: String,
    },
}

impl NotCompiled {
    /// What people are told.
    pub fn to_diagnostic(&self) -> Diagnostic {
        let code = match self {
            NotCompiled::Refused(_)
            | NotCompiled::Machine
            | NotCompiled::Other { .. }
            | NotCompiled::Optimiser { .. } => codes::UNSUPPORTED,
            NotCompiled::Memory { .. } => codes::MEMORY,
        };
        Diagnostic::error(code, self.to_string())
    }
}

/// A program has no native form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("program `{program}` has no native form: {what} at instruction {slot} is not compiled yet")]
pub struct Refused {
    /// The program's name.
    pub program: String,
    /// The slot of the instruction.
    pub slot: usize,
    /// What it is about.
    pub what: Unsupported,
}

impl Refused {
    pub(crate) fn new(program: &Program, slot: usize, what: Unsupported) -> Self {
        Self {
            program: program.name.clone(),
            slot,
            what,
        }
    }
}
