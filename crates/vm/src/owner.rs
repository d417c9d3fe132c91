//! Kernel objects that maps keep data about, by the number people know them by: a task by its pid, a
//! control group by its id, an inode by its number, a socket by its cookie.
//!
//! The kernel takes file descriptors for these from outside; what has none here is named by its
//! number. Whoever describes objects in detail enters them with [`Owners::enter`]; an object that
//! nobody described is made of zeroes by [`Owners::find_or_make`] when a program meets it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use osmia_program::MapKind;
use rustc_hash::FxHashMap;

use crate::heap::{Object, ObjectAccess, Tag};
use crate::limits;
use crate::map::Runs;

/// A kind of object.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum OwnerKind {
    /// A task, by pid.
    Task,
    /// A control group, by id.
    Cgroup,
    /// An inode, by number.
    Inode,
    /// A socket, by cookie.
    Socket,
}

impl OwnerKind {
    /// The owners of a local storage.
    pub fn of(kind: MapKind) -> Option<Self> {
        Some(match kind {
            MapKind::TaskStorage => Self::Task,
            MapKind::CgrpStorage => Self::Cgroup,
            MapKind::InodeStorage => Self::Inode,
            MapKind::SkStorage => Self::Socket,
            _ => return None,
        })
    }

    /// The kernel's type.
    pub fn type_name(self) -> &'static str {
        self.type_names()[0]
    }

    /// The kernel's types that objects of this kind may be shown as, the usual one first.
    fn type_names(self) -> &'static [&'static str] {
        match self {
            Self::Task => &["task_struct"],
            Self::Cgroup => &["cgroup"],
            Self::Inode => &["inode"],
            Self::Socket => &["sock", "tcp_sock", "tcp6_sock", "udp6_sock", "unix_sock"],
        }
    }

    /// True if an object is of this kind.
    pub fn is(self, object: &Object) -> bool {
        object.offset == 0 && self.type_names().contains(&&*object.tag.name)
    }
}

/// The objects of a host.
#[derive(Debug, Default)]
pub struct Owners {
    known: Mutex<FxHashMap<(OwnerKind, u64), u64>>,
}

impl Owners {
    /// The address of an object.
    pub fn find(&self, kind: OwnerKind, number: u64) -> Option<u64> {
        self.lock().get(&(kind, number)).copied()
    }

    /// Makes an object on the heap known; one of the same number is forgotten, not freed.
    pub fn enter(&self, kind: OwnerKind, number: u64, address: u64) {
        self.lock().insert((kind, number), address);
    }

    /// The address of an object, made of zeroes if nobody described it. `None` if memory is short.
    pub fn find_or_make(&self, runs: &Runs, kind: OwnerKind, number: u64) -> Option<u64> {
        let mut known = self.lock();
        if let Some(address) = known.get(&(kind, number)) {
            return Some(*address);
        }
        let tag = Tag::named(kind.type_name());
        let bytes = limits::PLAIN_OBJECT_BYTES;
        let address = (runs.heap()).allocate(runs, bytes, ObjectAccess::Read, tag)?;
        known.insert((kind, number), address);
        Some(address)
    }

    /// The object ends: a task exits, a control group is removed. What maps kept about it goes.
    pub fn end(&self, runs: &Runs, kind: OwnerKind, number: u64) -> bool {
        let address = self.lock().remove(&(kind, number));
        address.is_some_and(|address| runs.heap().free(runs, address))
    }

    fn lock(&self) -> MutexGuard<'_, FxHashMap<(OwnerKind, u64), u64>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
