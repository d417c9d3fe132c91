//! Why an object does not become programs.

use osmia_btf::core::{CoreError, PatchError};
use osmia_btf::value::ValueError;
use osmia_diag::{Code, Diagnostic, Place};
use osmia_program::ProgramError;

use crate::codes;
use crate::error::clip;

/// Everything that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkError {
    /// The object's file name.
    pub file: String,
    /// At least one problem.
    pub problems: Vec<LinkProblem>,
}

impl LinkError {
    /// The problems for a person.
    pub fn to_diagnostics(&self) -> Vec<Diagnostic> {
        self.problems
            .iter()
            .map(|problem| problem.to_diagnostic().in_file(&self.file))
            .collect()
    }
}

impl std::fmt::Display for LinkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.problems.as_slice() {
            [] => f.write_str("nothing is wrong"),
            [one] => one.fmt(f),
            [first, rest @ ..] => write!(f, "{first} (and {} more)", rest.len()),
        }
    }
}

impl std::error::Error for LinkError {}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkProblem {
    /// The section name says nothing and neither did the user.
    #[error(
        "the type of program `{}` is not known: its section is named {}",
        clip(program),
        clip(section)
    )]
    UnknownType {
        /// The program.
        program: String,
        /// Its section.
        section: String,
    },
    /// A setting names no program.
    #[error("the object has no program `{}`", clip(name))]
    NoProgram {
        /// The name given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A setting names no global variable.
    #[error("the object has no global variable `{}`", clip(name))]
    NoVariable {
        /// The name given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A value does not suit its variable.
    #[error("`{}` cannot be set: {error}", clip(name))]
    Value {
        /// The name or path given.
        name: String,
        /// What is wrong.
        error: Box<ValueError>,
    },
    /// A value does not suit its variable, of which only the size is known.
    #[error(
        "`{}` cannot be set: {value:?} is no integer of {size} bytes",
        clip(name)
    )]
    PlainValue {
        /// The name given.
        name: String,
        /// The value given.
        value: String,
        /// Bytes of the variable.
        size: u32,
    },
    /// A setting names no map.
    #[error("the object has no map `{}`", clip(name))]
    NoMap {
        /// The name given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A map's size cannot be changed.
    #[error("map `{}` holds a section of variables and has one entry", clip(name))]
    FixedMap {
        /// The map.
        name: String,
    },
    /// An extern has no value.
    #[error("extern `{}` {what}", clip(name))]
    Extern {
        /// Its name.
        name: String,
        /// The program that refers to it, if one does.
        program: Option<String>,
        /// What is wrong.
        what: String,
        /// What would fix it.
        help: String,
    },
    /// A table of operations does not fit the target.
    #[error("struct_ops map `{}`: {what}", clip(map))]
    StructOps {
        /// The map.
        map: String,
        /// What is wrong.
        what: String,
    },
    /// An instruction refers to something that cannot be referred to.
    #[error("`{}` refers to `{}`: {what}", clip(function), clip(symbol))]
    Reference {
        /// The function the instruction is in.
        function: String,
        /// The function's section.
        section: String,
        /// Offset of the instruction in the section.
        offset: u64,
        /// The symbol.
        symbol: String,
        /// What is wrong.
        what: String,
    },
    /// A CO-RE relocation has no result.
    #[error("{error}")]
    Core {
        /// The function the instruction is in.
        function: String,
        /// The function's section.
        section: String,
        /// Offset of the instruction in the section.
        offset: u64,
        /// What is wrong.
        error: Box<CoreError>,
    },
    /// An instruction cannot take the result of its CO-RE relocation.
    #[error("{error}")]
    Patch {
        /// The function the instruction is in.
        function: String,
        /// The function's section.
        section: String,
        /// Offset of the instruction in the section.
        offset: u64,
        /// What is wrong.
        error: PatchError,
    },
    /// The result is not a program.
    #[error("program `{}` is malformed: {error}", clip(program))]
    Layout {
        /// The program.
        program: String,
        /// What is wrong.
        error: ProgramError,
    },
    /// The result would be too large.
    #[error(
        "linking would produce more instructions than LINKED_SLOTS_FREE and LINKED_SLOTS_PER_SLOT allow"
    )]
    TooLarge,
}

impl LinkProblem {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            LinkProblem::UnknownType { .. } => codes::LINK_TYPE,
            LinkProblem::NoProgram { .. }
            | LinkProblem::NoVariable { .. }
            | LinkProblem::Value { .. }
            | LinkProblem::PlainValue { .. }
            | LinkProblem::NoMap { .. }
            | LinkProblem::FixedMap { .. } => codes::LINK_SETTING,
            LinkProblem::Extern { .. } | LinkProblem::StructOps { .. } => codes::LINK_EXTERN,
            LinkProblem::Reference { .. } => codes::LINK_RELOCATION,
            LinkProblem::Core { error, .. } => error.code(),
            LinkProblem::Patch { error, .. } => error.to_diagnostic().code,
            LinkProblem::Layout { .. } => codes::LINK_LAYOUT,
            LinkProblem::TooLarge => codes::LINK_LIMIT,
        }
    }

    /// True if a setting of the caller is at fault, not the object.
    pub fn is_setting(&self) -> bool {
        self.code() == codes::LINK_SETTING
    }

    /// The problem for a person. The caller adds the file.
    pub fn to_diagnostic(&self) -> Diagnostic {
        let plain = Diagnostic::error(self.code(), self.to_string());
        match self {
            LinkProblem::UnknownType { program, section } => plain
                .at(Place::none().section(clip(section)).program(clip(program)))
                .help("give it, for example: --type xdp"),
            LinkProblem::NoProgram { known, .. }
            | LinkProblem::NoVariable { known, .. }
            | LinkProblem::NoMap { known, .. } => plain.note(names(known)),
            LinkProblem::Value { error, .. } => {
                let told = error.to_diagnostic();
                Diagnostic {
                    notes: told.notes,
                    help: told.help,
                    ..plain
                }
            }
            LinkProblem::PlainValue { .. } => {
                plain.note("the object has no type for it; compile with -g to set it by type")
            }
            LinkProblem::Extern { program, help, .. } => {
                let place = match program {
                    Some(program) => Place::none().program(clip(program)),
                    None => Place::none(),
                };
                plain.at(place).help(help)
            }
            LinkProblem::Reference {
                section, offset, ..
            } => plain.at(Place::none().section(clip(section)).offset(*offset)),
            LinkProblem::Core {
                function,
                section,
                offset,
                error,
            } => at_instruction(error.to_diagnostic(), function, section, *offset),
            LinkProblem::Patch {
                function,
                section,
                offset,
                error,
            } => at_instruction(error.to_diagnostic(), function, section, *offset),
            LinkProblem::Layout { program, .. } => plain.at(Place::none().program(clip(program))),
            LinkProblem::FixedMap { .. }
            | LinkProblem::StructOps { .. }
            | LinkProblem::TooLarge => plain,
        }
    }
}

fn at_instruction(told: Diagnostic, function: &str, section: &str, offset: u64) -> Diagnostic {
    told.at(Place::none()
        .section(clip(section))
        .offset(offset)
        .program(clip(function)))
}

/// The names there are, the first few of them.
fn names(known: &[String]) -> String {
    const SHOWN: usize = 12;
    if known.is_empty() {
        return "it has none".into();
    }
    let shown: Vec<String> = known.iter().take(SHOWN).map(|name| clip(name)).collect();
    match known.len().checked_sub(SHOWN) {
        None | Some(0) => format!("it has {}", shown.join(", ")),
        Some(more) => format!("it has {} and {more} more", shown.join(", ")),
    }
}
