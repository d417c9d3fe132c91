//! arm64 on another machine: the compiler's, the machine's and the bench programs' tests, the kernel's
//! instruction tests, a conformance suite and random programs, built for arm64 and run under Debian's
//! `qemu-user`. A slow job; where the emulator, the linker or the standard library is missing it says so and
//! skips all of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::Verdict;
use crate::conformance::{self, Plugin};
use crate::place::{self, Error};

const TARGET: &str = "aarch64-unknown-linux-gnu";
const EMULATOR: &str = "qemu-aarch64-static";
const LINKER: &str = "aarch64-linux-gnu-gcc";
/// Where Debian's cross packages have the libraries.
const LIBRARIES: &str = "/usr/aarch64-linux-gnu";

/// The tests that machine code has to do with: a package, which of its tests, and on which processor.
const TESTS: [(&str, &[&str], &str); 5] = [
    ("osmia-jit", &["--features", "tier2", "--lib"], "max"),
    // Without atomics that are one instruction.
    ("osmia-jit", &["--features", "tier2", "--lib"], "cortex-a53"),
    ("osmia-vm", &["--lib"], "max"),
    ("osmia-benches", &["--lib", "engines"], "max"),
    ("osmia-fuzzing", &["--test", "agreement"], "max"),
];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The kernel's instruction tests, as `isa-tests` makes them
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
    /// A folder of the bpf_conformance suite's tests
    #[arg(long, value_name = "FOLDER")]
    conformance: Option<PathBuf>,
    /// Random programs
    #[arg(long, default_value_t = 2_000)]
    programs: u64,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

/// What one part found: how many held, how many of these as machine code if that is known, and how many did not.
struct Part {
    name: &'static str,
    held: u64,
    compiled: Option<u64>,
    failed: u64,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    if let Some(missing) = missing()? {
        println!("skipped: arm64 needs {missing}");
        return Ok(Verdict::Holds);
    }
    let mut parts = vec![tests()?];
    let judge = build(&["-p", "xtask"])?;
    match &options.cases {
        Some(cases) => parts.push(instruction_tests(&judge, cases)?),
        None => println!("skipped: the kernel's instruction tests, without `--cases`"),
    }
    match &options.conformance {
        Some(suite) => parts.push(conform(suite)?),
        None => println!("skipped: the conformance suite, without `--conformance`"),
    }
    parts.push(agreement(&judge, options.programs)?);
    let said: Vec<String> = parts.iter().map(Part::sentence).collect();
    println!("arm64 under {EMULATOR}: {}", said.join("; "));
    if options.json {
        let parts = parts.iter().map(|part| (part.name, part.as_json()));
        let parts: serde_json::Map<_, _> = parts.map(|(name, json)| (name.into(), json)).collect();
        println!("{}", Value::Object(parts));
    }
    match parts.iter().all(|part| part.failed == 0) {
        true => Ok(Verdict::Holds),
        false => Ok(Verdict::Fails),
    }
}

impl Part {
    fn sentence(&self) -> String {
        let compiled = self
            .compiled
            .map(|compiled| format!(" ({compiled} as machine code)"));
        let compiled = compiled.unwrap_or_default();
        format!(
            "{}: {} hold{compiled}, {} fail",
            self.name, self.held, self.failed
        )
    }

    fn as_json(&self) -> Value {
        json!({"held": self.held, "compiled": self.compiled, "failed": self.failed})
    }
}

/// What is not installed.
fn missing() -> Result<Option<String>, Error> {
    for tool in [EMULATOR, LINKER] {
        if !place::is_installed(tool) {
            return Ok(Some(format!("`{tool}`")));
        }
    }
    let libraries =
        place::run(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]))?;
    let libraries = PathBuf::from(String::from_utf8_lossy(&libraries).trim());
    let there = libraries.is_dir();
    Ok((!there).then(|| format!("the standard library (`rustup target add {TARGET}`)")))
}

fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
    cargo.current_dir(place::root());
    cargo.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", LINKER);
    cargo.env(
        "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER",
        emulated().join(" "),
    );
    cargo
}

/// The command that runs a program for arm64.
fn emulated() -> [&'static str; 3] {
    [EMULATOR, "-L", LIBRARIES]
}

/// Builds one program, and says where it is.
fn build(what: &[&str]) -> Result<PathBuf, Error> {
    let mut command = cargo();
    command.args(["build", "--target", TARGET]).args(what);
    let said = place::run(command.args(["--message-format", "json"]))?;
    conformance::executable(&said)
}

fn tests() -> Result<Part, Error> {
    let (mut held, mut failed) = (0, 0);
    for (package, which, processor) in TESTS {
        let mut command = cargo();
        command.env("QEMU_CPU", processor);
        command.args(["test", "--target", TARGET, "-p", package]);
        let output = command.args(which).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let results = said.lines().filter(|line| line.starts_with("test "));
        let held_before = held;
        for line in results {
            if line.ends_with("... ok") {
                held += 1;
            } else if line.ends_with("... FAILED") {
                println!("{package}: {line}");
                failed += 1;
            }
        }
        if !output.status.success() && failed == 0 || held == held_before {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("the tests of {package} did not run: {said}").into());
        }
    }
    Ok(Part {
        name: "tests",
        held,
        compiled: None,
        failed,
    })
}

/// Runs our judge as an arm64 program; what it prints last.
fn judged(judge: &Path, arguments: &[&str]) -> Result<String, Error> {
    let [emulator, flag, libraries] = emulated();
    let mut command = Command::new(emulator);
    command.args([flag, libraries]).arg(judge).args(arguments);
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    // Two for what kept it from judging.
    if !matches!(output.status.code(), Some(0 | 1)) {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{arguments:?}: {}\n{why}", output.status).into());
    }
    if !output.status.success() {
        print!("{said}");
    }
    Ok(said.into_owned())
}

fn instruction_tests(judge: &Path, cases: &Path) -> Result<Part, Error> {
    let cases = cases.to_str().ok_or("the case file's name is no text")?;
    let said = judged(judge, &["isa-tests", cases, "--json"])?;
    let said: Value = serde_json::from_str(said.trim())?;
    Ok(Part {
        name: "the kernel's instruction tests",
        held: said["passed"].as_u64().unwrap_or_default(),
        compiled: said["compiled"].as_u64(),
        failed: said["failed"]
            .as_array()
            .map_or(1, |failed| failed.len() as u64),
    })
}

fn agreement(judge: &Path, programs: u64) -> Result<Part, Error> {
    let programs = programs.to_string();
    let said = judged(judge, &["agreement", "--programs", &programs, "--json"])?;
    let said = said.lines().last().ok_or("it says nothing")?;
    let said: Value = serde_json::from_str(said)?;
    Ok(Part {
        name: "random programs",
        held: said["programs"].as_u64().unwrap_or_default(),
        compiled: said["compiled"].as_u64(),
        failed: said["differing"].as_u64().unwrap_or(1),
    })
}

fn conform(suite: &Path) -> Result<Part, Error> {
    let built = build(&["-p", "osmia", "--example", "bpf-conformance"])?;
    let plugin = Plugin::ours(emulated().map(Into::into).into(), built);
    let tally = conformance::judge_all(&plugin, suite)?;
    for (name, how) in &tally.failed {
        println!("conformance: failed: {name}: {how}");
    }
    Ok(Part {
        name: "conformance",
        held: tally.passed,
        compiled: Some(tally.compiled),
        failed: tally.failed.len() as u64,
    })
}
