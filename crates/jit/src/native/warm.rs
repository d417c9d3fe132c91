//! Programs that run often are compiled once more, by tier 2 and in the background. They run in tier 1
//! until that is done, then in both in turns until it is known which is faster; runs that have begun end
//! where they began.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use osmia_program::TierTimes;
use osmia_vm::Way;

use super::Sealed;
use super::addresses::Addresses;
use super::trial::{Trial, keeps_first};
use crate::limits::HOT_RUNS;
use crate::lower::Lowered;

/// Runs that are counted at once, in advance.
const RUNS_LENT_MAX: u32 = 32;

#[derive(Debug)]
pub(super) struct Warm {
    /// Runs so far, up to where it is hot. Some may get lost where CPUs count at once.
    runs: AtomicU32,
    /// What there is to compile, until somebody does.
    cold: Mutex<Option<(Lowered, Addresses)>>,
    /// What came of it; nothing if tier 2 does not take the program.
    hot: OnceLock<Option<Sealed>>,
    /// Between the two.
    trial: Trial,
}

impl Warm {
    pub(super) fn new(lowered: Lowered, addresses: Addresses) -> Self {
        Self {
            runs: AtomicU32::new(0),
            cold: Mutex::new(Some((lowered, addresses))),
            hot: OnceLock::new(),
            trial: Trial::default(),
        }
    }

    /// What tier 2 made, once it is there and the program stays with it.
    #[inline]
    pub(super) fn hot(&self) -> Option<&Sealed> {
        let hot = self.hot.get()?.as_ref()?;
        let times = self.trial.outcome()?;
        (!keeps_first(times)).then_some(hot)
    }

    /// The way that the next runs take.
    pub(super) fn way(self: &Arc<Self>, cold: &Sealed) -> Way {
        let made = self.hot.get().map(Option::as_ref);
        let (entry, runs, measured) = match (made, self.trial.outcome()) {
            (None, _) => (cold, self.lend(), None),
            (Some(None), _) => (cold, u32::MAX, None),
            (Some(Some(_)), Some(_)) => (self.hot().unwrap_or(cold), u32::MAX, None),
            (Some(Some(hot)), None) => {
                let tier = self.trial.turn();
                (if tier == 1 { cold } else { hot }, 0, Some(tier))
            }
        };
        Way {
            entry: entry.pages.first(),
            runs,
            measured,
        }
    }

    /// A run that was measured.
    pub(super) fn took(&self, tier: u8, time: Duration) {
        self.trial.took(tier, time);
    }

    /// What runs took in both tiers, once that is known.
    pub(super) fn times(&self) -> Option<TierTimes> {
        self.trial.outcome()
    }

    /// Counts a run from inside of another program, which nobody measures.
    pub(super) fn entered(self: &Arc<Self>) {
        match self.hot.get() {
            Some(Some(_)) if self.trial.outcome().is_none() => drop(self.trial.turn()),
            Some(_) => {}
            None => self.count(1),
        }
    }

    /// Counts runs that may follow before somebody asks again, and says how many.
    fn lend(self: &Arc<Self>) -> u32 {
        let runs = self.runs.load(Relaxed);
        let lent = HOT_RUNS.saturating_sub(runs).clamp(1, RUNS_LENT_MAX);
        self.count(lent);
        lent
    }

    /// Counts runs.
    fn count(self: &Arc<Self>, more: u32) {
        let runs = self.runs.load(Relaxed);
        if runs < HOT_RUNS {
            self.runs.store(runs + more, Relaxed);
            if runs + more >= HOT_RUNS {
                self.heat();
            }
        }
    }

    /// Has the program compiled by another thread. If there is none to be had it stays in tier 1.
    #[cold]
    fn heat(self: &Arc<Self>) {
        let cold = self
            .cold
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some((lowered, addresses)) = cold else {
            return;
        };
        let warm = Arc::downgrade(self);
        let compile = move || {
            let sealed = Sealed::second(&lowered, &addresses).ok();
            // Who asked may be gone meanwhile.
            if let Some(warm) = warm.upgrade() {
                warm.hot.get_or_init(|| sealed);
            }
        };
        let _ = thread::Builder::new()
            .name("osmia-tier2".into())
            .spawn(compile);
    }
}
