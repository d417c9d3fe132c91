//! Replays the corpus, and a fixed number of mutations of it, through every fuzz target.
//!
//! Nothing may panic, and nothing may hold more memory than the named multiple of its input. A
//! failure prints the target and the file or the seed; `OSMIA_MUTATIONS` raises the number.

mod allocator;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use osmia_fuzzing::{Mutator, TARGETS, Target};

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

/// Mutations of each target's corpus; `cargo test` stays in seconds.
const MUTATIONS: u64 = 4_000;

fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/corpus")
        .join(name);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .map(|path| (path.clone(), std::fs::read(path).expect("a readable file")))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no corpus in {}", folder.display());
    files
}

/// Runs one input; says what is wrong with it, if anything.
fn judge(target: &Target, input: &[u8]) -> Result<(), String> {
    let mut panicked = false;
    let most = allocator::most_held_during(|| {
        panicked = catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err();
    });
    let limit = target.memory_limit(input.len());
    if panicked {
        Err("panicked".into())
    } else if most > limit {
        Err(format!(
            "held {most} bytes for {} of input, the limit is {limit}",
            input.len()
        ))
    } else {
        Ok(())
    }
}

fn target(name: &str) -> &'static Target {
    TARGETS
        .iter()
        .find(|target| target.name == name)
        .expect("a target of this name")
}

fn replay(name: &str) {
    let target = target(name);
    let corpus = corpus(name);
    for (path, input) in &corpus {
        if let Err(wrong) = judge(target, input) {
            panic!("{name}: {} {wrong}", path.display());
        }
    }
    let mutations = std::env::var("OSMIA_MUTATIONS").map_or(MUTATIONS, |text| {
        text.parse().expect("OSMIA_MUTATIONS is a number")
    });
    for seed in 0..mutations {
        let (path, input) = &corpus[(seed % corpus.len() as u64) as usize];
        let mutated = Mutator::seeded(seed).mutate(input);
        if let Err(wrong) = judge(target, &mutated) {
            let kept = std::env::temp_dir().join(format!("osmia-{name}-{seed}"));
            std::fs::write(&kept, &mutated).expect("a place for the input that failed");
            panic!(
                "{name}: seed {seed} of {} {wrong}; kept as {}",
                path.display(),
                kept.display()
            );
        }
    }
    println!(
        "{name}: {} files of the corpus and {mutations} mutations",
        corpus.len()
    );
}

#[test]
fn elf() {
    replay("elf");
}

#[test]
fn run() {
    replay("run");
}

#[test]
fn verify() {
    replay("verify");
}

#[test]
fn btf() {
    replay("btf");
}

#[test]
fn insns() {
    replay("insns");
}

#[test]
fn classic() {
    replay("classic");
}

#[test]
fn pcap() {
    replay("pcap");
}

/// A target without a test above would go unwatched.
#[test]
fn every_target_is_replayed() {
    let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(
        names,
        ["elf", "btf", "insns", "classic", "pcap", "verify", "run"]
    );
}
