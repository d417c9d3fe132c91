//! Who goes when an LRU is full: a hand passes over its entries, and takes those that were not used since
//! it last came by.
//!
//! That an element was used is a byte of its entry's, apart from the element: noting it is a plain store to
//! memory that fits a close cache, and the hand passes over many without touching an element. A note that
//! gets lost between CPUs makes an element no more than a little older than it is.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use osmia_program::{Errno, MapKind, MapSpec};

use super::Hash;
use crate::limits;
use crate::map::error::BrokenRule;
use crate::map::lanes::block;
use crate::memory::Block;

/// What an LRU knows beyond a hash.
#[derive(Debug)]
pub(super) struct Lru {
    /// One element, a byte an entry: 1 if it was used.
    used: Block,
    /// How many elements it evicts at a time.
    together: usize,
}

/// An element to be driven out: its entry, its slot, the hash of its key.
type Victim = (u32, u32, u64);

impl Lru {
    /// That of a map, if it is one.
    pub(super) fn of(spec: &MapSpec, cpus: u32) -> Result<Option<Self>, BrokenRule> {
        if !matches!(spec.kind, MapKind::LruHash | MapKind::LruPercpuHash) {
            return Ok(None);
        }
        Ok(Some(Self {
            used: block(1, u64::from(spec.max_entries))?,
            together: evicted_together(spec.max_entries, cpus),
        }))
    }

    #[inline(always)]
    fn byte(&self, entry: u32) -> &AtomicU8 {
        self.used.byte(0, entry as usize)
    }

    /// Notes that an element was used.
    #[inline(always)]
    pub(super) fn mark(&self, entry: u32) {
        let used = self.byte(entry);
        // Read first: a store would take the line away from other CPUs.
        if used.load(Relaxed) == 0 {
            used.store(1, Relaxed);
        }
    }

    /// Forgets that an element was used; true if it was.
    #[inline]
    pub(super) fn unmark(&self, entry: u32) -> bool {
        let used = self.byte(entry);
        let was = used.load(Relaxed) != 0;
        if was {
            used.store(0, Relaxed);
        }
        was
    }
}

/// Some, where they are few of all.
fn evicted_together(entries: u32, cpus: u32) -> usize {
    let few = entries / cpus.saturating_mul(64);
    (few as usize).clamp(1, limits::EVICTED_TOGETHER_MAX)
}

impl Hash {
    /// Takes entries of a full LRU that were not used lately away from their keys, and one of them for
    /// the caller. Among many that were, whatever comes. `ENOMEM` if other writers hold them all just
    /// now, as in the kernel.
    pub(super) fn evict(&self, lru: &Lru, cpu: u32) -> Result<Option<u32>, Errno> {
        let mut victims = [(0, 0, 0); limits::EVICTED_TOGETHER_MAX];
        let mut count = 0;
        let mut hand = self.entries.hand(cpu);
        for step in 0..limits::EVICTION_STEPS_MAX {
            let entry = hand.next();
            if lru.unmark(entry) && step < limits::EVICTION_SPARED_MAX {
                continue;
            }
            let Some(slot) = self.entries.slot(entry) else {
                continue;
            };
            victims[count] = (entry, slot, self.keys.hash_of(slot));
            count += 1;
            if count == lru.together {
                // Only now, so that what is read of all of them is read together.
                let taken = self.drive_out_all(&victims[..count]);
                count = 0;
                if taken.is_some() {
                    return Ok(taken);
                }
            }
        }
        let taken = self.drive_out_all(&victims[..count]);
        taken.map(Some).ok_or(Errno::ENOMEM)
    }

    /// One of their entries for the caller; the others are given back.
    fn drive_out_all(&self, victims: &[Victim]) -> Option<u32> {
        let mut driven_out = victims.iter().filter(|victim| self.drive_out(**victim));
        let (own, ..) = driven_out.next()?;
        driven_out.for_each(|(entry, ..)| self.entries.give(*entry));
        Some(*own)
    }

    /// Takes an entry away from the key whose slot and hash these were a moment ago.
    fn drive_out(&self, (entry, slot, hash): Victim) -> bool {
        let shard = self.shard(hash);
        let mut pool = shard.pool.lock();
        // Meanwhile it may have died, or be another key's.
        if self.entries.slot(entry) != Some(slot) {
            return false;
        }
        let Some(found) = shard.index.find(hash, |other| other == slot) else {
            return false;
        };
        self.take_out(shard, &mut pool, hash, found);
        true
    }
}
