//! How often a path went through the loops it is in, so that states of the same turn are merged and those
//! of different turns are not: then what counts the turns keeps its value, and the loop its end.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use crate::shape::nest::{LoopId, Nests};
use crate::state::State;

#[derive(Clone, Copy, Debug)]
struct Turn {
    frame: usize,
    of: LoopId,
    count: u32,
}

/// The turns a path is in; those of loops it has left are still there and do not count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns {
    turns: Vec<Turn>,
}

impl Turns {
    /// The path goes from one instruction to another of the same function, which runs in a frame.
    pub(crate) fn pass(&mut self, nests: &Nests, frame: usize, from: usize, to: usize) {
        let Some(turned) = nests.turned(from, to) else {
            return;
        };
        // Loops inside begin anew.
        self.turns
            .retain(|turn| turn.frame != frame || nests.is_in(to, turn.of));
        let known = (self.turns.iter_mut()).find(|turn| turn.frame == frame && turn.of == turned);
        match known {
            Some(turn) => turn.count += 1,
            None => self.turns.push(Turn {
                frame,
                of: turned,
                count: 1,
            }),
        }
    }

    /// Only so many frames are left.
    pub(crate) fn leave(&mut self, frames: usize) {
        self.turns.retain(|turn| turn.frame < frames);
    }

    /// A number for the turns of a state that stands at an instruction: 0 outside of loops.
    pub(crate) fn key(&self, nests: &Nests, state: &State, at: usize) -> u64 {
        if self.turns.is_empty() {
            return 0;
        }
        let calls = (state.frames.iter().skip(1)).filter_map(|frame| frame.callsite);
        let mut key = FxHasher::default();
        for (frame, place) in calls.chain([at]).enumerate() {
            for of in nests.around(place).filter(|&of| nests.counts(of)) {
                let known = self
                    .turns
                    .iter()
                    .find(|turn| (turn.frame, turn.of) == (frame, of));
                if let Some(turn) = known {
                    (frame, of, turn.count).hash(&mut key);
                }
            }
        }
        key.finish()
    }
}
