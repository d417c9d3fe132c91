//! The states claimed at one instruction, and which of them covers another.
//!
//! A loop that counts with exact numbers leaves thousands of states there, which differ in the
//! counter. So they are found by the number of one register: a state in which it is known covers
//! only states with that number.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::Options;
use crate::checker::inclusion::includes;
use crate::state::State;

/// States, none of which covers another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claimed {
    states: Vec<State>,
    /// The register of the running frame that tells them apart best.
    register: usize,
    /// Those in which its number is known.
    by_number: FxHashMap<u64, Vec<u32>>,
    /// The others.
    rest: Vec<u32>,
}

impl Claimed {
    /// Keeps of these states what covers all of them.
    pub(crate) fn new(states: Vec<State>, options: &Options) -> Claimed {
        let mut claimed = Claimed {
            register: telling_register(&states),
            ..Claimed::default()
        };
        let number = |state: &State| number_in(state, claimed.register);
        let (known, rest): (Vec<State>, _) =
            (states.into_iter()).partition(|state| number(state).is_some());
        // What one state covers is behind it or among the same: those with any number come first.
        let mut kept = Vec::new();
        for state in rest {
            insert(&mut kept, state, options);
        }
        let mut with_number: FxHashMap<u64, Vec<State>> = FxHashMap::default();
        let mut numbers = Vec::new();
        for state in known {
            let number = number_in(&state, claimed.register).expect("they were parted by it");
            if kept.iter().any(|wide| includes(wide, &state, options)) {
                continue;
            }
            let same = with_number.entry(number).or_insert_with(|| {
                numbers.push(number);
                Vec::new()
            });
            insert(same, state, options);
        }
        claimed.rest = (0..kept.len() as u32).collect();
        claimed.states = kept;
        for number in numbers {
            let same = with_number.remove(&number).unwrap_or_default();
            let first = claimed.states.len() as u32;
            let positions = (first..first + same.len() as u32).collect();
            claimed.by_number.insert(number, positions);
            claimed.states.extend(same);
        }
        claimed
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    /// One of them.
    pub(crate) fn state(&self, index: usize) -> &State {
        &self.states[index]
    }

    /// One that covers a state.
    pub(crate) fn covering(&self, state: &State, options: &Options) -> Option<usize> {
        let known = number_in(state, self.register);
        let same = known.and_then(|number| self.by_number.get(&number));
        let places = same.into_iter().flatten().chain(&self.rest);
        places
            .map(|&place| place as usize)
            .find(|&place| includes(&self.states[place], state, options))
    }
}

/// Adds a state unless it is covered, and drops what it covers.
fn insert(states: &mut Vec<State>, state: State, options: &Options) {
    if !states.iter().any(|wide| includes(wide, &state, options)) {
        states.retain(|narrow| !includes(&state, narrow, options));
        states.push(state);
    }
}

/// The register in which the most different numbers are known.
fn telling_register(states: &[State]) -> usize {
    let registers = states.first().map_or(0, |state| state.frame().regs.len());
    let different = |register: &usize| {
        let numbers = states
            .iter()
            .filter_map(|state| number_in(state, *register));
        numbers.collect::<FxHashSet<u64>>().len()
    };
    (0..registers).max_by_key(different).unwrap_or_default()
}

fn number_in(state: &State, register: usize) -> Option<u64> {
    state.frame().regs.get(register)?.value()
}
