//! Does the evidence bite? The verifier is broken on purpose in the ways of a committed list, and each
//! time the tests that should notice are asked.
//!
//! All breakages are built into one scratch copy of the sources, each behind a question whether it is
//! the one chosen, so that one build serves all of them. Nothing of that is in the product.

mod list;
mod scratch;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Verdict;
use crate::place::Error;

/// Seconds a judge may take; a mutant that never ends is noticed, too.
const SECONDS_MAX: u64 = 600;

/// Tests that should notice, by what they are and how cargo is asked for them.
const JUDGES: [(&str, [&str; 5]); 3] = [
    (
        "brute force",
        ["-p", "osmia-verify", "--lib", "--", "domain"],
    ),
    ("verdicts", ["-p", "osmia-verify", "--test", "files", "--"]),
    (
        "execution",
        ["-p", "osmia-fuzzing", "--test", "soundness", "--"],
    ),
];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Random programs that each mutant is tried on
    #[arg(long, default_value_t = 3000)]
    programs: u64,
    /// Only mutants whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Only this kind of evidence
    #[arg(long, value_name = "TEXT")]
    judge: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let copy = scratch::copy(&list::MUTANTS)?;
    let judges: Vec<_> = (JUDGES.iter())
        .filter(|(name, _)| {
            (options.judge.as_ref()).is_none_or(|only| name.contains(only.as_str()))
        })
        .collect();
    for (name, arguments) in &judges {
        if !passes(copy.path(), arguments, None, options.programs)? {
            return Err(format!("{name} fails without any mutant").into());
        }
    }
    let (mut caught, mut missed) = (0, 0);
    for (number, mutant) in list::MUTANTS.iter().enumerate() {
        if (options.only.as_ref()).is_some_and(|only| !mutant.name.contains(only.as_str())) {
            continue;
        }
        let mut by = Vec::new();
        for (name, arguments) in &judges {
            if !passes(copy.path(), arguments, Some(number), options.programs)? {
                by.push(*name);
            }
        }
        if by.is_empty() {
            missed += 1;
            println!("{:58} SURVIVED", mutant.name);
        } else {
            caught += 1;
            println!("{:58} caught by {}", mutant.name, by.join(", "));
        }
    }
    println!("{caught} mutants caught, {missed} survived");
    Ok(if missed == 0 {
        Verdict::Holds
    } else {
        Verdict::Fails
    })
}

/// Whether a judge is content with a mutant, or with the verifier as it is.
fn passes(
    copy: &Path,
    arguments: &[&str],
    mutant: Option<usize>,
    programs: u64,
) -> Result<bool, Error> {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(copy)
        .args(["test", "--release", "--quiet"])
        .args(arguments)
        .env("CARGO_TARGET_DIR", scratch::target())
        .env("CARGO_INCREMENTAL", "0")
        .env("SOUNDNESS_PROGRAMS", programs.to_string())
        .env_remove(scratch::CHOSEN)
        .stdout(Stdio::null())
        .stderr(if mutant.is_some() {
            Stdio::null()
        } else {
            Stdio::inherit()
        });
    if let Some(number) = mutant {
        cargo.env(scratch::CHOSEN, number.to_string());
    }
    let mut child = cargo.spawn()?;
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if mutant.is_some() && start.elapsed() > Duration::from_secs(SECONDS_MAX) {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
