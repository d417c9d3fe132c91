//! A map seen from outside programs: what `bpf(2)` offers, and what only a host does (putting
//! programs and maps into slots, reading events). Frozen maps refuse to be written; `BPF_F_RDONLY` and
//! `BPF_F_WRONLY` are the business of descriptors, which hosts have.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use osmia_program::{Errno, Record, RecordSource, UpdateMode};

use super::array::{index_of, next_index};
use super::lanes::Write;
use super::{Body, LOCK, Map, ResolveTarget};
use crate::Identity;

impl Map {
    /// The value of a key; for per-CPU kinds every CPU's, each padded to eight bytes; for queues and
    /// stacks, which have no key, the next value.
    pub fn lookup_outside(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        match &self.body {
            Body::Operations(operations) => operations.read(key),
            Body::Sockets(sockets) => sockets.cookie(key),
            Body::Arena(_) => Err(keyless(key, Errno::EINVAL)),
            Body::Storage(storage) => storage.value_of(key),
            Body::GroupStorage(storage) => storage.read(key),
            Body::Array(array) => array.read(key),
            Body::Hash(hash) => hash.read(key),
            Body::Lpm(lpm) => lpm.read(key),
            // Asking takes a value: see `Map::peek`.
            Body::Bloom(_) => Err(Errno::EINVAL),
            Body::Queue(queue) if key.is_empty() => self.value(|value| queue.peek(value)),
            Body::Programs(slots) => id_of(slots.at(index_of(key)?).map(|program| program.id())),
            Body::Nested(nested) => id_of(nested.at(key).map(|map| map.id())),
            Body::PerfEvents(_) | Body::Groups(_) => Err(Errno::ENOTSUPP),
            Body::Targets(targets) => targets.read(key),
            Body::Stacks(stacks) => stacks.read(key),
            Body::Queue(_) => Err(Errno::EINVAL),
            Body::Ringbuf(_) | Body::UserRingbuf(_) => Err(no_key(key)),
        }
    }

    /// Sets the value of a key; per-CPU kinds take what `lookup_outside` gives; queues and stacks
    /// get one more value.
    pub fn update_outside(&self, key: &[u8], value: &[u8], mode: UpdateMode) -> Result<(), Errno> {
        self.check_write()?;
        match &self.body {
            // The pointers would be file descriptors, and there are none here.
            Body::Operations(operations) => {
                operations.update(key, value, mode, &mut |_, _| Err(Errno::EBADF))
            }
            Body::Sockets(sockets) => sockets.update(key, value, mode),
            Body::Arena(_) => Err(keyless(key, Errno::EOPNOTSUPP)),
            Body::Storage(storage) => storage.update(key, value, mode),
            Body::GroupStorage(storage) => storage.update(key, value, mode),
            Body::Array(array) => array.update(key, Write::Outside(value), mode),
            Body::Hash(hash) => hash.update(key, Write::Outside(value), mode),
            Body::Lpm(lpm) => lpm.update(key, Write::Outside(value), mode),
            Body::Bloom(bloom) if key.is_empty() => bloom.push(value, mode_flags(mode)),
            Body::Bloom(_) => Err(Errno::EINVAL),
            Body::Queue(queue) if key.is_empty() => queue.push(value, mode_flags(mode)),
            Body::Queue(_) => Err(Errno::EINVAL),
            Body::Ringbuf(_) | Body::UserRingbuf(_) => Err(no_key(key)),
            // The value would be a file descriptor, and there are none here.
            Body::Programs(slots) if index_of(key)? >= slots.count() => Err(Errno::E2BIG),
            Body::PerfEvents(events) if index_of(key)? >= events.slots() => Err(Errno::E2BIG),
            Body::Programs(_) | Body::Nested(_) | Body::PerfEvents(_) => Err(Errno::EBADF),
            Body::Targets(targets) => {
                // Descriptors in the value stand for nothing here.
                let resolve = |_, descriptor| match descriptor > 0 {
                    true => Err(Errno::EINVAL),
                    false => Ok(None),
                };
                targets.update(key, value, mode, &resolve)
            }
            Body::Groups(_) if mode != UpdateMode::Any => Err(Errno::EINVAL),
            // The kernel takes a file descriptor; what has none here is named by its id.
            Body::Groups(slots) => match u64::from(index_of(value)?) {
                _ if index_of(key)? >= slots.count() => Err(Errno::E2BIG),
                0 => Err(Errno::EBADF),
                id => slots.set(index_of(key)?, id),
            },
            Body::Stacks(_) => Err(Errno::EINVAL),
        }
    }

    /// [`Map::lookup_outside`] with the flags of `bpf(2)`.
    pub fn lookup_outside_with(&self, key: &[u8], flags: u64) -> Result<Vec<u8>, Errno> {
        self.check_element_flags(flags)?;
        if flags == 0 {
            return self.lookup_outside(key);
        }
        match &self.body {
            Body::Array(array) => array.read_locked(key),
            Body::Hash(hash) => hash.read_locked(key),
            _ => Err(Errno::EINVAL),
        }
    }

    /// [`Map::update_outside`] with the flags of `bpf(2)`.
    pub fn update_outside_with(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        if flags & LOCK == 0 {
            // Whose value it is is asked before what is to become of it.
            if let Body::Storage(storage) = &self.body {
                storage.owner(key)?;
            }
            return self.update_outside(key, value, super::update_mode(flags)?);
        }
        self.check_write()?;
        self.check_element_flags(LOCK)?;
        self.update_locked(key, Write::Outside(value), flags & !LOCK)
    }

    /// Removes a key, or empties a slot.
    pub fn delete_outside(&self, key: &[u8]) -> Result<(), Errno> {
        self.check_write()?;
        match &self.body {
            Body::Operations(operations) => operations.delete(key),
            Body::Sockets(sockets) => sockets.delete(key),
            Body::Arena(_) => Err(keyless(key, Errno::EOPNOTSUPP)),
            Body::Storage(storage) => storage.delete_of(key),
            Body::GroupStorage(_) => Err(Errno::EINVAL),
            Body::Array(_) | Body::Queue(_) => Err(Errno::EINVAL),
            Body::Hash(hash) => hash.delete(key),
            Body::Lpm(lpm) => lpm.delete(key),
            Body::Bloom(_) if key.is_empty() => Err(Errno::EOPNOTSUPP),
            Body::Bloom(_) => Err(Errno::EINVAL),
            Body::Programs(slots) => slots.clear(index_of(key)?),
            Body::Nested(nested) => nested.delete(key),
            Body::PerfEvents(events) if index_of(key)? >= events.slots() => Err(Errno::E2BIG),
            Body::Groups(slots) => slots.clear(index_of(key)?),
            Body::Targets(targets) => targets.delete(key),
            Body::Stacks(stacks) => stacks.delete(key),
            Body::PerfEvents(events) => events.close(index_of(key)?),
            Body::Ringbuf(_) | Body::UserRingbuf(_) => Err(no_key(key)),
        }
    }

    /// Removes a key and returns its value; of queues and stacks, the next value.
    pub fn take_outside(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.check_write()?;
        match &self.body {
            Body::Hash(hash) => hash.take(key),
            Body::Queue(queue) if key.is_empty() => self.value(|value| queue.pop(value)),
            Body::Queue(_) => Err(Errno::EINVAL),
            Body::Stacks(stacks) => stacks.take(key),
            Body::Ringbuf(_) | Body::UserRingbuf(_) => Err(no_key(key)),
            _ => Err(Errno::ENOTSUPP),
        }
    }

    /// The key after this one, the first for `None` or an unknown key; `ENOENT` after the last.
    pub fn next_key_outside(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        match &self.body {
            Body::Operations(operations) => operations.next_key(key),
            Body::Sockets(sockets) => sockets.next_key(key),
            Body::Arena(_) => Err(keyless(key.unwrap_or_default(), Errno::EOPNOTSUPP)),
            Body::Storage(_) => Err(Errno::ENOTSUPP),
            Body::GroupStorage(storage) => storage.next_key(key),
            Body::Array(array) => next_index(key, array.count()),
            Body::Hash(hash) => hash.next_key(key),
            Body::Lpm(lpm) => lpm.next_key(key),
            Body::Bloom(_) if key.is_none_or(<[u8]>::is_empty) => Err(Errno::EOPNOTSUPP),
            Body::Bloom(_) => Err(Errno::EINVAL),
            Body::Programs(slots) => next_index(key, slots.count()),
            Body::Nested(nested) => nested.next_key(key),
            Body::PerfEvents(events) => next_index(key, events.slots()),
            Body::Groups(slots) => next_index(key, slots.count()),
            Body::Targets(targets) => targets.next_key(key),
            Body::Stacks(stacks) => stacks.next_key(key),
            Body::Queue(_) => Err(Errno::EINVAL),
            Body::Ringbuf(_) | Body::UserRingbuf(_) => Err(no_key(key.unwrap_or_default())),
        }
    }

    /// What a queue or a stack holds, the next value first; `EINVAL` for other kinds.
    pub fn values_outside(&self) -> Result<Vec<Vec<u8>>, Errno> {
        match &self.body {
            Body::Queue(queue) => Ok(queue.values()),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Puts a program into a slot of a program array, or makes it the function at an offset of a table
    /// of kernel operations.
    pub fn set_program<T: Identity>(&self, index: u32, program: Arc<T>) -> Result<(), Errno> {
        self.check_write()?;
        match &self.body {
            Body::Operations(operations) => operations.set_program(index, program),
            Body::Programs(slots) => slots.set(index, program),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Sets the value of a `devmap`, `devmap_hash` or `cpumap`; `resolve` says whether there is such
    /// a target and finds its program.
    pub fn set_target(
        &self,
        key: &[u8],
        value: &[u8],
        mode: UpdateMode,
        resolve: &ResolveTarget<'_>,
    ) -> Result<(), Errno> {
        self.check_write()?;
        match &self.body {
            Body::Targets(targets) => targets.update(key, value, mode, resolve),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Puts a map into a map of maps; `EINVAL` unless it is shaped like the declared inner map.
    pub fn set_inner_map(&self, key: &[u8], map: Arc<Map>, mode: UpdateMode) -> Result<(), Errno> {
        self.check_write()?;
        match &self.body {
            Body::Nested(nested) => nested.set(key, map, mode),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Puts a control group, by its id, into a slot of a `cgroup_array`. Ids may be longer than the
    /// four bytes a value has.
    pub fn set_group(&self, index: u32, id: u64) -> Result<(), Errno> {
        self.check_write()?;
        match &self.body {
            Body::Groups(slots) => slots.set(index, id),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Empties a program array and cancels timers. A program holds its maps, and a program array or a
    /// timer its programs: whoever drops the last handle from outside calls this, or a program that
    /// calls itself lives forever (the kernel does the same).
    pub fn clear_slots(&self) {
        match &self.body {
            Body::Programs(slots) => slots.clear_all(),
            Body::Array(_) | Body::Hash(_) if self.fields().is_some() => {
                self.orphaned.store(true, Relaxed);
                self.runs.deferred().forget_map(self);
            }
            _ => {}
        }
    }

    /// Hands over the events of a ring buffer or a perf event array since the last call, oldest
    /// first; other kinds have none. A record without bytes only tells of losses.
    pub fn drain(&self, sink: &mut dyn FnMut(Record)) {
        let name = || Arc::<str>::from(self.spec.name.as_str());
        match &self.body {
            Body::Ringbuf(ringbuf) => {
                let source = RecordSource::Ringbuf(name());
                let mut record = |bytes: &[u8], lost| {
                    sink(Record {
                        time_ns: 0,
                        source: source.clone(),
                        cpu: 0,
                        bytes: bytes.to_vec(),
                        lost,
                    });
                };
                // What was refused found the ring full, so it came after what is in the ring.
                let lost = ringbuf.take_dropped();
                ringbuf.consume(&mut |bytes| record(bytes, 0));
                if lost != 0 {
                    record(&[], lost);
                }
            }
            Body::PerfEvents(events) => {
                let source = RecordSource::PerfEvent(name());
                for event in events.take() {
                    sink(Record {
                        time_ns: 0,
                        source: source.clone(),
                        cpu: event.cpu,
                        bytes: event.bytes,
                        lost: event.lost,
                    });
                }
            }
            _ => {}
        }
    }

    /// No more writes from outside; only those who may write may say so, and only once.
    pub fn freeze(&self) -> Result<(), Errno> {
        // Programs have to write what is special in values.
        if self.operations().is_some() || self.fields().is_some() {
            return Err(Errno::ENOTSUPP);
        }
        self.check_write()?;
        self.frozen.store(true, Relaxed);
        Ok(())
    }

    /// True once nobody outside may write.
    pub fn is_frozen(&self) -> bool {
        self.frozen.load(Relaxed)
    }

    /// Live elements: all of an array's, filled slots, queued values.
    pub fn len(&self) -> u32 {
        match &self.body {
            Body::Operations(_) => 1,
            Body::Sockets(sockets) => sockets.len(),
            Body::Arena(arena) => arena.len(),
            Body::UserRingbuf(_) => 0,
            Body::Storage(storage) => storage.len(),
            Body::GroupStorage(storage) => storage.len(),
            Body::Array(array) => array.count(),
            Body::Hash(hash) => hash.len(),
            Body::Lpm(lpm) => lpm.len(),
            Body::Programs(slots) => slots.len(),
            Body::Nested(nested) => nested.len(),
            Body::Queue(queue) => queue.len(),
            Body::Groups(slots) => slots.len(),
            Body::Targets(targets) => targets.len(),
            Body::Stacks(stacks) => stacks.len(),
            Body::Ringbuf(_) | Body::PerfEvents(_) | Body::Bloom(_) => 0,
        }
    }

    /// True if it has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A value of the map's size, as `fill` leaves it.
    fn value(&self, fill: impl Fn(&mut [u8]) -> Result<(), Errno>) -> Result<Vec<u8>, Errno> {
        let mut value = vec![0; self.spec.value_size as usize];
        fill(&mut value)?;
        Ok(value)
    }

    /// Checks the flags that come with an element of a batch or a lookup: `BPF_F_LOCK` wants a lock
    /// in the values, and nothing else is known.
    pub fn check_element_flags(&self, flags: u64) -> Result<(), Errno> {
        match flags {
            0 => Ok(()),
            LOCK if self.has_lock() => Ok(()),
            _ => Err(Errno::EINVAL),
        }
    }

    pub(super) fn check_write(&self) -> Result<(), Errno> {
        match self.is_frozen() {
            true => Err(Errno::EPERM),
            false => Ok(()),
        }
    }
}

/// The value that stands for an object in a slot: its id. One that no host knows has none.
fn id_of(content: Option<u32>) -> Result<Vec<u8>, Errno> {
    match content {
        None => Err(Errno::ENOENT),
        Some(0) => Err(Errno::ENOTSUPP),
        Some(id) => Ok(id.to_ne_bytes().to_vec()),
    }
}

/// What a kind without keys answers, unless it is asked for one.
fn keyless(key: &[u8], answer: Errno) -> Errno {
    match key {
        [] => answer,
        _ => Errno::EINVAL,
    }
}

/// What a kind that has neither keys nor values from outside answers.
fn no_key(key: &[u8]) -> Errno {
    if key.is_empty() {
        Errno::ENOTSUPP
    } else {
        Errno::EINVAL
    }
}

fn mode_flags(mode: UpdateMode) -> u64 {
    match mode {
        UpdateMode::Any => 0,
        UpdateMode::NoExist => 1,
        UpdateMode::Exist => 2,
    }
}
