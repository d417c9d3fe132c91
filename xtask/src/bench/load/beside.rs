//! Everything between a linked program whose maps are there and its first run, beside the kernel's
//! `BPF_PROG_LOAD`, which does the same: reading, verification (ours with the check of its certificate),
//! machine code. Measured in turns, the least of each.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use osmia_jit::Tiers;
use osmia_program::{MapSpec, Program, Target};
use osmia_verify::{Options, verify};
use osmia_vm::Code;
use osmia_vm::map::{Map, Runs};
use serde_json::{Value, json};

use super::kernel::{self, Times};
use crate::bench::verify::objects;
use crate::compare::Linker;
use crate::place::{self, Error};

/// How often each side has its turn.
const TURNS: usize = 3;

/// A program that both sides load.
struct Row {
    name: String,
    insns: usize,
    ours: f64,
    kernel: f64,
}

impl Row {
    fn ratio(&self) -> f64 {
        self.ours / self.kernel
    }
}

pub(super) fn run(rounds: usize) -> Result<Value, Error> {
    let objects = objects()?;
    let linker = Linker::for_this_kernel()?;
    let programs = programs(&objects, &linker)?;
    let (mut ours, mut theirs) = (Times::new(), Times::new());
    for _ in 0..TURNS {
        let rounds = rounds.div_ceil(TURNS);
        keep_least(&mut theirs, kernel::ask(&objects, rounds)?);
        keep_least(&mut ours, load_all(&programs, linker.target(), rounds));
    }
    let rows = programs.iter().filter_map(|(place, loaded)| {
        Some(Row {
            name: loaded.name.clone(),
            insns: loaded.program.insns.len(),
            ours: *ours.get(place)?,
            kernel: *theirs.get(place)?,
        })
    });
    let mut rows: Vec<Row> = rows.collect();
    rows.sort_by(|a, b| b.ratio().total_cmp(&a.ratio()));
    Ok(show(&rows, programs.len() - rows.len()))
}

/// A linked program with maps.
struct Loaded {
    name: String,
    program: Arc<Program>,
    specs: Vec<MapSpec>,
    maps: Vec<Arc<Map>>,
}

type Programs = BTreeMap<(PathBuf, String), Loaded>;

fn programs(objects: &[PathBuf], linker: &Linker) -> Result<Programs, Error> {
    let runs = Arc::new(Runs::new(1));
    let mut programs = Programs::new();
    for object in objects {
        let linked = linker.link_file(object)?;
        let place = object.strip_prefix(place::root()).unwrap_or(object);
        for program in &linked.programs {
            let specs = program
                .maps
                .iter()
                .map(|map| linked.maps[map.index()].clone());
            let specs: Vec<MapSpec> = specs.collect();
            let maps = specs
                .iter()
                .map(|spec| Map::create(spec, &runs).map(Arc::new));
            // What cannot be made here is nothing to be timed.
            let Ok(maps) = maps.collect::<Result<Vec<_>, _>>() else {
                continue;
            };
            let loaded = Loaded {
                name: format!("{}:{}", place.display(), program.name),
                program: Arc::new(program.clone()),
                specs,
                maps,
            };
            programs.insert((object.clone(), program.name.clone()), loaded);
        }
    }
    Ok(programs)
}

/// Microseconds of those that become machine code.
fn load_all(programs: &Programs, target: &Target, rounds: usize) -> Times {
    let mut times = Times::new();
    for (place, loaded) in programs {
        let once = || {
            let start = Instant::now();
            let native = load(loaded, target)?;
            let micros = start.elapsed().as_secs_f64() * 1e6;
            drop(native);
            Some(micros)
        };
        let least = (0..rounds).map_while(|_| once()).reduce(f64::min);
        times.extend(least.map(|least| (place.clone(), least)));
    }
    times
}

fn load(loaded: &Loaded, target: &Target) -> Option<Arc<Code>> {
    let options = Options::default();
    let verdict = verify(&loaded.program, &loaded.specs, target, &options);
    let verified = verdict.result.ok()?;
    let facts = verified.facts(&loaded.specs, target, &options).ok()?;
    let code = Code::prepare(&loaded.program, &loaded.maps).ok()?;
    let native = osmia_jit::compile_in(&facts, &code, Tiers::First).ok()?;
    code.set_native(Box::new(native));
    Some(code)
}

fn keep_least(kept: &mut Times, more: Times) {
    for (place, time) in more {
        let least = kept.entry(place).or_insert(time);
        *least = least.min(time);
    }
}

fn show(rows: &[Row], skipped: usize) -> Value {
    println!(
        "{:52} {:>7} {:>10} {:>10} {:>6}",
        "loads, slowest beside the kernel first", "insns", "µs", "kernel", "ratio"
    );
    for row in rows {
        println!(
            "{:52} {:>7} {:10.1} {:10.1} {:6.2}",
            row.name,
            row.insns,
            row.ours,
            row.kernel,
            row.ratio()
        );
    }
    let logs = rows.iter().map(|row| row.ratio().ln());
    let geomean = (logs.sum::<f64>() / rows.len() as f64).exp();
    let median = rows.get(rows.len() / 2).map_or(f64::NAN, Row::ratio);
    let slower = rows.iter().filter(|row| row.ratio() > 1.0).count();
    println!(
        "{} programs both load, {skipped} skipped (refused by one side, or interpreted here)",
        rows.len()
    );
    println!(
        "time here ÷ the kernel's: geometric mean {geomean:.2}, median {median:.2}; slower here {slower}"
    );
    json!({
        "programs": rows.len(),
        "skipped": skipped,
        "geomean_ratio": geomean,
        "median_ratio": median,
        "slower": slower,
        "list": rows.iter().map(|row| json!({
            "program": row.name,
            "insns": row.insns,
            "micros": row.ours,
            "kernel_micros": row.kernel,
            "ratio": row.ratio(),
        })).collect::<Vec<_>>(),
    })
}
