//! The attributes that bpftool gives to bpf(2), recorded while it does curated things in namespaces of
//! its own: `crates/program/tests/attr/bpftool.txt`. Needs root, bpftool and a C compiler.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use osmia_program::attr;

use crate::Verdict;
use crate::place::{self, Error};

/// Where the calls are kept.
const RECORDED: &str = "crates/program/tests/attr/bpftool.txt";

/// Calls of one command and size that are kept of one thing done: walks repeat themselves.
const ALIKE_MAX: usize = 2;

/// What is done, in this order, each by a shell in the root of the repository. Programs and maps are
/// pinned to a bpffs that goes with the namespace, and attached to nothing.
const DONE: &[&str] = &[
    "bpftool map create /sys/fs/bpf/counts type hash key 4 value 8 entries 4 name counts flags 1",
    "bpftool map update pinned /sys/fs/bpf/counts key 1 0 0 0 value 1 2 3 4 5 6 7 8 noexist",
    "bpftool map lookup pinned /sys/fs/bpf/counts key 1 0 0 0",
    "bpftool map getnext pinned /sys/fs/bpf/counts key 1 0 0 0",
    "bpftool map dump pinned /sys/fs/bpf/counts",
    "bpftool map delete pinned /sys/fs/bpf/counts key 1 0 0 0",
    "bpftool map show pinned /sys/fs/bpf/counts",
    "bpftool map create /sys/fs/bpf/last type stack key 0 value 4 entries 4 name last",
    "bpftool map push pinned /sys/fs/bpf/last value 1 0 0 0",
    "bpftool map peek pinned /sys/fs/bpf/last",
    "bpftool map pop pinned /sys/fs/bpf/last",
    "bpftool map create /sys/fs/bpf/outer type array_of_maps key 4 value 4 entries 1 name outer inner_map pinned /sys/fs/bpf/counts",
    "bpftool map update pinned /sys/fs/bpf/outer key 0 0 0 0 value pinned /sys/fs/bpf/counts",
    "bpftool map freeze pinned /sys/fs/bpf/counts",
    "bpftool prog loadall examples/filter.bpf.o /sys/fs/bpf/filter pinmaps /sys/fs/bpf",
    "bpftool prog load examples/classify.bpf.o /sys/fs/bpf/classify",
    "bpftool -L prog load examples/percpu.bpf.o /sys/fs/bpf/percpu",
    "bpftool prog show pinned /sys/fs/bpf/classify",
    "bpftool prog dump xlated pinned /sys/fs/bpf/classify",
    "head -c 64 /dev/zero > $SCRATCH/zeroes; bpftool prog run pinned /sys/fs/bpf/classify data_in $SCRATCH/zeroes repeat 2",
    "bpftool net show dev lo",
    "bpftool prog show name classify",
    "bpftool map show name counts",
    "bpftool btf show",
    "bpftool link show",
    "bpftool cgroup show /sys/fs/cgroup",
    "bpftool perf show",
    "bpftool struct_ops show",
];

#[derive(clap::Args)]
pub(crate) struct Options {}

pub(crate) fn run(_: &Options) -> Result<Verdict, Error> {
    if let Some(why) = place::missing_privilege() {
        return Err(why.into());
    }
    let recorder = build()?;
    let scratch = place::root().join("target/recorded");
    std::fs::create_dir_all(&scratch)?;
    for index in 0..DONE.len() {
        std::fs::write(scratch.join(index.to_string()), "")?;
    }
    // What a step leaves behind is there for the next, so all of them have one shell and one place.
    let mut script = String::from("mount --make-rprivate /; mount -t bpf bpf /sys/fs/bpf\n");
    for (index, step) in DONE.iter().enumerate() {
        let step = step.replace("bpftool ", "LD_PRELOAD=$RECORDER bpftool ");
        writeln!(
            script,
            "export BPF_RECORD=$SCRATCH/{index}; {step} >/dev/null 2>&1"
        )?;
    }
    // Only what bpftool asks counts: a call that the kernel refuses is as good.
    Command::new("unshare")
        .args(["--mount", "--net", "sh", "-c", &script])
        .current_dir(place::root())
        .env("RECORDER", recorder)
        .env("SCRATCH", &scratch)
        .status()?;
    let text = written(&scratch)?;
    std::fs::write(place::root().join(RECORDED), text)?;
    Ok(Verdict::Holds)
}

fn build() -> Result<std::path::PathBuf, Error> {
    let folder = place::root().join("target/drivers");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("bpf_recorder.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/bpf_recorder.c");
    let mut cc = Command::new("cc");
    cc.args(["-O1", "-Wall", "-Wextra", "-shared", "-fPIC", "-o"])
        .arg(&path)
        .arg(source);
    place::run(&mut cc)?;
    Ok(path)
}

/// The calls as the test reads them.
fn written(scratch: &Path) -> Result<String, Error> {
    let version = place::run(Command::new("bpftool").arg("version"))?;
    let version = String::from_utf8_lossy(&version);
    let version = version.lines().next().unwrap_or("bpftool").trim();
    let mut text = format!("; What {version} gives. Written by `cargo xtask record-bpftool`.\n");
    let mut total = 0;
    for (index, step) in DONE.iter().enumerate() {
        let recorded = std::fs::read_to_string(scratch.join(index.to_string()))?;
        writeln!(text, "\n$ {step}")?;
        let mut alike: BTreeMap<(&str, usize), usize> = BTreeMap::new();
        for (number, attributes) in recorded.lines().filter_map(|line| line.split_once(' ')) {
            let kept = alike.entry((number, attributes.len())).or_default();
            *kept += 1;
            if *kept > ALIKE_MAX {
                continue;
            }
            let command = number
                .parse()
                .ok()
                .and_then(attr::Command::from_number)
                .ok_or_else(|| format!("bpftool knows a command {number}"))?;
            write!(text, "{command}\n ")?;
            for word in attributes.as_bytes().chunks(16) {
                write!(text, " {}", String::from_utf8_lossy(word))?;
            }
            text.push('\n');
            total += 1;
        }
    }
    println!(
        "{total} calls of {} things that bpftool was asked for",
        DONE.len()
    );
    Ok(text)
}
