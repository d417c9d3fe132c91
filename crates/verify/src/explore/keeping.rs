//! The states that are kept, so that a path ends where one covers it.

use osmia_isa::Insn;

use super::{Explorer, Listed};
use crate::loops::{BackEdge, Loops};
use crate::path::{Kept, Path, StateId};
use crate::prune::{self, Alike};
use crate::reg::Reg;
use crate::reject::{Check, invalid};
use crate::stack::Slot;
use crate::state::{Frame, State};

impl Explorer<'_> {
    /// True if a kept state covers this one; else keeps this one, if it is time to.
    pub(super) fn is_covered(&mut self) -> Check<bool> {
        let at = self.transfer.at;
        let mark = self.transfer.shape.marks[at];
        let forced = mark.checkpoint || self.path.history.len() > 40;
        let mut keep = forced
            || (self.jumps - self.jumps_at_last_state >= 2
                && self.stats.insns - self.insns_at_last_state >= 8)
            || self.transfer.options.keep_every_state;
        let insn = self.transfer.shape.insn(at);
        let mut position = 0;
        let place = self.place();
        let mut list = self.listed.remove(&place).unwrap_or_default();
        let mut hit = None;
        while position < list.len() {
            let id = list[position].state;
            self.clean(id);
            let unfinished = self.states[id].branches > 0;
            let (old, new) = (&self.states[id].state, &self.transfer.state);
            let live = |number: usize, _: &Frame| self.live_registers(new, number, at);
            if unfinished {
                // An ancestor: this path came by here before.
                let alike = match insn {
                    Insn::MayGoto { .. } if old.may_goto_depth != new.may_goto_depth => {
                        Some(Alike::InRange)
                    }
                    Insn::Call(_) if mark.calls_back || mark.steps => Some(Alike::InRange),
                    _ => None,
                };
                let same = |alike| prune::covers(old, new, alike, live);
                // An iterator that has no more items leaves the loop.
                let goes_on = !mark.steps || prune::steps_on(new);
                if goes_on && alike.is_some_and(same) {
                    hit = Some((position, true));
                    break;
                }
                let unlike_depth = old.may_goto_depth != new.may_goto_depth
                    || old.callback_unroll_depth != new.callback_unroll_depth
                    || prune::iterators_differ(old, new);
                if alike.is_none() && !unlike_depth && same(Alike::Exactly) {
                    self.listed.insert(place, list);
                    return invalid(at, format!("infinite loop detected at insn {at}"));
                }
                // In a loop, states that differ from turn to turn are not worth keeping often.
                if !forced
                    && !self.transfer.options.keep_every_state
                    && self.jumps - self.jumps_at_last_state < 20
                    && self.stats.insns - self.insns_at_last_state < 100
                {
                    keep = false;
                }
            } else {
                let open = self.is_open(&self.states[id]);
                let deep = (self.transfer.speculation.as_ref()).is_some_and(|found| found.deep);
                let alike = match (open, deep) {
                    (true, _) => {
                        let shape = &self.transfer.shape;
                        Alike::InRangeBelow(self.loops.fresh_from(shape, old, at))
                    }
                    (false, true) => Alike::Deeply,
                    (false, false) => Alike::WhereItMatters,
                };
                if prune::covers(old, new, alike, live) {
                    hit = Some((position, open));
                    break;
                }
            }
            // Not this one.
            if keep {
                list[position].misses += 1;
            }
            let patience = if mark.checkpoint && unfinished { 64 } else { 3 };
            let kept = &list[position];
            if kept.misses > kept.hits * patience + patience {
                list.remove(position);
                self.unlist(id);
                continue;
            }
            position += 1;
        }
        if let Some((position, open)) = hit {
            list[position].hits += 1;
            let id = list[position].state;
            self.states[id].used = true;
            self.listed.insert(place, list);
            self.take_over_precision(id, mark.jump);
            let old = &self.states[id];
            let around = Loops::around(&self.transfer.shape, &old.state, old.at);
            if let Some(around) = around.filter(|_| open) {
                let back_edge = BackEdge {
                    path: self.path.clone(),
                    at,
                    frame: self.transfer.state.top(),
                    covered_by: id,
                };
                self.loops.close(around, back_edge);
            }
            return Ok(true);
        }
        if self.comes_back_unchanged() {
            self.listed.insert(place, list);
            return invalid(at, format!("infinite loop detected at insn {at}"));
        }
        if keep {
            let merged = self.merge_with(&list);
            let id = self.keep_state();
            let merges = merged.map_or(0, |merged| self.note_merge(id, merged));
            list.insert(
                0,
                Listed {
                    state: id,
                    hits: 0,
                    misses: 0,
                    merges,
                },
            );
            self.stats.states_at_one = self.stats.states_at_one.max(list.len());
        }
        self.listed.insert(place, list);
        Ok(false)
    }

    /// Keeps the state and goes on from it.
    fn keep_state(&mut self) -> StateId {
        prune::drop_single_ids(&mut self.transfer.state);
        self.transfer.look_at_everything();
        let at = self.transfer.at;
        let outer = self.outer_state();
        let id = self.vacant.pop().unwrap_or(self.states.len());
        let onward = Path {
            first: at,
            last: self.path.last,
            parent: Some(id),
            history: Vec::new(),
        };
        let kept = Kept {
            state: self.transfer.state.clone(),
            at,
            path: std::mem::replace(&mut self.path, onward),
            outer,
            branches: 1,
            cleaned: false,
            used: false,
            unlisted: false,
        };
        self.hold(kept.state.bytes() + kept.path.bytes());
        if id == self.states.len() {
            self.hold(size_of::<Kept>());
            self.states.push(kept);
        } else {
            self.states[id] = kept;
        }
        self.stats.states_peak = self
            .stats
            .states_peak
            .max(self.states.len() - self.vacant.len());
        let kept = &self.states[id];
        if let Some(around) = Loops::around(&self.transfer.shape, &kept.state, at) {
            self.loops.enter(around, id);
        }
        self.stats.states += 1;
        self.noted = false;
        self.jumps_at_last_state = self.jumps;
        self.insns_at_last_state = self.stats.insns;
        id
    }

    /// True while it is not known yet what matters in a kept state.
    pub(super) fn is_open(&self, kept: &Kept) -> bool {
        Loops::around(&self.transfer.shape, &kept.state, kept.at)
            .is_some_and(|around| self.loops.is_open(around))
    }

    /// Forgets of a state that was explored to its end what nobody will read.
    pub(super) fn clean(&mut self, id: StateId) {
        let kept = &self.states[id];
        if kept.cleaned || kept.branches > 0 || self.is_open(kept) {
            return;
        }
        self.liveness.update(&self.transfer);
        let state = &kept.state;
        let live: Vec<(u16, u64)> = (0..state.frames.len())
            .map(|number| {
                let regs = self.live_registers(state, number, kept.at);
                let slots = self.liveness.live(&self.transfer, state, kept.at, number);
                (regs, slots)
            })
            .collect();
        let kept = &mut self.states[id];
        kept.cleaned = true;
        // Nothing will be followed back through it any more.
        self.bytes -= kept.path.history_bytes();
        kept.path.history = Vec::new();
        for (frame, (regs, slots)) in kept.state.frames.iter_mut().zip(live) {
            for (number, reg) in frame.regs.iter_mut().enumerate().take(10) {
                if regs & 1 << number == 0 {
                    *reg = Reg::UNSET;
                }
            }
            for (number, slot) in frame.stack.slots_mut().iter_mut().enumerate() {
                if slots & 1 << number == 0 {
                    *slot = Slot::EMPTY;
                }
            }
        }
    }

    /// No state is compared with this one any more.
    pub(super) fn unlist(&mut self, id: StateId) {
        self.states[id].unlisted = true;
        if !self.free(id) && self.states[id].branches == 0 {
            // Its loop is open.
            self.lingering.push(id);
        }
    }

    /// Gives up what is kept of a state if nobody will ask for it: no state is compared with it, its
    /// paths are explored to their ends, and nothing is followed back through it. What covered
    /// something is told in the certificate, so of that the state itself stays.
    pub(super) fn free(&mut self, id: StateId) -> bool {
        let kept = &self.states[id];
        if !kept.unlisted || kept.branches > 0 || self.is_open(kept) {
            return false;
        }
        if kept.used {
            self.clean(id);
            return true;
        }
        self.look_at_calls_back(id);
        let kept = &mut self.states[id];
        self.bytes -= kept.state.bytes() + kept.path.bytes();
        (kept.state, kept.path) = (State::empty(), Path::new(kept.at));
        kept.unlisted = false;
        self.vacant.push(id);
        true
    }

    /// Registers of a frame that may still be read, the state being at `at`.
    pub(super) fn live_registers(&self, state: &State, number: usize, at: usize) -> u16 {
        if number == state.top() {
            return self.transfer.shape.marks[at].live;
        }
        let call = state.frames[number + 1].callsite.unwrap_or_default();
        self.transfer.shape.marks[call].live
    }

    /// The kept state of an instruction on this path, the latest, with so many frames; `id` is the
    /// latest of all.
    pub(super) fn earlier_state(
        &self,
        mut id: Option<StateId>,
        at: usize,
        frames: usize,
    ) -> Option<StateId> {
        while let Some(parent) = id {
            let kept = &self.states[parent];
            let depth = kept.state.frames.len();
            if kept.at == at && depth == frames {
                return Some(parent);
            }
            // What a function did that has returned may be many states.
            id = if depth > frames {
                kept.outer
            } else {
                kept.path.parent
            };
        }
        None
    }

    /// The latest kept state on this path with fewer frames than it has now.
    fn outer_state(&self) -> Option<StateId> {
        let frames = self.transfer.state.frames.len();
        let mut id = self.path.parent;
        while let Some(parent) = id {
            let kept = &self.states[parent];
            if kept.state.frames.len() < frames {
                return Some(parent);
            }
            id = kept.outer;
        }
        None
    }
}
