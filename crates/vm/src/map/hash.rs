//! `hash`, `percpu_hash` and the LRU kinds: entries with stable numbers, values at stable addresses.
//!
//! An entry is a state word and its key, next to each other; its number never changes while it
//! lives, and walks go by number, so that the order does not depend on the seed. The index finds the
//! entry of a key ([`index`]); the state word says in which slot its value lies. An update writes a
//! fresh slot and swaps the state word, so that readers see the old value or the new one, never a
//! mixture, and a program that holds the old one keeps it: a slot is reused once every run that may
//! hold it has ended ([`Runs`]), or when no other is left (the kernel's preallocated maps always
//! reuse at once; to promise it for any number of deletions within one run, values need a second
//! block that grows). Per-CPU values are written in place, as the kernel does.
//!
//! Lookups take no lock and write nothing but the LRU's reference mark. Writers take the map's one
//! lock for the time of a probe and a copy.

mod index;
mod key;

use std::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use osmia_program::{Errno, MapFlags, MapKind, MapSpec, UpdateMode};

use self::index::Index;
use self::key::{HEADER_BYTES, Keys};
use super::error::BrokenRule;
use super::lanes::{Element, Lanes, Write, block};
use super::pool::Pool;
use super::runs::Runs;
use crate::limits;
use crate::memory::Block;

/// The live part of a hash.
#[derive(Debug)]
pub(super) struct Hash {
    keys: Keys,
    index: Index,
    lanes: Lanes,
    entries_max: u32,
    /// Evicts instead of failing when full.
    lru: bool,
    runs: Arc<Runs>,
    /// Entry numbers below this have been in use.
    born: AtomicU32,
    writer: Mutex<Writer>,
}

/// What only writers know.
#[derive(Debug, Default)]
struct Writer {
    live: u32,
    free_entries: Vec<u32>,
    slots: Pool,
    /// Where the search for an entry to evict goes on.
    hand: u32,
}

impl Hash {
    pub(super) fn new(spec: &MapSpec, runs: &Arc<Runs>) -> Result<Self, BrokenRule> {
        let lru = matches!(spec.kind, MapKind::LruHash | MapKind::LruPercpuHash);
        let entries = u64::from(spec.max_entries);
        let slots = entries + spare_slots(spec, runs.cpus());
        let key_bytes = spec.key_size as usize;
        let key_block = block(entries, HEADER_BYTES as u64 + u64::from(spec.key_size))?;
        Ok(Self {
            keys: Keys::new(key_block, key_bytes, !spec.flags.has(MapFlags::ZERO_SEED)),
            index: Index::new(),
            lanes: Lanes::new(spec, slots, runs.cpus())?,
            entries_max: spec.max_entries,
            lru,
            runs: Arc::clone(runs),
            born: AtomicU32::new(0),
            writer: Mutex::default(),
        })
    }

    pub(super) fn values(&self) -> &Arc<Block> {
        self.lanes.block()
    }

    pub(super) fn len(&self) -> u32 {
        self.writer().live
    }

    /// The element of a key, for a program on this CPU; an LRU notes that it was used.
    #[inline]
    pub(super) fn lookup(&self, key: &[u8], cpu: u32) -> Option<Element> {
        if key.len() != self.keys.key_bytes() {
            return None;
        }
        let found = self.find(key)?;
        if self.lru {
            let mark = self.keys.mark(found.entry);
            // Read first: a store would take the line away from other CPUs.
            if mark.load(Relaxed) == 0 {
                mark.store(1, Relaxed);
            }
        }
        self.lanes.element(found.slot, cpu)
    }

    pub(super) fn read(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.keys.check(key)?;
        // Under the lock no slot is reused, so the bytes are of one value.
        let _writer = self.writer();
        let found = self.find(key).ok_or(Errno::ENOENT)?;
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
        let mut writer = self.writer();
        match self.find(key) {
            Some(_) if mode == UpdateMode::NoExist => Err(Errno::EEXIST),
            Some(found) if self.lanes.is_per_cpu() => {
                self.lanes.write(found.slot, write, false);
                Ok(())
            }
            Some(found) => {
                let slot = self.take_slot(&mut writer);
                self.lanes.write(slot, write, true);
                self.keys.set_slot(found.entry, slot);
                self.retire(&mut writer, found.slot);
                Ok(())
            }
            None if mode == UpdateMode::Exist => Err(Errno::ENOENT),
            None => self.insert(&mut writer, key, write),
        }
    }

    pub(super) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        self.keys.check(key)?;
        let mut writer = self.writer();
        let found = self.find(key).ok_or(Errno::ENOENT)?;
        self.remove(&mut writer, found.entry);
        Ok(())
    }

    /// Removes a key and returns its value.
    pub(super) fn take(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.keys.check(key)?;
        let mut writer = self.writer();
        let found = self.find(key).ok_or(Errno::ENOENT)?;
        let value = self.lanes.read(found.slot);
        self.remove(&mut writer, found.entry);
        Ok(value)
    }

    /// The key after this one; the first for none or an unknown key.
    pub(super) fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        if let Some(key) = key {
            self.keys.check(key)?;
        }
        let _writer = self.writer();
        let after = key.and_then(|key| self.find(key));
        let start = after.map_or(0, |found| found.entry + 1);
        let mut next = vec![0; self.keys.key_bytes()];
        let entry = (start..self.born.load(Relaxed)).find(|&entry| self.keys.slot(entry).is_some());
        self.keys.read(entry.ok_or(Errno::ENOENT)?, &mut next);
        Ok(next)
    }

    /// The first live entry from this number on: its number, its key in `key`, its element.
    pub(super) fn walk(&self, from: u32, cpu: u32, key: &mut Vec<u8>) -> Option<(u32, Element)> {
        key.resize(self.keys.key_bytes(), 0);
        (from..self.born.load(Acquire)).find_map(|entry| {
            let slot = self.keys.snapshot(entry, key)?;
            Some((entry, self.lanes.element(slot, cpu)?))
        })
    }

    #[inline]
    fn find(&self, key: &[u8]) -> Option<Found> {
        self.index.find(self.keys.hash(key), |entry| {
            let slot = self.keys.matches(entry, key)?;
            Some(Found { entry, slot })
        })
    }

    fn insert(&self, writer: &mut Writer, key: &[u8], write: Write<'_>) -> Result<(), Errno> {
        let entry = self.take_entry(writer)?;
        let slot = self.take_slot(writer);
        self.lanes.write(slot, write, true);
        self.keys.give_birth(entry, key, slot);
        if self.lru {
            self.keys.mark(entry).store(0, Relaxed);
        }
        self.index
            .insert(self.keys.hash(key), entry, |entry| self.keys.hash_of(entry));
        writer.live += 1;
        Ok(())
    }

    fn remove(&self, writer: &mut Writer, entry: u32) {
        let slot = self
            .keys
            .slot(entry)
            .expect("only live entries are removed");
        self.index.remove(self.keys.hash_of(entry), entry);
        self.keys.end(entry);
        self.retire(writer, slot);
        writer.free_entries.push(entry);
        writer.live -= 1;
    }

    fn take_entry(&self, writer: &mut Writer) -> Result<u32, Errno> {
        if let Some(entry) = writer.free_entries.pop() {
            return Ok(entry);
        }
        let born = self.born.load(Relaxed);
        if born < self.entries_max {
            self.born.store(born + 1, Release);
            return Ok(born);
        }
        if !self.lru {
            return Err(Errno::E2BIG);
        }
        let victim = self.unreferenced(writer);
        self.remove(writer, victim);
        Ok(writer.free_entries.pop().expect("one was just freed"))
    }

    /// An entry of a full LRU that was not looked up since the hand last passed it. Programs may go
    /// on marking entries meanwhile, so the second round takes whatever comes.
    fn unreferenced(&self, writer: &mut Writer) -> u32 {
        for _ in 0..self.entries_max {
            let entry = writer.hand;
            writer.hand = (entry + 1) % self.entries_max;
            let mark = self.keys.mark(entry);
            if mark.load(Relaxed) == 0 {
                return entry;
            }
            mark.store(0, Relaxed);
        }
        let entry = writer.hand;
        writer.hand = (entry + 1) % self.entries_max;
        entry
    }

    fn take_slot(&self, writer: &mut Writer) -> u32 {
        writer.slots.take(self.lanes.slots(), &self.runs)
    }

    fn retire(&self, writer: &mut Writer, slot: u32) {
        writer.slots.retire(slot, &self.runs);
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A live entry and the slot of its value.
#[derive(Copy, Clone, Debug)]
struct Found {
    entry: u32,
    slot: u32,
}

/// Value slots beyond `max_entries`: enough for retired ones to wait, unless values are huge. They
/// take address space, and memory only when used.
pub(super) fn spare_slots(spec: &MapSpec, cpus: u32) -> u64 {
    let lanes = u64::from(if spec.kind.is_per_cpu() { cpus } else { 1 });
    let slot_bytes = u64::from(spec.value_size).next_multiple_of(8) * lanes;
    (limits::SPARE_BYTES_MAX / slot_bytes).clamp(limits::SPARE_SLOTS_MIN, limits::SPARE_SLOTS_MAX)
}
