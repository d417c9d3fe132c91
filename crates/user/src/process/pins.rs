//! Pins: `BPF_OBJ_PIN`, `BPF_OBJ_GET`, and the calls of the file system they lie in.

use std::sync::Arc;

use osmia_program::Errno;

use super::{Access, File, Process};
use crate::bpf::{Fd, ObjGet, ObjPin};
use crate::pin::{FileStat, InodeId, Pinned, Rights, Walker};

/// `BPF_F_RDONLY | BPF_F_WRONLY`.
const ACCESS_FLAGS: u32 = 1 << 3 | 1 << 4;
/// `BPF_F_PATH_FD`.
const PATH_FD: u32 = 1 << 14;
/// Rights that nobody but the owner gets to what is made (`umask`).
const UMASK: u32 = 0o022;

impl Process {
    /// `BPF_OBJ_PIN`.
    pub fn obj_pin(&self, asked: &ObjPin<'_>) -> Result<(), Errno> {
        if asked.file_flags & !PATH_FD != 0 {
            return Err(Errno::EINVAL);
        }
        let from = starting_point(asked.file_flags, asked.path_fd)?;
        // A number that is no descriptor is as wrong as one that is no such object.
        let file = self.file(asked.bpf_fd).map_err(|_| Errno::EINVAL)?;
        let object = match &*file {
            File::Map { map, .. } => Pinned::Map(map.clone()),
            File::Program(code) => Pinned::Program(Arc::clone(code)),
            File::Link(link) => Pinned::Link(Arc::clone(link)),
            _ => return Err(Errno::EINVAL),
        };
        let path = asked.path.ok_or(Errno::EFAULT)?;
        let walker = self.starting_from(from, path)?;
        self.kernel.pins().pin(walker, path, object)
    }

    /// `BPF_OBJ_GET`.
    pub fn obj_get(&self, asked: &ObjGet<'_>) -> Result<Fd, Errno> {
        if asked.bpf_fd.0 != 0 || asked.file_flags & !(ACCESS_FLAGS | PATH_FD) != 0 {
            return Err(Errno::EINVAL);
        }
        let from = starting_point(asked.file_flags, asked.path_fd)?;
        let access = Access::from_flags(asked.file_flags)?;
        let path = asked.path.ok_or(Errno::EFAULT)?;
        let walker = self.starting_from(from, path)?;
        let rights = match access {
            Access { write: false, .. } => Rights::READ,
            Access { read: false, .. } => Rights::WRITE,
            _ => Rights::READ.and(Rights::WRITE),
        };
        let file = match self.kernel.pins().object(walker, path, rights)? {
            Pinned::Map(map) => File::Map { map, access },
            Pinned::Program(code) => File::Program(code),
            Pinned::Link(_) if !(access.read && access.write) => return Err(Errno::EINVAL),
            Pinned::Link(link) => File::Link(link),
        };
        self.open(file)
    }

    /// `open` of a directory in the tree of pins.
    pub fn open_directory(&self, path: &str) -> Result<Fd, Errno> {
        let directory = self
            .kernel
            .pins()
            .directory(self.walker(), path.as_bytes())?;
        self.open(File::Directory(directory))
    }

    /// `mkdir`.
    pub fn mkdir(&self, path: &str) -> Result<(), Errno> {
        let mode = 0o777 & !UMASK;
        self.kernel
            .pins()
            .mkdir(self.walker(), path.as_bytes(), mode)
    }

    /// `rmdir`.
    pub fn rmdir(&self, path: &str) -> Result<(), Errno> {
        self.kernel.pins().rmdir(self.walker(), path.as_bytes())
    }

    /// `unlink`.
    pub fn unlink(&self, path: &str) -> Result<(), Errno> {
        self.kernel.pins().unlink(self.walker(), path.as_bytes())
    }

    /// `rename`.
    pub fn rename(&self, old: &str, new: &str) -> Result<(), Errno> {
        let (old, new) = (old.as_bytes(), new.as_bytes());
        self.kernel.pins().rename(self.walker(), old, new)
    }

    /// `symlink`.
    pub fn symlink(&self, target: &str, path: &str) -> Result<(), Errno> {
        let (target, path) = (target.as_bytes(), path.as_bytes());
        self.kernel.pins().symlink(self.walker(), target, path)
    }

    /// `link`.
    pub fn link(&self, old: &str, new: &str) -> Result<(), Errno> {
        let (old, new) = (old.as_bytes(), new.as_bytes());
        self.kernel.pins().link(self.walker(), old, new)
    }

    /// `readlink`.
    pub fn readlink(&self, path: &str) -> Result<Vec<u8>, Errno> {
        self.kernel.pins().readlink(self.walker(), path.as_bytes())
    }

    /// `chmod`.
    pub fn chmod(&self, path: &str, mode: u32) -> Result<(), Errno> {
        self.kernel
            .pins()
            .chmod(self.walker(), path.as_bytes(), mode)
    }

    /// `chown`.
    pub fn chown(&self, path: &str, uid: u32, gid: u32) -> Result<(), Errno> {
        self.kernel
            .pins()
            .chown(self.walker(), path.as_bytes(), (uid, gid))
    }

    /// `lstat`.
    pub fn lstat(&self, path: &str) -> Result<FileStat, Errno> {
        self.kernel.pins().stat(self.walker(), path.as_bytes())
    }

    /// `readdir`: the names in a directory, in order.
    pub fn list_directory(&self, path: &str) -> Result<Vec<Vec<u8>>, Errno> {
        self.kernel.pins().list(self.walker(), path.as_bytes())
    }

    fn walker(&self) -> Walker {
        Walker {
            who: self.credentials,
            from: InodeId::ROOT,
        }
    }

    /// Where a path starts; a descriptor does not matter to an absolute one.
    fn starting_from(&self, from: Option<Fd>, path: &[u8]) -> Result<Walker, Errno> {
        let from = match from {
            Some(fd) if !path.starts_with(b"/") => match &*self.file(fd)? {
                File::Directory(directory) => *directory,
                _ => return Err(Errno::ENOTDIR),
            },
            _ => InodeId::ROOT,
        };
        Ok(Walker {
            from,
            ..self.walker()
        })
    }
}

/// The descriptor relative paths start from, if one counts.
fn starting_point(flags: u32, path_fd: Fd) -> Result<Option<Fd>, Errno> {
    /// The working directory.
    const AT_FDCWD: Fd = Fd(-100);
    match flags & PATH_FD != 0 {
        true if path_fd == AT_FDCWD => Ok(None),
        true => Ok(Some(path_fd)),
        false if path_fd.0 != 0 => Err(Errno::EINVAL),
        false => Ok(None),
    }
}
