//! Merging states while exploring, beyond what Linux does.
//!
//! Where a state is kept beside others that are explored to their ends, the path goes on from what the new
//! one and an older one have in common. If that is rejected further on, it is taken back: what was explored
//! from the merged state is forgotten, what differed there is kept apart from then on, and the path goes on
//! from the state it had. So merging is never the reason of a rejection, and every path still ends in an exit
//! or in a state that was explored to its end before: what is accepted ends.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Explorer, Listed, Place};
use crate::limits;
use crate::loops::Loops;
use crate::merge::{Breadth, Merged, Places, merge};
use crate::path::{Path, StateId};
use crate::prune::{self, Alike};
use crate::reject::Reject;
use crate::shape::nest::Nests;
use crate::state::State;
use crate::turns::Turns;

/// States of one place and turn that are left as they are, before others are merged with them.
const STATES_APART: usize = 1;

/// What merging needs.
#[derive(Debug)]
pub(super) struct Merging {
    nests: Nests,
    /// Where merged numbers are made no more general than the merge asks.
    narrow: FxHashSet<usize>,
    /// What is no longer merged at an instruction.
    apart: FxHashMap<usize, Places>,
    /// Merged states that are being explored, one inside of the other.
    attempts: Vec<Attempt>,
    /// The last one that was taken back.
    blamed: Option<Blamed>,
}

/// A merged state, and all that is needed to go on without it.
#[derive(Debug)]
struct Attempt {
    id: StateId,
    /// The state as it was.
    state: State,
    before: usize,
    turns: Turns,
    /// Branches that waited when it was made.
    waiting: usize,
    widened: Places,
    breadth: Breadth,
}

/// What was found guilty of a rejection.
#[derive(Debug)]
struct Blamed {
    /// Where the rejection was.
    rejected_at: Option<usize>,
    /// Where states were merged.
    merged_at: usize,
    /// What is kept apart there because of it.
    places: Places,
}

/// A merge that is about to be kept.
pub(super) struct Merge {
    /// The state as it was.
    state: State,
    widened: Places,
    breadth: Breadth,
    merges: u32,
}

impl Explorer<'_> {
    /// Merges states from now on.
    pub(crate) fn merge_states(&mut self) {
        self.merging = Some(Box::new(Merging {
            nests: Nests::of(&self.transfer.shape),
            narrow: FxHashSet::default(),
            apart: FxHashMap::default(),
            attempts: Vec::new(),
            blamed: None,
        }));
    }

    /// Where the current state is compared with others.
    pub(super) fn place(&self) -> Place {
        let (state, at) = (&self.transfer.state, self.transfer.at);
        let turns =
            (self.merging.as_ref()).map_or(0, |merging| self.turns.key(&merging.nests, state, at));
        (at, state.frame().callsite, turns)
    }

    /// Most branches that may wait.
    pub(super) fn waiting_max(&self) -> usize {
        if self.merging.is_some() {
            limits::BRANCHES_WAITING_MERGED_MAX
        } else {
            limits::BRANCHES_WAITING_MAX
        }
    }

    /// The path went on; `frames` were there before.
    pub(super) fn count_turns(&mut self, at: usize, after: usize, frames: usize) {
        let Some(merging) = &self.merging else { return };
        let now = self.transfer.state.frames.len();
        if now == frames {
            self.turns.pass(&merging.nests, now - 1, at, after);
        } else {
            self.turns.leave(now.min(frames));
        }
    }

    /// The turns of a branch that was put aside.
    pub(super) fn turns_aside(&self, state: &State, start: usize) -> Turns {
        let mut turns = self.turns.clone();
        if let Some(merging) = &self.merging {
            let frame = state.top();
            if frame == self.transfer.state.top() {
                turns.pass(&merging.nests, frame, self.transfer.at, start);
            } else {
                turns.leave(frame.min(self.transfer.state.frames.len()));
            }
        }
        turns
    }

    /// True if a loop whose turns tell states apart has come back with nothing changed.
    pub(super) fn comes_back_unchanged(&self) -> bool {
        let at = self.transfer.at;
        if !(self.merging.as_ref()).is_some_and(|merging| merging.nests.begins(at)) {
            return false;
        }
        let new = &self.transfer.state;
        let frames = new.frames.len();
        let Some(id) = self.earlier_state(self.path.parent, at, frames) else {
            return false;
        };
        let old = &self.states[id].state;
        let alike = old.may_goto_depth == new.may_goto_depth
            && old.callback_unroll_depth == new.callback_unroll_depth
            && !prune::iterators_differ(old, new);
        let live = |number: usize, _: &_| self.live_registers(new, number, at);
        alike && prune::covers(old, new, Alike::Exactly, live)
    }

    /// Merges the current state with one that was kept here, if that can be.
    pub(super) fn merge_with(&mut self, list: &[Listed]) -> Option<Merge> {
        let merging = self.merging.as_ref()?;
        let at = self.transfer.at;
        let new = &self.transfer.state;
        let apart = merging.apart.get(&at).copied().unwrap_or_default();
        let explored = |listed: &&Listed| {
            let kept = &self.states[listed.state];
            kept.branches == 0 && !self.is_open(kept)
        };
        if list.iter().filter(explored).count() < STATES_APART {
            return None;
        }
        let live = |number: usize, _: &_| self.live_registers(new, number, at);
        let narrow = merging.narrow.contains(&at);
        let (merged, breadth, merges) = list.iter().filter(explored).find_map(|old| {
            let breadth = if narrow {
                Breadth::Hull
            } else {
                Breadth::after(old.merges)
            };
            let kept = &self.states[old.state].state;
            let merged = merge(kept, new, live, &apart, breadth)?;
            Some((merged, breadth, old.merges + 1))
        })?;
        let Merged { state, widened } = merged;
        Some(Merge {
            state: std::mem::replace(&mut self.transfer.state, state),
            widened,
            breadth,
            merges,
        })
    }

    /// The merged state is kept and explored; gives how many merges led to it.
    pub(super) fn note_merge(&mut self, id: StateId, merge: Merge) -> u32 {
        // The checker is to merge here, too.
        self.states[id].used = true;
        let attempt = Attempt {
            id,
            before: self.before,
            turns: self.turns.clone(),
            waiting: self.waiting.len(),
            widened: merge.widened,
            breadth: merge.breadth,
            state: merge.state,
        };
        self.bytes += attempt.state.bytes();
        if let Some(merging) = &mut self.merging {
            merging.attempts.push(attempt);
        }
        merge.merges
    }

    /// A state is explored to its end: if it was merged, that was right.
    pub(super) fn confirm(&mut self, id: StateId) {
        let Some(merging) = &mut self.merging else {
            return;
        };
        if merging
            .attempts
            .last()
            .is_some_and(|attempt| attempt.id == id)
        {
            let attempt = merging.attempts.pop().expect("there is one");
            self.bytes -= attempt.state.bytes();
        }
    }

    /// After a rejection: goes back to before the latest merge on this path; false if there is none.
    pub(super) fn take_back(&mut self, why: &Reject) -> bool {
        let spent = self.stats.insns > self.transfer.options.insns_visited_max;
        let Some(merging) = self.merging.as_mut().filter(|_| !spent) else {
            return false;
        };
        let Some(id) = merging.attempts.last().map(|attempt| attempt.id) else {
            return false;
        };
        let Some(given_up) = self.path_back_to(id) else {
            return false;
        };
        let merging = self.merging.as_mut().expect("it was there");
        let attempt = merging.attempts.pop().expect("it was there");
        let kept = &mut self.states[id];
        let at = kept.at;
        if attempt.breadth == Breadth::Hull || !merging.narrow.insert(at) {
            merging.blame(why.at, at, attempt.widened);
        }
        let path = std::mem::replace(&mut kept.path, Path::new(at));
        self.bytes -= attempt.state.bytes() + path.bytes();
        // What runs later was named by states that stay.
        for waiting in self.waiting.split_off(attempt.waiting) {
            if waiting.path.parent.is_none() {
                self.waiting.push(waiting);
            } else {
                self.bytes -= waiting.state.bytes() + waiting.path.bytes();
            }
        }
        self.give_up(&given_up);
        (self.transfer.state, self.transfer.at) = (attempt.state, at);
        (self.path, self.before, self.turns) = (path, attempt.before, attempt.turns);
        self.transfer.asides.clear();
        self.noted = false;
        if let Some(watch) = &mut self.watch {
            watch.branches(&self.transfer, self.before);
        }
        true
    }

    /// The kept states from here back to one; `None` if it is not on this path.
    fn path_back_to(&self, id: StateId) -> Option<Vec<StateId>> {
        let mut ids = Vec::new();
        let mut next = self.path.parent;
        while let Some(parent) = next {
            ids.push(parent);
            if parent == id {
                return Some(ids);
            }
            next = self.states[parent].path.parent;
        }
        None
    }

    /// Forgets states that are not explored to their ends, and those that rely on them: in loops that end by
    /// themselves a path may end in a state it came from.
    fn give_up(&mut self, ids: &[StateId]) {
        let ids_set: FxHashSet<StateId> = ids.iter().copied().collect();
        let mut loops = FxHashSet::default();
        for &id in ids {
            let kept = &self.states[id];
            let around = Loops::around(&self.transfer.shape, &kept.state, kept.at);
            loops.extend(around.filter(|&around| self.loops.is_open(around)));
        }
        let states = &self.states;
        for &around in &loops {
            self.loops.give_up(around, |mut id| {
                loop {
                    if ids_set.contains(&id) {
                        return true;
                    }
                    match states[id].path.parent {
                        Some(parent) => id = parent,
                        None => return false,
                    }
                }
            });
        }
        let shape = &self.transfer.shape;
        let mut unlisted = Vec::new();
        for list in self.listed.values_mut() {
            list.retain(|listed| {
                let kept = &states[listed.state];
                let relies = || {
                    let around = Loops::around(shape, &kept.state, kept.at);
                    kept.branches == 0 && around.is_some_and(|around| loops.contains(&around))
                };
                let gone = ids_set.contains(&listed.state);
                if !gone && !loops.is_empty() && relies() {
                    unlisted.push(listed.state);
                    return false;
                }
                !gone
            });
        }
        for id in unlisted {
            self.unlist(id);
        }
        for &id in ids {
            let kept = &mut self.states[id];
            self.bytes -= kept.state.bytes() + kept.path.bytes();
            (kept.state, kept.path) = (State::empty(), Path::new(kept.at));
            (kept.branches, kept.used, kept.unlisted) = (0, false, false);
            self.vacant.push(id);
        }
    }
}

impl Merging {
    /// What was widened in a state is kept apart there from now on. If the same is rejected without the merge
    /// that was blamed before, that one was innocent.
    fn blame(&mut self, rejected_at: Option<usize>, merged_at: usize, places: Places) {
        if let Some(before) = &self.blamed
            && before.rejected_at == rejected_at
            && let Some(apart) = self.apart.get_mut(&before.merged_at)
        {
            apart.remove(&before.places);
        }
        self.apart.entry(merged_at).or_default().add(&places);
        self.blamed = Some(Blamed {
            rejected_at,
            merged_at,
            places,
        });
    }
}
