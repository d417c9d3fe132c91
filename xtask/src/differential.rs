//! The cases of `tests/both` on the running kernel and on the user-space host.
//!
//! `--bless` writes the kernel's answers into the files, which is what `cargo test` judges by.

mod kernel;

use std::collections::{BTreeMap, BTreeSet};

use osmia_both::{Case, StepOutcome, User, files, run};
use serde_json::json;

use crate::Verdict;
use crate::place::{self, Error};
use kernel::Kernel;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Write the kernel's answers into the files
    #[arg(long)]
    bless: bool,
    /// Only cases whose file or title contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// What the cases of a folder came to.
#[derive(Default)]
struct Tally {
    agree: u64,
    differ: u64,
    /// Differences that are known, by reason.
    known: BTreeMap<String, u64>,
}

pub(crate) fn run_all(options: &Options) -> Result<Verdict, Error> {
    if let Some(why) = place::missing_privilege() {
        println!("skipped every case: {why}");
        return Ok(Verdict::Holds);
    }
    let root = place::root().join("tests/both");
    let mut kernel = Kernel::start()?;
    let mut user = User::new()?;
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for file in files(&root)? {
        let name = file.path.strip_prefix(&root)?.display().to_string();
        let mut answers = BTreeMap::new();
        for case in &file.cases {
            let wanted = |text: &String| name.contains(text) || case.title.contains(text);
            if !options.only.as_ref().is_none_or(wanted) {
                keep(case, &mut answers);
                continue;
            }
            let here = |error: String| format!("{name}: {error}");
            let theirs = run(case, &mut kernel).map_err(here)?;
            answers.extend(theirs.iter().map(|one| (one.step.line, one.answer.clone())));
            if options.bless {
                continue;
            }
            let ours = run(case, &mut user).map_err(here)?;
            let place = format!("{name}:{}: {}", case.line, case.title);
            tallies
                .entry(file.folder.clone())
                .or_default()
                .take(&place, &theirs, &ours);
        }
        if options.bless {
            file.bless(&answers)?;
        }
    }
    if options.bless {
        return Ok(Verdict::Holds);
    }
    report(options, &tallies);
    Ok(match tallies.values().all(|tally| tally.differ == 0) {
        true => Verdict::Holds,
        false => Verdict::Fails,
    })
}

/// A case that does not run keeps the answers it has.
fn keep(case: &Case, answers: &mut BTreeMap<usize, String>) {
    for step in &case.steps {
        if let Some(expected) = &step.expected {
            answers.insert(step.line, expected.clone());
        }
    }
}

impl Tally {
    fn take(&mut self, place: &str, theirs: &[StepOutcome<'_>], ours: &[StepOutcome<'_>]) {
        let mut reasons = BTreeSet::new();
        let mut differs = false;
        for (theirs, ours) in theirs.iter().zip(ours) {
            let line = theirs.step.line;
            match &theirs.step.known {
                Some(known) if known.answer == ours.answer && ours.answer != theirs.answer => {
                    reasons.insert(known.reason.clone());
                }
                None if ours.answer == theirs.answer => {}
                _ => {
                    differs = true;
                    println!("differs: {place}\n  line {line}: {}", theirs.step.verb);
                    println!("    Linux {}\n    user  {}", theirs.answer, ours.answer);
                }
            }
        }
        match reasons.is_empty() {
            _ if differs => self.differ += 1,
            true => self.agree += 1,
            false => reasons
                .into_iter()
                .for_each(|reason| *self.known.entry(reason).or_default() += 1),
        }
    }

    fn known(&self) -> u64 {
        self.known.values().sum()
    }
}

fn report(options: &Options, tallies: &BTreeMap<String, Tally>) {
    let total = |of: fn(&Tally) -> u64| tallies.values().map(of).sum::<u64>();
    if options.json {
        let folders = tallies.iter().map(|(folder, tally)| {
            let counts = json!({
                "agree": tally.agree,
                "differ": tally.differ,
                "known": tally.known,
            });
            (folder.clone(), counts)
        });
        let folders: serde_json::Map<_, _> = folders.collect();
        println!("{}", json!({ "folders": folders }));
        return;
    }
    for (folder, tally) in tallies {
        println!(
            "{folder}: {} agree, {} differ, {} differ as known",
            tally.agree,
            tally.differ,
            tally.known()
        );
        for (reason, count) in &tally.known {
            println!("  known {count}: {reason}");
        }
    }
    println!(
        "{} agree, {} differ, {} differ as known",
        total(|tally| tally.agree),
        total(|tally| tally.differ),
        total(Tally::known)
    );
}
