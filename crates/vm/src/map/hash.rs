//! `hash`, `percpu_hash` and the LRU kinds: entries with stable numbers, values at stable addresses.
//!
//! An element is a slot: its key, and behind it its value. An index finds the slot of a key
//! ([`index`]). An update writes a fresh slot and swaps it in, so that readers see the old value or
//! the new one, never a mixture, and a program that holds the old one keeps it until its run ends
//! ([`super::pool`]). Per-CPU values are written in place, as the kernel does. Walks go by the number
//! of the entry, which an element keeps while it lives ([`entries`]): their order does not depend on
//! the seed, and updates on the way do not disturb them.
//!
//! Lookups take no lock and write nothing but the LRU's mark. Keys are spread over shards by their hash,
//! each with a store of the slots that were given back in it. A writer takes its key's shard for the time
//! of a probe and a copy, and never two at once. Under that lock it finds out whether the key is there,
//! and takes an entry if not: so a map is never called full while its key is being added or was never
//! gone. What another key's update has taken counts as in use, since that update is going to succeed.

mod entries;
mod index;
mod key;
mod lru;

use std::sync::Arc;

use osmia_program::{Errno, MapFlags, MapSpec, UpdateMode};

use self::entries::Entries;
use self::index::{Found, Index};
use self::key::{Key, Keys, in_words};
use self::lru::Lru;
use super::error::BrokenRule;
use super::lanes::{Element, Lanes, Write, headed_block};
use super::pool::{Pool, Unused, spare_slots};
use super::runs::Runs;
use crate::limits;
use crate::memory::{Block, Spin};

/// The live part of a hash.
#[derive(Debug)]
pub(super) struct Hash {
    keys: Keys,
    lanes: Lanes,
    entries: Entries,
    unused: Unused,
    shards: Box<[Shard]>,
    /// If it evicts elements when it is full.
    lru: Option<Lru>,
    runs: Arc<Runs>,
}

/// The keys with some hashes. On cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Shard {
    index: Index,
    /// What was given back here. Who has it is the only writer.
    pool: Spin<Pool>,
}

/// What an update does not go on without.
enum Wanted {
    /// The entry of something to evict.
    Entry,
    /// A slot that was given back in another shard.
    Slot,
}

impl Hash {
    pub(super) fn new(spec: &MapSpec, runs: &Arc<Runs>) -> Result<Self, BrokenRule> {
        let entries = spec.max_entries;
        let slots = u64::from(entries) + spare_slots(spec, runs.cpus());
        let key_bytes = Keys::slot_bytes(spec.key_size);
        // What each CPU has a value of, has its key apart.
        let (lanes, keys) = if spec.kind.is_per_cpu() {
            let keys = headed_block(slots, key_bytes, 0)?;
            (Lanes::new(spec, slots, runs.cpus())?, Arc::new(keys))
        } else {
            let lanes = Lanes::with_headers(spec, slots, runs.cpus(), key_bytes)?;
            let keys = Arc::clone(lanes.block());
            (lanes, keys)
        };
        let seeded = !spec.flags.has(MapFlags::ZERO_SEED);
        let apart = spec.flags.has(MapFlags::NO_COMMON_LRU);
        let shard = |_| {
            Some(Shard {
                index: Index::new()?,
                pool: Spin::default(),
            })
        };
        let shard_count = shard_count(entries, runs.cpus());
        let shards: Option<_> = (0..shard_count).map(shard).collect();
        Ok(Self {
            keys: Keys::new(keys, spec.key_size as usize, seeded),
            entries: Entries::new(entries, runs.cpus(), apart)?,
            unused: Unused::new(lanes.slots()),
            lanes: match spec.flags.has(MapFlags::NO_PREALLOC) {
                true => lanes,
                false => lanes.expecting(entries),
            },
            shards: shards.ok_or(BrokenRule::OutOfMemory {
                bytes: u64::from(shard_count) * Index::BYTES_MIN,
            })?,
            lru: Lru::of(spec, runs.cpus())?,
            runs: Arc::clone(runs),
        })
    }

    pub(super) fn values(&self) -> &Arc<Block> {
        self.lanes.block()
    }

    pub(super) fn len(&self) -> u32 {
        self.shards.iter().map(|shard| shard.index.len()).sum()
    }

    /// The element of a key, for a program on this CPU; an LRU notes that it was used.
    #[inline(always)]
    pub(super) fn lookup(&self, key: &[u8], cpu: u32) -> Option<Element> {
        if key.len() != self.keys.key_bytes() {
            return None;
        }
        let slot = in_words!(key => self.find_words(key, self.keys.hash(key)))?.slot;
        if let Some(lru) = &self.lru {
            lru.mark(self.keys.entry(slot));
        }
        self.lanes.element(slot, cpu)
    }

    pub(super) fn read(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.keys.check(key)?;
        // During a run no slot is reused, so the bytes are of one value.
        let _run = self.runs.enter(0);
        let found = self.find(key, self.hash(key)).ok_or(Errno::ENOENT)?;
        Ok(self.lanes.read(found.slot))
    }

    pub(super) fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// A copy made while holding the lock of the value.
    pub(super) fn read_locked(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.keys.check(key)?;
        let _run = self.runs.enter(0);
        let found = self.find(key, self.hash(key)).ok_or(Errno::ENOENT)?;
        let _locked = self.lanes.lock(found.slot)?;
        Ok(self.lanes.read(found.slot))
    }

    /// Writes an existing value in place while holding its lock; a new one as ever.
    pub(super) fn update_locked(
        &self,
        key: &[u8],
        write: Write<'_>,
        mode: UpdateMode,
    ) -> Result<(), Errno> {
        self.keys.check(key)?;
        self.lanes.check(write)?;
        let hash = self.hash(key);
        // Who holds the lock of a value calls no map, so waiting for it under this one ends.
        let shard = self.shard(hash).pool.lock();
        match self.find(key, hash) {
            Some(_) if mode == UpdateMode::NoExist => Err(Errno::EEXIST),
            Some(found) => {
                let _locked = self.lanes.lock(found.slot)?;
                self.lanes.write(found.slot, write, false);
                Ok(())
            }
            None => {
                drop(shard);
                self.update(key, write, mode)
            }
        }
    }

    /// Lets go of what the fields of all values hold.
    pub(super) fn free_fields(&self) {
        if self.lanes.fields().is_none() {
            return;
        }
        let slots = self
            .entries
            .born(0)
            .filter_map(|entry| self.entries.slot(entry));
        slots.for_each(|slot| self.lanes.free_fields(slot, &self.runs));
    }

    /// The key of an element, if it is still somebody's value.
    pub(super) fn key_of(&self, element: Element) -> Option<Vec<u8>> {
        let slot = u32::try_from(element.index()).ok()?;
        // During a run no slot is reused, so a key stays as it is.
        let live = self.entries.slot(self.keys.entry(slot)) == Some(slot);
        let mut key = vec![0; self.keys.key_bytes()];
        self.keys.read(slot, &mut key);
        live.then_some(key)
    }

    /// Gives a slot up with what its fields hold.
    #[inline]
    fn retire(&self, pool: &mut Pool, slot: u32) {
        self.lanes.free_fields(slot, &self.runs);
        pool.retire(slot, &self.runs);
    }

    #[inline(always)]
    pub(super) fn update(
        &self,
        key: &[u8],
        write: Write<'_>,
        mode: UpdateMode,
    ) -> Result<(), Errno> {
        self.keys.check(key)?;
        self.lanes.check(write)?;
        in_words!(key => self.update_words(key, write, mode))
    }

    fn update_words(&self, key: impl Key, write: Write<'_>, mode: UpdateMode) -> Result<(), Errno> {
        let hash = self.keys.hash(key);
        let mut spare = None;
        let result = loop {
            let wanted = match self.put(&mut spare, key, hash, write, mode) {
                Ok(result) => break result,
                Err(wanted) => wanted,
            };
            let found = match (wanted, &self.lru) {
                (Wanted::Entry, Some(lru)) => {
                    self.evict(lru, write.cpu()).map(|entry| spare = entry)
                }
                (Wanted::Entry, None) => Err(Errno::E2BIG),
                (Wanted::Slot, _) => self.slot_from_another(self.shard(hash)),
            };
            if let Err(errno) = found {
                break Err(errno);
            }
        };
        // Another CPU may have added the key meanwhile.
        spare.into_iter().for_each(|entry| self.entries.give(entry));
        result
    }

    /// Removes a key.
    #[inline(always)]
    pub(super) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        self.keys.check(key)?;
        in_words!(key => self.delete_words(key))
    }

    fn delete_words(&self, key: impl Key) -> Result<(), Errno> {
        let hash = self.keys.hash(key);
        let shard = self.shard(hash);
        let mut pool = shard.pool.lock();
        let found = self.find_words(key, hash).ok_or(Errno::ENOENT)?;
        self.remove(shard, &mut pool, hash, found);
        Ok(())
    }

    /// Removes a key and returns its value.
    pub(super) fn take(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.keys.check(key)?;
        let hash = self.hash(key);
        let shard = self.shard(hash);
        let mut pool = shard.pool.lock();
        let found = self.find(key, hash).ok_or(Errno::ENOENT)?;
        // Values without a lock need none.
        let locked = self.lanes.lock(found.slot).ok();
        let value = self.lanes.read(found.slot);
        drop(locked);
        self.remove(shard, &mut pool, hash, found);
        Ok(value)
    }

    /// The key after this one; the first for none or an unknown key.
    pub(super) fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        if let Some(key) = key {
            self.keys.check(key)?;
        }
        // During a run no slot is reused, so a key stays as it is.
        let _run = self.runs.enter(0);
        let after = key.and_then(|key| self.find(key, self.hash(key)));
        let start = after.map_or(0, |found| self.keys.entry(found.slot) + 1);
        let mut next = Vec::new();
        self.walk(start, 0, &mut next).ok_or(Errno::ENOENT)?;
        Ok(next)
    }

    /// The first live entry from this number on: its number, its key in `key`, its element. For a
    /// run.
    pub(super) fn walk(&self, from: u32, cpu: u32, key: &mut Vec<u8>) -> Option<(u32, Element)> {
        let mut born = self.entries.born(from);
        let (entry, slot) = born.find_map(|entry| Some((entry, self.entries.slot(entry)?)))?;
        key.resize(self.keys.key_bytes(), 0);
        self.keys.read(slot, key);
        Some((entry, self.lanes.element(slot, cpu)?))
    }

    #[inline]
    fn shard(&self, hash: u64) -> &Shard {
        // The index uses the upper half of the hash.
        &self.shards[hash as usize & (self.shards.len() - 1)]
    }

    fn hash(&self, key: &[u8]) -> u64 {
        in_words!(key => self.keys.hash(key))
    }

    /// Where a key is.
    fn find(&self, key: &[u8], hash: u64) -> Option<Found> {
        in_words!(key => self.find_words(key, hash))
    }

    #[inline(always)]
    fn find_words(&self, key: impl Key, hash: u64) -> Option<Found> {
        let index = &self.shard(hash).index;
        index.find(hash, |slot| self.keys.is(slot, key))
    }

    /// An update, as far as it gets with what its shard has; an LRU may have an entry to spare for it.
    #[inline(always)]
    fn put(
        &self,
        spare: &mut Option<u32>,
        key: impl Key,
        hash: u64,
        write: Write<'_>,
        mode: UpdateMode,
    ) -> Result<Result<(), Errno>, Wanted> {
        let shard = self.shard(hash);
        let mut pool = shard.pool.lock();
        let found = self.find_words(key, hash);
        match found {
            Some(_) if mode == UpdateMode::NoExist => return Ok(Err(Errno::EEXIST)),
            None if mode == UpdateMode::Exist => return Ok(Err(Errno::ENOENT)),
            Some(found) if self.lanes.is_per_cpu() => {
                self.lanes.write(found.slot, write, false);
                if let Some(lru) = &self.lru {
                    lru.mark(self.keys.entry(found.slot));
                }
                return Ok(Ok(()));
            }
            _ => {}
        }
        // The slot first: who has to look for one elsewhere is to have no entry meanwhile.
        let slot = pool.take(&self.unused, &self.runs).ok_or(Wanted::Slot)?;
        let entry = match found {
            Some(found) => Some(self.keys.entry(found.slot)),
            None => spare.take().or_else(|| self.entries.take(write.cpu())),
        };
        let Some(entry) = entry else {
            pool.give(slot);
            return Err(Wanted::Entry);
        };
        if let Some(lru) = &self.lru {
            match found {
                Some(_) => lru.mark(entry),
                None => drop(lru.unmark(entry)),
            }
        }
        // A program that kept the value deleted from here may have filled its fields again.
        self.lanes.free_fields(slot, &self.runs);
        self.lanes.write(slot, write, true);
        self.keys.set(slot, entry, key);
        match found {
            Some(old) => shard.index.replace(hash, old, slot),
            None if !(shard.index).insert(hash, slot, |slot| self.keys.hash_of(slot)) => {
                self.entries.give(entry);
                pool.give(slot);
                return Ok(Err(Errno::ENOMEM));
            }
            None => {}
        }
        self.entries.set(entry, slot);
        if let Some(old) = found {
            self.retire(&mut pool, old.slot);
        }
        Ok(Ok(()))
    }

    /// Takes an element out of its shard, and gives its slot and its entry back.
    fn remove(&self, shard: &Shard, pool: &mut Pool, hash: u64, found: Found) {
        let entry = self.keys.entry(found.slot);
        self.take_out(shard, pool, hash, found);
        self.entries.give(entry);
    }

    /// The same, but for the entry, which is the caller's.
    #[inline]
    fn take_out(&self, shard: &Shard, pool: &mut Pool, hash: u64, found: Found) {
        shard.index.remove(hash, found);
        self.entries.clear(self.keys.entry(found.slot));
        self.retire(pool, found.slot);
    }

    /// Makes a shard have a slot that was given back in another.
    fn slot_from_another(&self, own: &Shard) -> Result<(), Errno> {
        let others = self
            .shards
            .iter()
            .filter(|shard| !std::ptr::eq(*shard, own));
        let mut slots = others.filter_map(|shard| shard.pool.lock().scrape(&self.runs));
        let slot = slots.next().ok_or(Errno::ENOMEM)?;
        own.pool.lock().give(slot);
        Ok(())
    }
}

/// Enough that CPUs seldom meet in one, and few for small maps.
fn shard_count(entries: u32, cpus: u32) -> u32 {
    let wanted = cpus.saturating_mul(8).min(limits::HASH_SHARDS_MAX);
    wanted.min(entries / 64).max(1).next_power_of_two()
}
