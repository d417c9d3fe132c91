//! Where programs are loaded: the user-space host or the running kernel, chosen while the program runs.

use osmia_diag::Diagnostic;
use osmia_linux::{LinuxHost, LinuxMap, LinuxProgram};
use osmia_program::{
    Errno, Fault, Form, Host, HostError, HostMap, HostProgram, MapSpec, Program, Record, Run,
    Slotted, Standing, Target, TierTimes, UpdateMode,
};
use osmia_user::{UserHost, UserMap, UserProgram};

use crate::{codes, verified};

/// One of the hosts.
#[derive(Debug)]
pub enum Place {
    /// This process.
    User(UserHost),
    /// The running kernel.
    Linux(LinuxHost),
}

/// A map of one of the hosts.
#[derive(Clone, Debug)]
pub enum PlacedMap {
    /// In this process.
    User(UserMap),
    /// In the running kernel.
    Linux(LinuxMap),
}

/// A program of one of the hosts.
#[derive(Clone, Debug)]
pub enum PlacedProgram {
    /// In this process.
    User(UserProgram),
    /// In the running kernel.
    Linux(LinuxProgram),
}

/// The same of whichever it is.
macro_rules! either {
    ($of:ident, $self:expr, $inner:ident => $what:expr) => {
        match $self {
            $of::User($inner) => $what,
            $of::Linux($inner) => $what,
        }
    };
}

impl Place {
    /// The running kernel.
    ///
    /// # Errors
    /// If it does not show what programs have to be linked for.
    pub fn linux() -> Result<Self, HostError> {
        Ok(Place::Linux(LinuxHost::new(osmia_linux::running_kernel()?)))
    }

    /// The user-space host, if this is it.
    pub fn user(&self) -> Option<&UserHost> {
        match self {
            Place::User(host) => Some(host),
            Place::Linux(_) => None,
        }
    }
}

/// Something of one host was handed to the other.
fn strangers() -> HostError {
    let message = "a map or program of one host was given to another";
    HostError::new(
        Fault::Internal,
        Diagnostic::error(codes::RUN_ENGINES, message),
    )
}

/// A rejection by the kernel: where our verifier agrees, in its words, with the kernel's behind them.
fn explained(
    mut refused: HostError,
    program: &Program,
    maps: &[LinuxMap],
    target: &Target,
) -> HostError {
    if refused.diagnostic.code != osmia_linux::codes::REJECTED {
        return refused;
    }
    let specs: Vec<MapSpec> = maps.iter().map(|map| map.spec().clone()).collect();
    let judged = osmia_verify::verify(program, &specs, target, &verified::options(program));
    if let Err(why) = judged.result {
        let kernels = std::mem::replace(&mut *refused.diagnostic, why.to_diagnostic(program));
        refused.diagnostic.notes.insert(0, kernels.message);
    }
    refused
}

impl Host for Place {
    type Map = PlacedMap;
    type Program = PlacedProgram;

    fn target(&self) -> &Target {
        either!(Place, self, host => host.target())
    }

    fn create_map(&self, spec: &MapSpec) -> Result<PlacedMap, HostError> {
        match self {
            Place::User(host) => host.create_map(spec).map(PlacedMap::User),
            Place::Linux(host) => host.create_map(spec).map(PlacedMap::Linux),
        }
    }

    fn set_slot(
        &self,
        map: &PlacedMap,
        index: u32,
        content: Slotted<'_, PlacedMap, PlacedProgram>,
    ) -> Result<(), HostError> {
        match (self, map, content) {
            (Place::User(host), PlacedMap::User(map), Slotted::Map(PlacedMap::User(inner))) => {
                host.set_slot(map, index, Slotted::Map(inner))
            }
            (
                Place::User(host),
                PlacedMap::User(map),
                Slotted::Program(PlacedProgram::User(inner)),
            ) => host.set_slot(map, index, Slotted::Program(inner)),
            (Place::Linux(host), PlacedMap::Linux(map), Slotted::Map(PlacedMap::Linux(inner))) => {
                host.set_slot(map, index, Slotted::Map(inner))
            }
            (
                Place::Linux(host),
                PlacedMap::Linux(map),
                Slotted::Program(PlacedProgram::Linux(inner)),
            ) => host.set_slot(map, index, Slotted::Program(inner)),
            _ => Err(strangers()),
        }
    }

    fn load(&self, program: &Program, maps: &[PlacedMap]) -> Result<PlacedProgram, HostError> {
        match self {
            Place::User(host) => {
                let maps = maps.iter().map(|map| match map {
                    PlacedMap::User(map) => Ok(map.clone()),
                    PlacedMap::Linux(_) => Err(strangers()),
                });
                let maps: Vec<_> = maps.collect::<Result<_, _>>()?;
                host.load(program, &maps).map(PlacedProgram::User)
            }
            Place::Linux(host) => {
                let maps = maps.iter().map(|map| match map {
                    PlacedMap::Linux(map) => Ok(map.clone()),
                    PlacedMap::User(_) => Err(strangers()),
                });
                let maps: Vec<_> = maps.collect::<Result<_, _>>()?;
                let loaded = host.load(program, &maps);
                loaded
                    .map(PlacedProgram::Linux)
                    .map_err(|refused| explained(refused, program, &maps, host.target()))
            }
        }
    }

    fn settle(&self) -> Result<u64, HostError> {
        either!(Place, self, host => host.settle())
    }

    fn drain(&self, sink: &mut dyn FnMut(Record)) {
        either!(Place, self, host => host.drain(sink));
    }
}

impl HostMap for PlacedMap {
    fn spec(&self) -> &MapSpec {
        either!(PlacedMap, self, map => map.spec())
    }

    fn lookup(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        either!(PlacedMap, self, map => map.lookup(key))
    }

    fn update(&self, key: &[u8], value: &[u8], mode: UpdateMode) -> Result<(), Errno> {
        either!(PlacedMap, self, map => map.update(key, value, mode))
    }

    fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        either!(PlacedMap, self, map => map.delete(key))
    }

    fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        either!(PlacedMap, self, map => map.next_key(key))
    }

    fn values(&self) -> Result<Vec<Vec<u8>>, Errno> {
        either!(PlacedMap, self, map => map.values())
    }

    fn owned(&self) -> Result<Vec<(u64, Vec<u8>)>, Errno> {
        either!(PlacedMap, self, map => map.owned())
    }

    fn freeze(&self) -> Result<(), Errno> {
        either!(PlacedMap, self, map => map.freeze())
    }
}

impl HostProgram for PlacedProgram {
    fn program(&self) -> &Program {
        either!(PlacedProgram, self, program => program.program())
    }

    fn standing(&self) -> &Standing {
        either!(PlacedProgram, self, program => program.standing())
    }

    fn form(&self) -> &Form {
        either!(PlacedProgram, self, program => program.form())
    }

    fn tier(&self) -> Option<u8> {
        either!(PlacedProgram, self, program => program.tier())
    }

    fn tier_times(&self) -> Option<TierTimes> {
        either!(PlacedProgram, self, program => program.tier_times())
    }

    fn test_run(&self, run: &mut Run) -> Result<(), HostError> {
        either!(PlacedProgram, self, program => program.test_run(run))
    }
}
