//! A map of the running kernel.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex};

use osmia_btf::TypeId;
use osmia_diag::Diagnostic;
use osmia_program::attr::MapCreate;
use osmia_program::{
    Errno, Fault, HostError, HostMap, Initial, MapKind, MapSpec, Target, UpdateMode,
};

use crate::reader::Reader;
use crate::sys::{self, MapFd};
use crate::{LinuxHost, codes, image, refusal};

/// Kinds whose keys and values have no types for the kernel, whatever the object says.
const WITHOUT_TYPES: [MapKind; 11] = [
    MapKind::PerfEventArray,
    MapKind::CgroupArray,
    MapKind::StackTrace,
    MapKind::ArrayOfMaps,
    MapKind::HashOfMaps,
    MapKind::Devmap,
    MapKind::DevmapHash,
    MapKind::Cpumap,
    MapKind::Xskmap,
    MapKind::Sockmap,
    MapKind::Sockhash,
];

/// A handle to a map of the kernel: its descriptor.
#[derive(Clone, Debug)]
pub struct LinuxMap {
    spec: Arc<MapSpec>,
    fd: Arc<MapFd>,
    /// What reads it, if programs send through it.
    reader: Option<Arc<Mutex<Reader>>>,
}

impl LinuxMap {
    /// A descriptor of it.
    ///
    /// # Errors
    /// If the process may have no more of them.
    pub fn descriptor(&self) -> std::io::Result<OwnedFd> {
        self.fd.as_fd().try_clone_to_owned()
    }

    /// True if sockets are its values.
    pub fn holds_sockets(&self) -> bool {
        matches!(self.spec.kind, MapKind::Sockmap | MapKind::Sockhash)
    }

    pub(crate) fn create(spec: &MapSpec, host: &LinuxHost) -> Result<Self, HostError> {
        if !matches!(spec.initial, Initial::Operations { .. }) {
            let mut map = Self::empty(spec, host)?;
            map.open_reader()?;
            map.fill().map_err(|errno| {
                let what = format!("map `{}` cannot be filled", spec.name);
                refusal::refused(codes::MAP, what, errno)
            })?;
            return Ok(map);
        }
        let message = format!(
            "map `{}` is a table of operations: those cannot be made on the kernel yet",
            spec.name
        );
        Err(HostError::new(
            Fault::Unsupported,
            Diagnostic::error(codes::MAP, message),
        ))
    }

    fn empty(spec: &MapSpec, host: &LinuxHost) -> Result<Self, HostError> {
        use osmia_program::Host;
        let inner = match &spec.inner {
            Some(inner) => Some(Self::empty(inner, host)?),
            None => None,
        };
        let mut spec = spec.clone();
        spec.max_entries = entries(&spec, host.target());
        let mut asked = MapCreate {
            map_type: spec.kind.number(),
            key_size: spec.key_size,
            value_size: spec.value_size,
            max_entries: spec.max_entries,
            map_flags: spec.flags.0,
            numa_node: spec.numa_node.unwrap_or_default(),
            map_name: image::name(&spec.name),
            map_extra: spec.extra,
            inner_map_fd: inner.as_ref().map_or(0, |inner| inner.fd.raw()),
            ..MapCreate::default()
        };
        let types = match &spec.btf {
            Some(types) if !WITHOUT_TYPES.contains(&spec.kind) => {
                let number = |id: Option<TypeId>| id.map_or(0, |id| id.0);
                asked.btf_key_type_id = number(types.key);
                asked.btf_value_type_id = number(types.value);
                Some(host.types(&types.btf)?)
            }
            _ => None,
        };
        asked.btf_fd = types.as_ref().map_or(0, |types| types.as_raw_fd());
        if asked.btf_fd == 0 || asked.btf_value_type_id == 0 {
            (asked.btf_fd, asked.btf_key_type_id, asked.btf_value_type_id) = (0, 0, 0);
        }
        let fd = sys::map_create(asked, value_bytes(&spec, host.target()))
            .map_err(|errno| {
                let what = format!(
                    "the kernel does not make map `{}` ({}, keys of {}, values of {} bytes, {} entries)",
                    spec.name, spec.kind, spec.key_size, spec.value_size, spec.max_entries
                );
                refusal::refused(codes::MAP, what, errno)
            })?;
        Ok(Self {
            spec: Arc::new(spec),
            fd: Arc::new(fd),
            reader: None,
        })
    }

    fn fill(&self) -> Result<(), Errno> {
        if let Initial::Value(value) = &self.spec.initial {
            self.fd.update(&0_u32.to_ne_bytes(), value, 0)?;
        }
        match self.spec.frozen {
            true => self.fd.freeze(),
            false => Ok(()),
        }
    }

    fn open_reader(&mut self) -> Result<(), HostError> {
        let reader = Reader::open(&self.fd, &self.spec).map_err(|error| {
            let message = format!("map `{}` cannot be read: {error}", self.spec.name);
            HostError::new(Fault::Unsupported, Diagnostic::error(codes::MAP, message))
        })?;
        self.reader = reader.map(|reader| Arc::new(Mutex::new(reader)));
        Ok(())
    }

    /// What reads it, if programs send through it.
    pub(crate) fn reader(&self) -> Option<&Arc<Mutex<Reader>>> {
        self.reader.as_ref()
    }

    pub(crate) fn fd(&self) -> &MapFd {
        &self.fd
    }
}

/// How many entries to ask for, where the kernel is particular about it.
fn entries(spec: &MapSpec, target: &Target) -> u32 {
    let page = rustix::param::page_size() as u32;
    match (spec.kind, spec.max_entries) {
        (MapKind::PerfEventArray, 0) => target.cpus,
        // A power of two of pages.
        (MapKind::Ringbuf | MapKind::UserRingbuf, bytes) => bytes.max(page).next_power_of_two(),
        (_, entries) => entries,
    }
}

/// Bytes of a value for callers.
fn value_bytes(spec: &MapSpec, target: &Target) -> usize {
    let bytes = spec.value_size as usize;
    match spec.kind {
        MapKind::ProgArray | MapKind::ArrayOfMaps | MapKind::HashOfMaps => 4,
        kind if kind.is_per_cpu() => bytes.next_multiple_of(8) * target.cpus as usize,
        _ => bytes,
    }
}

impl HostMap for LinuxMap {
    fn spec(&self) -> &MapSpec {
        &self.spec
    }

    fn lookup(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.fd.lookup(key)
    }

    fn update(&self, key: &[u8], value: &[u8], mode: UpdateMode) -> Result<(), Errno> {
        let flags = match mode {
            UpdateMode::Any => 0,
            UpdateMode::NoExist => 1,
            UpdateMode::Exist => 2,
        };
        self.fd.update(key, value, flags)
    }

    fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        self.fd.delete(key)
    }

    fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        self.fd.next_key(key)
    }

    fn values(&self) -> Result<Vec<Vec<u8>>, Errno> {
        // Looking would take them out.
        Err(Errno::EINVAL)
    }

    fn owned(&self) -> Result<Vec<(u64, Vec<u8>)>, Errno> {
        // The kernel finds them by descriptors of their owners, which nobody here has.
        Err(Errno::EINVAL)
    }

    fn freeze(&self) -> Result<(), Errno> {
        self.fd.freeze()
    }
}
