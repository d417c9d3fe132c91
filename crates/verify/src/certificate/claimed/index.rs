//! States found by what sets them apart: a state that knows a number somewhere covers only states with
//! that number there, one that has a pointer only those with such a pointer.

use std::hash::{Hash, Hasher};
use std::mem::discriminant;

use rustc_hash::{FxHashMap, FxHasher};

use crate::checker::inclusion::as_number;
use crate::reg::{Reg, What};
use crate::state::State;

/// So few states are looked at one by one.
const FEW: usize = 3;
/// Of so many states is asked what sets them apart best.
const ASKED: usize = 64;
/// So many features are asked for, one after the other.
const DEPTH_MAX: u32 = 12;

/// Positions of states.
#[derive(Clone, Debug)]
pub(super) enum Index {
    /// To be looked at one by one.
    Few(Vec<u32>),
    /// Parted.
    Parted {
        by: Feature,
        /// Those that have it, by how it is.
        alike: FxHashMap<u64, Index>,
        /// Those of which it is not known.
        rest: Box<Index>,
    },
}

impl Default for Index {
    fn default() -> Self {
        Index::Few(Vec::new())
    }
}

impl Index {
    /// Of all these states.
    pub(super) fn new(states: &[State]) -> Index {
        Index::part(states, (0..states.len() as u32).collect(), DEPTH_MAX)
    }

    fn part(states: &[State], members: Vec<u32>, depth: u32) -> Index {
        let by = if members.len() <= FEW || depth == 0 {
            None
        } else {
            Feature::best(states, &members)
        };
        let Some(by) = by else {
            return Index::Few(members);
        };
        let mut alike: FxHashMap<u64, Vec<u32>> = FxHashMap::default();
        let mut rest = Vec::new();
        for member in members {
            match by.of(&states[member as usize]) {
                Some(how) => alike.entry(how).or_default().push(member),
                None => rest.push(member),
            }
        }
        let alike = (alike.into_iter())
            .map(|(how, members)| (how, Index::part(states, members, depth - 1)))
            .collect();
        let rest = Box::new(Index::part(states, rest, depth - 1));
        Index::Parted { by, alike, rest }
    }

    /// The first state of which `covers` holds, among those that may cover this one.
    pub(super) fn find(&self, state: &State, covers: &impl Fn(usize) -> bool) -> Option<usize> {
        match self {
            Index::Few(members) => {
                let mut members = members.iter().map(|&member| member as usize);
                members.find(|&member| covers(member))
            }
            Index::Parted { by, alike, rest } => (by.of(state))
                .and_then(|how| alike.get(&how)?.find(state, covers))
                .or_else(|| rest.find(state, covers)),
        }
    }
}

/// Something that a state which has it shares with every state that it covers.
#[derive(Copy, Clone, Debug)]
pub(super) enum Feature {
    /// How the running function was called.
    Chain,
    /// What a register holds.
    Reg { frame: usize, reg: usize },
    /// What a slot of a stack holds.
    Slot { frame: usize, slot: usize },
}

impl Feature {
    /// The feature that leaves the fewest states to look at.
    fn best(states: &[State], members: &[u32]) -> Option<Feature> {
        let step = members.len().div_ceil(ASKED);
        let asked: Vec<&State> = (members.iter().step_by(step))
            .map(|&member| &states[member as usize])
            .collect();
        let features = [Feature::Chain].into_iter().chain(features(asked[0]));
        let weighed = features.map(|feature| (feature.left(&asked), feature));
        let (left, best) = weighed.min_by_key(|(left, _)| *left)?;
        // It must be worth it.
        (4 * left <= 3 * asked.len() * asked.len()).then_some(best)
    }

    /// How many states would be left to look at, summed up over these.
    fn left(self, asked: &[&State]) -> usize {
        let mut alike: FxHashMap<u64, usize> = FxHashMap::default();
        let mut rest = 0;
        for state in asked {
            match self.of(state) {
                Some(how) => *alike.entry(how).or_default() += 1,
                None => rest += 1,
            }
        }
        let alike: usize = alike.values().map(|count| count * count).sum();
        alike + rest * asked.len()
    }

    /// How it is in a state, if that is known.
    fn of(self, state: &State) -> Option<u64> {
        match self {
            Feature::Chain => Some(state.frame().chain as u64),
            Feature::Reg { frame, reg } => told(&state.frames.get(frame)?.regs[reg]),
            Feature::Slot { frame, slot } => {
                let slot = state.frames.get(frame)?.stack.slot(slot);
                let pointer = (slot.holds_full_spill()).then_some(slot.spilled);
                told(&as_number(slot).or(pointer)?)
            }
        }
    }
}

/// Registers and slots of a state, those of the running function first.
fn features(state: &State) -> impl Iterator<Item = Feature> {
    let frames = state.frames.iter().enumerate().rev();
    frames.flat_map(|(frame, known)| {
        let regs = (0..known.regs.len()).map(move |reg| Feature::Reg { frame, reg });
        let slots = 0..known.stack.slots().len();
        regs.chain(slots.map(move |slot| Feature::Slot { frame, slot }))
    })
}

/// The number, or the kind of pointer.
fn told(reg: &Reg) -> Option<u64> {
    match reg.what {
        What::Unset => None,
        What::Number => reg.value(),
        what => {
            let mut hasher = FxHasher::default();
            (discriminant(&what), reg.off, reg.flags.0).hash(&mut hasher);
            Some(hasher.finish())
        }
    }
}
