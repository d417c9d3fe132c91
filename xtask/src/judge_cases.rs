//! The verifier's verdicts beside the running kernel's, on the kernel's own verifier tests.
//!
//! The case file is made by the oracle's tools from Debian's kernel source package and stays outside
//! of the repository; `tests/kernel/disagreements.toml` may name cases by their names.

mod case;

use std::path::PathBuf;
use std::time::Instant;

use osmia_program::{KernelVersion, Target};
use osmia_verify::{Options as VerifyOptions, verify};
use serde_json::json;

use crate::Verdict;
use crate::place::Error;
use case::Case;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The tests, one JSON object a line
    cases: PathBuf,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
    /// Only tests whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Print every test with both verdicts
    #[arg(long)]
    verbose: bool,
}

#[derive(Default)]
struct Tally {
    agree: u64,
    stricter: Vec<String>,
    lenient: Vec<String>,
    not_comparable: u64,
    /// Accepted on both sides: instructions visited, ours and theirs.
    visited: (u64, u64),
    same_count: u64,
    compared_counts: u64,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let mut cases = case::read(&options.cases)?;
    if let Some(text) = &options.only {
        cases.retain(|case| case.name.contains(text));
    }
    let target = target();
    let mut tally = Tally::default();
    let start = Instant::now();
    for case in &cases {
        judge(case, &target, options.verbose, &mut tally);
    }
    let seconds = start.elapsed().as_secs_f64();
    for line in &tally.lenient {
        println!("more lenient: {line}");
    }
    for line in &tally.stricter {
        println!("stricter: {line}");
    }
    let compared = cases.len() as u64 - tally.not_comparable;
    println!(
        "{} of {compared} verdicts agree ({:.1} %), {} stricter, {} more lenient, {} not comparable; {seconds:.1} s",
        tally.agree,
        100.0 * tally.agree as f64 / compared.max(1) as f64,
        tally.stricter.len(),
        tally.lenient.len(),
        tally.not_comparable
    );
    println!(
        "instructions visited in programs both accept: {} here, {} there; the same in {} of {}",
        tally.visited.0, tally.visited.1, tally.same_count, tally.compared_counts
    );
    if options.json {
        println!(
            "{}",
            json!({
                "cases": cases.len(),
                "agree": tally.agree,
                "stricter": tally.stricter.len(),
                "lenient": tally.lenient.len(),
                "not_comparable": tally.not_comparable,
            })
        );
    }
    Ok(if tally.lenient.is_empty() && tally.stricter.is_empty() {
        Verdict::Holds
    } else {
        Verdict::Fails
    })
}

fn judge(case: &Case, target: &Target, verbose: bool, tally: &mut Tally) {
    let Some(theirs) = case.accepted else {
        tally.not_comparable += 1;
        return;
    };
    let (ours, why, insns) = match case.program() {
        Err(why) => (false, why, 0),
        Ok(program) => {
            let options = VerifyOptions {
                keep_every_state: program
                    .flags
                    .has(osmia_program::ProgramFlags::TEST_STATE_FREQ),
                ..VerifyOptions::default()
            };
            let verdict = verify(&program, &case.maps, target, &options);
            match verdict.result {
                Ok(()) => (true, String::new(), verdict.stats.insns as u64),
                Err(why) => {
                    let at = why.at.map_or(String::new(), |at| format!("{at}: "));
                    (false, format!("{at}{}", why.message), 0)
                }
            }
        }
    };
    if verbose {
        println!(
            "{} {}: ours {ours} {why} | theirs {theirs} {}",
            case.id, case.name, case.message
        );
    }
    match (ours, theirs) {
        (true, true) => {
            tally.agree += 1;
            if let Some(processed) = case.processed {
                tally.visited.0 += insns;
                tally.visited.1 += processed;
                tally.compared_counts += 1;
                tally.same_count += u64::from(insns == processed);
                if verbose && insns != processed {
                    println!("  visited {insns}, the kernel {processed}");
                }
            }
        }
        (false, false) => tally.agree += 1,
        (false, true) => tally
            .stricter
            .push(format!("{} {}: {}", case.id, case.name, first(&why))),
        (true, false) => {
            let message = &case.message;
            tally
                .lenient
                .push(format!("{} {}: Linux says: {message}", case.id, case.name));
        }
    }
}

fn first(text: &str) -> String {
    text.replace('\n', " / ")
}

fn target() -> Target {
    let mut target = Target {
        name: "linux".into(),
        endian: osmia_isa::Endian::NATIVE,
        kernel: KernelVersion::new(6, 18, 0),
        cpus: 2,
        btf: None,
        module_btfs: Vec::new(),
        kconfig: None,
        ksyms: None,
        kfuncs: None,
    };
    if let Some(bytes) = osmia_benches::kernel_btf() {
        target = osmia_benches::kernel_target(bytes);
        target.cpus = 2;
    }
    target
}
