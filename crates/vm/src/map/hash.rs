//! `hash`, `percpu_hash` and the LRU kinds: entries with stable numbers, values at stable addresses.
//!
//! An element is a slot: its key, and behind it its value. An index finds the slot of a key
//! ([`index`]). An update writes a fresh slot and swaps it in, so that readers see the old value or
//! the new one, never a mixture, and a program that holds the old one keeps it until its run ends
//! ([`super::pool`]). Per-CPU values are written in place, as the kernel does. Walks go by the number
//! of the entry, which an element keeps while it lives ([`entries`]): their order does not depend on
//! the seed, and updates on the way do not disturb them.
//!
//! Lookups take no lock and write nothing but the LRU's mark. Every CPU has its own store of slots, so
//! that what it gave back is still in its cache when it is needed again; keys are spread over shards by
//! their hash. A writer takes its CPU's lock, which hardly anybody else wants, and then a shard's for
//! the time of a probe and a copy; never two of a kind at once.

mod entries;
mod index;
mod key;

use std::sync::Arc;

use osmia_program::{Errno, MapFlags, MapKind, MapSpec, UpdateMode};

use self::entries::Entries;
use self::index::{Found, Index};
use self::key::{Key, Keys, in_words};
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
    stores: Box<[Apart<Store>]>,
    shards: Box<[Shard]>,
    /// How many elements it evicts at a time when full; 0 fails instead.
    evicts: usize,
    runs: Arc<Runs>,
}

/// The keys with some hashes. On cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Shard {
    index: Index,
    /// How many they are, for writers.
    live: Spin<u32>,
}

/// What a CPU has in store.
#[derive(Debug, Default)]
struct Store {
    pool: Pool,
    /// Entries that were evicted.
    entries: Vec<u32>,
}

/// On cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart<T>(Spin<T>);

/// Why an update does not go on with what the CPU has.
enum Wanted {
    /// Something to evict.
    Entry,
    /// A slot that another CPU has.
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
                live: Spin::default(),
            })
        };
        let shard_count = shard_count(entries, runs.cpus());
        let shards: Option<_> = (0..shard_count).map(shard).collect();
        Ok(Self {
            keys: Keys::new(keys, spec.key_size as usize, seeded),
            entries: Entries::new(entries, runs.cpus(), apart)?,
            unused: Unused::new(lanes.slots()),
            stores: (0..runs.cpus()).map(|_| Apart::default()).collect(),
            lanes: lanes.expecting(entries),
            shards: shards.ok_or(BrokenRule::OutOfMemory {
                bytes: u64::from(shard_count) * Index::BYTES_MIN,
            })?,
            evicts: match spec.kind {
                MapKind::LruHash | MapKind::LruPercpuHash => evicted_together(entries, runs.cpus()),
                _ => 0,
            },
            runs: Arc::clone(runs),
        })
    }

    pub(super) fn values(&self) -> &Arc<Block> {
        self.lanes.block()
    }

    pub(super) fn len(&self) -> u32 {
        self.shards.iter().map(|shard| *shard.live.lock()).sum()
    }

    /// The element of a key, for a program on this CPU; an LRU notes that it was used.
    #[inline(always)]
    pub(super) fn lookup(&self, key: &[u8], cpu: u32) -> Option<Element> {
        if key.len() != self.keys.key_bytes() {
            return None;
        }
        let slot = in_words!(key => self.find_words(key, self.keys.hash(key)))?.slot;
        if self.evicts != 0 {
            self.keys.mark(slot);
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
        let shard = self.shard(hash).live.lock();
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
    fn retire(&self, store: &mut Store, slot: u32) {
        self.lanes.free_fields(slot, &self.runs);
        store.pool.retire(slot, &self.runs);
    }

    /// What a CPU has in store.
    #[inline]
    fn store(&self, cpu: u32) -> &Spin<Store> {
        &self.stores[cpu as usize % self.stores.len()].0
    }

    pub(super) fn update(
        &self,
        key: &[u8],
        write: Write<'_>,
        mode: UpdateMode,
    ) -> Result<(), Errno> {
        self.keys.check(key)?;
        self.lanes.check(write)?;
        let hash = self.hash(key);
        let own = self.store(write.cpu());
        let mut store = own.lock();
        loop {
            match self.put(&mut store, key, hash, write, mode) {
                Ok(result) => return result,
                Err(Wanted::Entry) => self.evict(&mut store, write.cpu())?,
                Err(Wanted::Slot) => {
                    drop(store);
                    let slot = self.slot_from_another(own)?;
                    store = own.lock();
                    store.pool.give(slot);
                }
            }
        }
    }

    /// Removes a key, on a CPU.
    pub(super) fn delete(&self, key: &[u8], cpu: u32) -> Result<(), Errno> {
        self.keys.check(key)?;
        let hash = self.hash(key);
        let shard = self.shard(hash);
        let mut store = self.store(cpu).lock();
        let mut live = shard.live.lock();
        let found = self.find(key, hash).ok_or(Errno::ENOENT)?;
        self.remove(shard, &mut live, hash, found);
        self.retire(&mut store, found.slot);
        Ok(())
    }

    /// Removes a key and returns its value.
    pub(super) fn take(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.keys.check(key)?;
        let hash = self.hash(key);
        let shard = self.shard(hash);
        let mut store = self.store(0).lock();
        let mut live = shard.live.lock();
        let found = self.find(key, hash).ok_or(Errno::ENOENT)?;
        // Values without a lock need none.
        let locked = self.lanes.lock(found.slot).ok();
        let value = self.lanes.read(found.slot);
        drop(locked);
        self.remove(shard, &mut live, hash, found);
        self.retire(&mut store, found.slot);
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

    /// An update, as far as it gets with what the CPU has.
    #[inline]
    fn put(
        &self,
        store: &mut Store,
        key: &[u8],
        hash: u64,
        write: Write<'_>,
        mode: UpdateMode,
    ) -> Result<Result<(), Errno>, Wanted> {
        let shard = self.shard(hash);
        let mut live = shard.live.lock();
        let found = self.find(key, hash);
        match found {
            Some(_) if mode == UpdateMode::NoExist => return Ok(Err(Errno::EEXIST)),
            None if mode == UpdateMode::Exist => return Ok(Err(Errno::ENOENT)),
            Some(found) if self.lanes.is_per_cpu() => {
                self.lanes.write(found.slot, write, false);
                if self.evicts != 0 {
                    self.keys.mark(found.slot);
                }
                return Ok(Ok(()));
            }
            _ => {}
        }
        let entry = match found {
            Some(found) => Some(self.keys.entry(found.slot)),
            None => (store.entries.pop()).or_else(|| self.entries.take(write.cpu())),
        };
        let Some(entry) = entry else {
            return match self.evicts {
                0 => Ok(Err(Errno::E2BIG)),
                _ => Err(Wanted::Entry),
            };
        };
        let Some(slot) = store.pool.take(&self.unused, &self.runs) else {
            if found.is_none() {
                self.entries.give(entry);
            }
            return Err(Wanted::Slot);
        };
        // A program that kept the value deleted from here may have filled its fields again.
        self.lanes.free_fields(slot, &self.runs);
        self.lanes.write(slot, write, true);
        self.keys.set(slot, entry, key);
        match found {
            Some(old) => {
                if self.evicts != 0 {
                    self.keys.mark(slot);
                }
                shard.index.replace(hash, old, slot);
            }
            None if !(shard.index).insert(hash, slot, |slot| self.keys.hash_of(slot)) => {
                self.entries.give(entry);
                store.pool.give(slot);
                return Ok(Err(Errno::ENOMEM));
            }
            None => *live += 1,
        }
        self.entries.set(entry, slot);
        drop(live);
        if let Some(old) = found {
            self.retire(store, old.slot);
        }
        Ok(Ok(()))
    }

    /// Takes the element in a slot out of its shard.
    fn remove(&self, shard: &Shard, live: &mut u32, hash: u64, found: Found) {
        shard.index.remove(hash, found);
        self.entries.give(self.keys.entry(found.slot));
        *live -= 1;
    }

    /// Takes entries of a full LRU that were not used lately away from their keys. Among many that
    /// were, whatever comes. `ENOMEM` if other writers hold them all just now, as in the kernel.
    fn evict(&self, store: &mut Store, cpu: u32) -> Result<(), Errno> {
        let mut victims = [(0, 0, 0); limits::EVICTED_TOGETHER_MAX];
        let mut count = 0;
        for step in 0..limits::EVICTION_STEPS_MAX {
            let entry = self.entries.candidate(cpu);
            let Some(slot) = self.entries.slot(entry) else {
                continue;
            };
            if self.keys.unmark(slot) && step < limits::EVICTION_SPARED_MAX {
                continue;
            }
            victims[count] = (entry, slot, self.keys.hash_of(slot));
            count += 1;
            if count == self.evicts {
                // Only now, so that what is read of all of them is read together.
                (victims.iter().take(count)).for_each(|victim| self.drive_out(store, *victim));
                count = 0;
                if !store.entries.is_empty() {
                    return Ok(());
                }
            }
        }
        (victims.iter().take(count)).for_each(|victim| self.drive_out(store, *victim));
        match store.entries.is_empty() {
            true => Err(Errno::ENOMEM),
            false => Ok(()),
        }
    }

    /// Takes an entry away from the key whose slot and hash these were a moment ago.
    fn drive_out(&self, store: &mut Store, (entry, slot, hash): (u32, u32, u64)) {
        let shard = self.shard(hash);
        let mut live = shard.live.lock();
        // Meanwhile it may have died, or be another key's.
        if self.entries.slot(entry) == Some(slot)
            && let Some(found) = shard.index.find(hash, |other| other == slot)
        {
            shard.index.remove(hash, found);
            self.entries.clear(entry);
            *live -= 1;
            drop(live);
            store.entries.push(entry);
            self.retire(store, slot);
        }
    }

    /// A slot that was given back on another CPU.
    fn slot_from_another(&self, own: &Spin<Store>) -> Result<u32, Errno> {
        let stores = self.stores.iter().map(|store| &store.0);
        let others = stores.filter(|store| !std::ptr::eq(*store, own));
        let mut slots = others.filter_map(|store| store.lock().pool.scrape(&self.runs));
        slots.next().ok_or(Errno::ENOMEM)
    }
}

/// Enough that CPUs seldom meet in one, and few for small maps.
fn shard_count(entries: u32, cpus: u32) -> u32 {
    let wanted = cpus.saturating_mul(8).min(limits::HASH_SHARDS_MAX);
    wanted.min(entries / 64).max(1).next_power_of_two()
}

/// Some, where they are few of all.
fn evicted_together(entries: u32, cpus: u32) -> usize {
    let few = entries / cpus.saturating_mul(64);
    (few as usize).clamp(1, limits::EVICTED_TOGETHER_MAX)
}
