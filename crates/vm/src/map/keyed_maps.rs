//! Maps by key: what a `hash_of_maps` holds.
//!
//! Each key has a stamp, which says in which of a row of slots its map is held, and tells it
//! from what the slot holds at other times. A slot is filled before its stamp can be found, and emptied
//! once it no longer can: a reader, who takes no lock, looks again if the slot holds something else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use osmia_program::{Errno, MapSpec, UpdateMode};

use super::Map;
use super::error::BrokenRule;
use super::runs::Runs;
use super::slots::Slots;
use super::words::Words;

/// The maps.
#[derive(Debug)]
pub(super) struct KeyedMaps {
    stamps: Words<1>,
    held: Slots<Held>,
    writer: Mutex<Writer>,
}

/// A map and the stamp of its key.
#[derive(Clone, Debug)]
struct Held {
    stamp: u64,
    map: Arc<Map>,
}

/// What only writers know.
#[derive(Debug, Default)]
struct Writer {
    /// How many stamps there were.
    stamped: u64,
    /// Slots that were emptied.
    free: Vec<u32>,
    /// The first slot that was never filled.
    unused: u32,
}

/// The slot that a stamp says.
fn slot_of(stamp: u64) -> u32 {
    stamp as u32
}

impl KeyedMaps {
    pub(super) fn new(spec: &MapSpec, runs: &Arc<Runs>) -> Result<Self, BrokenRule> {
        Ok(Self {
            stamps: Words::new(spec.key_size, spec.max_entries, runs)?,
            // A new map is held before the one it replaces is let go.
            held: Slots::with_count(spec.max_entries.saturating_add(1))?,
            writer: Mutex::default(),
        })
    }

    fn stamp(&self, key: &[u8]) -> Option<u64> {
        self.stamps.at(key).map(|[stamp]| stamp)
    }

    /// The map of a key.
    pub(super) fn at(&self, key: &[u8]) -> Option<Arc<Map>> {
        loop {
            let stamp = self.stamp(key)?;
            if let Some(held) = self.held.at(slot_of(stamp))
                && held.stamp == stamp
            {
                return Some(held.map);
            }
        }
    }

    pub(super) fn set(&self, key: &[u8], map: Arc<Map>, mode: UpdateMode) -> Result<(), Errno> {
        let mut writer = self.writer();
        let before = self.stamp(key);
        let slot = writer.free.pop().unwrap_or(writer.unused);
        writer.unused = writer.unused.max(slot + 1);
        writer.stamped += 1;
        let stamp = writer.stamped << 32 | u64::from(slot);
        self.held.set(slot, Held { stamp, map })?;
        let result = self.stamps.set(key, [stamp], mode);
        let over = match result {
            Ok(()) => before,
            Err(_) => Some(stamp),
        };
        self.let_go(writer, over);
        result
    }

    pub(super) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        let writer = self.writer();
        let [before] = self.stamps.remove(key)?;
        self.let_go(writer, Some(before));
        Ok(())
    }

    /// Empties the slot of a stamp that cannot be found any more.
    fn let_go(&self, mut writer: MutexGuard<'_, Writer>, stamp: Option<u64>) {
        if let Some(slot) = stamp.map(slot_of) {
            let _ = self.held.clear(slot);
            writer.free.push(slot);
        }
    }

    pub(super) fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        self.stamps.next_key(key)
    }

    pub(super) fn len(&self) -> u32 {
        self.stamps.len()
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
