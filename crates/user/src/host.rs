//! The user-space host: programs run by the checking interpreter, maps in this process.

mod map;
mod program;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use osmia_diag::Diagnostic;
use osmia_program::{Fault, Host, HostError, MapKind, MapSpec, Program, Record, Slotted, Target};
use osmia_vm::Environment;
use osmia_vm::Machine;
use osmia_vm::map::{Map, Runs};

pub use map::UserMap;
pub use program::UserProgram;

use crate::{UserOptions, codes};

/// A machine in an ordinary process. Programs run checked, not verified: every access is tested
/// while it happens, and what the kernel's verifier would refuse may run until it does harm.
#[derive(Debug)]
pub struct UserHost {
    target: Target,
    runs: Arc<Runs>,
    machine: Arc<Mutex<Machine>>,
    /// Maps that programs send records through.
    event_maps: Mutex<Vec<Weak<Map>>>,
}

impl UserHost {
    /// A machine as described.
    ///
    /// # Errors
    /// If memory is short.
    pub fn new(options: UserOptions) -> Result<Self, HostError> {
        let target = options.target();
        let environment = Environment {
            insns_max: options.insns_max,
            network: Arc::clone(&options.network),
            ..match options.seed {
                Some(seed) => Environment::repeatable(seed),
                None => Environment::real(),
            }
        };
        let runs = Arc::new(Runs::new(target.cpus));
        let machine = Machine::among(&runs, environment).ok_or_else(|| {
            HostError::new(
                Fault::Unsupported,
                Diagnostic::error(codes::USER_MEMORY, "there is not enough memory to begin"),
            )
        })?;
        Ok(Self {
            runs,
            target,
            machine: Arc::new(Mutex::new(machine)),
            event_maps: Mutex::default(),
        })
    }
}

impl Host for UserHost {
    type Map = UserMap;
    type Program = UserProgram;

    fn target(&self) -> &Target {
        &self.target
    }

    fn create_map(&self, spec: &MapSpec) -> Result<UserMap, HostError> {
        let map = UserMap::create(spec, &self.runs)?;
        if matches!(spec.kind, MapKind::Ringbuf | MapKind::PerfEventArray) {
            let mut event_maps = lock(&self.event_maps);
            event_maps.retain(|map| map.strong_count() > 0);
            event_maps.push(Arc::downgrade(map.map()));
        }
        Ok(map)
    }

    fn set_slot(
        &self,
        map: &UserMap,
        index: u32,
        content: Slotted<'_, UserMap, UserProgram>,
    ) -> Result<(), HostError> {
        map.set_slot(index, content)
    }

    fn load(&self, program: &Program, maps: &[UserMap]) -> Result<UserProgram, HostError> {
        UserProgram::load(program, maps, &self.machine)
    }

    fn drain(&self, sink: &mut dyn FnMut(Record)) {
        lock(&self.machine).drain(sink);
        for map in lock(&self.event_maps).iter().filter_map(Weak::upgrade) {
            map.drain(sink);
        }
    }
}

/// What is locked here is filled anew by each use, so a panic in one does not spoil the next.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
