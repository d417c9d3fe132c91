//! Maps by key: what a `hash_of_maps` holds.
//!
//! A hash gives each key a stamp, which says in which of a row of slots its map is held, and tells it
//! from what the slot holds at other times. A slot is filled before its stamp can be found, and emptied
//! once it no longer can: a reader, who takes no lock, looks again if the slot holds something else.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use osmia_program::{Errno, MapKind, MapSpec, UpdateMode};

use super::Map;
use super::error::BrokenRule;
use super::hash::Hash;
use super::lanes::Write;
use super::runs::Runs;
use super::slots::Slots;

/// Bytes of a stamp.
const STAMP_BYTES: u32 = 8;

/// The maps.
#[derive(Debug)]
pub(super) struct KeyedMaps {
    stamps: Box<Hash>,
    held: Slots<Held>,
    writer: Mutex<Writer>,
    runs: Arc<Runs>,
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
        let stamps = MapSpec {
            kind: MapKind::Hash,
            value_size: STAMP_BYTES,
            btf: None,
            inner: None,
            ..spec.clone()
        };
        Ok(Self {
            stamps: Box::new(Hash::new(&stamps, runs)?),
            // A new map is held before the one it replaces is let go.
            held: Slots::with_count(spec.max_entries.saturating_add(1))?,
            writer: Mutex::default(),
            runs: Arc::clone(runs),
        })
    }

    /// The stamp of a key, for a run.
    fn stamp(&self, key: &[u8]) -> Option<u64> {
        let element = self.stamps.lookup(key, 0)?;
        Some(self.stamps.values().words(element.index())[0].load(Relaxed))
    }

    /// The map of a key.
    pub(super) fn at(&self, key: &[u8]) -> Option<Arc<Map>> {
        // During a run no element is reused, so a stamp is the key's.
        let _run = self.runs.enter(0);
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
        let _run = self.runs.enter(0);
        let mut writer = self.writer();
        let before = self.stamp(key);
        let slot = writer.free.pop().unwrap_or(writer.unused);
        writer.unused = writer.unused.max(slot + 1);
        writer.stamped += 1;
        let stamp = writer.stamped << 32 | u64::from(slot);
        self.held.set(slot, Held { stamp, map })?;
        let value = stamp.to_ne_bytes();
        let result = self.stamps.update(key, Write::Outside(&value), mode);
        let over = match result {
            Ok(()) => before,
            Err(_) => Some(stamp),
        };
        self.let_go(writer, over);
        result
    }

    pub(super) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        let _run = self.runs.enter(0);
        let writer = self.writer();
        let before = self.stamp(key);
        self.stamps.delete(key, 0)?;
        self.let_go(writer, before);
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
