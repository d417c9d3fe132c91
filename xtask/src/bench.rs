//! One table of figures: what the issues set targets for, measured in turns, medians.

mod kernel;
mod load;
mod maps;
mod peers;
mod verify;

use std::hint::black_box;
use std::time::Duration;

use osmia_benches::{
    CORE_CASE, Osmia, Rbpf, Times, WITHOUT_MAPS, kernel_btf, kernel_target, times,
};
use osmia_btf::core::{Relo, Resolver};
use osmia_btf::{Btf, CoreRelo};
use osmia_object::{LinkOptions, Object};
use serde_json::{Value, json};

use crate::Verdict;
use crate::place::Error;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to measure
    #[arg(value_enum, default_value_t = Subject::Flow)]
    subject: Subject,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
    /// Rounds over which the median is taken
    #[arg(long, default_value_t = 21)]
    rounds: usize,
}

#[derive(Copy, Clone, PartialEq, Eq, clap::ValueEnum)]
enum Subject {
    /// Loading, CO-RE and interpreting
    Flow,
    /// What loading costs by the length of a program, and beside the running kernel's loads (needs root)
    Load,
    /// Map operations, beside the running kernel's (needs root)
    Maps,
    /// Programs in every engine there is here: ours, rbpf's, the kernel's (needs root), clang's machine
    /// code
    Peers,
    /// Verdicts on the committed objects: time beside the running kernel's verifier (needs root),
    /// instructions, states and memory beside the committed baseline (`BLESS=1` writes it)
    Verify,
    /// Of that the part that is the same in every build: the baseline
    Counts,
}

/// Least time of one batch.
const BATCH: Duration = Duration::from_millis(4);

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    if cfg!(debug_assertions) && options.subject != Subject::Counts {
        return Err(
            "figures of a debug build say nothing: cargo run --release -p xtask -- bench".into(),
        );
    }
    let mut verdict = Verdict::Holds;
    let figures = match options.subject {
        Subject::Flow => flow(options)?,
        Subject::Load => load::run(options.rounds)?,
        Subject::Maps => maps::run(options.rounds)?,
        Subject::Peers => peers::run(options.rounds)?,
        Subject::Verify | Subject::Counts => {
            let (figures, compared) = match options.subject {
                Subject::Counts => verify::count()?,
                _ => verify::run(options.rounds)?,
            };
            verdict = compared;
            figures
        }
    };
    if options.json {
        println!("{figures}");
    }
    Ok(verdict)
}

fn flow(options: &Options) -> Result<Value, Error> {
    let loading = loading(options)?;
    let engines = engines(options)?;
    Ok(json!({ "loading": loading, "interpreter": engines }))
}

fn loading(options: &Options) -> Result<Value, Error> {
    let object = Object::parse(CORE_CASE, "core500")?;
    let mut parse = || {
        black_box(Object::parse(black_box(CORE_CASE), "core500").is_ok());
    };
    let Some(bytes) = kernel_btf() else {
        let measured = times(&mut [&mut parse], options.rounds, BATCH);
        println!("skipped: no kernel BTF here, OSMIA_BENCH_BTF can name one");
        return Ok(json!({ "parse": show("parse the largest object", measured[0]) }));
    };
    let btf = Btf::parse(bytes.as_slice(), None)?;
    let memory = btf.memory_bytes() as f64 / bytes.len() as f64;
    let with_index = memory + btf.index().memory_bytes() as f64 / bytes.len() as f64;
    let target = kernel_target(bytes.clone());
    // Reading keeps the bytes it is given, which have to be made anew for each turn: what that costs
    // is a row of its own.
    let mut copy = || {
        black_box(black_box(bytes.as_slice()).to_vec());
    };
    let mut read = || {
        black_box(Btf::parse(black_box(bytes.as_slice()), None).is_ok());
    };
    let mut index = || {
        let btf = Btf::parse(black_box(bytes.as_slice()), None).expect("read before");
        black_box(btf.index());
    };
    let mut link = || {
        let linked = object.link(black_box(&target), &LinkOptions::default());
        black_box(linked.is_ok());
    };
    let mut relocate = || relocate(black_box(&object), black_box(&btf));
    let functions: &mut [&mut dyn FnMut()] = &mut [
        &mut parse,
        &mut copy,
        &mut read,
        &mut index,
        &mut relocate,
        &mut link,
    ];
    let measured = times(functions, options.rounds, BATCH);
    println!("{:45} {:>10} {:>10}", "milliseconds", "median", "least");
    let kilobytes = CORE_CASE.len() / 1000;
    let megabytes = bytes.len() as f64 / 1e6;
    let figures = json!({
        "object_bytes": CORE_CASE.len(),
        "btf_bytes": bytes.len(),
        "parse": show(&format!("parse the largest object ({kilobytes} kB)"), measured[0]),
        "btf_copy": show(&format!("copy a kernel's BTF ({megabytes:.1} MB)"), measured[1]),
        "btf": show("copy it and read it", measured[2]),
        "btf_and_index": show("copy it, read it and index it", measured[3]),
        "core_500": show("answer 500 CO-RE relocations from it", measured[4]),
        "link_500": show("link the object that asks them", measured[5]),
        "btf_memory_ratio": memory,
        "btf_indexed_memory_ratio": with_index,
    });
    println!("BTF in memory: {memory:.2} times its size, {with_index:.2} with its index");
    Ok(figures)
}

/// Answers every CO-RE relocation of the object, as linking does.
fn relocate(object: &Object, kernel: &Btf) {
    let (Some(btf), Some(ext)) = (object.btf(), object.btf_ext()) else {
        return;
    };
    let targets = [kernel];
    let mut resolver = Resolver::new(btf, &targets);
    let mut answer = |record: &CoreRelo| {
        let relo = Relo::from_record(record, btf).expect("the object links");
        black_box(resolver.resolve(&relo).is_ok());
    };
    for section in &ext.relos {
        section.records.iter().for_each(&mut answer);
    }
}

/// Prints a row in milliseconds and gives it as JSON.
fn show(what: &str, times: Times) -> Value {
    let (median, least) = (times.median / 1e6, times.least / 1e6);
    println!("{what:45} {median:10.3} {least:10.3}");
    json!({ "median_ms": median, "least_ms": least })
}

fn engines(options: &Options) -> Result<Value, Error> {
    println!();
    println!(
        "{:15} {:>9} {:>8} {:>8} {:>8} {:>8} {:>7}",
        "ns/instruction", "executed", "osmia", "least", "rbpf", "least", "ratio"
    );
    let (mut rows, mut product) = (Vec::new(), 1.0);
    for program in WITHOUT_MAPS {
        let (mut osmia, mut rbpf) = (Osmia::new(program), Rbpf::new(program));
        for returned in [osmia.run(), rbpf.run()] {
            if returned != program.first {
                return Err(format!("{} returned {returned}", program.name).into());
            }
        }
        let mut ours = || {
            black_box(osmia.run());
        };
        let mut theirs = || {
            black_box(rbpf.run());
        };
        let measured = times(&mut [&mut ours, &mut theirs], options.rounds, BATCH);
        let insns = program.insns as f64;
        let [ours, theirs] = [measured[0], measured[1]];
        let ratio = ours.median / theirs.median;
        product *= ratio;
        println!(
            "{:15} {:9} {:8.2} {:8.2} {:8.2} {:8.2} {ratio:7.2}",
            program.name,
            program.insns,
            ours.median / insns,
            ours.least / insns,
            theirs.median / insns,
            theirs.least / insns
        );
        let json = |times: Times| json!([times.median / insns, times.least / insns]);
        rows.push(json!({
            "program": program.name,
            "insns": program.insns,
            "osmia_ns_median_least": json(ours),
            "rbpf_ns_median_least": json(theirs),
            "ratio": ratio,
        }));
    }
    let mean = f64::powf(product, 1.0 / WITHOUT_MAPS.len() as f64);
    println!("{:15} {mean:53.2}", "geometric mean");
    Ok(json!({ "programs": rows, "ratio_geometric_mean": mean }))
}
