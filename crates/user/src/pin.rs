//! The tree of pins: directories, names and rights as bpffs has them.
//!
//! A pin holds an object as a descriptor does. The tree is mounted at `/sys/fs/bpf`; beside it is
//! nothing but an empty `/tmp`; [`crate::Process`] works on it by path. Rules are those of Linux 6.18
//! (`kernel/bpf/inode.c` and what it leaves to the virtual file system). Nothing here knows
//! descriptors or commands.

mod change;
mod inode;
mod walk;

use std::sync::{Arc, Mutex};

use osmia_program::Errno;
use osmia_vm::Code;
use rustc_hash::FxHashMap;

pub use inode::{FileKind, FileStat};
pub(crate) use inode::{InodeId, Rights};
pub(crate) use walk::Walker;

use self::inode::{Body, Inode};
use crate::link::Link;
use crate::object::MapUse;

/// Where pins are.
pub const MOUNT_POINT: &str = "/sys/fs/bpf";

/// A directory of the root that takes no pins, as there is one everywhere.
const ELSEWHERE: &str = "tmp";

/// What is pinned.
#[derive(Clone, Debug)]
pub(crate) enum Pinned {
    Map(MapUse),
    Program(Arc<Code>),
    Link(Arc<Link>),
}

/// The tree.
#[derive(Debug)]
pub(crate) struct PinTree {
    inodes: Mutex<Inodes>,
    /// The directory that the bpffs is mounted on.
    mount_point: InodeId,
}

/// Directories, pins and symbolic links by number. Numbers are never used again.
#[derive(Debug)]
struct Inodes {
    all: FxHashMap<InodeId, Inode>,
    next: u64,
}

impl Default for PinTree {
    /// `/sys/fs/bpf`, empty.
    fn default() -> Self {
        let mut inodes = Inodes {
            all: FxHashMap::default(),
            next: InodeId::ROOT.0,
        };
        let mut parent = InodeId::ROOT;
        inodes.add(Inode::directory(parent, false, 0o755));
        let mut names = MOUNT_POINT.split('/').skip(1).peekable();
        while let Some(name) = names.next() {
            let (is_bpffs, mode) = match names.peek() {
                None => (true, 0o1777),
                Some(_) => (false, 0o755),
            };
            let child = inodes.add(Inode::directory(parent, is_bpffs, mode));
            inodes
                .children(parent)
                .insert(name.as_bytes().into(), child);
            parent = child;
        }
        // Somewhere that is no bpffs, to be told so.
        let elsewhere = inodes.add(Inode::directory(InodeId::ROOT, false, 0o1777));
        inodes
            .children(InodeId::ROOT)
            .insert(ELSEWHERE.as_bytes().into(), elsewhere);
        Self {
            inodes: Mutex::new(inodes),
            mount_point: parent,
        }
    }
}

impl PinTree {
    /// The root of the bpffs.
    pub(crate) fn mount_point(&self) -> InodeId {
        self.mount_point
    }
}

impl Inodes {
    fn add(&mut self, inode: Inode) -> InodeId {
        let id = InodeId(self.next);
        self.next += 1;
        self.all.insert(id, inode);
        id
    }

    fn at(&self, id: InodeId) -> &Inode {
        &self.all[&id]
    }

    fn children(&mut self, directory: InodeId) -> &mut inode::Children {
        match self.all.get_mut(&directory).map(|inode| &mut inode.body) {
            Some(Body::Directory { children, .. }) => children,
            _ => panic!("not a directory"),
        }
    }

    /// One name less; returns what is gone with the last, to be dropped outside the lock.
    fn unlink(&mut self, id: InodeId) -> Option<Inode> {
        let inode = self.all.get_mut(&id)?;
        inode.links -= 1;
        match inode.links {
            0 => self.all.remove(&id),
            _ => None,
        }
    }

    fn directory(&self, id: InodeId) -> Result<(&inode::Children, bool), Errno> {
        match self.all.get(&id).map(|inode| &inode.body) {
            Some(Body::Directory {
                children, is_bpffs, ..
            }) => Ok((children, *is_bpffs)),
            Some(_) => Err(Errno::ENOTDIR),
            None => Err(Errno::ENOENT),
        }
    }
}
