//! Map operations: called directly, by a program as machine code and interpreted, by the same program in
//! the running kernel, and on a plain map. All rivals are measured in turns.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use osmia_benches::{
    CPUS, MAP_CASES, MapCase, MapOps, Osmia, RUN_OPS, Tiers, WITH_MAPS, contents, map_ops_contents,
    sized, sized_lookups,
};
use osmia_program::MapKind;
use serde_json::{Value, json};

use super::kernel::{Entry, Kernel};
use crate::place::{Error, missing_privilege};

/// Least time of one turn: so long that what the rivals before left in the caches matters little.
const TURN: Duration = Duration::from_micros(2500);
/// Elements of the maps whose lookups are timed by size.
const SIZES: [u32; 5] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// Runs something so many times, and says how long one took.
type Rival<'a> = Box<dyn FnMut(u32) -> Result<Duration, Error> + 'a>;

pub(super) fn run(rounds: usize) -> Result<Value, Error> {
    let ours = MapOps::new();
    let mut kernel = match missing_privilege() {
        None => Some(Kernel::start("map_ops", &kernel_contents())?),
        Some(missing) => {
            println!("the kernel is skipped: {missing}");
            None
        }
    };
    let mut tables = Vec::new();
    for threads in [1, CPUS] {
        println!();
        println!(
            "{:20} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
            format!("ns/op, {threads} thread(s)"),
            "direct",
            "native",
            "interp.",
            "kernel",
            "plain",
            "direct/k",
            "native/k"
        );
        let mut rows = Vec::new();
        for case in MAP_CASES {
            let row = row(case, &ours, kernel.as_mut(), threads, rounds)?;
            rows.push(json!({ "operation": case.program, "ns": row }));
        }
        tables.push(json!({ "threads": threads, "rows": rows }));
    }
    println!();
    println!("the loop and its keys alone are the row `nothing`; churn is two operations");
    let programs = match kernel {
        Some(_) => whole_programs(rounds)?,
        None => Value::Null,
    };
    Ok(json!({ "operations": tables, "programs": programs, "sizes": by_size(rounds)? }))
}

/// What the kernel's maps hold beforehand.
fn kernel_contents() -> Vec<Entry> {
    let mut names: Vec<_> = MAP_CASES.iter().filter_map(|case| case.map).collect();
    names.dedup();
    let entries_of = |name| {
        let entries = map_ops_contents(name).into_iter();
        entries.map(move |(key, mut value)| {
            if name == "percpu_hash" {
                // The driver repeats it for as many CPUs as the kernel has.
                value.truncate(value.len() / CPUS as usize);
            }
            (name, key, value)
        })
    };
    names.into_iter().flat_map(entries_of).collect()
}

/// Whole programs that live in their maps, in both engines and in the kernel.
fn whole_programs(rounds: usize) -> Result<Value, Error> {
    println!();
    println!(
        "{:20} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "ns/run", "executed", "native", "interp.", "kernel", "native/k"
    );
    let mut rows = Vec::new();
    for bench in WITH_MAPS
        .iter()
        .filter(|bench| bench.name.starts_with("map_"))
    {
        let mut entries: Vec<Entry> = Vec::new();
        for map in ["table", "routes"] {
            let of_map = contents(bench.name, map).into_iter();
            entries.extend(of_map.map(|(key, value)| (map, key, value)));
        }
        let mut kernel = Kernel::start(bench.name, &entries)?;
        let native = Osmia::native(bench, Tiers::First).ok_or("a program has no native form")?;
        let mut rivals = vec![(0, whole(native)), (1, whole(Osmia::new(bench)))];
        rivals.push((2, Box::new(|runs| kernel.time("bench", runs, 1))));
        let measured = in_turns(rivals, rounds)?;
        let [native, interpreted, in_kernel] = [0, 1, 2].map(|column: usize| measured[column].1);
        let ratio = native / in_kernel;
        println!(
            "{:20} {:8} {native:8.0} {interpreted:8.0} {in_kernel:8.0} {ratio:8.2}",
            bench.name, bench.insns
        );
        rows.push(json!({
            "program": bench.name,
            "native_ns": native,
            "interpreted_ns": interpreted,
            "kernel_ns": in_kernel,
        }));
    }
    Ok(rows.into())
}

/// Runs a program again and again.
fn whole<'a>(mut program: Osmia) -> Rival<'a> {
    Box::new(move |runs| {
        let start = Instant::now();
        for _ in 0..runs {
            black_box(program.run());
        }
        Ok(start.elapsed() / runs)
    })
}

/// Runs a program on as many CPUs as there are of it.
fn programs<'a, F: FnMut() -> u32 + Send + 'a>(mut all: Vec<F>) -> Rival<'a> {
    Box::new(move |runs| {
        let works = all.iter_mut().map(|program| {
            move || {
                black_box(program());
            }
        });
        Ok(together(works.collect(), runs))
    })
}

/// Measures a case and prints its row: direct, native, interpreted, kernel, plain.
fn row(
    case: &MapCase,
    ours: &MapOps,
    kernel: Option<&mut Kernel>,
    threads: u32,
    rounds: usize,
) -> Result<[Option<f64>; 5], Error> {
    let map = ours.map(case);
    let mut rivals: Vec<(usize, Rival<'_>)> = Vec::new();
    rivals.push((
        0,
        Box::new(move |runs| {
            let works = (0..threads).map(|cpu| {
                let mut at = u64::from(cpu) << 20;
                move || {
                    black_box((case.direct)(map, cpu, &mut at));
                }
            });
            Ok(together(works.collect(), runs))
        }),
    ));
    let natives: Vec<_> = (0..threads).map(|cpu| ours.native(case, cpu)).collect();
    rivals.push((1, programs(natives)));
    let interpreted: Vec<_> = (0..threads)
        .map(|cpu| ours.interpreted(case, cpu))
        .collect();
    rivals.push((2, programs(interpreted)));
    if let Some(kernel) = kernel {
        rivals.push((
            3,
            Box::new(move |runs| kernel.time(case.program, runs, threads)),
        ));
    }
    // Plain maps know no threads.
    if let Some(plain) = case.plain.filter(|_| threads == 1) {
        let (mut plain, mut at) = (plain(), 0);
        rivals.push((
            4,
            Box::new(move |runs| {
                let start = Instant::now();
                for _ in 0..runs {
                    black_box(plain(&mut at));
                }
                Ok(start.elapsed() / runs)
            }),
        ));
    }
    let mut figures = [None; 5];
    for (column, nanoseconds) in in_turns(rivals, rounds)? {
        figures[column] = Some(nanoseconds / f64::from(RUN_OPS));
    }
    let show = |figure: Option<f64>| figure.map_or("-".into(), |figure| format!("{figure:.1}"));
    let [direct, native, _, in_kernel, _] = figures;
    let ratio = |ours: Option<f64>| match ours.zip(in_kernel) {
        Some((ours, theirs)) => format!("{:.2}", ours / theirs),
        None => "-".to_owned(),
    };
    print!("{:20}", case.program);
    figures
        .iter()
        .for_each(|&figure| print!(" {:>8}", show(figure)));
    println!(" {:>8} {:>8}", ratio(direct), ratio(native));
    Ok(figures)
}

/// The nanoseconds of one run of each rival in its fastest turn: turns are short, so that some are
/// undisturbed even where others want the machine.
fn in_turns(
    mut rivals: Vec<(usize, Rival<'_>)>,
    rounds: usize,
) -> Result<Vec<(usize, f64)>, Error> {
    let mut counts = Vec::new();
    for (_, rival) in &mut rivals {
        let mut runs = 16;
        while rival(runs)? * runs < TURN && runs < 1 << 20 {
            runs *= 2;
        }
        counts.push(runs);
    }
    let mut least = vec![f64::INFINITY; rivals.len()];
    for _ in 0..rounds {
        for ((least, (_, rival)), &runs) in least.iter_mut().zip(&mut rivals).zip(&counts) {
            *least = least.min(rival(runs)?.as_nanos() as f64);
        }
    }
    let columns = rivals.iter().map(|(column, _)| *column);
    Ok(columns.zip(least).collect())
}

/// How long one run of these takes when all run at once: the slowest's.
fn together<F: FnMut() + Send>(mut works: Vec<F>, runs: u32) -> Duration {
    let barrier = Barrier::new(works.len());
    let timed = |mut work: F| {
        work();
        barrier.wait();
        let start = Instant::now();
        for _ in 0..runs {
            work();
        }
        start.elapsed() / runs
    };
    if works.len() == 1 {
        return works.pop().map(timed).unwrap_or_default();
    }
    let timed = &timed;
    thread::scope(|scope| {
        let spawn = |work| scope.spawn(move || timed(work));
        let all: Vec<_> = works.into_iter().map(spawn).collect();
        let join =
            |thread: thread::ScopedJoinHandle<'_, Duration>| thread.join().expect("no panic");
        all.into_iter().map(join).max().unwrap_or_default()
    })
}

/// What a lookup costs by the number of elements.
fn by_size(rounds: usize) -> Result<Value, Error> {
    println!();
    println!(
        "{:20} {:>8} {:>8}",
        "ns/lookup, elements", "hash", "lpm_trie"
    );
    let mut rows = Vec::new();
    for entries in SIZES {
        // One at a time: the largest take a good part of the memory.
        let time = |kind| {
            let map = sized(kind, entries);
            let mut at = 0;
            let rival: Rival<'_> = Box::new(|runs| {
                let start = Instant::now();
                for _ in 0..runs {
                    black_box(sized_lookups(&map, &mut at));
                }
                Ok(start.elapsed() / runs)
            });
            let measured = in_turns(vec![(0, rival)], rounds)?;
            Ok::<_, Error>(measured[0].1 / f64::from(RUN_OPS))
        };
        let (hash, trie) = (time(MapKind::Hash)?, time(MapKind::LpmTrie)?);
        println!("{entries:20} {hash:8.1} {trie:8.1}");
        rows.push(json!({ "elements": entries, "hash_ns": hash, "lpm_trie_ns": trie }));
    }
    Ok(rows.into())
}
