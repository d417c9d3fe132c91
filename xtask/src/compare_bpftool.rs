//! The nouns beside bpftool: the same words on the same live objects, JSON compared key by key.
//!
//! Committed objects are loaded by bpftool into a bpffs that only this job sees; nothing is attached. Both tools are then
//! asked about what is pinned there and about nothing else. What differs is named by its key, except for what
//! `exceptions` lists with a reason. Needs root; leaves nothing behind.

mod cases;
mod exceptions;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::Verdict;
use crate::place::{self, Error};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only commands that contain this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Our command; built if it is not given
    #[arg(long, value_name = "FILE")]
    osmia: Option<PathBuf>,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
    /// Set once the job is alone with its mounts
    #[arg(long, hide = true, value_name = "FOLDER")]
    inside: Option<PathBuf>,
}

#[derive(Default)]
pub(crate) struct Counts {
    agree: usize,
    differences: Vec<String>,
    skipped: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    match &options.inside {
        Some(folder) => inside(options, folder),
        None => apart(options),
    }
}

/// Starts itself again in a mount namespace, where the file system for pins is gone with the process.
fn apart(options: &Options) -> Result<Verdict, Error> {
    let missing = match place::missing_privilege() {
        None if !place::is_installed("bpftool") => Some("bpftool is not installed"),
        missing => missing,
    };
    if let Some(why) = missing {
        println!("skipped all: {why}");
        return Ok(Verdict::Holds);
    }
    let osmia = match &options.osmia {
        Some(osmia) => osmia.clone(),
        None => place::built_osmia()?,
    };
    let folder = std::env::temp_dir().join(format!("osmia-bpftool-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut command = Command::new("unshare");
    command
        .arg("--mount")
        .arg(std::env::current_exe()?)
        .arg("compare-bpftool");
    command
        .arg("--inside")
        .arg(&folder)
        .arg("--osmia")
        .arg(osmia);
    if let Some(only) = &options.only {
        command.arg("--only").arg(only);
    }
    if options.json {
        command.arg("--json");
    }
    let status = command.status();
    std::fs::remove_dir(&folder)?;
    Ok(match status?.code() {
        Some(0) => Verdict::Holds,
        _ => Verdict::Fails,
    })
}

fn inside(options: &Options, folder: &Path) -> Result<Verdict, Error> {
    place::run(Command::new("mount").args(["-t", "bpf", "bpf"]).arg(folder))?;
    let tools = Tools {
        osmia: options.osmia.clone().ok_or("--osmia is missing")?,
        only: options.only.clone(),
    };
    let mut counts = Counts::default();
    cases::run(&tools, folder, &mut counts)?;
    for line in &counts.skipped {
        println!("skipped {line}");
    }
    for line in &counts.differences {
        println!("DIFFERS {line}");
    }
    let (agree, differ) = (counts.agree, counts.differences.len());
    let skipped = counts.skipped.len();
    println!("{agree} answers agree, {differ} differ, {skipped} skipped");
    for (key, why) in exceptions::KEYS {
        println!("not compared: {key}: {why}");
    }
    if options.json {
        println!(
            "{}",
            json!({ "agree": agree, "differ": differ, "skipped": skipped })
        );
    }
    Ok(match differ {
        0 => Verdict::Holds,
        _ => Verdict::Fails,
    })
}

/// Both tools.
pub(crate) struct Tools {
    osmia: PathBuf,
    only: Option<String>,
}

impl Tools {
    /// Asks both the same, and compares what they say.
    fn compare(&self, words: &[&str], counts: &mut Counts) {
        let shown = words.join(" ");
        if self
            .only
            .as_ref()
            .is_some_and(|only| !shown.contains(only.as_str()))
        {
            return;
        }
        let theirs = answer(Command::new("bpftool").arg("-j").args(words));
        let mut ours = Command::new(&self.osmia);
        let ours = answer(ours.env("OSMIA_ON", "linux").arg("-j").args(words));
        match (theirs, ours) {
            (Err(why), _) => counts.skipped.push(format!("{shown}: bpftool: {why}")),
            (_, Err(why)) => counts.differences.push(format!("{shown}: ours: {why}")),
            (Ok(theirs), Ok(ours)) => {
                let mut found = Vec::new();
                differences(&theirs, &ours, "", &mut found);
                match found.is_empty() {
                    true => counts.agree += 1,
                    false => {
                        const SHOWN: usize = 4;
                        found.truncate(SHOWN);
                        counts
                            .differences
                            .push(format!("{shown}: {}", found.join("; ")));
                    }
                }
            }
        }
    }

    /// Does something with ours.
    fn ours(&self, words: &[&str]) -> Result<(), Error> {
        place::run(
            Command::new(&self.osmia)
                .env("OSMIA_ON", "linux")
                .args(words),
        )
        .map(drop)
    }

    /// Does something with bpftool.
    fn bpftool(&self, words: &[&str]) -> Result<(), Error> {
        place::run(Command::new("bpftool").args(words)).map(drop)
    }
}

fn answer(command: &mut Command) -> Result<Value, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} {complaint}", said.trim()));
    }
    serde_json::from_str(&said).map_err(|error| format!("no JSON: {error}"))
}

/// The keys that differ, and those that only one has.
fn differences(theirs: &Value, ours: &Value, at: &str, found: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (key, value) in theirs {
                let at = format!("{at}.{key}");
                match ours.get(key) {
                    _ if exceptions::is_excepted(key) => {}
                    Some(other) => differences(value, other, &at, found),
                    None => found.push(format!("{at} is missing")),
                }
            }
            for key in ours.keys().filter(|key| !theirs.contains_key(*key)) {
                if !exceptions::is_ours(key) {
                    found.push(format!("{at}.{key} is ours alone"));
                }
            }
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            if theirs.len() != ours.len() {
                found.push(format!(
                    "{at} has {} elements, ours {}",
                    theirs.len(),
                    ours.len()
                ));
                return;
            }
            for (position, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
                differences(theirs, ours, &format!("{at}[{position}]"), found);
            }
        }
        (theirs, ours) if theirs == ours => {}
        (theirs, ours) => found.push(format!("{at} is {theirs}, ours {ours}")),
    }
}
