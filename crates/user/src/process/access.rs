//! What may be done with a map through a descriptor.

use osmia_program::{Errno, MapFlags};

/// Reading and writing from outside programs.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

impl Access {
    /// What `BPF_F_RDONLY` and `BPF_F_WRONLY` among flags leave; both at once leave nothing to do.
    pub(crate) fn from_flags(flags: u32) -> Result<Self, Errno> {
        let flags = MapFlags(flags);
        let access = Access {
            read: !flags.has(MapFlags::WRONLY),
            write: !flags.has(MapFlags::RDONLY),
        };
        match access.read || access.write {
            true => Ok(access),
            false => Err(Errno::EINVAL),
        }
    }

    pub(crate) fn must_read(self) -> Result<(), Errno> {
        match self.read {
            true => Ok(()),
            false => Err(Errno::EPERM),
        }
    }

    pub(crate) fn must_write(self) -> Result<(), Errno> {
        match self.write {
            true => Ok(()),
            false => Err(Errno::EPERM),
        }
    }
}
