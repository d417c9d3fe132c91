//! Value slots of a map whose elements come and go.
//!
//! A slot given back may still be held by a run, deleted or not, so it is taken again only once every
//! such run has ended ([`Runs`]). Until then a taker gets a slot never used before: maps have
//! [`spare_slots`] beyond their elements, which take address space, and memory only when used. When
//! those are gone too there is none, and the update fails with `ENOMEM`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use osmia_program::MapSpec;

use super::runs::Runs;
use crate::limits;

/// How many slots are retired together: asking which runs are in progress is not cheap.
const BATCH: usize = 32;

/// Slots beyond the elements of a map.
pub(super) fn spare_slots(spec: &MapSpec, cpus: u32) -> u64 {
    let lanes = u64::from(if spec.kind.is_per_cpu() { cpus } else { 1 });
    let slot_bytes = u64::from(spec.value_size).next_multiple_of(8) * lanes;
    (limits::SPARE_BYTES_MAX / slot_bytes).clamp(limits::SPARE_SLOTS_MIN, limits::SPARE_SLOTS_MAX)
}

/// Slots that were never in use, shared by the pools of a map.
#[derive(Debug)]
pub(super) struct Unused {
    next: AtomicU32,
    end: u32,
}

impl Unused {
    /// All slots below this number.
    pub(super) fn new(end: u32) -> Self {
        Self {
            next: AtomicU32::new(0),
            end,
        }
    }

    fn take(&self) -> Option<u32> {
        // Read first: once all are taken, the number must not grow for ever.
        let left = self.next.load(Relaxed) < self.end;
        let slot = left.then(|| self.next.fetch_add(1, Relaxed))?;
        (slot < self.end).then_some(slot)
    }
}

/// What was given up but may still be in use by runs, in batches. One writer at a time.
#[derive(Debug)]
pub(super) struct Aging<T> {
    /// Given up since the last batch.
    fresh: Vec<T>,
    /// Given up before their epoch ended, oldest first.
    batches: VecDeque<(u64, Vec<T>)>,
    /// Emptied batches, whose memory serves again.
    empty: Vec<Vec<T>>,
}

impl<T> Default for Aging<T> {
    fn default() -> Self {
        Self {
            fresh: Vec::new(),
            batches: VecDeque::new(),
            empty: Vec::new(),
        }
    }
}

impl<T> Aging<T> {
    /// Gives something up that no later run can reach; true if a batch is full, and it is worth
    /// asking for what is free again.
    #[inline]
    pub(super) fn retire(&mut self, item: T, runs: &Runs) -> bool {
        self.fresh.push(item);
        let full = self.fresh.len() == BATCH;
        if full {
            self.close(runs);
        }
        full
    }

    /// Ends a batch before it is full.
    fn close(&mut self, runs: &Runs) {
        if !self.fresh.is_empty() {
            let next = self.empty.pop().unwrap_or_default();
            let items = std::mem::replace(&mut self.fresh, next);
            self.batches.push_back((runs.epoch(), items));
        }
    }

    /// Hands over what no run can hold any more.
    pub(super) fn reclaim(&mut self, runs: &Runs, free: impl FnMut(T)) {
        if self.batches.is_empty() {
            return;
        }
        runs.advance();
        let now = runs.advance();
        let past = |(epoch, _): &mut (u64, _)| Runs::is_past(*epoch, now);
        let mut free = free;
        while let Some((_, mut items)) = self.batches.pop_front_if(past) {
            items.drain(..).for_each(&mut free);
            self.empty.push(items);
        }
    }
}

/// Slots given back, by one writer at a time.
#[derive(Debug, Default)]
pub(super) struct Pool {
    free: Vec<u32>,
    aging: Aging<u32>,
    /// True when it is worth asking whether runs have ended.
    ask: bool,
}

impl Pool {
    /// A slot that nobody holds, if there is one.
    #[inline]
    pub(super) fn take(&mut self, unused: &Unused, runs: &Runs) -> Option<u32> {
        (self.free.pop()).or_else(|| self.take_slowly(unused, runs))
    }

    fn take_slowly(&mut self, unused: &Unused, runs: &Runs) -> Option<u32> {
        if std::mem::take(&mut self.ask) {
            self.reclaim(runs);
        }
        (self.free.pop())
            .or_else(|| unused.take())
            .or_else(|| self.scrape(runs))
    }

    /// A slot given back here that nobody holds any more.
    pub(super) fn scrape(&mut self, runs: &Runs) -> Option<u32> {
        self.aging.close(runs);
        self.reclaim(runs);
        self.free.pop()
    }

    /// Gives a slot back that no run has seen.
    pub(super) fn give(&mut self, slot: u32) {
        self.free.push(slot);
    }

    /// Gives a slot back that a run may still hold.
    #[inline]
    pub(super) fn retire(&mut self, slot: u32, runs: &Runs) {
        self.ask |= self.aging.retire(slot, runs);
    }

    fn reclaim(&mut self, runs: &Runs) {
        let free = &mut self.free;
        self.aging.reclaim(runs, |slot| free.push(slot));
    }
}

#[cfg(test)]
mod tests {
    use super::{BATCH, Pool, Unused};
    use crate::map::Runs;

    #[test]
    fn a_slot_that_a_run_may_hold_is_not_taken_again_and_then_there_is_none() {
        let (runs, unused, mut pool) = (Runs::new(1), Unused::new(100), Pool::default());
        let run = runs.enter(0);
        for slot in 0..100 {
            assert_eq!(pool.take(&unused, &runs), Some(slot));
            pool.retire(slot, &runs);
        }
        assert_eq!(pool.take(&unused, &runs), None);
        drop(run);
        let mut again: Vec<_> = std::iter::from_fn(|| pool.take(&unused, &runs)).collect();
        again.sort_unstable();
        assert_eq!(again, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn without_runs_few_slots_serve_for_ever() {
        const ROUNDS: u32 = if cfg!(miri) { 300 } else { 10_000 };
        let (runs, unused, mut pool) = (Runs::new(1), Unused::new(u32::MAX), Pool::default());
        for _ in 0..ROUNDS {
            let slot = pool.take(&unused, &runs).unwrap();
            assert!((slot as usize) < 3 * BATCH);
            pool.retire(slot, &runs);
        }
    }
}
