//! Maps: what programs share with each other and with the world outside.
//!
//! A [`Map`] is made from a [`MapSpec`] that passes the rules of its kind, and behaves as the
//! kernel's map of that kind does, errno included. Programs call [`Map::lookup_element`],
//! [`Map::update`] and [`Map::delete`] during a run that is counted in the map's [`Runs`]; everybody
//! else calls the functions whose names end in `_outside`, which obey frozen maps and access flags.
//! Values lie in one [`Block`] at stable addresses.
//!
//! Nothing here knows instructions, helpers or file descriptors.

mod array;
mod error;
mod hash;
mod lanes;
pub mod limits;
mod rules;
mod runs;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use osmia_program::{Errno, Initial, MapFlags, MapKind, MapSpec, UpdateMode};

pub use error::{BrokenRule, MapError};
pub use lanes::Element;
pub use runs::{Running, Runs};

use self::array::{Array, next_index};
use self::hash::Hash;
use self::lanes::Write;
use crate::memory::Block;

/// A live map.
#[derive(Debug)]
pub struct Map {
    spec: MapSpec,
    runs: Arc<Runs>,
    frozen: AtomicBool,
    body: Body,
}

/// What a map is underneath; one variant a family.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "maps are few, and a box is one more load a lookup"
)]
enum Body {
    Array(Array),
    Hash(Hash),
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
        let body = match spec.kind {
            MapKind::Array | MapKind::PercpuArray => {
                Array::new(&spec, runs.cpus()).map(Body::Array)
            }
            MapKind::Hash | MapKind::PercpuHash | MapKind::LruHash | MapKind::LruPercpuHash => {
                Hash::new(&spec, runs).map(Body::Hash)
            }
            _ => Err(BrokenRule::Unsupported),
        }
        .map_err(broken)?;
        let map = Self {
            runs: Arc::clone(runs),
            frozen: AtomicBool::new(false),
            body,
            spec,
        };
        map.fill()?;
        Ok(map)
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
        }
    }

    /// True if programs may read values (no `BPF_F_WRONLY_PROG`).
    pub fn program_reads(&self) -> bool {
        !self.spec.flags.has(MapFlags::WRONLY_PROG)
    }

    /// True if programs may write values (no `BPF_F_RDONLY_PROG`).
    pub fn program_writes(&self) -> bool {
        !self.spec.flags.has(MapFlags::RDONLY_PROG)
    }

    /// For programs: the element of a key on this CPU.
    #[inline]
    pub fn lookup_element(&self, key: &[u8], cpu: u32) -> Option<Element> {
        match &self.body {
            Body::Array(array) => array.lookup(key, cpu),
            Body::Hash(hash) => hash.lookup(key, cpu),
        }
    }

    /// For programs: sets the value of a key; per-CPU kinds set this CPU's.
    pub fn update(&self, key: &[u8], value: &[u8], flags: u64, cpu: u32) -> Result<(), Errno> {
        let mode = update_mode(flags)?;
        self.write(key, Write::By(cpu, value), mode)
    }

    /// For programs: removes a key.
    pub fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        match &self.body {
            Body::Array(_) => Err(Errno::EINVAL),
            Body::Hash(hash) => hash.delete(key),
        }
    }

    /// For programs: the next element of a walk over all, its key in `key`. Elements that come or
    /// go meanwhile may or may not be met, none is met twice.
    pub fn walk(&self, walk: &mut Walk, cpu: u32, key: &mut Vec<u8>) -> Option<Element> {
        let (at, element) = match &self.body {
            Body::Array(array) => {
                key.clear();
                key.extend_from_slice(&walk.next.to_ne_bytes());
                (walk.next, array.lookup(key, cpu)?)
            }
            Body::Hash(hash) => hash.walk(walk.next, cpu, key)?,
        };
        walk.next = at + 1;
        Some(element)
    }

    /// From outside: the value of a key; for per-CPU kinds every CPU's, each padded to eight bytes.
    pub fn lookup_outside(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.check_read()?;
        match &self.body {
            Body::Array(array) => array.read(key),
            Body::Hash(hash) => hash.read(key),
        }
    }

    /// From outside: sets the value of a key; per-CPU kinds take what `lookup_outside` gives.
    pub fn update_outside(&self, key: &[u8], value: &[u8], mode: UpdateMode) -> Result<(), Errno> {
        self.check_write()?;
        self.write(key, Write::Outside(value), mode)
    }

    /// From outside: removes a key.
    pub fn delete_outside(&self, key: &[u8]) -> Result<(), Errno> {
        self.check_write()?;
        self.delete(key)
    }

    /// From outside: removes a key and returns its value.
    pub fn take_outside(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.check_read()?;
        self.check_write()?;
        match &self.body {
            Body::Hash(hash) => hash.take(key),
            Body::Array(_) => Err(Errno::ENOTSUPP),
        }
    }

    /// From outside: the key after this one, the first for `None` or an unknown key; `ENOENT` after
    /// the last.
    pub fn next_key_outside(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        self.check_read()?;
        match &self.body {
            Body::Array(array) => next_index(key, array.count()),
            Body::Hash(hash) => hash.next_key(key),
        }
    }

    /// No more writes from outside; `EBUSY` if that is so already.
    pub fn freeze(&self) -> Result<(), Errno> {
        if self.frozen.swap(true, Relaxed) {
            return Err(Errno::EBUSY);
        }
        Ok(())
    }

    /// True once nobody outside may write.
    pub fn is_frozen(&self) -> bool {
        self.frozen.load(Relaxed)
    }

    /// Live elements; arrays always have all of theirs.
    pub fn len(&self) -> u32 {
        match &self.body {
            Body::Array(array) => array.count(),
            Body::Hash(hash) => hash.len(),
        }
    }

    /// True if it has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn write(&self, key: &[u8], write: Write<'_>, mode: UpdateMode) -> Result<(), Errno> {
        match &self.body {
            Body::Array(array) => array.update(key, write, mode),
            Body::Hash(hash) => hash.update(key, write, mode),
        }
    }

    fn check_read(&self) -> Result<(), Errno> {
        if self.spec.flags.has(MapFlags::WRONLY) {
            Err(Errno::EPERM)
        } else {
            Ok(())
        }
    }

    fn check_write(&self) -> Result<(), Errno> {
        if self.is_frozen() || self.spec.flags.has(MapFlags::RDONLY) {
            return Err(Errno::EPERM);
        }
        Ok(())
    }

    /// Fills a data section.
    fn fill(&self) -> Result<(), MapError> {
        let broken = |why| MapError {
            map: self.spec.name.clone(),
            kind: self.spec.kind,
            broken: BrokenRule::Initial { why },
        };
        if let Initial::Value(bytes) = &self.spec.initial {
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

/// A walk over the elements of a map, from the first.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    next: u32,
}

/// What the flags of an update ask for; `EINVAL` for those no map here knows.
pub fn update_mode(flags: u64) -> Result<UpdateMode, Errno> {
    match flags {
        0 => Ok(UpdateMode::Any),
        1 => Ok(UpdateMode::NoExist),
        2 => Ok(UpdateMode::Exist),
        _ => Err(Errno::EINVAL),
    }
}
