//! System calls that a program of ours counts on a command beside those `strace -f` shows for it: the same
//! calls, as often, and the same exit status. Needs no root.
//!
//! Both run the command once each, so commands are chosen that do the same twice; calls that depend on
//! how threads meet are left out of the comparison, and said.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::Verdict;
use crate::place::{self, Error};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Our command; built if it is not given
    #[arg(long, value_name = "FILE")]
    osmia: Option<PathBuf>,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

/// What is run. `{}` is a scratch folder.
const COMMANDS: [&[&str]; 22] = [
    &["true"],
    &["false"],
    &["ls", "-l", "/usr/bin"],
    &["sh", "-c", "ls | wc -l; echo $(date) > /dev/null"],
    &["sh", "-c", "exit 7"],
    &["sh", "-c", "kill -TERM $$"],
    &["bash", "-c", "set -m; sleep 0.1 & wait; (exit 3) || true"],
    &[
        "bash",
        "-c",
        "for i in 1 2 3; do (echo $i) ; done | sort | head -2",
    ],
    &["cat", "Cargo.toml", "/nowhere"],
    &["git", "log", "--oneline", "-5"],
    &["git", "show", "--stat", "HEAD"],
    &["tar", "cf", "/dev/null", "docs"],
    &["find", "docs", "-name", "*.md"],
    &["grep", "-rc", "osmia", "docs"],
    &[
        "awk",
        "BEGIN { while (\"echo a b\" | getline) n++; print n }",
    ],
    &["perl", "-e", "fork; wait; exec 'true'"],
    &[
        "python3",
        "-c",
        "import os, subprocess; subprocess.run(['true']); print(os.getppid() > 1)",
    ],
    &["sed", "-n", "1,3p", "README.md"],
    &["gzip", "-c", "README.md"],
    &["env", "-i", "/bin/sh", "-c", "echo $PATH"],
    &["xargs", "-a", "/dev/null", "-r", "true"],
    &["cc", "-E", "-x", "c", "/dev/null"],
];

/// What depends on how threads and processes meet.
const BY_CHANCE: [&str; 3] = ["futex", "restart_syscall", "rt_sigreturn"];

/// How often a command is tried whose calls differ: two ends of a pipe meet as they like.
const TRIES: usize = 4;

/// Calls by name, how often.
type Calls = BTreeMap<String, u64>;

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    if !Command::new("strace")
        .arg("-V")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        println!("skipped all: strace is not installed");
        return Ok(Verdict::Holds);
    }
    let osmia = match &options.osmia {
        Some(osmia) => osmia.canonicalize()?,
        None => place::built_osmia()?,
    };
    let scratch = std::env::temp_dir().join(format!("osmia-strace-{}", std::process::id()));
    let (mut agree, mut calls, mut differ, mut skipped) = (0, 0, 0, 0);
    for command in COMMANDS {
        let shown = command.join(" ");
        let found = Command::new("sh")
            .args(["-c", "command -v \"$0\"", command[0]])
            .output()?;
        if !found.status.success() {
            println!("skipped `{shown}`: it is not installed");
            skipped += 1;
            continue;
        }
        let (mut differences, mut counted) = (Vec::new(), 0);
        for _ in 0..TRIES {
            (differences, counted) = compared(&osmia, &scratch, command)?;
            if differences.is_empty() {
                break;
            }
        }
        if differences.is_empty() {
            agree += 1;
            calls += counted;
        } else {
            differ += 1;
            println!("DIFFERS `{shown}`: {}", differences.join("; "));
        }
    }
    // Gone already if nothing was traced.
    let _ = std::fs::remove_file(&scratch);
    println!("{agree} commands with {calls} calls agree, {differ} differ, {skipped} skipped");
    println!("not compared: {}", BY_CHANCE.join(", "));
    if options.json {
        println!(
            "{}",
            json!({ "agree": agree, "calls": calls, "differ": differ, "skipped": skipped })
        );
    }
    Ok(if differ == 0 {
        Verdict::Holds
    } else {
        Verdict::Fails
    })
}

/// Runs a command both ways: what differs, and how many calls there were.
fn compared(osmia: &Path, scratch: &Path, command: &[&str]) -> Result<(Vec<String>, u64), Error> {
    let (ours, our_status) = counted(osmia, command)?;
    let (theirs, their_status) = traced(scratch, command)?;
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let mut differences: Vec<String> = names
        .into_iter()
        .filter(|name| !BY_CHANCE.contains(&name.as_str()))
        .filter(|name| ours.get(*name) != theirs.get(*name))
        .map(|name| {
            let times = |calls: &Calls| calls.get(name).copied().unwrap_or_default();
            let (here, there) = (times(&ours), times(&theirs));
            format!("{name} {here} times, {there} in strace")
        })
        .collect();
    if our_status != their_status {
        differences.push(format!(
            "status {our_status:?}, {their_status:?} under strace"
        ));
    }
    Ok((differences, ours.values().sum()))
}

/// What our program counts, and how the command ended.
fn counted(osmia: &Path, command: &[&str]) -> Result<(Calls, Option<i32>), Error> {
    let output = Command::new(osmia)
        .current_dir(place::root())
        .args([
            "run",
            "examples/rawtp.bpf.o",
            "--prog",
            "enter",
            "--json",
            "--",
        ])
        .args(command)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // What the command wrote may end without a line's end.
    let last = text.rfind(r#"{"type":"result""#);
    let last: Value = serde_json::from_str(&text[last.ok_or("our command printed no result")?..])?;
    let maps = last["maps"].as_array().ok_or("no maps")?;
    let map = maps
        .iter()
        .find(|map| map["name"] == "entered")
        .ok_or("no map `entered`")?;
    let entries = map["entries"].as_array().ok_or("no entries")?;
    let calls = entries.iter().filter_map(|entry| {
        let number = u32::try_from(entry["key"].as_u64()?).ok()?;
        Some((
            osmia_trace::calls::name(number)?.to_owned(),
            entry["value"].as_u64()?,
        ))
    });
    Ok((calls.collect(), output.status.code()))
}

/// What strace shows, and how the command ended, as a shell says it.
fn traced(scratch: &Path, command: &[&str]) -> Result<(Calls, Option<i32>), Error> {
    use std::os::unix::process::ExitStatusExt;
    // Its output goes to a pipe, as ours does: commands look at where they write to.
    let output = Command::new("strace")
        .current_dir(place::root())
        .args(["-f", "-o"])
        .arg(scratch)
        .arg("--")
        .args(command)
        .output()?;
    let status = output.status;
    let mut calls = Calls::new();
    let text = std::fs::read(scratch)?;
    for line in String::from_utf8_lossy(&text).lines() {
        // `1234 openat(…`; a call that others interrupted begins and is resumed on lines of its own.
        let call = line
            .trim_start_matches(|digit: char| digit.is_ascii_digit())
            .trim_start();
        let Some((name, _)) = call.split_once('(') else {
            continue;
        };
        if name
            .bytes()
            .all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
        {
            *calls.entry(name.to_owned()).or_default() += 1;
        }
    }
    Ok((
        calls,
        status.code().or(status.signal().map(|signal| 128 + signal)),
    ))
}
