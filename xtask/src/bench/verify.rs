//! What verdicts take on the committed objects: time beside the running kernel's verifier (its own
//! `verification time`, which leaves out its compiler); instructions, states and memory beside the
//! committed baseline. Nothing is attached.

mod baseline;
mod kernel;
mod table;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use osmia::TargetName;
use osmia_program::{MapSpec, Privilege, Program, Target};
use osmia_verify::{Options, verify};
use serde_json::Value;

use crate::Verdict;
use crate::compare::Linker;
use crate::place::{self, Error, missing_privilege};
use baseline::Counts;
use kernel::Work;

/// Where the objects lie.
const FOLDERS: [&str; 5] = [
    "examples",
    "tests/kernel",
    "tests/gallery",
    BEYOND,
    "crates/benches/programs",
];

/// What is too complex for the kernel.
const BEYOND: &str = "tests/beyond";

/// What our verifier did for a program.
struct Ours {
    accepted: bool,
    micros: f64,
    counts: Counts,
}

/// A program, and what each side did.
struct Row {
    name: String,
    ours: Ours,
    /// By Osmia's rules, which merge states.
    merged: Ours,
    /// If the kernel was asked and accepts it.
    kernel: Option<Work>,
}

/// Times beside the kernel's, counts beside the baseline's.
pub(super) fn run(rounds: usize) -> Result<(Value, Verdict), Error> {
    if let Some(missing) = missing_privilege() {
        return Err(format!("the kernel cannot be asked: {missing}").into());
    }
    let objects = objects()?;
    // The kernel takes half a minute to refuse one of those.
    let beyond = place::root().join(BEYOND);
    let asked: Vec<PathBuf> = (objects.iter())
        .filter(|object| !object.starts_with(&beyond))
        .cloned()
        .collect();
    let kernel = kernel::ask(&asked, rounds)?;
    let linker = Linker::for_this_kernel()?;
    let mut rows = measure_all(&objects, &linker, rounds)?;
    for (object, row) in &mut rows {
        let (_, program) = row.name.rsplit_once(':').unwrap_or_default();
        row.kernel = kernel.get(&(object.clone(), program.to_owned())).copied();
    }
    let mut rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
    let verdict = compare(&linker, &rows)?;
    Ok((table::show(&mut rows), verdict))
}

/// Counts beside the baseline's alone: they are the same in any build.
pub(super) fn count() -> Result<(Value, Verdict), Error> {
    let linker = Linker::for_this_kernel()?;
    let rows = measure_all(&objects()?, &linker, 1)?;
    let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
    let verdict = compare(&linker, &rows)?;
    Ok((table::counts(&rows), verdict))
}

fn compare(linker: &Linker, rows: &[Row]) -> Result<Verdict, Error> {
    let accepted = rows.iter().filter(|row| row.ours.accepted);
    let counts = accepted.map(|row| (row.name.clone(), row.ours.counts));
    baseline::compare(&linker.target().kernel.to_string(), &counts.collect())
}

/// The committed objects.
pub(super) fn objects() -> Result<Vec<PathBuf>, Error> {
    let mut objects = Vec::new();
    for folder in FOLDERS {
        for entry in std::fs::read_dir(place::root().join(folder))? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with(".bpf.o") {
                objects.push(path);
            }
        }
    }
    objects.sort();
    Ok(objects)
}

/// Every program of the objects that links here, with its object.
fn measure_all(
    objects: &[PathBuf],
    linker: &Linker,
    rounds: usize,
) -> Result<Vec<(PathBuf, Row)>, Error> {
    let mut rows = Vec::new();
    let merging = TargetName::Osmia.of(linker.target());
    for object in objects {
        let linked = linker.link_file(object)?;
        let place = object.strip_prefix(place::root()).unwrap_or(object);
        for program in &linked.programs {
            let maps: Vec<_> = (program.maps.iter())
                .map(|map| linked.maps[map.index()].clone())
                .collect();
            let row = Row {
                name: format!("{}:{}", place.display(), program.name),
                ours: measure(program, &maps, linker.target(), rounds),
                merged: measure(program, &maps, &merging, rounds),
                kernel: None,
            };
            rows.push((object.clone(), row));
        }
    }
    Ok(rows)
}

fn measure(program: &Program, maps: &[MapSpec], target: &Target, rounds: usize) -> Ours {
    let options = Options {
        check_certificate: false,
        privilege: Privilege::All,
        ..Options::default()
    };
    let once = || {
        let start = Instant::now();
        let verdict = verify(program, maps, target, &options);
        (start.elapsed(), verdict)
    };
    let (mut least, verdict) = once();
    for _ in 1..rounds {
        least = least.min(once().0);
    }
    Ours {
        accepted: verdict.result.is_ok(),
        micros: Duration::as_secs_f64(&least) * 1e6,
        counts: Counts {
            insns: verdict.stats.insns as u64,
            states: verdict.stats.states as u64,
            bytes: verdict.stats.bytes_peak as u64,
        },
    }
}
