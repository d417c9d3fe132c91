//! Value slots of a map whose elements come and go: a slot given back is taken again once every run
//! that may hold it has ended ([`Runs`]), or when no other is left.

use std::collections::VecDeque;

use super::runs::Runs;

/// After so many retired slots it is worth asking whether runs have ended.
const RETIRED_BATCH: usize = 32;

/// Which slots are in use.
#[derive(Debug, Default)]
pub(super) struct Pool {
    free: Vec<u32>,
    /// Slots below this have been in use.
    born: u32,
    /// Slots given up, with the epoch in which a run might still have found them.
    retired: VecDeque<(u64, u32)>,
}

impl Pool {
    /// A slot of so many; there are more than elements.
    pub(super) fn take(&mut self, slots: u32, runs: &Runs) -> u32 {
        if let Some(slot) = self.free.pop() {
            return slot;
        }
        let unused = self.born < slots;
        if !unused || self.retired.len().is_multiple_of(RETIRED_BATCH) {
            self.reclaim(runs);
            if let Some(slot) = self.free.pop() {
                return slot;
            }
        }
        if unused {
            self.born += 1;
            return self.born - 1;
        }
        let (_, oldest) = (self.retired.pop_front()).expect("slots outnumber entries");
        oldest
    }

    /// Gives a slot back that a run may still hold.
    pub(super) fn retire(&mut self, slot: u32, runs: &Runs) {
        self.retired.push_back((runs.epoch(), slot));
    }

    fn reclaim(&mut self, runs: &Runs) {
        if self.retired.is_empty() {
            return;
        }
        runs.advance();
        let now = runs.advance();
        while let Some(&(epoch, slot)) = self.retired.front()
            && Runs::is_past(epoch, now)
        {
            self.retired.pop_front();
            self.free.push(slot);
        }
    }
}
