//! A row of slots that hold something by reference: programs to tail-call, inner maps.

use std::sync::{PoisonError, RwLock};

use osmia_program::{Errno, MapSpec};

use super::error::BrokenRule;
use super::let_go::let_go;
use crate::limits;

/// The slots; empty at first. Memory grows with the highest that was filled.
#[derive(Debug)]
pub(super) struct Slots<T: 'static> {
    count: u32,
    filled: RwLock<Vec<Option<T>>>,
}

impl<T: Clone + 'static> Slots<T> {
    pub(super) fn new(spec: &MapSpec) -> Result<Self, BrokenRule> {
        let bytes = u64::from(spec.max_entries) * size_of::<Option<T>>() as u64;
        if bytes > limits::MAP_BYTES_MAX {
            return Err(BrokenRule::TooMuchMemory {
                bytes,
                limit: limits::MAP_BYTES_MAX,
            });
        }
        Ok(Self {
            count: spec.max_entries,
            filled: RwLock::default(),
        })
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// What a slot holds.
    #[inline]
    pub(super) fn at(&self, index: u32) -> Option<T> {
        let filled = self.filled.read().unwrap_or_else(PoisonError::into_inner);
        filled.get(index as usize)?.clone()
    }

    /// Fills a slot, or fills it with something else.
    pub(super) fn set(&self, index: u32, content: T) -> Result<(), Errno> {
        if index >= self.count {
            return Err(Errno::E2BIG);
        }
        let at = index as usize;
        let mut filled = self.filled.write().unwrap_or_else(PoisonError::into_inner);
        if at >= filled.len() {
            let more = at + 1 - filled.len();
            filled.try_reserve(more).map_err(|_| Errno::ENOMEM)?;
            filled.resize_with(at + 1, || None);
        }
        let old = filled[at].replace(content);
        // Not under the lock.
        drop(filled);
        let_go(old);
        Ok(())
    }

    /// Empties a slot.
    pub(super) fn clear(&self, index: u32) -> Result<(), Errno> {
        if index >= self.count {
            return Err(Errno::E2BIG);
        }
        let mut filled = self.filled.write().unwrap_or_else(PoisonError::into_inner);
        let old = filled.get_mut(index as usize).and_then(Option::take);
        drop(filled);
        old.map(let_go).ok_or(Errno::ENOENT)
    }

    /// Empties all.
    pub(super) fn clear_all(&self) {
        let old = std::mem::take(&mut *self.filled.write().unwrap_or_else(PoisonError::into_inner));
        let_go(old);
    }

    /// How many hold something.
    pub(super) fn len(&self) -> u32 {
        let filled = self.filled.read().unwrap_or_else(PoisonError::into_inner);
        filled.iter().flatten().count() as u32
    }
}

impl<T> Drop for Slots<T> {
    fn drop(&mut self) {
        let filled = self
            .filled
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let_go(std::mem::take(filled));
    }
}
