//! The states claimed at one instruction, and which of them covers another.
//!
//! There may be thousands: a loop that counts with exact numbers leaves one for each turn. So they are
//! found by what sets them apart ([`Index`]) and only the few that are left are compared.

mod index;

use crate::Options;
use crate::checker::inclusion::includes;
use crate::state::State;
use index::Index;

/// States, none of which covers another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claimed {
    states: Vec<State>,
    index: Index,
}

impl Claimed {
    /// Keeps of these states what covers all of them.
    pub(crate) fn new(states: Vec<State>, options: &Options) -> Claimed {
        let index = Index::new(&states);
        let mut dropped = vec![false; states.len()];
        for (number, state) in states.iter().enumerate() {
            let covering = index.find(state, &|other| {
                other != number && !dropped[other] && includes(&states[other], state, options)
            });
            dropped[number] = covering.is_some();
        }
        if !dropped.contains(&true) {
            return Claimed { states, index };
        }
        let kept = states.into_iter().zip(dropped);
        let kept: Vec<State> = (kept.filter(|(_, dropped)| !dropped))
            .map(|(state, _)| state)
            .collect();
        Claimed {
            index: Index::new(&kept),
            states: kept,
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    /// A state by its position.
    pub(crate) fn state(&self, index: usize) -> &State {
        &self.states[index]
    }

    /// The position of a state that covers this one.
    pub(crate) fn covering(&self, state: &State, options: &Options) -> Option<usize> {
        (self.index).find(state, &|wide| includes(&self.states[wide], state, options))
    }
}

#[cfg(test)]
mod tests {
    use osmia_isa::Reg as RegName;

    use super::*;
    use crate::reg::{Reg, What};

    /// A state in which only r0 is told.
    fn with(reg: Reg) -> State {
        let mut state = State::new(0, 0);
        *state.reg_mut(RegName::R0) = reg;
        state
    }

    fn of(regs: impl Iterator<Item = Reg>) -> Claimed {
        Claimed::new(regs.map(with).collect(), &Options::default())
    }

    #[test]
    fn each_of_many_numbers_is_found() {
        let claimed = of((0..1000).map(Reg::constant));
        assert_eq!(claimed.len(), 1000);
        for number in 0..1000 {
            let state = with(Reg::constant(number));
            let found = claimed.covering(&state, &Options::default());
            assert_eq!(found, Some(number as usize));
        }
        let other = with(Reg::constant(1000));
        assert_eq!(claimed.covering(&other, &Options::default()), None);
    }

    #[test]
    fn what_covers_all_stays_alone() {
        let claimed = of((0..100).map(Reg::constant).chain([Reg::UNKNOWN]));
        assert_eq!(claimed.len(), 1);
    }

    #[test]
    fn pointers_are_kept_apart_from_numbers() {
        let context = || with(Reg::pointer(What::Context));
        let claimed = of([Reg::UNKNOWN, Reg::pointer(What::Context)].into_iter());
        assert_eq!(claimed.len(), 2);
        assert_eq!(claimed.covering(&context(), &Options::default()), Some(1));
    }
}
