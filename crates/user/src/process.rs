//! A process of the user-space host: its file descriptors and the bpf(2) commands it may give.
//!
//! Each command is a method that takes what the attributes say ([`crate::bpf`]), checks it in the
//! order of Linux 6.18 and answers with the kernel's errno. Not here: how attributes lie in memory.

mod access;
mod attach;
mod attach_targets;
mod bytes;
mod descriptors;
mod elements;
mod infos;
mod instructions;
mod links;
mod load_log;
mod maps;
mod objects;
mod pins;
mod programs;
mod run_context;
mod runs;
mod system;
mod types;
mod user_pointers;

use std::sync::{Arc, Mutex};

use osmia_program::Errno;
use osmia_vm::Code;

pub(crate) use access::Access;
pub(crate) use descriptors::{Descriptors, File};

use crate::Kernel;
use crate::bpf::Fd;
use crate::kernel::lock;
use crate::object::{BtfObject, MapUse};

/// Who a process is to the kernel.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Every capability, or none.
    pub capable: bool,
}

impl Credentials {
    /// User 0 with every capability.
    pub const ROOT: Credentials = Credentials {
        uid: 0,
        gid: 0,
        capable: true,
    };
}

/// A process: who it is, and what it has open. Everything it has open is closed when it is dropped.
#[derive(Debug)]
pub struct Process {
    kernel: Arc<Kernel>,
    credentials: Credentials,
    descriptors: Arc<Mutex<Descriptors>>,
    /// Where its programs run unless it says where.
    cpu: u32,
}

impl Process {
    /// A process that has nothing open but its first three descriptors, which are no objects.
    pub fn new(kernel: &Arc<Kernel>, credentials: Credentials) -> Self {
        Self {
            kernel: Arc::clone(kernel),
            credentials,
            descriptors: Arc::new(Mutex::new(Descriptors::new())),
            cpu: kernel.next_cpu(),
        }
    }

    /// Where its objects are registered.
    pub fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }

    /// `close`.
    pub fn close(&self, fd: Fd) -> Result<(), Errno> {
        let file = lock(&self.descriptors).take(fd)?;
        // Not under the lock: it may be the last holder of much.
        drop(file);
        Ok(())
    }

    /// `dup`.
    pub fn dup(&self, fd: Fd) -> Result<Fd, Errno> {
        let mut descriptors = lock(&self.descriptors);
        let file = descriptors.at(fd)?;
        descriptors.add(file)
    }

    /// `fork`: another process with the same files open.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            kernel: Arc::clone(&self.kernel),
            credentials: self.credentials,
            descriptors: Arc::new(Mutex::new(lock(&self.descriptors).clone())),
            cpu: self.kernel.next_cpu(),
        }
    }

    /// Another thread: the same process by another handle.
    pub(crate) fn thread(&self) -> Self {
        Self {
            kernel: Arc::clone(&self.kernel),
            credentials: self.credentials,
            descriptors: Arc::clone(&self.descriptors),
            cpu: self.cpu,
        }
    }

    fn open(&self, file: File) -> Result<Fd, Errno> {
        lock(&self.descriptors).add(Arc::new(file))
    }

    fn file(&self, fd: Fd) -> Result<Arc<File>, Errno> {
        lock(&self.descriptors).at(fd)
    }

    /// The map of a descriptor, and what may be done through it.
    fn map(&self, fd: Fd) -> Result<(MapUse, Access), Errno> {
        match &*self.file(fd)? {
            File::Map { map, access } => Ok((map.clone(), *access)),
            _ => Err(Errno::EINVAL),
        }
    }

    fn program(&self, fd: Fd) -> Result<Arc<Code>, Errno> {
        match &*self.file(fd)? {
            File::Program(code) => Ok(Arc::clone(code)),
            _ => Err(Errno::EINVAL),
        }
    }

    fn btf(&self, fd: Fd) -> Result<Arc<BtfObject>, Errno> {
        match &*self.file(fd)? {
            File::Btf(btf) => Ok(Arc::clone(btf)),
            _ => Err(Errno::EINVAL),
        }
    }

    /// What most commands ask first.
    fn must_be_capable(&self) -> Result<(), Errno> {
        match self.credentials.capable {
            true => Ok(()),
            false => Err(Errno::EPERM),
        }
    }

    /// A token's descriptor: there are none, so it is a bad number or another file.
    fn no_token(&self, fd: Fd) -> Errno {
        self.file(fd).map_or_else(|errno| errno, |_| Errno::EINVAL)
    }
}
