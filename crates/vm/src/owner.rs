//! Kernel objects that maps keep data about, by the number people know them by: a task by its pid, a
//! control group by its id, an inode by its number, a socket by its cookie.
//!
//! The kernel takes file descriptors for these from outside; what has none here is named by its
//! number. Whoever describes objects in detail enters them with [`Owners::enter`]; an object that
//! nobody described is made of zeroes by [`Owners::find_or_make`] when a program meets it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use osmia_program::{Known, MapKind};
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

    /// The kind of objects of this type that are found by a number.
    pub(crate) fn of_type(name: &str) -> Option<Self> {
        [Self::Task, Self::Cgroup, Self::Inode]
            .into_iter()
            .find(|kind| kind.type_name() == name)
    }

    /// True if an object is of this kind.
    pub fn is(self, object: &Object) -> bool {
        object.offset == 0 && self.type_names().contains(&&*object.tag.name)
    }
}

/// The objects of a host.
#[derive(Debug, Default)]
pub struct Owners {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    known: FxHashMap<(OwnerKind, u64), Entry>,
    numbers: FxHashMap<u64, (OwnerKind, u64)>,
}

#[derive(Debug)]
struct Entry {
    address: u64,
    process: u64,
    groups: Arc<[u64]>,
}

impl Owners {
    /// The address of an object.
    pub fn find(&self, kind: OwnerKind, number: u64) -> Option<u64> {
        let table = self.lock();
        table.known.get(&(kind, number)).map(|entry| entry.address)
    }

    /// The number of the object at an address.
    pub fn number(&self, kind: OwnerKind, address: u64) -> Option<u64> {
        let found = self.lock().numbers.get(&address).copied();
        found.and_then(|(of, number)| (of == kind).then_some(number))
    }

    /// The number of the process a task belongs to; its own if nobody said.
    pub fn process(&self, task: u64) -> u64 {
        let table = self.lock();
        let entry = table.known.get(&(OwnerKind::Task, task));
        entry.map_or(task, |entry| entry.process)
    }

    /// Control groups from the root down to the one a task is in, or to a group itself.
    pub fn groups(&self, kind: OwnerKind, number: u64) -> Arc<[u64]> {
        let table = self.lock();
        let entry = table.known.get(&(kind, number));
        entry.map_or_else(Arc::default, |entry| Arc::clone(&entry.groups))
    }

    /// The numbers of all objects of a kind, least first.
    pub fn all(&self, kind: OwnerKind) -> Vec<u64> {
        let table = self.lock();
        let alike = table.known.keys().filter(|(of, _)| *of == kind);
        let mut numbers: Vec<u64> = alike.map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Makes an object on the heap known; one of the same number is forgotten, not freed.
    pub fn enter(&self, kind: OwnerKind, number: u64, address: u64) {
        let known = Known {
            number,
            process: number,
            groups: Vec::new(),
        };
        self.describe(kind, &known, address);
    }

    /// The same, with what else is known of it.
    pub fn describe(&self, kind: OwnerKind, known: &Known, address: u64) {
        let entry = Entry {
            address,
            process: known.process,
            groups: known.groups.as_slice().into(),
        };
        self.lock().insert(kind, known.number, entry);
    }

    /// The address of an object, made of zeroes if nobody described it. `None` if memory is short.
    pub fn find_or_make(&self, runs: &Runs, kind: OwnerKind, number: u64) -> Option<u64> {
        let mut table = self.lock();
        if let Some(entry) = table.known.get(&(kind, number)) {
            return Some(entry.address);
        }
        let tag = Tag::named(kind.type_name());
        let bytes = limits::PLAIN_OBJECT_BYTES;
        let address = (runs.heap()).allocate(runs, bytes, ObjectAccess::Read, tag)?;
        let entry = Entry {
            address,
            process: number,
            groups: Arc::default(),
        };
        table.insert(kind, number, entry);
        Some(address)
    }

    /// The object ends: a task exits, a control group is removed. What maps kept about it goes.
    pub fn end(&self, runs: &Runs, kind: OwnerKind, number: u64) -> bool {
        let address = self.lock().remove(kind, number);
        address.is_some_and(|address| runs.heap().free(runs, address))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn insert(&mut self, kind: OwnerKind, number: u64, entry: Entry) {
        self.remove(kind, number);
        self.numbers.insert(entry.address, (kind, number));
        self.known.insert((kind, number), entry);
    }

    fn remove(&mut self, kind: OwnerKind, number: u64) -> Option<u64> {
        let entry = self.known.remove(&(kind, number))?;
        self.numbers.remove(&entry.address);
        Some(entry.address)
    }
}
