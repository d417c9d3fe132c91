//! What a name in the tree stands for, and who may do what with it.

use std::collections::BTreeMap;

use osmia_program::Errno;

use super::Pinned;
use crate::Credentials;

/// Number of a directory, pin or symbolic link.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct InodeId(pub(super) u64);

impl InodeId {
    /// `/`.
    pub(crate) const ROOT: InodeId = InodeId(1);
}

/// Names of a directory.
pub(super) type Children = BTreeMap<Box<[u8]>, InodeId>;

#[derive(Debug)]
pub(super) struct Inode {
    /// Permission bits.
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Names it has.
    pub(super) links: u32,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    Directory {
        parent: InodeId,
        children: Children,
        /// False for what only leads to the mount point.
        is_bpffs: bool,
    },
    Pinned(Pinned),
    Symlink(Box<[u8]>),
}

/// Reading, writing, searching: bits of a mode.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rights(pub(super) u32);

impl Rights {
    pub(crate) const READ: Rights = Rights(4);
    pub(crate) const WRITE: Rights = Rights(2);
    /// Looking names up.
    pub(crate) const SEARCH: Rights = Rights(1);
    /// Adding and removing names.
    pub(crate) const CHANGE: Rights = Rights(3);

    /// Both.
    pub(crate) const fn and(self, other: Rights) -> Rights {
        Rights(self.0 | other.0)
    }
}

/// The bit of a directory whose names only their owners remove.
const STICKY: u32 = 0o1000;

/// What kind of file a name stands for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A directory.
    Directory,
    /// A pinned object.
    Pin,
    /// A symbolic link.
    Symlink,
}

/// What `lstat` tells.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct FileStat {
    /// What it is.
    pub kind: FileKind,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Names it has.
    pub links: u32,
}

impl Inode {
    pub(super) fn new(body: Body, mode: u32, who: Credentials) -> Self {
        Self {
            mode,
            uid: who.uid,
            gid: who.gid,
            links: 1,
            body,
        }
    }

    pub(super) fn directory(parent: InodeId, is_bpffs: bool, mode: u32) -> Self {
        let body = Body::Directory {
            parent,
            children: Children::new(),
            is_bpffs,
        };
        Self::new(body, mode, Credentials::ROOT)
    }

    pub(super) fn is_directory(&self) -> bool {
        matches!(self.body, Body::Directory { .. })
    }

    pub(super) fn stat(&self) -> FileStat {
        FileStat {
            kind: match self.body {
                Body::Directory { .. } => FileKind::Directory,
                Body::Pinned(_) => FileKind::Pin,
                Body::Symlink(_) => FileKind::Symlink,
            },
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
            links: self.links,
        }
    }

    /// Whether somebody may do this with it.
    pub(super) fn must_allow(&self, who: Credentials, rights: Rights) -> Result<(), Errno> {
        let bits = match () {
            () if who.uid == self.uid => self.mode >> 6,
            () if who.gid == self.gid => self.mode >> 3,
            () => self.mode,
        };
        match who.capable || bits & rights.0 == rights.0 {
            true => Ok(()),
            false => Err(Errno::EACCES),
        }
    }

    /// Whether somebody who may change this directory may take this name out of it.
    pub(super) fn must_allow_removal(&self, who: Credentials, of: &Inode) -> Result<(), Errno> {
        let only_owners = self.mode & STICKY != 0;
        let owns = who.uid == of.uid || who.uid == self.uid;
        match who.capable || owns || !only_owners {
            true => Ok(()),
            false => Err(Errno::EPERM),
        }
    }
}
