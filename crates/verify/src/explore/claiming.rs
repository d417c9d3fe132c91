//! What is told of a function once all its paths are explored.

use rustc_hash::FxHashMap;

use super::Explorer;
use crate::certificate::{Claim, Claimed, generalise, precise_arguments};
use crate::path::StateId;
use crate::state::State;

impl Explorer<'_> {
    /// What the exploration of a function found: the states in which paths ended, of each as much as
    /// mattered.
    pub(super) fn claim(&mut self, function: usize) -> Claim {
        let mut states: FxHashMap<usize, Vec<State>> = FxHashMap::default();
        for id in 0..self.states.len() {
            self.look_at_calls_back(id);
        }
        let looked_at = std::mem::take(&mut self.looked_at);
        for id in 0..self.states.len() {
            if !self.states[id].used || self.states[id].state.speculative {
                continue;
            }
            self.clean(id);
            let kept = &mut self.states[id];
            let mut state = std::mem::replace(&mut kept.state, State::empty());
            generalise(&mut state, &looked_at);
            states.entry(kept.at).or_default().push(state);
        }
        let options = self.transfer.options;
        let states = (states.into_iter())
            .map(|(at, states)| (at, Claimed::new(states, options)))
            .collect();
        Claim { function, states }
    }

    /// Notes which arguments a call that calls back looked at in a state.
    pub(super) fn look_at_calls_back(&mut self, id: StateId) {
        let kept = &self.states[id];
        let calls_back = self.transfer.shape.marks[kept.at].calls_back;
        if let Some(frame) = kept.state.frames.last().filter(|_| calls_back) {
            *self.looked_at.entry(kept.at).or_default() |= precise_arguments(frame);
        }
    }
}
