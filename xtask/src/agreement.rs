//! Random programs that the verifier accepts, as machine code and in the interpreter; never on the
//! host's kernel.

use std::thread;
use std::time::Instant;

use osmia_fuzzing::agreement::{Agreement, compare};
use osmia_fuzzing::generate::generate;
use osmia_fuzzing::soundness::show;

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
    /// Threads
    #[arg(long, default_value_t = 1)]
    threads: u64,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let start = Instant::now();
    let (first, end) = (options.seed, options.seed + options.programs);
    let mut total = Agreement::default();
    let mut next = first;
    while next < end && total.differing.is_empty() {
        let compared = thread::scope(|scope| {
            let workers: Vec<_> = (0..options.threads)
                .map(|_| {
                    let from = next;
                    next = (next + STRETCH).min(end);
                    let seeds = from..next;
                    scope.spawn(move || compare(seeds))
                })
                .collect();
            let compared = workers.into_iter().map(|worker| worker.join());
            compared.collect::<Result<Vec<_>, _>>()
        });
        for agreement in compared.map_err(|_| "a worker panicked")? {
            total.add(agreement);
        }
    }
    println!(
        "{} programs, {} run in both engines, {} left to the interpreter; {} runs agree, {} programs differ; {:.1} s",
        total.programs,
        total.compiled,
        total.refused,
        total.runs,
        total.differing.len(),
        start.elapsed().as_secs_f64()
    );
    let Some((seed, why)) = total.differing.first() else {
        return Ok(Verdict::Holds);
    };
    println!("seed {seed}: {why}\n{}", show(&generate(*seed)));
    Ok(Verdict::Fails)
}
