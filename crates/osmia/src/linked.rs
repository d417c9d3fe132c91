//! Programs linked for a target, not alive yet.

use std::sync::Arc;

use osmia_diag::{Diagnostic, Place};
use osmia_isa::Endian;
use osmia_program::{Fault, Host, MapKind, MapSpec, Program, ProgramKind, ProgramSet};
use osmia_verify::Replaced;

use crate::loaded::{no_such_program, with_choices};
use crate::{Error, Loaded, codes};

/// Programs of an object with nothing left to relocate, and the maps they share.
#[derive(Clone, Debug)]
pub struct Linked {
    file: String,
    endian: Endian,
    set: ProgramSet,
    notes: Vec<Diagnostic>,
    /// Programs whose functions extensions of this object replace.
    extended: Vec<Arc<Program>>,
}

impl Linked {
    pub(crate) fn new(
        file: &str,
        endian: Endian,
        mut set: ProgramSet,
        mut notes: Vec<Diagnostic>,
    ) -> Self {
        for map in &mut set.maps {
            notes.extend(without_value(map).map(|note| note.in_file(file)));
        }
        Self {
            file: file.to_owned(),
            endian,
            set,
            notes,
            extended: Vec::new(),
        }
    }

    /// Says whose functions the extensions (`freplace`) among the programs replace: they are verified as
    /// functions of those.
    pub fn extend(&mut self, other: &Linked) {
        let programs = other.set.programs.iter().cloned().map(Arc::new);
        self.extended.extend(programs);
    }

    /// The function that a program replaces, if it is an extension and that is known.
    pub(crate) fn replaced(&self, program: &Program) -> Option<Replaced> {
        if program.hook.kind != ProgramKind::Ext {
            return None;
        }
        // Without the function, the first one says that it is missing.
        let first = || self.extended.first();
        let function = program.hook.target.as_ref()?;
        let other = self.extended_with(function).or_else(first)?;
        Some(function_of(other, function))
    }

    /// The function of another program that a program looks at, if it is known; else it is the kernel's.
    pub(crate) fn traced(&self, program: &Program) -> Option<Replaced> {
        if program.hook.kind != ProgramKind::Tracing {
            return None;
        }
        let function = program.hook.target.as_ref()?;
        Some(function_of(self.extended_with(function)?, function))
    }

    /// The program that has this function, of those that are extended.
    fn extended_with(&self, function: &str) -> Option<&Arc<Program>> {
        let has = |other: &&Arc<Program>| other.functions.iter().any(|own| own.name == function);
        self.extended.iter().find(has)
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    pub(crate) fn set_mut(&mut self) -> &mut ProgramSet {
        &mut self.set
    }

    /// The programs and maps.
    pub fn set(&self) -> &ProgramSet {
        &self.set
    }

    /// What is worth knowing about the linking.
    pub fn notes(&self) -> &[Diagnostic] {
        &self.notes
    }

    /// The programs that are loaded unless somebody says otherwise.
    pub fn autoloaded(&self) -> impl Iterator<Item = &str> {
        let programs = self.set.programs.iter().filter(|program| program.autoload);
        programs.map(|program| &*program.name)
    }

    /// The program of this name, or the only one there is.
    ///
    /// # Errors
    /// If there is no such program, or several and no name.
    pub fn choose(&self, name: Option<&str>) -> Result<&str, Error> {
        let usage = |diagnostic: Diagnostic| {
            Err(Error::new(
                Fault::Usage,
                diagnostic.at(Place::file(self.file.clone())),
            ))
        };
        if let Some(name) = name {
            return match self.set.program(name) {
                Some(program) => Ok(&program.name),
                None => usage(no_such_program(name, &self.set)),
            };
        }
        let mut loadable = self.set.programs.iter().filter(|program| program.autoload);
        match (
            loadable.next(),
            loadable.next(),
            self.set.programs.as_slice(),
        ) {
            (Some(only), None, _) | (None, None, [only]) => Ok(&only.name),
            (None, None, []) => usage(Diagnostic::error(
                codes::RUN_PROGRAM,
                "there is no program to run",
            )),
            _ => usage(
                with_choices(
                    Diagnostic::error(codes::RUN_PROGRAM, "several programs, and none was chosen"),
                    &self.set,
                )
                .help("choose one with `--prog NAME`"),
            ),
        }
    }

    /// The object is for this byte order.
    pub(crate) fn check_endian(&self, ours: Endian) -> Result<(), Error> {
        if self.endian == ours {
            return Ok(());
        }
        Err(Error::new(
            Fault::Unsupported,
            other_endian(self.endian, ours).at(Place::file(self.file.clone())),
        ))
    }

    /// Makes these programs resident on a host, with the maps and programs they need.
    ///
    /// # Errors
    /// If the host cannot take one of them.
    pub fn load<'h, H: Host>(&self, host: &'h H, names: &[&str]) -> Result<Loaded<'h, H>, Error> {
        self.check_endian(host.target().endian)?;
        Loaded::new(host, self.set.clone(), names).map_err(|error| error.in_file(&self.file))
    }
}

/// A ring buffer has no values, and Linux refuses one that is declared with a size. Authors declare
/// one to say what its records are; that much is kept.
fn without_value(map: &mut MapSpec) -> Option<Diagnostic> {
    if map.kind != MapKind::Ringbuf || map.value_size == 0 {
        return None;
    }
    map.value_size = 0;
    Some(
        Diagnostic::note_only(
            codes::RUN_MAP,
            format!(
                "the value type of ring buffer `{}` is taken as its records' type",
                map.name
            ),
        )
        .note("Linux refuses a ring buffer with a value size (EINVAL)")
        .help("leave `__type(value, …)` out before loading it into a kernel"),
    )
}

fn other_endian(theirs: Endian, ours: Endian) -> Diagnostic {
    let (name, flag) = match ours {
        Endian::Little => ("little", "bpfel"),
        Endian::Big => ("big", "bpfeb"),
    };
    let other = match theirs {
        Endian::Little => "little",
        Endian::Big => "big",
    };
    Diagnostic::error(
        codes::RUN_ENDIAN,
        format!("the object is {other}-endian, this machine is {name}-endian"),
    )
    .note("programs run in the machine's own byte order; the other one is not emulated")
    .help(format!(
        "compile it for this machine with `clang -target {flag}`; `osmia inspect` reads both"
    ))
}

fn function_of(program: &Arc<Program>, function: &str) -> Replaced {
    Replaced {
        program: Arc::clone(program),
        function: function.to_owned(),
    }
}
