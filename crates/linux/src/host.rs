//! The running kernel as a host.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use osmia_btf::Btf;
use osmia_program::{Errno, Host, HostError, HostMap, MapSpec, Program, Record, Slotted, Target};

use crate::reader::Reader;
use crate::{LinuxMap, LinuxProgram, codes, limits, refusal, sys};

/// The running kernel. What is made here is gone with its last handle.
#[derive(Debug)]
pub struct LinuxHost {
    target: Target,
    /// Types the kernel has been given already, by where they are here.
    types: Mutex<Vec<(Arc<Btf>, Arc<OwnedFd>)>>,
    /// What programs send through maps, while the maps have handles.
    readers: Mutex<Vec<Weak<Mutex<Reader>>>>,
}

impl LinuxHost {
    /// The kernel of this machine, for programs linked for this target (see [`crate::running_kernel`]).
    pub fn new(target: Target) -> Self {
        Self {
            target,
            types: Mutex::default(),
            readers: Mutex::default(),
        }
    }

    /// A descriptor of these types in the kernel.
    pub(crate) fn types(&self, btf: &Arc<Btf>) -> Result<Arc<OwnedFd>, HostError> {
        let mut types = lock(&self.types);
        if let Some((_, fd)) = types.iter().find(|(known, _)| Arc::ptr_eq(known, btf)) {
            return Ok(Arc::clone(fd));
        }
        let loaded = sys::btf_load(btf.as_bytes(), None).map_err(|errno| {
            let mut log = vec![0; limits::LOG_BYTES];
            let _ = sys::btf_load(btf.as_bytes(), Some(&mut log));
            let what = "the kernel does not take the object's types".to_owned();
            let mut refused = refusal::refused(codes::TYPES, what, errno);
            if let Some(last) = text_of(&log).lines().last() {
                refused
                    .diagnostic
                    .notes
                    .push(format!("its log ends: {last}"));
            }
            refused
        })?;
        let fd = Arc::new(loaded);
        types.push((Arc::clone(btf), Arc::clone(&fd)));
        Ok(fd)
    }
}

/// The text before the first zero.
pub(crate) fn text_of(log: &[u8]) -> String {
    let end = log.iter().position(|&byte| byte == 0);
    String::from_utf8_lossy(&log[..end.unwrap_or(log.len())]).into_owned()
}

impl Host for LinuxHost {
    type Map = LinuxMap;
    type Program = LinuxProgram;

    fn target(&self) -> &Target {
        &self.target
    }

    fn create_map(&self, spec: &MapSpec) -> Result<LinuxMap, HostError> {
        let map = LinuxMap::create(spec, self)?;
        if let Some(reader) = map.reader() {
            lock(&self.readers).push(Arc::downgrade(reader));
        }
        Ok(map)
    }

    fn set_slot(
        &self,
        map: &LinuxMap,
        index: u32,
        content: Slotted<'_, LinuxMap, LinuxProgram>,
    ) -> Result<(), HostError> {
        let (what, fd) = match content {
            Slotted::Map(inner) => (format!("map `{}`", inner.spec().name), inner.fd().raw()),
            Slotted::Program(program) => {
                (format!("program `{}`", program.name()), program.raw_fd())
            }
        };
        let set = map.fd().update(&index.to_ne_bytes(), &fd.to_ne_bytes(), 0);
        set.map_err(|errno: Errno| {
            let name = &map.spec().name;
            let what = format!("{what} cannot be put into slot {index} of map `{name}`");
            refusal::refused(codes::MAP, what, errno)
        })
    }

    fn load(&self, program: &Program, maps: &[LinuxMap]) -> Result<LinuxProgram, HostError> {
        LinuxProgram::load(program, maps, self)
    }

    fn drain(&self, sink: &mut dyn FnMut(Record)) {
        lock(&self.readers).retain(|reader| match reader.upgrade() {
            Some(reader) => {
                lock(&reader).drain(sink);
                true
            }
            None => false,
        });
    }
}

/// What a panic elsewhere left is still whole: nothing here stops half way.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
