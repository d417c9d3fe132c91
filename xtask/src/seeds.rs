//! Random programs by their seeds: stretch after stretch, on several threads, so that a sweep which was
//! cut short can go on where it was.

use std::ops::Range;
use std::thread;

use crate::place::Error;

/// Seeds a thread tries before it says how far it is.
const STRETCH: u64 = 10_000;

#[derive(clap::Args)]
pub(crate) struct Seeds {
    /// How many programs to make
    #[arg(long, default_value_t = 1_000_000)]
    programs: u64,
    /// The first program's seed; the others' follow
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Threads
    #[arg(long, default_value_t = 1)]
    threads: u64,
}

impl Seeds {
    /// Tries the seeds, gives each stretch's outcome to `add` until that has enough, and returns those
    /// that were tried.
    ///
    /// # Errors
    /// If a thread panics.
    pub(crate) fn sweep<T: Send>(
        &self,
        attempt: impl Fn(Range<u64>) -> T + Sync,
        mut add: impl FnMut(T) -> Enough,
    ) -> Result<Range<u64>, Error> {
        let end = self.seed + self.programs;
        let (mut next, mut enough) = (self.seed, Enough::No);
        while next < end && enough == Enough::No {
            let outcomes = thread::scope(|scope| {
                let workers: Vec<_> = (0..self.threads)
                    .map(|_| {
                        let from = next;
                        next = (next + STRETCH).min(end);
                        let (seeds, attempt) = (from..next, &attempt);
                        scope.spawn(move || attempt(seeds))
                    })
                    .collect();
                let outcomes = workers.into_iter().map(|worker| worker.join());
                outcomes.collect::<Result<Vec<_>, _>>()
            });
            for outcome in outcomes.map_err(|_| "a worker panicked")? {
                if add(outcome) == Enough::Yes {
                    enough = Enough::Yes;
                }
            }
            if next < end {
                let left = end - next;
                eprintln!(
                    "seeds before {next} are done; to go on: --seed {next} --programs {left}"
                );
            }
        }
        Ok(self.seed..next)
    }
}

/// Whether a sweep goes on.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Enough {
    /// It does.
    No,
    /// What was found is to be looked at.
    Yes,
}
