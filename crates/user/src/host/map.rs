//! A map of the user-space host.

use std::sync::Arc;

use osmia_btf::{Kind, TypeId, essential_name};
use osmia_diag::Diagnostic;
use osmia_program::{
    Errno, Fault, HostError, HostMap, HostProgram, MapBtf, MapFlags, MapKind, MapSpec, Slotted,
    UpdateMode,
};
use osmia_vm::map::{BrokenRule, Map};

use super::UserProgram;
use crate::object::{MapAbout, MapRefused, MapUse, fitted_name};
use crate::{Kernel, codes};

/// A handle to a live map: a use of it, as a file descriptor is.
#[derive(Clone, Debug)]
pub struct UserMap {
    used: MapUse,
}

impl UserMap {
    pub(super) fn create(spec: &MapSpec, kernel: &Kernel) -> Result<Self, HostError> {
        if let Some((spec, value)) = operations(spec, kernel) {
            let about = MapAbout {
                name: fitted_name(&spec.name),
                vmlinux_value_type: value.0,
                ..MapAbout::default()
            };
            let used = kernel.create_map(&spec, about).map_err(refused)?;
            return Ok(Self { used });
        }
        let types = spec.btf.as_ref();
        let number = |id: Option<TypeId>| id.map_or(0, |id| id.0);
        let about = MapAbout {
            name: fitted_name(&spec.name),
            btf: types.and_then(|types| kernel.shared_btf(&types.btf)),
            key_type: number(types.and_then(|types| types.key)),
            value_type: number(types.and_then(|types| types.value)),
            ..MapAbout::default()
        };
        let used = kernel.create_map(spec, about).map_err(refused)?;
        // Who has a handle reads the events of every CPU.
        if let Some(events) = used.map().perf_events() {
            events.open_all();
        }
        Ok(Self { used })
    }

    /// Its id in the registry.
    pub fn id(&self) -> u32 {
        self.used.id()
    }

    /// What programs hold.
    pub fn map(&self) -> &Arc<Map> {
        self.used.map()
    }

    fn may(&self, denied_by: u32) -> Result<(), Errno> {
        match self.spec().flags.has(denied_by) {
            true => Err(Errno::EPERM),
            false => Ok(()),
        }
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

/// A table of kernel operations with the kernel's types of it instead of the object's, and the type
/// of its value; `None` for other kinds, and where the kernel's types are not known.
fn operations(spec: &MapSpec, kernel: &Kernel) -> Option<(MapSpec, TypeId)> {
    if spec.kind != MapKind::StructOps {
        return None;
    }
    let (types, vmlinux) = (spec.btf.as_ref()?, kernel.vmlinux()?);
    let table = types.btf.ty(types.value?)?.name();
    let value = format!("bpf_struct_ops_{}", essential_name(table));
    let value = vmlinux.btf.find(&value, Kind::Struct)?;
    let btf = Some(MapBtf {
        btf: Arc::clone(&vmlinux.btf),
        key: None,
        value: Some(value),
    });
    let spec = MapSpec {
        btf,
        ..spec.clone()
    };
    Some((spec, value))
}

fn refused(refused: MapRefused) -> HostError {
    let error = match refused {
        MapRefused::Rule(error) => error,
        MapRefused::Errno(errno) => {
            let message = format!("the map cannot be registered: {errno}");
            return HostError::new(
                Fault::Unsupported,
                Diagnostic::error(codes::USER_MEMORY, message),
            );
        }
    };
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
        self.may(MapFlags::WRONLY)?;
        self.map().lookup_outside(key)
    }

    fn update(&self, key: &[u8], value: &[u8], mode: UpdateMode) -> Result<(), Errno> {
        self.may(MapFlags::RDONLY)?;
        self.map().update_outside(key, value, mode)
    }

    fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        self.may(MapFlags::RDONLY)?;
        self.map().delete_outside(key)
    }

    fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        self.may(MapFlags::WRONLY)?;
        self.map().next_key_outside(key)
    }

    fn values(&self) -> Result<Vec<Vec<u8>>, Errno> {
        self.may(MapFlags::WRONLY)?;
        self.map().values_outside()
    }

    fn owned(&self) -> Result<Vec<(u64, Vec<u8>)>, Errno> {
        self.may(MapFlags::WRONLY)?;
        let storage = self.map().storage().ok_or(Errno::EINVAL)?;
        Ok(storage.values())
    }

    fn freeze(&self) -> Result<(), Errno> {
        self.may(MapFlags::RDONLY)?;
        self.map().freeze()
    }
}
