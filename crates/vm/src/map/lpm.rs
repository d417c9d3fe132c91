//! `lpm_trie`: values by prefix, found by the longest one that matches.
//!
//! A slot is a prefix and behind it its value; a trie finds the slot. Lookups take no lock. Updates
//! write a fresh slot, so that a program which holds the old value keeps it until its run ends.

mod arena;
mod node;
mod prefix;
mod root;
mod trie;

use std::sync::Arc;

use osmia_program::{Errno, MapSpec, UpdateMode};

use self::arena::Room;
use self::prefix::{LENGTH_BYTES, Prefix, Prefixes};
use self::trie::{Trie, Writing};
use super::error::BrokenRule;
use super::lanes::{Element, Lanes, Write};
use super::pool::{Pool, Unused, spare_slots};
use super::runs::Runs;
use crate::memory::{Block, Spin, Taken};

/// The live part of an LPM trie.
#[derive(Debug)]
pub(super) struct Lpm {
    lanes: Lanes,
    prefixes: Prefixes,
    trie: Trie,
    entries_max: u32,
    unused: Unused,
    runs: Arc<Runs>,
    writer: Spin<Writer>,
}

/// What only writers know.
#[derive(Debug, Default)]
struct Writer {
    live: u32,
    pool: Pool,
    room: Room,
}

impl Lpm {
    pub(super) fn new(spec: &MapSpec, runs: &Arc<Runs>) -> Result<Self, BrokenRule> {
        let slots = u64::from(spec.max_entries) + spare_slots(spec, runs.cpus());
        let bytes = spec.key_size as usize - LENGTH_BYTES;
        let lanes = Lanes::with_headers(spec, slots, runs.cpus(), Prefixes::slot_bytes(bytes))?;
        Ok(Self {
            prefixes: Prefixes::new(Arc::clone(lanes.block()), bytes),
            trie: Trie::new(bytes, spec.max_entries)?,
            entries_max: spec.max_entries,
            unused: Unused::new(lanes.slots()),
            lanes: lanes.expecting(spec.max_entries),
            runs: Arc::clone(runs),
            writer: Spin::default(),
        })
    }

    pub(super) fn values(&self) -> &Arc<Block> {
        self.lanes.block()
    }

    pub(super) fn len(&self) -> u32 {
        self.writer().live
    }

    /// The element of the longest prefix that this one begins with.
    #[inline]
    pub(super) fn lookup(&self, key: &[u8]) -> Option<Element> {
        let slot = self.trie.longest(&self.prefixes, self.prefix(key).ok()?)?;
        self.lanes.element(slot, 0)
    }

    pub(super) fn read(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        if key.len() != LENGTH_BYTES + self.prefixes.bytes() {
            return Err(Errno::EINVAL);
        }
        // During a run no slot is reused, so the bytes are of one value.
        let _run = self.runs.enter(0);
        let key = self.prefix(key).map_err(|_| Errno::ENOENT)?;
        let slot = self.trie.longest(&self.prefixes, key);
        Ok(self.lanes.read(slot.ok_or(Errno::ENOENT)?))
    }

    pub(super) fn update(
        &self,
        key: &[u8],
        write: Write<'_>,
        mode: UpdateMode,
    ) -> Result<(), Errno> {
        self.lanes.check(write)?;
        let key = self.prefix(key)?;
        let mut writer = self.writer();
        let full = writer.live >= self.entries_max;
        if full || mode != UpdateMode::Any {
            match self.trie.exact(&self.prefixes, key) {
                Some(_) if mode == UpdateMode::NoExist => return Err(Errno::EEXIST),
                None if mode == UpdateMode::Exist => return Err(Errno::ENOENT),
                None if full => return Err(Errno::ENOSPC),
                _ => {}
            }
        }
        let slot = writer.pool.take(&self.unused, &self.runs);
        let slot = slot.ok_or(Errno::ENOMEM)?;
        self.lanes.write(slot, write, true);
        self.prefixes.set(slot, key);
        match self.trie.insert(&mut self.writing(&mut writer), key, slot) {
            Ok(Some(old)) => writer.pool.retire(old, &self.runs),
            Ok(None) => writer.live += 1,
            Err(errno) => {
                writer.pool.give(slot);
                return Err(errno);
            }
        }
        Ok(())
    }

    pub(super) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        let key = self.prefix(key)?;
        let mut writer = self.writer();
        let slot = self.trie.remove(&mut self.writing(&mut writer), key)?;
        writer.pool.retire(slot.ok_or(Errno::ENOENT)?, &self.runs);
        writer.live -= 1;
        Ok(())
    }

    /// The key after this one in the kernel's order: longer prefixes before those they begin with.
    pub(super) fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        if key.is_some_and(|key| key.len() != LENGTH_BYTES + self.prefixes.bytes()) {
            return Err(Errno::EINVAL);
        }
        let _run = self.runs.enter(0);
        let known = key.and_then(|key| self.prefix(key).ok());
        let next = self.trie.next(&self.prefixes, known);
        Ok(self.prefixes.key(next.ok_or(Errno::ENOENT)?))
    }

    #[inline]
    fn prefix<'k>(&self, key: &'k [u8]) -> Result<Prefix<'k>, Errno> {
        Prefix::new(key, self.prefixes.bytes())
    }

    fn writing<'w>(&'w self, writer: &'w mut Writer) -> Writing<'w> {
        Writing {
            prefixes: &self.prefixes,
            room: &mut writer.room,
            runs: &self.runs,
        }
    }

    fn writer(&self) -> Taken<'_, Writer> {
        self.writer.lock()
    }
}
