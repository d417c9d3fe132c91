//! Maps: what programs share with each other and with the world outside.
//!
//! A [`Map`] is made from a [`MapSpec`] that passes the rules of its kind, and behaves as the
//! kernel's map of that kind does, errno included. Programs call [`Map::lookup_element`],
//! [`Map::update`] and [`Map::delete`] during a run that is counted in the map's [`Runs`]; everybody
//! else calls the functions whose names end in `_outside`, which do not write frozen maps.
//! Values lie in one [`Block`] at stable addresses.
//!
//! Nothing here knows instructions, helpers or file descriptors.

mod arena;
mod array;
mod batch;
mod bloom;
mod error;
mod fields;
mod group_storage;
mod hash;
mod keyed_maps;
mod lanes;
mod let_go;
mod lookup3;
mod lpm;
mod nested;
mod operations;
mod outside;
mod perf_events;
mod pool;
mod queue;
mod ringbuf;
mod rules;
mod runs;
mod slots;
mod sockets;
mod stacks;
mod storage;
mod targets;
#[cfg(test)]
mod tests;
mod user_ringbuf;
mod words;

use std::any::Any;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use osmia_program::{Errno, Initial, MapFlags, MapKind, MapSpec, UpdateMode};

pub use arena::Arena;
pub use batch::Batched;
pub use error::{BrokenRule, MapError};
pub use group_storage::{GroupAttachment, GroupKey, GroupStorage};
pub use lanes::Element;
pub use operations::{Function, Operations, OperationsState, Resolve};
pub use perf_events::PerfEvents;
pub use ringbuf::{Reservation, Ringbuf};
pub use rules::has_kind;
pub use runs::{Running, Runs};
pub use sockets::Sockets;
pub use stacks::Stacks;
pub(crate) use stacks::with_build_ids;
pub use storage::Storage;
pub use targets::ResolveTarget;
pub use user_ringbuf::{Drain, Peek, Place, Sample, UserRingbuf};

use self::array::Array;
use self::bloom::Bloom;
use self::hash::Hash;
use self::lanes::Write;
use self::lpm::Lpm;
use self::nested::Nested;
use self::queue::Queue;
use self::slots::Slots;
use self::targets::Targets;
use crate::fields::Fields;
use crate::identity::{self, Identity};
use crate::memory::Block;
use crate::owner::OwnerKind;

/// A live map.
#[derive(Debug)]
pub struct Map {
    spec: MapSpec,
    runs: Arc<Runs>,
    frozen: AtomicBool,
    identity: Option<Box<dyn Identity>>,
    /// Nobody outside has a handle any more.
    orphaned: AtomicBool,
    body: Body,
}

/// What a map is underneath; one variant a family.
#[derive(Debug)]
enum Body {
    Array(Array),
    Hash(Hash),
    /// What a tail call runs is the interpreter's business.
    Programs(Slots<Arc<dyn Identity>>),
    Nested(Nested),
    Queue(Queue),
    Ringbuf(Ringbuf),
    PerfEvents(PerfEvents),
    Targets(Targets),
    /// Ids of control groups.
    Groups(Slots<u64>),
    Stacks(Stacks),
    Lpm(Box<Lpm>),
    Bloom(Bloom),
    Storage(Arc<Storage>),
    GroupStorage(GroupStorage),
    Arena(Arc<Arena>),
    UserRingbuf(UserRingbuf),
    Sockets(Arc<Sockets>),
    Operations(Operations),
}

impl Map {
    /// Makes a map among these runs; a data section is filled (and frozen, if it is to be).
    pub fn create(spec: &MapSpec, runs: &Arc<Runs>) -> Result<Self, MapError> {
        let spec = rules::check(spec, runs.cpus())?;
        let broken = |broken| MapError {
            map: spec.name.clone(),
            kind: spec.kind,
            broken,
        };
        // Kinds that keep none have to refuse them too.
        fields::of(&spec).map_err(broken)?;
        let body = match spec.kind {
            MapKind::Array | MapKind::PercpuArray => Array::new(&spec, runs).map(Body::Array),
            MapKind::Hash | MapKind::PercpuHash | MapKind::LruHash | MapKind::LruPercpuHash => {
                Hash::new(&spec, runs).map(Body::Hash)
            }
            MapKind::ProgArray => Slots::new(&spec).map(Body::Programs),
            MapKind::ArrayOfMaps | MapKind::HashOfMaps => {
                Nested::new(&spec, runs).map(Body::Nested)
            }
            MapKind::Queue | MapKind::Stack => Queue::new(&spec).map(Body::Queue),
            MapKind::Ringbuf => Ringbuf::new(&spec).map(Body::Ringbuf),
            MapKind::PerfEventArray => Ok(Body::PerfEvents(PerfEvents::new(&spec, runs.cpus()))),
            MapKind::Devmap | MapKind::DevmapHash | MapKind::Cpumap | MapKind::Xskmap => {
                Targets::new(&spec, runs).map(Body::Targets)
            }
            MapKind::CgroupArray => Slots::new(&spec).map(Body::Groups),
            MapKind::LpmTrie => Lpm::new(&spec, runs).map(|lpm| Body::Lpm(Box::new(lpm))),
            MapKind::BloomFilter => Bloom::new(&spec).map(Body::Bloom),
            MapKind::StackTrace => Stacks::new(&spec).map(Body::Stacks),
            MapKind::CgroupStorage | MapKind::PercpuCgroupStorage => {
                GroupStorage::new(&spec, runs).map(Body::GroupStorage)
            }
            MapKind::UserRingbuf => UserRingbuf::new(&spec).map(Body::UserRingbuf),
            MapKind::Sockmap | MapKind::Sockhash | MapKind::ReuseportSockarray => {
                Sockets::new(&spec, runs).map(Body::Sockets)
            }
            MapKind::StructOps => Operations::new(&spec, runs).map(Body::Operations),
            MapKind::Arena => Ok(Body::Arena(Arc::new(Arena::new(&spec)))),
            kind => match OwnerKind::of(kind) {
                Some(owner) => Storage::new(&spec, owner, runs).map(Body::Storage),
                None => Err(BrokenRule::Unsupported),
            },
        }
        .map_err(broken)?;
        let map = Self {
            runs: Arc::clone(runs),
            frozen: AtomicBool::new(false),
            identity: None,
            orphaned: AtomicBool::new(false),
            body,
            spec,
        };
        map.fill()?;
        Ok(map)
    }

    /// The same map, known to its host by this.
    #[must_use]
    pub fn known_as(mut self, identity: Box<dyn Identity>) -> Self {
        self.identity = Some(identity);
        self
    }

    /// What its host knows it by, if it is this type.
    pub fn identity<T: Identity>(&self) -> Option<&T> {
        identity::known_as(self.identity.as_deref())
    }

    /// Its id outside; 0 if no host gave it one.
    pub fn id(&self) -> u32 {
        self.identity.as_deref().map_or(0, Identity::id)
    }

    /// What it was made from, with `max_entries` as it became.
    pub fn spec(&self) -> &MapSpec {
        &self.spec
    }

    /// The runs it belongs to: enter them for as long as looked-up elements are used.
    pub fn runs(&self) -> &Arc<Runs> {
        &self.runs
    }

    /// The memory its elements lie in; `None` for kinds whose values programs do not touch.
    pub fn values(&self) -> Option<&Arc<Block>> {
        match &self.body {
            Body::Array(array) => Some(array.values()),
            Body::Hash(hash) => Some(hash.values()),
            Body::Lpm(lpm) => Some(lpm.values()),
            Body::Targets(targets) if self.shows_targets() => Some(targets.values()),
            _ => None,
        }
    }

    /// What a process would map of a `BPF_F_MMAPABLE` array: its values in whole pages
    /// ([`Block::all_words`]), each at a multiple of eight bytes.
    pub fn mapping(&self) -> Option<&Arc<Block>> {
        self.values()
            .filter(|_| self.spec.flags.has(MapFlags::MMAPABLE))
    }

    /// Where the value of a key lies, for native code on this CPU; it stays there, and is not reused,
    /// until the run ends. Nothing is locked, counted or allocated.
    #[inline(always)]
    pub fn lookup_address(&self, key: &[u8], cpu: u32) -> Option<NonNull<u8>> {
        match &self.body {
            Body::Hash(hash) => {
                let element = hash.lookup(key, cpu)?;
                Some(hash.values().address(element.index()))
            }
            Body::Lpm(lpm) => Some(lpm.values().address(lpm.lookup(key)?.index())),
            _ => {
                let element = self.lookup_element(key, cpu)?;
                Some(self.values()?.address(element.index()))
            }
        }
    }

    /// What in its values is more than bytes.
    pub(crate) fn fields(&self) -> Option<&Arc<Fields>> {
        match &self.body {
            Body::Array(array) => array.lanes().fields(),
            Body::Hash(hash) => hash.lanes().fields(),
            _ => None,
        }
    }

    /// True once nobody outside has a handle: no timers then.
    pub(crate) fn is_orphaned(&self) -> bool {
        self.orphaned.load(Relaxed)
    }

    /// The key of an element; `None` if it is nobody's value any more.
    pub(crate) fn key_of(&self, element: Element) -> Option<Vec<u8>> {
        match &self.body {
            Body::Array(_) => Some((element.index() as u32).to_ne_bytes().to_vec()),
            Body::Hash(hash) => hash.key_of(element),
            _ => None,
        }
    }

    /// True if programs may read values (no `BPF_F_WRONLY_PROG`).
    pub fn program_reads(&self) -> bool {
        !self.spec.flags.has(MapFlags::WRONLY_PROG)
    }

    /// True if programs may write values (no `BPF_F_RDONLY_PROG`, nor where packets are sent).
    pub fn program_writes(&self) -> bool {
        !self.spec.flags.has(MapFlags::RDONLY_PROG) && !matches!(self.body, Body::Targets(_))
    }

    /// Linux lets programs look devices and sockets up, CPUs not.
    fn shows_targets(&self) -> bool {
        self.spec.kind != MapKind::Cpumap
    }

    /// For programs: the element of a key on this CPU.
    #[inline]
    pub fn lookup_element(&self, key: &[u8], cpu: u32) -> Option<Element> {
        match &self.body {
            Body::Array(array) => array.lookup(key, cpu),
            Body::Hash(hash) => hash.lookup(key, cpu),
            _ => self.lookup_otherwise(key),
        }
    }

    fn lookup_otherwise(&self, key: &[u8]) -> Option<Element> {
        match &self.body {
            Body::Lpm(lpm) => lpm.lookup(key),
            Body::Targets(targets) if self.shows_targets() => targets.lookup(key),
            _ => None,
        }
    }

    /// For programs: sets the value of a key; per-CPU kinds set this CPU's.
    #[inline(always)]
    pub fn update(&self, key: &[u8], value: &[u8], flags: u64, cpu: u32) -> Result<(), Errno> {
        let write = Write::By(cpu, value);
        if flags & LOCK != 0 {
            return self.update_locked(key, write, flags & !LOCK);
        }
        let mode = update_mode(flags)?;
        match &self.body {
            Body::Array(array) => array.update(key, write, mode),
            Body::Hash(hash) => hash.update(key, write, mode),
            Body::Lpm(lpm) => lpm.update(key, write, mode),
            _ => Err(Errno::EINVAL),
        }
    }

    /// An update with `BPF_F_LOCK`; `EINVAL` where values have no lock.
    fn update_locked(&self, key: &[u8], write: Write<'_>, flags: u64) -> Result<(), Errno> {
        let mode = update_mode(flags)?;
        match (&self.body, self.spec.kind) {
            (Body::Array(array), MapKind::Array) => array.update_locked(key, write, mode),
            (Body::Hash(hash), MapKind::Hash) if self.has_lock() => {
                hash.update_locked(key, write, mode)
            }
            _ => Err(Errno::EINVAL),
        }
    }

    /// True if values have a lock.
    fn has_lock(&self) -> bool {
        self.fields()
            .is_some_and(|fields| fields.spin_lock().is_some())
    }

    /// For programs: removes a key.
    #[inline(always)]
    pub fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        match &self.body {
            Body::Hash(hash) => hash.delete(key),
            Body::Sockets(sockets) => sockets.delete(key),
            Body::Lpm(lpm) => lpm.delete(key),
            _ => Err(Errno::EINVAL),
        }
    }

    /// For programs: adds a value to a queue, a stack or a Bloom filter (`bpf_map_push_elem`).
    #[inline]
    pub fn push(&self, value: &[u8], flags: u64) -> Result<(), Errno> {
        match &self.body {
            Body::Queue(queue) => queue.push(value, flags),
            Body::Bloom(bloom) => bloom.push(value, flags),
            _ => Err(Errno::EINVAL),
        }
    }

    /// For programs: takes the next value of a queue or a stack; `ENOENT` leaves zeroes.
    #[inline]
    pub fn pop(&self, value: &mut [u8]) -> Result<(), Errno> {
        match &self.body {
            Body::Queue(queue) => queue.pop(value),
            Body::Bloom(_) => Err(Errno::EOPNOTSUPP),
            _ => Err(Errno::EINVAL),
        }
    }

    /// For programs: copies the next value of a queue or a stack; `ENOENT` leaves zeroes. A Bloom
    /// filter is asked for the value instead; `ENOENT` if it was certainly not added.
    #[inline]
    pub fn peek(&self, value: &mut [u8]) -> Result<(), Errno> {
        match &self.body {
            Body::Queue(queue) => queue.peek(value),
            Body::Bloom(bloom) => bloom.peek(value),
            _ => Err(Errno::EINVAL),
        }
    }

    /// True for the kinds whose elements `bpf_for_each_map_elem` walks over.
    pub fn is_walkable(&self) -> bool {
        matches!(self.body, Body::Array(_) | Body::Hash(_))
    }

    /// For programs: the next element of a walk over all, its key in `key`. Elements that come or
    /// go meanwhile may or may not be met.
    pub fn walk(&self, walk: &mut Walk, cpu: u32, key: &mut Vec<u8>) -> Option<Element> {
        let (at, element) = match &self.body {
            Body::Array(array) => {
                key.clear();
                key.extend_from_slice(&walk.next.to_ne_bytes());
                (walk.next, array.lookup(key, cpu)?)
            }
            Body::Hash(hash) => hash.walk(walk.next, cpu, key)?,
            _ => return None,
        };
        walk.next = at + 1;
        Some(element)
    }

    /// For programs: the program in a slot of a program array, if it is of this type.
    #[inline]
    pub fn program_at<T: Identity>(&self, index: u32) -> Option<Arc<T>> {
        match &self.body {
            Body::Programs(slots) => {
                let program: Arc<dyn Any + Send + Sync> = slots.at(index)?;
                program.downcast().ok()
            }
            _ => None,
        }
    }

    /// For programs: the map a map of maps holds under a key.
    #[inline]
    pub fn inner_map(&self, key: &[u8]) -> Option<Arc<Map>> {
        match &self.body {
            Body::Nested(nested) => nested.at(key),
            _ => None,
        }
    }

    /// The ring buffer, if it is one.
    #[inline]
    pub fn ringbuf(&self) -> Option<&Ringbuf> {
        match &self.body {
            Body::Ringbuf(ringbuf) => Some(ringbuf),
            _ => None,
        }
    }

    /// The perf event array, if it is one.
    #[inline]
    pub fn perf_events(&self) -> Option<&PerfEvents> {
        match &self.body {
            Body::PerfEvents(events) => Some(events),
            _ => None,
        }
    }

    /// For `bpf_redirect_map`: where packets go under a key, as the bytes of the value.
    #[inline]
    pub fn target(&self, key: u32) -> Option<Vec<u8>> {
        match &self.body {
            Body::Targets(targets) => targets.value(&key.to_ne_bytes()),
            _ => None,
        }
    }

    /// For `bpf_redirect_map`: true if packets sent under this key go somewhere.
    #[inline]
    pub fn has_target(&self, key: u32) -> bool {
        match &self.body {
            Body::Targets(targets) => targets.lookup(&key.to_ne_bytes()).is_some(),
            _ => false,
        }
    }

    /// For programs: the id of the control group in a slot of a `cgroup_array`; `E2BIG` outside of
    /// it, `EAGAIN` for an empty one, `EINVAL` for other kinds.
    pub fn group(&self, index: u32) -> Result<u64, Errno> {
        match &self.body {
            Body::Groups(slots) if index >= slots.count() => Err(Errno::E2BIG),
            Body::Groups(slots) => slots.at(index).ok_or(Errno::EAGAIN),
            _ => Err(Errno::EINVAL),
        }
    }

    /// The stacks, if it is a `stack_trace`.
    #[inline]
    pub fn stacks(&self) -> Option<&Stacks> {
        match &self.body {
            Body::Stacks(stacks) => Some(stacks),
            _ => None,
        }
    }

    /// The values of owners, if it is a local storage.
    pub fn storage(&self) -> Option<&Arc<Storage>> {
        match &self.body {
            Body::Storage(storage) => Some(storage),
            _ => None,
        }
    }

    /// The values of attachments, if it is a `cgroup_storage` of either kind.
    pub fn group_storage(&self) -> Option<&GroupStorage> {
        match &self.body {
            Body::GroupStorage(storage) => Some(storage),
            _ => None,
        }
    }

    /// The ring that a process fills, if it is one.
    pub fn user_ringbuf(&self) -> Option<&UserRingbuf> {
        match &self.body {
            Body::UserRingbuf(ring) => Some(ring),
            _ => None,
        }
    }

    /// The sockets, if it is a map of sockets.
    #[inline]
    pub fn sockets(&self) -> Option<&Arc<Sockets>> {
        match &self.body {
            Body::Sockets(sockets) => Some(sockets),
            _ => None,
        }
    }

    /// The table of kernel operations, if it is one.
    pub fn operations(&self) -> Option<&Operations> {
        match &self.body {
            Body::Operations(operations) => Some(operations),
            _ => None,
        }
    }

    /// The pages, if it is an arena.
    pub fn arena(&self) -> Option<&Arc<Arena>> {
        match &self.body {
            Body::Arena(arena) => Some(arena),
            _ => None,
        }
    }

    /// Fills a data section.
    fn fill(&self) -> Result<(), MapError> {
        let broken = |why| MapError {
            map: self.spec.name.clone(),
            kind: self.spec.kind,
            broken: BrokenRule::Initial { why },
        };
        if let (Initial::Value(bytes), Body::Arena(arena)) = (&self.spec.initial, &self.body) {
            if bytes.len() as u64 > arena.bytes() {
                return Err(broken("are longer than its pages"));
            }
            arena.initialise(bytes).map_err(|broken| MapError {
                map: self.spec.name.clone(),
                kind: self.spec.kind,
                broken,
            })?;
        } else if let Initial::Value(bytes) = &self.spec.initial {
            let Body::Array(array) = &self.body else {
                return Err(broken("are one value, which only an array can hold"));
            };
            if bytes.len() > self.spec.value_size as usize {
                return Err(broken("are longer than its value"));
            }
            array.values().write(0, 0, bytes);
        }
        if self.spec.frozen {
            self.frozen.store(true, Relaxed);
        }
        Ok(())
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        match &self.body {
            Body::Array(array) if array.lanes().fields().is_some() => {
                for slot in 0..array.count() {
                    array.lanes().free_fields(slot, &self.runs);
                }
            }
            Body::Hash(hash) => hash.free_fields(),
            _ => {}
        }
    }
}

/// Update and lookup flag: hold the lock of the value (`BPF_F_LOCK`).
const LOCK: u64 = 4;

/// A walk over the elements of a map, from the first.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    next: u32,
}

/// What the flags of an update ask for; `EINVAL` for those no map here knows.
#[inline]
pub fn update_mode(flags: u64) -> Result<UpdateMode, Errno> {
    match flags {
        0 => Ok(UpdateMode::Any),
        1 => Ok(UpdateMode::NoExist),
        2 => Ok(UpdateMode::Exist),
        _ => Err(Errno::EINVAL),
    }
}
