//! Random programs that the verifier accepts, as machine code of both tiers and in the interpreter; never
//! on the host's kernel.

use std::time::Instant;

use osmia_fuzzing::agreement::{Agreement, compare};
use osmia_fuzzing::generate::generate;
use osmia_fuzzing::soundness::show;
use osmia_jit::Tiers;
use serde_json::json;

use crate::Verdict;
use crate::place::Error;
use crate::seeds::{Enough, Seeds};

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    seeds: Seeds,
    /// Leave the optimising tier out, which takes most of the time
    #[arg(long)]
    first: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let start = Instant::now();
    let mut total = Agreement::default();
    let tiers: &[Tiers] = match options.first {
        true => &[Tiers::First],
        false => &[Tiers::First, Tiers::Second],
    };
    let attempt = |seeds| compare(seeds, tiers);
    options.seeds.sweep(attempt, |agreement| {
        total.add(agreement);
        if total.differing.is_empty() {
            Enough::No
        } else {
            Enough::Yes
        }
    })?;
    if options.json {
        let differing = total.differing.len();
        let said = json!({
            "programs": total.programs, "compiled": total.compiled, "optimised": total.optimised,
            "runs": total.runs, "differing": differing,
        });
        println!("{said}");
        return Ok(match differing {
            0 => Verdict::Holds,
            _ => Verdict::Fails,
        });
    }
    println!(
        "{} programs, {} run as machine code ({} of both tiers), {} left to the interpreter; {} runs agree, {} programs differ; {:.1} s",
        total.programs,
        total.compiled,
        total.optimised,
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
