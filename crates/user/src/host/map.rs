//! A map of the user-space host.

use std::sync::Arc;

use osmia_diag::Diagnostic;
use osmia_program::{Errno, Fault, HostError, HostMap, HostProgram, MapSpec, Slotted, UpdateMode};
use osmia_vm::map::{BrokenRule, Map, MapError, Runs};

use super::UserProgram;
use crate::codes;

/// A handle to a live map. With the last one, program arrays and maps of maps are emptied, as in
/// the kernel: a program that jumps to itself would otherwise never go away.
#[derive(Clone, Debug)]
pub struct UserMap {
    outside: Arc<Outside>,
}

#[derive(Debug)]
struct Outside(Arc<Map>);

impl Drop for Outside {
    fn drop(&mut self) {
        self.0.clear_slots();
    }
}

impl UserMap {
    pub(super) fn create(spec: &MapSpec, runs: &Arc<Runs>) -> Result<Self, HostError> {
        let map = Map::create(spec, runs).map_err(|error| refused(&error))?;
        Ok(Self {
            outside: Arc::new(Outside(Arc::new(map))),
        })
    }

    /// What programs hold.
    pub(super) fn map(&self) -> &Arc<Map> {
        &self.outside.0
    }

    pub(super) fn set_slot(
        &self,
        index: u32,
        content: Slotted<'_, UserMap, UserProgram>,
    ) -> Result<(), HostError> {
        let (set, what) = match content {
            Slotted::Map(inner) => {
                // A hash of maps is keyed by numbers of four bytes in objects.
                let key = index.to_ne_bytes();
                let inner_map = Arc::clone(inner.map());
                let set = self.map().set_inner_map(&key, inner_map, UpdateMode::Any);
                (set, format!("map `{}`", inner.spec().name))
            }
            Slotted::Program(program) => {
                let set = self.map().set_program(index, Arc::clone(program.code()));
                (set, format!("program `{}`", program.program().name))
            }
        };
        set.map_err(|errno| {
            let message = format!(
                "{what} cannot be put into slot {index} of map `{}`: {errno}",
                self.spec().name
            );
            HostError::new(
                Fault::Input,
                Diagnostic::error(codes::USER_SLOT, message).note(format!(
                    "it is a {} of {} slots",
                    self.spec().kind,
                    self.spec().max_entries
                )),
            )
        })
    }
}

fn refused(error: &MapError) -> HostError {
    let fault = match error.broken {
        BrokenRule::Unsupported => Fault::Unsupported,
        _ => Fault::Input,
    };
    HostError::new(fault, error.to_diagnostic())
}

impl HostMap for UserMap {
    fn spec(&self) -> &MapSpec {
        self.map().spec()
    }

    fn lookup(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.map().lookup_outside(key)
    }

    fn update(&self, key: &[u8], value: &[u8], mode: UpdateMode) -> Result<(), Errno> {
        self.map().update_outside(key, value, mode)
    }

    fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        self.map().delete_outside(key)
    }

    fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        self.map().next_key_outside(key)
    }

    fn freeze(&self) -> Result<(), Errno> {
        self.map().freeze()
    }
}
