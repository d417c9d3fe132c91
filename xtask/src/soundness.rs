//! Random programs that the verifier accepts, run against their certificates; never on the host's
//! kernel.

use std::thread;
use std::time::Instant;

use osmia_fuzzing::generate::generate;
use osmia_fuzzing::soundness::{Sweep, minimise, show, sweep};

use crate::Verdict;
use crate::place::Error;

/// Seeds a thread tries before it says how far it is.
const STRETCH: u64 = 10_000;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many programs to make
    #[arg(long, default_value_t = 1_000_000)]
    programs: u64,
    /// The first program's seed; the others' follow
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Say why programs were rejected, the most frequent first
    #[arg(long)]
    reasons: bool,
    /// Threads
    #[arg(long, default_value_t = 1)]
    threads: u64,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let start = Instant::now();
    let (first, end) = (options.seed, options.seed + options.programs);
    let mut total = Sweep::default();
    let mut next = first;
    while next < end && total.unsound.is_empty() {
        let swept = thread::scope(|scope| {
            let workers: Vec<_> = (0..options.threads)
                .map(|_| {
                    let from = next;
                    next = (next + STRETCH).min(end);
                    let seeds = from..next;
                    scope.spawn(move || sweep(seeds))
                })
                .collect();
            let swept = workers.into_iter().map(|worker| worker.join());
            swept.collect::<Result<Vec<_>, _>>()
        });
        for sweep in swept.map_err(|_| "a worker panicked")? {
            total.add(sweep);
        }
    }
    if options.reasons {
        let mut reasons: Vec<_> = total.reasons.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (reason, count) in reasons.iter().take(30) {
            println!("{count:8} {reason}");
        }
    }
    println!(
        "{} programs, {} accepted ({:.0} %), {} steps inside their certificates; {} unsound; {:.1} s",
        total.programs,
        total.accepted,
        100.0 * total.accepted as f64 / total.programs.max(1) as f64,
        total.steps,
        total.unsound.len(),
        start.elapsed().as_secs_f64()
    );
    let Some((seed, why)) = total.unsound.first() else {
        return Ok(Verdict::Holds);
    };
    println!("seed {seed}: {why}");
    println!("{}", show(&minimise(&generate(*seed), *seed)));
    Ok(Verdict::Fails)
}
