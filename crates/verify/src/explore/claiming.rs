//! What is told of a function once all its paths are explored.

use rustc_hash::FxHashMap;

use super::Explorer;
use crate::certificate::{Claim, Claimed, LookedAt, generalise, precise_registers};
use crate::state::State;

impl Explorer<'_> {
    /// What the exploration of a function found: the states in which paths ended, of each as much as
    /// mattered.
    pub(super) fn claim(&mut self, function: usize) -> Claim {
        let mut states: FxHashMap<usize, Vec<State>> = FxHashMap::default();
        let mut looked_at = LookedAt::default();
        for kept in &self.states {
            if self.transfer.shape.marks[kept.at].calls_back {
                *looked_at.entry(kept.at).or_default() |= precise_registers(kept.state.frame());
            }
        }
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
}
