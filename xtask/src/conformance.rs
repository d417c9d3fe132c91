//! Drives the plugin as the `bpf_conformance` suite does: every test of the suite's folder through the
//! example `bpf-conformance`, one process a test, and what passes once more as machine code.
//!
//! The suite's own runner is a C++ program with libraries of its own; what it does with a test file is
//! little, and is done here, so that a folder of its tests is all one needs. Older tests in the same
//! format (uBPF's) work as well.

mod assemble;
mod data;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::Verdict;
use crate::place::{self, Error};
use data::{Expected, Test};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The suite's folder of tests, files ending in `.data`
    suite: PathBuf,
    /// Another plugin, to compare with
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
    /// Options for that plugin
    #[arg(long, value_name = "TEXT", requires = "plugin")]
    plugin_options: Option<String>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// What became of the tests, by name, with the reason.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    /// Of those, as machine code too.
    pub(crate) compiled: u64,
    interpreted: Vec<(String, String)>,
    pub(crate) failed: Vec<(String, String)>,
    skipped: Vec<(String, String)>,
}

/// What runs the tests.
pub(crate) struct Plugin {
    /// The program, and before it what runs it if this machine cannot.
    command: Vec<OsString>,
    options: String,
    is_ours: bool,
}

impl Plugin {
    /// Our own one, and what runs it.
    pub(crate) fn ours(mut runner: Vec<OsString>, built: PathBuf) -> Self {
        runner.push(built.into());
        Self {
            command: runner,
            options: String::new(),
            is_ours: true,
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let plugin = match &options.plugin {
        Some(plugin) => Plugin {
            command: vec![plugin.into()],
            options: options.plugin_options.clone().unwrap_or_default(),
            is_ours: false,
        },
        None => Plugin::ours(Vec::new(), build()?),
    };
    let tally = judge_all(&plugin, &options.suite)?;
    match options.json {
        true => println!("{}", as_json(&tally)),
        false => print_text(&tally),
    }
    match tally.failed.is_empty() {
        true => Ok(Verdict::Holds),
        false => Ok(Verdict::Fails),
    }
}

/// Runs every test of a folder.
pub(crate) fn judge_all(plugin: &Plugin, suite: &Path) -> Result<Tally, Error> {
    let mut files = Vec::new();
    find(suite, &mut files)?;
    files.sort();
    if files.is_empty() {
        return Err(format!("{}: no test files", suite.display()).into());
    }
    let mut tally = Tally::default();
    for file in &files {
        let name = file.strip_prefix(suite).unwrap_or(file);
        let name = name.display().to_string();
        let test = match Test::parse(&std::fs::read_to_string(file)?) {
            Ok(test) => test,
            Err(why) => {
                tally.skipped.push((name, why));
                continue;
            }
        };
        if let Outcome::Fails(how) = judge(&plugin.command, &plugin.options, &test)? {
            tally.failed.push((name, how));
            continue;
        }
        // What is refused is no machine code either.
        if plugin.is_ours && test.expected != Expected::Refusal {
            match judge(&plugin.command, NATIVE, &test)? {
                Outcome::Passes => tally.compiled += 1,
                Outcome::NotNative(why) => tally.interpreted.push((name, why)),
                Outcome::Fails(how) => {
                    tally.failed.push((name, format!("as machine code: {how}")));
                    continue;
                }
            }
        }
        tally.passed += 1;
    }
    Ok(tally)
}

fn build() -> Result<PathBuf, Error> {
    let example = ["build", "-p", "osmia", "--example", "bpf-conformance"];
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(place::root()).args(example);
    executable(&place::run(command.args(["--message-format", "json"]))?)
}

/// Where the program is that cargo built, by its messages in JSON.
pub(crate) fn executable(said: &[u8]) -> Result<PathBuf, Error> {
    let said = String::from_utf8_lossy(said);
    let built = said.lines().find_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        line["executable"].as_str().map(PathBuf::from)
    });
    Ok(built.ok_or("cargo names no executable")?)
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let listing =
        std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in listing {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "data") {
            files.push(path);
        }
    }
    Ok(())
}

/// What a plugin made of a test.
enum Outcome {
    Passes,
    /// What it did instead of what was expected.
    Fails(String),
    /// Our own one only: why there is no machine code.
    NotNative(String),
}

/// The option of our plugin.
const NATIVE: &str = "native";
/// What it ends with if there is no machine code.
const NOT_NATIVE: i32 = 3;

/// Runs the plugin once.
fn judge(plugin: &[OsString], options: &str, test: &Test) -> Result<Outcome, Error> {
    // As the suite passes them: both, empty or not.
    let [program, arguments @ ..] = plugin else {
        return Err("no plugin".into());
    };
    let mut command = Command::new(program);
    let mut child = command
        .args(arguments)
        .args([&hex(&test.memory), options])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().ok_or("no standard input")?;
    // A plugin that refuses early need not have read it all.
    let _ = writeln!(input, "{}", hex(&test.program));
    drop(input);
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if options == NATIVE && output.status.code() == Some(NOT_NATIVE) {
        return Ok(Outcome::NotNative(said.trim().to_owned()));
    }
    let value = u64::from_str_radix(String::from_utf8_lossy(&output.stdout).trim(), 16);
    let how = match (test.expected, output.status.success(), value) {
        (Expected::Refusal, false, _) => return Ok(Outcome::Passes),
        (Expected::Value(expected), true, Ok(value)) if value == expected => {
            return Ok(Outcome::Passes);
        }
        (Expected::Refusal, true, _) => "runs, an error was expected".into(),
        (Expected::Value(expected), true, Ok(value)) => {
            format!("{value:#x}, {expected:#x} was expected")
        }
        (Expected::Value(_), true, Err(_)) => "prints no number".into(),
        (Expected::Value(_), false, _) => format!("refused: {}", said.trim()),
    };
    Ok(Outcome::Fails(how))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn print_text(tally: &Tally) {
    for (name, how) in &tally.failed {
        println!("failed: {name}: {how}");
    }
    for (name, why) in &tally.skipped {
        println!("skipped: {name}: {why}");
    }
    for (name, why) in &tally.interpreted {
        println!("interpreted only: {name}: {why}");
    }
    let (failed, skipped) = (tally.failed.len(), tally.skipped.len());
    println!(
        "{} passed ({} of them as machine code, too), {failed} failed, {skipped} skipped",
        tally.passed, tally.compiled
    );
}

fn as_json(tally: &Tally) -> serde_json::Value {
    let list = |tests: &[(String, String)]| -> Vec<serde_json::Value> {
        let tests = tests.iter();
        tests
            .map(|(name, why)| json!({"name": name, "why": why}))
            .collect()
    };
    json!({
        "passed": tally.passed,
        "compiled": tally.compiled,
        "interpreted": list(&tally.interpreted),
        "failed": list(&tally.failed),
        "skipped": list(&tally.skipped),
    })
}
