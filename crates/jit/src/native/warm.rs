//! Programs that run often are compiled once more, by tier 2 and in the background. They run in tier 1
//! until that is done; runs that have begun end where they began.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use super::Sealed;
use super::addresses::Addresses;
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
}

impl Warm {
    pub(super) fn new(lowered: Lowered, addresses: Addresses) -> Self {
        Self {
            runs: AtomicU32::new(0),
            cold: Mutex::new(Some((lowered, addresses))),
            hot: OnceLock::new(),
        }
    }

    /// What tier 2 made, once it is there.
    #[inline]
    pub(super) fn hot(&self) -> Option<&Sealed> {
        self.hot.get()?.as_ref()
    }

    /// Counts runs that may follow before somebody asks again, and says how many.
    #[inline]
    pub(super) fn lend(self: &Arc<Self>) -> u32 {
        let runs = self.runs.load(Relaxed);
        if self.hot.get().is_some() {
            return u32::MAX;
        }
        let lent = HOT_RUNS.saturating_sub(runs).clamp(1, RUNS_LENT_MAX);
        self.count(lent);
        lent
    }

    /// Counts runs.
    #[inline]
    pub(super) fn count(self: &Arc<Self>, more: u32) {
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
