//! `hash`, `percpu_hash` and the LRU kinds: entries with stable numbers, values at stable addresses.
//!
//! An entry is a state word and its key, next to each other; its number never changes while it
//! lives, and walks go by number, so that the order does not depend on the seed. An index finds the
//! entry of a key ([`index`]); the state word says in which slot its value lies. An update writes a
//! fresh slot and swaps the state word, so that readers see the old value or the new one, never a
//! mixture, and a program that holds the old one keeps it until its run ends ([`super::pool`]).
//! Per-CPU values are written in place, as the kernel does.
//!
//! Lookups take no lock and write nothing but the LRU's mark. Keys are spread over shards by their
//! hash; a writer takes its shard's lock for the time of a probe and a copy, and never two at once.

mod index;
mod key;
mod vacant;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use osmia_program::{Errno, MapFlags, MapKind, MapSpec, UpdateMode};

use self::index::Index;
use self::key::{HEADER_BYTES, Keys};
use self::vacant::Vacant;
use super::error::BrokenRule;
use super::lanes::{Element, Lanes, Write, block};
use super::pool::{Pool, Unused, spare_slots};
use super::runs::Runs;
use crate::limits;
use crate::memory::Block;

/// The live part of a hash.
#[derive(Debug)]
pub(super) struct Hash {
    keys: Keys,
    lanes: Lanes,
    vacant: Vacant,
    unused: Unused,
    shards: Box<[Shard]>,
    /// Evicts instead of failing when full.
    lru: bool,
    runs: Arc<Runs>,
}

/// The keys with some hashes. On cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Shard {
    index: Index,
    writer: Mutex<Writer>,
}

/// What only writers know.
#[derive(Debug, Default)]
struct Writer {
    live: u32,
    pool: Pool,
}

/// What a writer that found nothing free brought from elsewhere, having let go of its lock.
#[derive(Debug, Default)]
struct Brought {
    entry: Option<u32>,
    slot: Option<u32>,
}

/// Why a writer has to let go of its lock.
enum Wanted {
    Entry,
    Slot,
}

impl Hash {
    pub(super) fn new(spec: &MapSpec, runs: &Arc<Runs>) -> Result<Self, BrokenRule> {
        let entries = spec.max_entries;
        let slots = u64::from(entries) + spare_slots(spec, runs.cpus());
        let key_bytes = spec.key_size as usize;
        let entry_bytes = HEADER_BYTES as u64 + u64::from(spec.key_size);
        let key_block = block(u64::from(entries), entry_bytes)?;
        let lanes = Lanes::new(spec, slots, runs.cpus())?;
        let rows = match spec.flags.has(MapFlags::NO_COMMON_LRU) {
            true => runs.cpus(),
            false => 1,
        };
        let shard = |_| Shard {
            index: Index::new(),
            writer: Mutex::default(),
        };
        Ok(Self {
            keys: Keys::new(key_block, key_bytes, !spec.flags.has(MapFlags::ZERO_SEED)),
            vacant: Vacant::new(entries, rows),
            unused: Unused::new(lanes.slots()),
            lanes,
            shards: (0..shard_count(entries, runs.cpus())).map(shard).collect(),
            lru: matches!(spec.kind, MapKind::LruHash | MapKind::LruPercpuHash),
            runs: Arc::clone(runs),
        })
    }

    pub(super) fn values(&self) -> &Arc<Block> {
        self.lanes.block()
    }

    pub(super) fn len(&self) -> u32 {
        self.shards.iter().map(|shard| shard.lock().live).sum()
    }

    /// The element of a key, for a program on this CPU; an LRU notes that it was used.
    #[inline]
    pub(super) fn lookup(&self, key: &[u8], cpu: u32) -> Option<Element> {
        if key.len() != self.keys.key_bytes() {
            return None;
        }
        let found = self.find(key, self.keys.hash(key))?;
        if self.lru {
            self.keys.mark(found.entry);
        }
        self.lanes.element(found.slot, cpu)
    }

    pub(super) fn read(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.keys.check(key)?;
        // During a run no slot is reused, so the bytes are of one value.
        let _run = self.runs.enter(0);
        let found = self.find(key, self.keys.hash(key)).ok_or(Errno::ENOENT)?;
        Ok(self.lanes.read(found.slot))
    }

    pub(super) fn update(
        &self,
        key: &[u8],
        write: Write<'_>,
        mode: UpdateMode,
    ) -> Result<(), Errno> {
        self.keys.check(key)?;
        self.lanes.check(write)?;
        let hash = self.keys.hash(key);
        let shard = self.shard(hash);
        let mut brought = Brought::default();
        let result = loop {
            let wanted = match self.put(shard, key, hash, write, mode, &mut brought) {
                Ok(result) => break result,
                Err(wanted) => wanted,
            };
            let got = match wanted {
                Wanted::Entry if !self.lru => Err(Errno::E2BIG),
                Wanted::Entry => self.evict(write.cpu()).map(|entry| {
                    brought.entry = Some(entry);
                }),
                Wanted::Slot => self.slot_from_another(shard).map(|slot| {
                    brought.slot = Some(slot);
                }),
            };
            if let Err(errno) = got {
                break Err(errno);
            }
        };
        if let Some(entry) = brought.entry {
            self.vacant.give(entry, &self.keys);
        }
        if let Some(slot) = brought.slot {
            shard.lock().pool.give(slot);
        }
        result
    }

    pub(super) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        self.keys.check(key)?;
        let hash = self.keys.hash(key);
        let shard = self.shard(hash);
        let mut writer = shard.lock();
        let found = self.find(key, hash).ok_or(Errno::ENOENT)?;
        self.remove(shard, &mut writer, hash, found);
        self.vacant.give(found.entry, &self.keys);
        Ok(())
    }

    /// Removes a key and returns its value.
    pub(super) fn take(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.keys.check(key)?;
        let hash = self.keys.hash(key);
        let shard = self.shard(hash);
        let mut writer = shard.lock();
        let found = self.find(key, hash).ok_or(Errno::ENOENT)?;
        let value = self.lanes.read(found.slot);
        self.remove(shard, &mut writer, hash, found);
        self.vacant.give(found.entry, &self.keys);
        Ok(value)
    }

    /// The key after this one; the first for none or an unknown key.
    pub(super) fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        if let Some(key) = key {
            self.keys.check(key)?;
        }
        let after = key.and_then(|key| self.find(key, self.keys.hash(key)));
        let start = after.map_or(0, |found| found.entry + 1);
        let mut next = vec![0; self.keys.key_bytes()];
        let mut live = self.vacant.born(start);
        live.find(|&entry| self.keys.snapshot(entry, &mut next).is_some())
            .ok_or(Errno::ENOENT)?;
        Ok(next)
    }

    /// The first live entry from this number on: its number, its key in `key`, its element.
    pub(super) fn walk(&self, from: u32, cpu: u32, key: &mut Vec<u8>) -> Option<(u32, Element)> {
        key.resize(self.keys.key_bytes(), 0);
        self.vacant.born(from).find_map(|entry| {
            let slot = self.keys.snapshot(entry, key)?;
            Some((entry, self.lanes.element(slot, cpu)?))
        })
    }

    #[inline]
    fn shard(&self, hash: u64) -> &Shard {
        // The index uses the upper half of the hash.
        &self.shards[hash as usize & (self.shards.len() - 1)]
    }

    #[inline]
    fn find(&self, key: &[u8], hash: u64) -> Option<Found> {
        self.shard(hash).index.find(hash, |entry| {
            let slot = self.keys.matches(entry, key)?;
            Some(Found { entry, slot })
        })
    }

    /// An update as far as it gets with what is free here.
    #[inline]
    fn put(
        &self,
        shard: &Shard,
        key: &[u8],
        hash: u64,
        write: Write<'_>,
        mode: UpdateMode,
        brought: &mut Brought,
    ) -> Result<Result<(), Errno>, Wanted> {
        let mut writer = shard.lock();
        let found = self.find(key, hash);
        match found {
            Some(_) if mode == UpdateMode::NoExist => return Ok(Err(Errno::EEXIST)),
            None if mode == UpdateMode::Exist => return Ok(Err(Errno::ENOENT)),
            Some(found) if self.lru => self.keys.mark(found.entry),
            _ => {}
        }
        if let Some(found) = found
            && self.lanes.is_per_cpu()
        {
            self.lanes.write(found.slot, write, false);
            return Ok(Ok(()));
        }
        let entry = match found {
            Some(found) => found.entry,
            None => (brought.entry.take())
                .or_else(|| self.vacant.take(write.cpu(), &self.keys))
                .ok_or(Wanted::Entry)?,
        };
        let slot = (brought.slot.take()).or_else(|| writer.pool.take(&self.unused, &self.runs));
        let Some(slot) = slot else {
            brought.entry = found.is_none().then_some(entry);
            return Err(Wanted::Slot);
        };
        self.lanes.write(slot, write, true);
        match found {
            Some(found) => {
                self.keys.set_slot(entry, slot);
                writer.pool.retire(found.slot, &self.runs);
            }
            None => {
                self.keys.give_birth(entry, key, slot);
                self.keys.unmark(entry);
                shard.index.insert(hash, entry);
                writer.live += 1;
            }
        }
        Ok(Ok(()))
    }

    /// Makes a live entry of a shard dead; it is the caller's then.
    fn remove(&self, shard: &Shard, writer: &mut Writer, hash: u64, found: Found) {
        shard.index.remove(hash, found.entry);
        self.keys.end(found.entry);
        writer.pool.retire(found.slot, &self.runs);
        writer.live -= 1;
    }

    /// Takes an entry of a full LRU that was not used lately away from its key. Among many that were,
    /// whatever comes. `ENOMEM` if other writers hold them all just now, as in the kernel.
    fn evict(&self, cpu: u32) -> Result<u32, Errno> {
        for step in 0..limits::EVICTION_STEPS_MAX {
            let entry = self.vacant.candidate(cpu);
            if self.keys.unmark(entry) && step < limits::EVICTION_SPARED_MAX {
                continue;
            }
            let Some((generation, hash)) = self.keys.identity(entry) else {
                continue;
            };
            let shard = self.shard(hash);
            let mut writer = shard.lock();
            // Meanwhile it may have died, and even be another key's.
            if let Some(slot) = self.keys.slot_in(entry, generation) {
                self.remove(shard, &mut writer, hash, Found { entry, slot });
                return Ok(entry);
            }
        }
        Err(Errno::ENOMEM)
    }

    /// A slot that was given back in another shard.
    fn slot_from_another(&self, own: &Shard) -> Result<u32, Errno> {
        let others = self
            .shards
            .iter()
            .filter(|shard| !std::ptr::eq(*shard, own));
        let mut slots = others.filter_map(|shard| shard.lock().pool.scrape(&self.runs));
        slots.next().ok_or(Errno::ENOMEM)
    }
}

impl Shard {
    fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A live entry and the slot of its value.
#[derive(Copy, Clone, Debug)]
struct Found {
    entry: u32,
    slot: u32,
}

/// Enough that CPUs seldom meet in one, and few for small maps.
fn shard_count(entries: u32, cpus: u32) -> u32 {
    let wanted = cpus.saturating_mul(4).min(limits::HASH_SHARDS_MAX);
    wanted.min(entries / 64).max(1).next_power_of_two()
}
