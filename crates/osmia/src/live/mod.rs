//! The live objects of a host, seen through bpf(2): ids, descriptors, what is known about one, what maps hold.
//!
//! One layer for both hosts: it asks whoever answers ([`Bpf`]), the running kernel or a process of the user-space
//! host. What it makes of the answers are values with bpftool's keys; how they look is the command line's business.

mod btf;
mod cfg;
mod clock;
mod data;
mod dump;
mod elements;
mod handle;
mod info;
mod link;
mod map;
mod open;
mod pins;
mod program;
mod refused;
mod select;
mod symbols;
mod typed;
mod xlated;

use std::sync::Arc;

use osmia_program::attr::{self, Address, Bpf, CallMemory, Request};
use osmia_program::{Errno, HostError};

pub use btf::{BtfRow, TypeUsers};
pub use cfg::dot;
pub use data::Words;
pub use dump::{DumpedMap, Entry, Value};
pub use elements::Elements;
pub use handle::Handle;
pub use link::LinkRow;
pub use map::{MapCreation, MapRow};
pub use open::ObjectKind;
pub use program::{ProgramRow, TestRan, TestRun};
pub use refused::{Refused, unknown, words, wrong_kind};
pub use select::Selector;
pub use xlated::{Opcodes, SourceLine, XlatedInsn};

/// A host whose objects are looked at.
#[derive(Clone)]
pub struct Live {
    bpf: Arc<dyn Bpf>,
    cpus: u32,
    is_kernel: bool,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("cpus", &self.cpus).finish()
    }
}

impl Live {
    /// The running kernel.
    ///
    /// # Errors
    /// If it does not say how many CPUs it has.
    pub fn linux() -> Result<Self, HostError> {
        Ok(Self {
            bpf: Arc::new(osmia_linux::LinuxCalls::new()),
            cpus: osmia_linux::possible_cpus()?,
            is_kernel: true,
        })
    }

    /// A user-space host with so many CPUs, by a process of it or somebody who passes calls on to one.
    pub fn user(bpf: Arc<dyn Bpf>, cpus: u32) -> Self {
        Self {
            bpf,
            cpus,
            is_kernel: false,
        }
    }

    /// How many CPUs a per-CPU map has values of.
    pub fn cpus(&self) -> u32 {
        self.cpus
    }

    /// True for the running kernel.
    pub fn is_kernel(&self) -> bool {
        self.is_kernel
    }

    /// Every id of a kind, ascending.
    ///
    /// # Errors
    /// If the host does not tell.
    pub fn ids(&self, kind: ObjectKind) -> Result<Vec<u32>, Refused> {
        let mut ids = Vec::new();
        let mut start_id = 0;
        loop {
            let asked = attr::NextId {
                start_id,
                next_id: 0,
            };
            let mut request = kind.next_id(asked);
            match self.bpf.call(&mut request, &mut CallMemory::default()) {
                Ok(_) => {}
                Err(Errno::ENOENT) => return Ok(ids),
                Err(errno) => return Err(Refused::new(format!("list of {kind}s"), errno)),
            }
            let (Request::ProgGetNextId(answer)
            | Request::MapGetNextId(answer)
            | Request::BtfGetNextId(answer)
            | Request::LinkGetNextId(answer)) = request
            else {
                return Ok(ids);
            };
            // An id that does not grow would never end.
            if answer.next_id <= start_id {
                return Ok(ids);
            }
            start_id = answer.next_id;
            ids.push(start_id);
        }
    }

    /// The object of this id.
    ///
    /// # Errors
    /// `ENOENT` if there is none, `EPERM` without the right to look.
    pub fn by_id(&self, kind: ObjectKind, id: u32) -> Result<Handle, Refused> {
        let mut request = kind.by_id(id);
        let fd = self.bpf.call(&mut request, &mut CallMemory::default());
        let fd = fd.map_err(|errno| Refused::new(format!("{kind} of id {id}"), errno))?;
        Ok(self.handle(fd, kind))
    }

    /// Every object of a kind; those that go away meanwhile are left out.
    ///
    /// # Errors
    /// If the host does not tell.
    pub fn all(&self, kind: ObjectKind) -> Result<Vec<Handle>, Refused> {
        let mut handles = Vec::new();
        for id in self.ids(kind)? {
            match self.by_id(kind, id) {
                Ok(handle) => handles.push(handle),
                Err(refused) if refused.errno == Errno::ENOENT => {}
                Err(refused) => return Err(refused),
            }
        }
        Ok(handles)
    }

    /// The object that is pinned at a path, of whichever kind it is.
    ///
    /// # Errors
    /// If nothing is pinned there.
    pub fn pinned(&self, path: &str) -> Result<Handle, Refused> {
        let mut memory = CallMemory::default();
        let mut request = Request::ObjGet(attr::ObjPath {
            pathname: memory.put_text(path.as_bytes()),
            ..attr::ObjPath::default()
        });
        let refused = |errno| Refused::new(format!("object pinned at `{path}`"), errno);
        let fd = self.bpf.call(&mut request, &mut memory).map_err(refused)?;
        let kind = self.bpf.info_layout(fd).and_then(ObjectKind::of_layout);
        match kind {
            Some(kind) => Ok(self.handle(fd, kind)),
            None => {
                self.bpf.close(fd);
                Err(refused(Errno::EINVAL))
            }
        }
    }

    /// Makes a call that gives nothing but its success.
    fn ask(&self, mut request: Request, mut memory: CallMemory) -> Result<Request, Errno> {
        self.bpf.call(&mut request, &mut memory)?;
        Ok(request)
    }

    fn handle(&self, fd: u32, kind: ObjectKind) -> Handle {
        Handle::new(self.clone(), fd, kind)
    }
}

/// No address.
const NOWHERE: Address = Address(0);
