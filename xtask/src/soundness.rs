//! Random programs that the verifier accepts, run against their certificates; never on the host's
//! kernel.

use std::time::Instant;

use osmia_fuzzing::generate::generate;
use osmia_fuzzing::soundness::{Sweep, minimise, show, sweep};
use osmia_program::Rules;

use crate::Verdict;
use crate::place::Error;
use crate::seeds::{Enough, Seeds};

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    seeds: Seeds,
    /// By Osmia's rules: states are merged
    #[arg(long)]
    merged: bool,
    /// Say why programs were rejected, the most frequent first
    #[arg(long)]
    reasons: bool,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let start = Instant::now();
    let mut total = Sweep::default();
    let rules = if options.merged {
        Rules::Osmia
    } else {
        Rules::Linux
    };
    let attempt = |seeds| sweep(seeds, rules);
    let tried = options.seeds.sweep(attempt, |sweep| {
        total.add(sweep);
        if total.unsound.is_empty() {
            Enough::No
        } else {
            Enough::Yes
        }
    })?;
    if options.reasons {
        let mut reasons: Vec<_> = total.reasons.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (reason, count) in reasons.iter().take(30) {
            println!("{count:8} {reason}");
        }
    }
    for (seed, why) in &total.unsound {
        println!("seed {seed}: {why}");
    }
    if let Some((seed, _)) = total.unsound.first() {
        let least = minimise(&generate(*seed), *seed, rules);
        println!("seed {seed}, as little of it as fails:\n{}", show(&least));
    }
    println!(
        "{} programs of seeds {} to {}: {} accepted ({:.0} %), {} refused; {} steps inside their \
         certificates, {} certificates too long to hold runs against; {} unsound; {:.1} s",
        total.programs,
        tried.start,
        tried.end.saturating_sub(1),
        total.accepted,
        100.0 * total.accepted as f64 / total.programs.max(1) as f64,
        total.programs - total.accepted,
        total.steps,
        total.unfollowed,
        total.unsound.len(),
        start.elapsed().as_secs_f64()
    );
    Ok(if total.unsound.is_empty() {
        Verdict::Holds
    } else {
        Verdict::Fails
    })
}
