//! What the user may decide before linking.

use osmia_program::{AttachKind, ProgramKind};

use crate::section_name::{self, Certainty};
use crate::{LinkProblem, Object, ProgramDecl};

/// A program type given by the user.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ProgramType {
    /// Type.
    pub kind: ProgramKind,
    /// Expected attach type, where it has one.
    pub attach: Option<AttachKind>,
}

impl ProgramType {
    /// Reads a type: a name of the kernel's (`sched_cls`) or of a section (`tc`, `xdp.frags`).
    pub fn from_name(name: &str) -> Option<ProgramType> {
        let meaning = section_name::meaning(name);
        if meaning.certainty == Certainty::Defined {
            return Some(ProgramType {
                kind: meaning.hook.kind,
                attach: meaning.hook.attach,
            });
        }
        ProgramKind::from_name(name)
            .filter(|kind| *kind != ProgramKind::Unspec)
            .map(|kind| ProgramType { kind, attach: None })
    }
}

/// Settings of one linking. The default links everything as the object says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkOptions {
    /// Only these programs, by name; empty for all.
    pub programs: Vec<String>,
    /// Types by program name; without a name, for every program whose section name is not a
    /// defined one.
    pub types: Vec<(Option<String>, ProgramType)>,
    /// Whether to load a program, by name, whatever its section says.
    pub autoload: Vec<(String, bool)>,
    /// Values of global variables: `name`, `name.member`, `name[3]`, and the value as text.
    pub globals: Vec<(String, String)>,
    /// Sizes of maps by name.
    pub max_entries: Vec<(String, u32)>,
}

impl LinkOptions {
    /// Whether the program is linked at all.
    pub fn selects(&self, program: &str) -> bool {
        self.programs.is_empty() || self.programs.iter().any(|name| name == program)
    }

    /// Whether the user asks for this very program.
    pub fn names(&self, decl: &ProgramDecl) -> bool {
        self.programs.contains(&decl.name) || self.autoload.contains(&(decl.name.clone(), true))
    }

    /// Whether it is to be loaded. Naming a program in `programs` asks for it.
    pub fn autoload(&self, decl: &ProgramDecl) -> bool {
        let given = self
            .autoload
            .iter()
            .rev()
            .find(|(name, _)| *name == decl.name);
        match given {
            Some((_, autoload)) => *autoload,
            None => decl.autoload || !self.programs.is_empty() && self.selects(&decl.name),
        }
    }

    /// The type given for a program, the one with its name before the one without.
    pub fn type_of(&self, decl: &ProgramDecl) -> Option<ProgramType> {
        let named = self
            .types
            .iter()
            .rev()
            .find(|(name, _)| name.as_deref() == Some(&decl.name));
        let any = self.types.iter().rev().find(|(name, _)| name.is_none());
        let unsure = decl.certainty != Certainty::Defined;
        named.or(any.filter(|_| unsure)).map(|(_, given)| *given)
    }
}

/// Names that the object does not have.
pub(super) fn check(object: &Object, options: &LinkOptions) -> Vec<LinkProblem> {
    let typed = options.types.iter().filter_map(|(name, _)| name.as_ref());
    let loaded = options.autoload.iter().map(|(name, _)| name);
    options
        .programs
        .iter()
        .chain(typed)
        .chain(loaded)
        .filter(|name| !object.programs.iter().any(|decl| decl.name == **name))
        .map(|name| LinkProblem::NoProgram {
            name: name.clone(),
            known: object
                .programs
                .iter()
                .map(|decl| decl.name.clone())
                .collect(),
        })
        .collect()
}
