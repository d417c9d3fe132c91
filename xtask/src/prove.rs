//! Proves with z3 that the verifier's domain loses no number, at 64 bits.
//!
//! The domain is written once more for any kind of word (`domain`), so that the same text runs on
//! numbers, where it is held against the verifier's own, and on terms of SMT-LIB, where z3 looks for
//! a number that an operation loses.

mod agreement;
mod claims;
mod domain;
mod word;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Verdict;
use crate::place::Error;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Seconds z3 may take for each claim
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Only claims whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Print the scripts instead of running z3
    #[arg(long)]
    print: bool,
}

/// What z3 said.
enum Proof {
    Proved,
    TimedOut,
    Refuted,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    agreement::check(20_000)?;
    println!("the text for z3 and the verifier's domain agree on 20000 random descriptions");
    if !options.print && Command::new("z3").arg("--version").output().is_err() {
        println!("skipped: there is no z3");
        return Ok(Verdict::Holds);
    }
    let (mut proved, mut timed_out, mut refuted) = (0, 0, 0);
    for claim in claims::all() {
        if (options.only.as_ref()).is_some_and(|text| !claim.name.contains(text.as_str())) {
            continue;
        }
        if options.print {
            for (form, broken) in &claim.broken {
                word::begin();
                println!("; {} ({form})\n{}", claim.name, word::finish(&broken()));
            }
            continue;
        }
        let start = Instant::now();
        let (proof, form) = prove(&claim, options.seconds)?;
        let (said, count) = match proof {
            Proof::Proved => ("proved", &mut proved),
            Proof::TimedOut => ("timed out", &mut timed_out),
            Proof::Refuted => ("REFUTED", &mut refuted),
        };
        *count += 1;
        println!(
            "{:58} {said} by {form} ({:.1} s)",
            claim.name,
            start.elapsed().as_secs_f64()
        );
    }
    println!("{proved} proved, {timed_out} timed out, {refuted} refuted");
    Ok(if refuted == 0 {
        Verdict::Holds
    } else {
        Verdict::Fails
    })
}

/// The answer to the first form of a claim that is answered.
fn prove(claim: &claims::Claim, seconds: u64) -> Result<(Proof, &'static str), Error> {
    let mut last = (Proof::TimedOut, "nothing");
    for (form, broken) in &claim.broken {
        word::begin();
        let script = word::finish(&broken());
        last = (ask(&script, seconds)?, *form);
        if !matches!(last.0, Proof::TimedOut) {
            break;
        }
    }
    Ok(last)
}

fn ask(script: &str, seconds: u64) -> Result<Proof, Error> {
    let mut child = Command::new("z3")
        .args(["-in", &format!("-T:{seconds}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or("no standard input")?;
    stdin.write_all(script.as_bytes())?;
    drop(stdin);
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(match said.as_str() {
        "unsat" => Proof::Proved,
        "timeout" | "unknown" => Proof::TimedOut,
        "sat" => Proof::Refuted,
        _ => return Err(format!("z3 says: {said}").into()),
    })
}
