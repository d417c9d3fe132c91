//! A row of slots that hold something by reference: programs to tail-call, inner maps.
//!
//! What a slot holds is read without a lock, and stays with its reader whatever becomes of the slot.

use std::sync::OnceLock;

use arc_swap::ArcSwapOption;
use osmia_program::{Errno, MapSpec};

use super::error::BrokenRule;
use super::let_go::let_go;
use crate::limits;

/// Slots that get memory together, when one of them is first filled.
const CHUNK: usize = 256;

/// Some slots, once one was filled.
type Chunk<T> = OnceLock<Box<[ArcSwapOption<T>]>>;

/// The slots; empty at first.
#[derive(Debug)]
pub(super) struct Slots<T: 'static> {
    count: u32,
    chunks: Box<[Chunk<T>]>,
}

impl<T: Clone + Send + Sync + 'static> Slots<T> {
    /// As many as the map has entries.
    pub(super) fn new(spec: &MapSpec) -> Result<Self, BrokenRule> {
        Self::with_count(spec.max_entries)
    }

    /// So many.
    pub(super) fn with_count(count: u32) -> Result<Self, BrokenRule> {
        let bytes = u64::from(count) * size_of::<ArcSwapOption<T>>() as u64;
        if bytes > limits::MAP_BYTES_MAX {
            return Err(BrokenRule::TooMuchMemory {
                bytes,
                limit: limits::MAP_BYTES_MAX,
            });
        }
        let chunks = 0..(count as usize).div_ceil(CHUNK);
        Ok(Self {
            count,
            chunks: chunks.map(|_| OnceLock::new()).collect(),
        })
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// The slot, if it has memory.
    #[inline]
    fn slot(&self, index: u32) -> Option<&ArcSwapOption<T>> {
        let chunk = self.chunks.get(index as usize / CHUNK)?.get()?;
        chunk.get(index as usize % CHUNK)
    }

    /// What a slot holds.
    #[inline]
    pub(super) fn at(&self, index: u32) -> Option<T> {
        self.slot(index)?.load().as_deref().cloned()
    }

    /// Fills a slot, or fills it with something else.
    pub(super) fn set(&self, index: u32, content: T) -> Result<(), Errno> {
        if index >= self.count {
            return Err(Errno::E2BIG);
        }
        let place = &self.chunks[index as usize / CHUNK];
        let chunk = match place.get() {
            Some(chunk) => chunk,
            None => {
                let mut slots = Vec::new();
                slots.try_reserve_exact(CHUNK).map_err(|_| Errno::ENOMEM)?;
                slots.resize_with(CHUNK, ArcSwapOption::empty);
                place.get_or_init(|| slots.into_boxed_slice())
            }
        };
        let_go(chunk[index as usize % CHUNK].swap(Some(content.into())));
        Ok(())
    }

    /// Empties a slot.
    pub(super) fn clear(&self, index: u32) -> Result<(), Errno> {
        if index >= self.count {
            return Err(Errno::E2BIG);
        }
        let old = self.slot(index).and_then(|slot| slot.swap(None));
        old.map(let_go).ok_or(Errno::ENOENT)
    }

    /// Empties all.
    pub(super) fn clear_all(&self) {
        self.filled().for_each(|slot| let_go(slot.swap(None)));
    }

    /// How many hold something.
    pub(super) fn len(&self) -> u32 {
        self.filled().filter(|slot| slot.load().is_some()).count() as u32
    }

    /// All slots that have memory.
    fn filled(&self) -> impl Iterator<Item = &ArcSwapOption<T>> {
        self.chunks.iter().filter_map(OnceLock::get).flatten()
    }
}

impl<T> Drop for Slots<T> {
    fn drop(&mut self) {
        let_go(std::mem::take(&mut self.chunks));
    }
}
