//! How long verdicts take, beside the running kernel's verifier on the same programs: its own
//! `verification time`, which leaves out its compiler. Committed objects only; nothing is attached.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use osmia_program::Privilege;
use osmia_verify::{Options, verify};
use serde_json::{Value, json};

use crate::compare::Linker;
use crate::libbpf_driver;
use crate::place::{self, Error, missing_privilege};

/// Where the objects lie.
const FOLDERS: [&str; 4] = [
    "examples",
    "tests/kernel",
    "tests/gallery",
    "crates/benches/programs",
];
/// Programs that took less in the kernel are shorter than its clock is exact.
const SHORTEST_MICROS: f64 = 5.0;
/// How many of the slowest are printed.
const SHOWN: usize = 12;

/// What one side did for a program that it accepts.
#[derive(Copy, Clone)]
struct Work {
    micros: f64,
    insns: u64,
    states: u64,
}

/// A program both accept.
struct Row {
    name: String,
    ours: Work,
    kernel: Work,
}

impl Row {
    fn ratio(&self) -> f64 {
        self.ours.micros / self.kernel.micros
    }
}

pub(super) fn run(rounds: usize) -> Result<Value, Error> {
    if let Some(missing) = missing_privilege() {
        return Err(format!("the kernel cannot be asked: {missing}").into());
    }
    let objects = objects()?;
    let kernel = ask_kernel(&objects, rounds)?;
    let linker = Linker::for_this_kernel()?;
    let mut rows = Vec::new();
    let mut skipped = 0;
    for object in &objects {
        let linked = linker.link_file(object)?;
        for program in &linked.programs {
            let place = object.strip_prefix(place::root()).unwrap_or(object);
            let name = format!("{}:{}", place.display(), program.name);
            let maps: Vec<_> = (program.maps.iter())
                .map(|map| linked.maps[map.index()].clone())
                .collect();
            let work = kernel.get(&(object.clone(), program.name.clone()));
            let Some(&kernel) = work.filter(|work| work.micros >= SHORTEST_MICROS) else {
                skipped += 1;
                continue;
            };
            let options = Options {
                check_certificate: false,
                privilege: Privilege::All,
                ..Options::default()
            };
            let mut least = Duration::MAX;
            let mut stats = None;
            for _ in 0..rounds {
                let start = Instant::now();
                let verdict = verify(program, &maps, linker.target(), &options);
                least = least.min(start.elapsed());
                stats = verdict.result.is_ok().then_some(verdict.stats);
            }
            let Some(stats) = stats else {
                skipped += 1;
                continue;
            };
            let ours = Work {
                micros: least.as_secs_f64() * 1e6,
                insns: stats.insns as u64,
                states: stats.states as u64,
            };
            rows.push(Row { name, ours, kernel });
        }
    }
    rows.sort_by(|a, b| b.ratio().total_cmp(&a.ratio()));
    Ok(show(&rows, skipped))
}

fn objects() -> Result<Vec<PathBuf>, Error> {
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

fn ask_kernel(
    objects: &[PathBuf],
    rounds: usize,
) -> Result<BTreeMap<(PathBuf, String), Work>, Error> {
    let driver = libbpf_driver::build("verify_times")?;
    let output = place::run(Command::new(driver).arg(rounds.to_string()).args(objects))?;
    let text = String::from_utf8_lossy(&output);
    let mut works = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [object, program, "0", micros, insns, states] = fields[..] else {
            continue;
        };
        let work = Work {
            micros: micros.parse()?,
            insns: insns.parse()?,
            states: states.parse()?,
        };
        works.insert((Path::new(object).to_owned(), program.to_owned()), work);
    }
    Ok(works)
}

fn show(rows: &[Row], skipped: usize) -> Value {
    println!(
        "{:52} {:>9} {:>9} {:>7} {:>9} {:>9} {:>7} {:>7}",
        "slowest beside the kernel", "µs", "kernel", "ratio", "insns", "kernel", "states", "kernel"
    );
    for row in rows.iter().take(SHOWN) {
        println!(
            "{:52} {:9.1} {:9.1} {:7.2} {:9} {:9} {:7} {:7}",
            row.name,
            row.ours.micros,
            row.kernel.micros,
            row.ratio(),
            row.ours.insns,
            row.kernel.insns,
            row.ours.states,
            row.kernel.states
        );
    }
    let median = rows.get(rows.len() / 2).map_or(f64::NAN, Row::ratio);
    let twice = rows.iter().filter(|row| row.ratio() > 2.0).count();
    let no_more = (rows.iter())
        .filter(|row| row.ours.states <= row.kernel.states)
        .count();
    let sum = |of: fn(&Row) -> f64| rows.iter().map(of).sum::<f64>();
    let (micros, insns) = (sum(|row| row.ours.micros), sum(|row| row.ours.insns as f64));
    let theirs = sum(|row| row.kernel.micros) / sum(|row| row.kernel.insns as f64);
    println!(
        "{} programs both accept, {skipped} skipped (refused by one side, or under {SHORTEST_MICROS} µs in the kernel)",
        rows.len()
    );
    println!(
        "time here ÷ the kernel's: median {median:.2}, over 2 in {twice}; no more states in {no_more}; {:.3} µs an instruction here, {theirs:.3} there",
        micros / insns
    );
    json!({
        "programs": rows.len(),
        "median_ratio": median,
        "over_twice": twice,
        "no_more_states": no_more,
        "micros_per_insn": micros / insns,
        "kernel_micros_per_insn": theirs,
    })
}
