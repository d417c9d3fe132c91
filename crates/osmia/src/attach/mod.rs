//! Programs on the running kernel: attached where their sections say, heard while they are there.
//!
//! A section says what a program is for; where a person has to choose (an interface, a control group) the
//! [`Ground`] says it. An [`Attached`] program is detached with its value, unless it was pinned.

mod binary;
mod ground;
mod place;

use std::ops::ControlFlow;
use std::path::Path;

use osmia_diag::Diagnostic;
use osmia_linux::{At, LinuxLink};
use osmia_program::{AttachKind, Fault, HostProgram, Task};

pub use ground::{Ground, XdpMode};

use crate::run::{Heard, tell_records};
use crate::{Error, Loaded, Place, PlacedProgram, Sink, codes};

/// A program and where it is.
#[derive(Debug)]
pub struct Attached {
    /// Its name.
    pub program: String,
    /// Its section's name.
    pub section: String,
    /// Where it is, for people: `lo`, `/sys/fs/cgroup/a`; empty where the section says all.
    pub place: String,
    links: Vec<LinuxLink>,
    is_iterator: bool,
}

impl Attached {
    /// The kernel's numbers of its links; a clock has one for every CPU.
    pub fn ids(&self) -> Vec<u32> {
        self.links.iter().filter_map(LinuxLink::id).collect()
    }

    /// Lets it stay: its link is pinned in this folder, by its name.
    ///
    /// # Errors
    /// The kernel's; `EEXIST` if something is pinned there already.
    pub fn pin(&self, folder: &Path) -> Result<(), Error> {
        for (number, link) in self.links.iter().enumerate() {
            let name = match self.links.len() {
                1 => self.program.clone(),
                _ => format!("{}-{number}", self.program),
            };
            link.pin(&folder.join(name))?;
        }
        Ok(())
    }

    /// What an iterator prints, walked once.
    ///
    /// # Errors
    /// The kernel's, or those of reading.
    pub fn walk(&self) -> Result<Option<Vec<u8>>, Error> {
        let Some(link) = self.links.first().filter(|_| self.is_iterator) else {
            return Ok(None);
        };
        let mut printed = Vec::new();
        let read = std::io::Read::read_to_end(&mut link.walk()?, &mut printed);
        match read {
            Ok(_) => Ok(Some(printed)),
            Err(error) => Err(Error::io(Path::new("bpf-iter"), &error)),
        }
    }
}

impl Loaded<'_, Place> {
    /// Attaches these programs, or none of them.
    ///
    /// # Errors
    /// If it is not clear where, or the kernel does not do it; what was attached before is detached again.
    pub fn attach(&self, programs: &[&str], ground: &Ground) -> Result<Vec<Attached>, Error> {
        let mut places = Vec::new();
        let mut problems = Vec::new();
        for name in programs {
            let Some(PlacedProgram::Linux(program)) = self.program(name) else {
                return Err(not_the_kernels(name));
            };
            match place::places(program.program(), ground, self) {
                Ok(at) => places.push((program, at)),
                Err(mut problem) => problems.append(&mut problem.diagnostics),
            }
        }
        if !problems.is_empty() {
            return Err(Error {
                fault: Fault::Usage,
                diagnostics: problems,
            });
        }
        let mut attached = Vec::new();
        for (loaded, at) in places {
            let program = loaded.program();
            let links = at.iter().map(|at| loaded.attach(at));
            attached.push(Attached {
                program: program.name.clone(),
                section: program.section.clone(),
                place: at.first().map(|at| shown(at, ground)).unwrap_or_default(),
                links: links.collect::<Result<_, _>>()?,
                is_iterator: program.hook.attach == Some(AttachKind::TraceIter),
            });
        }
        Ok(attached)
    }

    /// Tells what programs have sent since the last time.
    pub fn hear(&self, heard: &mut Heard, sink: &mut Sink<'_>) -> ControlFlow<()> {
        tell_records(self, 0, &Task::default(), heard, sink)
    }
}

fn not_the_kernels(name: &str) -> Error {
    let message = format!("`{name}` is not loaded in the running kernel");
    Error::new(
        Fault::Usage,
        Diagnostic::error(codes::ATTACH_PLACE, message),
    )
}

/// What a person chose, in short.
fn shown(at: &At, ground: &Ground) -> String {
    let path = |path: &Option<std::path::PathBuf>| {
        path.as_ref()
            .map_or_else(String::new, |path| path.display().to_string())
    };
    match at {
        At::Interface { .. } => ground.interface.clone().unwrap_or_default(),
        At::Object { attach, .. } if place::is_for_networks(*attach) => path(&ground.network),
        At::Object { .. } => path(&ground.cgroup),
        At::Own
        | At::RawTracepoint(_)
        | At::Event(_)
        | At::Functions { .. }
        | At::Netfilter { .. } => String::new(),
    }
}
