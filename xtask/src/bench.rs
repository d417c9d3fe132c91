//! One table of figures: what the issues set targets for, measured in turns, medians.

use std::hint::black_box;
use std::time::Duration;

use osmia_benches::{CORE_CASE, Osmia, Rbpf, WITHOUT_MAPS, kernel_btf, kernel_target, medians};
use osmia_btf::Btf;
use osmia_object::{LinkOptions, Object};
use serde_json::{Value, json};

use crate::Verdict;
use crate::place::Error;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
    /// Rounds over which the median is taken
    #[arg(long, default_value_t = 21)]
    rounds: usize,
}

/// Least time of one batch.
const BATCH: Duration = Duration::from_millis(4);

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    if cfg!(debug_assertions) {
        return Err(
            "figures of a debug build say nothing: cargo run --release -p xtask -- bench".into(),
        );
    }
    let loading = loading(options)?;
    let engines = engines(options)?;
    if options.json {
        println!("{}", json!({ "loading": loading, "interpreter": engines }));
    }
    Ok(Verdict::Holds)
}

fn loading(options: &Options) -> Result<Value, Error> {
    let object = Object::parse(CORE_CASE, "core500")?;
    let mut parse = || {
        black_box(Object::parse(black_box(CORE_CASE), "core500").is_ok());
    };
    let Some(bytes) = kernel_btf() else {
        let times = medians(&mut [&mut parse], options.rounds, BATCH);
        println!("parse the largest object   {:8.3} ms", times[0] / 1e6);
        println!("skipped: no kernel BTF here, OSMIA_BENCH_BTF can name one");
        return Ok(json!({ "parse_ms": times[0] / 1e6 }));
    };
    let plain = Btf::parse(bytes.as_slice(), None)?;
    let parsed_ratio = plain.memory_bytes() as f64 / bytes.len() as f64;
    plain.index();
    let indexed_ratio = plain.memory_bytes() as f64 / bytes.len() as f64;
    let target = kernel_target(bytes.clone());
    let mut read = || {
        black_box(Btf::parse(black_box(bytes.as_slice()), None).is_ok());
    };
    let mut index = || {
        let btf = Btf::parse(black_box(bytes.as_slice()), None).expect("read before");
        black_box(btf.index());
    };
    let mut link = || {
        black_box(
            object
                .link(black_box(&target), &LinkOptions::default())
                .is_ok(),
        );
    };
    let functions: &mut [&mut dyn FnMut()] = &mut [&mut parse, &mut read, &mut index, &mut link];
    let ms: Vec<f64> = medians(functions, options.rounds, BATCH)
        .iter()
        .map(|ns| ns / 1e6)
        .collect();
    let megabytes = bytes.len() as f64 / 1e6;
    println!(
        "parse the largest object ({} kB)      {:8.3} ms",
        CORE_CASE.len() / 1000,
        ms[0]
    );
    println!(
        "read a kernel's BTF ({megabytes:.1} MB)           {:8.3} ms, {parsed_ratio:.2} times its size in memory",
        ms[1]
    );
    println!(
        "  and index it                         {:8.3} ms, {indexed_ratio:.2} times its size in memory",
        ms[2]
    );
    println!("link 500 CO-RE relocations against it  {:8.3} ms", ms[3]);
    Ok(json!({
        "object_bytes": CORE_CASE.len(),
        "parse_ms": ms[0],
        "btf_bytes": bytes.len(),
        "btf_parse_ms": ms[1],
        "btf_parse_index_ms": ms[2],
        "btf_memory_ratio": parsed_ratio,
        "btf_indexed_memory_ratio": indexed_ratio,
        "link_500_ms": ms[3],
    }))
}

fn engines(options: &Options) -> Result<Value, Error> {
    println!();
    println!(
        "{:15} {:>9} {:>10} {:>10} {:>7}",
        "ns/instruction", "executed", "osmia", "rbpf", "ratio"
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
        let times = medians(&mut [&mut ours, &mut theirs], options.rounds, BATCH);
        let per_insn = |time: f64| time / program.insns as f64;
        let ratio = times[0] / times[1];
        product *= ratio;
        println!(
            "{:15} {:9} {:10.3} {:10.3} {ratio:7.2}",
            program.name,
            program.insns,
            per_insn(times[0]),
            per_insn(times[1])
        );
        rows.push(json!({
            "program": program.name,
            "insns": program.insns,
            "osmia_ns": per_insn(times[0]),
            "rbpf_ns": per_insn(times[1]),
            "ratio": ratio,
        }));
    }
    let mean = f64::powf(product, 1.0 / WITHOUT_MAPS.len() as f64);
    println!("{:15} {:41.2}", "geometric mean", mean);
    Ok(json!({ "programs": rows, "ratio_geometric_mean": mean }))
}
