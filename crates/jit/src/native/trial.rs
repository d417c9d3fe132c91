//! Which of two tiers' code a program stays with: the runs that there are to be are taken in turns, and
//! measured. Both tiers come to the same ends, so that only the time they take shows which it is.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use osmia_program::TierTimes;

use crate::limits::{TRIAL_RUNS, TRIAL_TURNS_MAX};

/// A trial between the tiers.
#[derive(Debug, Default)]
pub(super) struct Trial {
    /// Runs handed out.
    turns: AtomicU32,
    /// What runs took in each tier, in nanoseconds.
    times: Mutex<[Vec<u64>; 2]>,
    outcome: OnceLock<TierTimes>,
}

impl Trial {
    /// The tier of the next run. Not simply in turns, since inputs may come in turns as well.
    pub(super) fn turn(&self) -> u8 {
        let turn = self.turns.fetch_add(1, Relaxed);
        if turn >= TRIAL_TURNS_MAX {
            // Those who run it do not measure.
            self.decide();
        }
        // The sequence of Thue and Morse: no period is in step with it.
        1 + (turn.count_ones() & 1) as u8
    }

    /// A run took so long.
    pub(super) fn took(&self, tier: u8, time: Duration) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let times_here = &mut times[usize::from(tier - 1)];
        if times_here.len() < TRIAL_RUNS {
            times_here.push(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        }
        let is_over = times.iter().all(|times| times.len() == TRIAL_RUNS);
        drop(times);
        if is_over {
            self.decide();
        }
    }

    /// What came of it, once it is over.
    #[inline]
    pub(super) fn outcome(&self) -> Option<TierTimes> {
        self.outcome.get().copied()
    }

    #[cold]
    fn decide(&self) {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let [first, second] = times.each_ref().map(|times| usual(times));
        self.outcome.get_or_init(|| TierTimes { first, second });
    }
}

/// True if the first tier's code is what a program stays with: the second's is not just as good.
pub(crate) fn keeps_first(times: TierTimes) -> bool {
    // A difference of less than one part in so many may be chance.
    const NOTICED: u64 = 32;
    times.first + times.first / NOTICED < times.second
}

/// What a run usually takes: the mean of the shorter half, which nothing interrupted.
fn usual(times: &[u64]) -> u64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.truncate(times.len().div_ceil(2));
    times.iter().sum::<u64>() / times.len().max(1) as u64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use osmia_program::TierTimes;

    use super::{Trial, keeps_first};
    use crate::limits::TRIAL_TURNS_MAX;

    /// A trial in which runs take so long in each tier.
    fn between(first: u64, second: u64) -> TierTimes {
        let trial = Trial::default();
        while trial.outcome().is_none() {
            let tier = trial.turn();
            let time = if tier == 1 { first } else { second };
            trial.took(tier, Duration::from_nanos(time));
        }
        trial.outcome().expect("it is over")
    }

    #[test]
    fn what_takes_longer_in_the_second_tier_stays_in_the_first() {
        assert!(keeps_first(between(1790, 1990)));
        assert!(!keeps_first(between(1990, 1790)));
    }

    #[test]
    fn what_takes_as_long_rises() {
        assert!(!keeps_first(between(1000, 1000)));
        assert!(!keeps_first(between(1000, 1010)));
    }

    #[test]
    fn what_nobody_measures_rises() {
        let trial = Trial::default();
        for _ in 0..=TRIAL_TURNS_MAX {
            assert!(trial.outcome().is_none());
            trial.turn();
        }
        assert!(!keeps_first(trial.outcome().expect("it is over")));
    }

    #[test]
    fn interruptions_do_not_count() {
        let trial = Trial::default();
        let mut runs = 0;
        while trial.outcome().is_none() {
            let tier = trial.turn();
            runs += 1;
            let late = if runs % 7 == 0 { 1_000_000 } else { 0 };
            let time = if tier == 1 { 200 } else { 100 };
            trial.took(tier, Duration::from_nanos(time + late));
        }
        let times = trial.outcome().expect("it is over");
        assert_eq!((times.first, times.second), (200, 100));
    }
}
