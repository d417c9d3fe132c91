//! Programs and maps alive on a host.

use std::collections::BTreeSet;

use osmia_diag::Diagnostic;
use osmia_program::{Fault, Host, Initial, MapIndex, MapSpec, Program, ProgramSet, SlotContent};

use crate::resident::Resident;
use crate::{Error, codes, verified};

/// Programs of a set with the maps they use, resident on a host until dropped.
pub struct Loaded<'h, H: Host> {
    host: &'h H,
    resident: Resident<H>,
    /// The same on another host, to compare with.
    twin: Option<Box<Self>>,
}

impl<'h, H: Host> Loaded<'h, H> {
    /// Makes these programs resident, with every map they use and every program those maps name.
    pub fn new(host: &'h H, set: ProgramSet, names: &[&str]) -> Result<Self, Error> {
        let load = |program: &Program, maps: &[H::Map]| Ok(host.load(program, maps)?);
        Ok(Self {
            host,
            resident: Resident::new(host, set, names, load)?,
            twin: None,
        })
    }

    /// The host they live on.
    pub fn host(&self) -> &'h H {
        self.host
    }

    /// What they were made from.
    pub fn set(&self) -> &ProgramSet {
        &self.resident.set
    }

    /// Compares whatever its programs do from now on with what the same programs do on another host.
    #[must_use]
    pub fn beside(mut self, twin: Self) -> Self {
        self.twin = Some(Box::new(twin));
        self
    }

    /// The same on another host.
    pub(crate) fn twin(&self) -> Option<&Self> {
        self.twin.as_deref()
    }

    /// Programs that are resident.
    pub fn programs(&self) -> impl Iterator<Item = &H::Program> {
        self.resident.programs.values()
    }

    /// The maps of a program, in its order.
    pub(crate) fn specs_of(&self, program: &Program) -> Vec<MapSpec> {
        verified::specs_of(&self.resident.set, program)
    }

    /// A resident program.
    pub fn program(&self, name: &str) -> Option<&H::Program> {
        self.resident.programs.get(name)
    }

    /// A live map by name.
    pub fn map(&self, name: &str) -> Option<&H::Map> {
        self.resident.map(name)
    }

    /// Live maps, in the order of the set.
    pub fn maps(&self) -> impl Iterator<Item = (MapIndex, &H::Map)> {
        self.resident.maps.iter().map(|(index, map)| (*index, map))
    }
}

/// What has to exist for some programs to run.
pub(crate) struct Needed {
    pub(crate) maps: BTreeSet<MapIndex>,
    pub(crate) programs: BTreeSet<usize>,
}

impl Needed {
    pub(crate) fn of(set: &ProgramSet, names: &[&str]) -> Result<Self, Error> {
        let mut needed = Self {
            maps: BTreeSet::new(),
            programs: BTreeSet::new(),
        };
        let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        while let Some(name) = names.pop() {
            let Some(position) = set.programs.iter().position(|program| program.name == name)
            else {
                return Err(Error::new(Fault::Usage, no_such_program(&name, set)));
            };
            if !needed.programs.insert(position) {
                continue;
            }
            let mut maps = set.programs[position].maps.clone();
            while let Some(map) = maps.pop() {
                if !needed.maps.insert(map) {
                    continue;
                }
                let initial = &set.maps[map.index()].initial;
                if let Initial::Operations { programs, .. } = initial {
                    let wanted = programs.iter().map(|(_, name)| name);
                    names.extend(wanted.filter(|name| !is_left_out(set, name)).cloned());
                }
                if let Initial::Slots(slots) = initial {
                    for (_, content) in slots {
                        match content {
                            SlotContent::Map(inner) => maps.push(*inner),
                            SlotContent::Program(name) if is_left_out(set, name) => {}
                            SlotContent::Program(name) => names.push(name.clone()),
                        }
                    }
                }
            }
        }
        Ok(needed)
    }
}

/// True for a program that exists and is not to be loaded unless it is asked for by name.
fn is_left_out(set: &ProgramSet, name: &str) -> bool {
    set.program(name).is_some_and(|program| !program.autoload)
}

/// A name that none of the programs has.
pub(crate) fn no_such_program(name: &str, set: &ProgramSet) -> Diagnostic {
    let diagnostic = Diagnostic::error(codes::RUN_PROGRAM, format!("there is no program `{name}`"));
    with_choices(diagnostic, set)
}

/// Adds the list of programs there are.
pub(crate) fn with_choices(mut diagnostic: Diagnostic, set: &ProgramSet) -> Diagnostic {
    if set.programs.is_empty() {
        return diagnostic.note("the object has no programs");
    }
    let width = set
        .programs
        .iter()
        .map(|program| program.name.len())
        .max()
        .unwrap_or(0);
    let mut list = String::from("programs:");
    for program in &set.programs {
        list.push_str(&format!(
            "\n  {:width$}  {:14}  SEC(\"{}\")",
            program.name, program.hook.kind, program.section
        ));
    }
    diagnostic.notes.push(list);
    diagnostic
}
