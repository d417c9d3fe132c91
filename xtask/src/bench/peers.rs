//! Every bench program in every engine, in turns, medians: how far we are from each of the others.
//!
//! The limit is the same C compiled by clang for the machine itself; the kernel is asked through
//! `BPF_PROG_TEST_RUN`. What is not there is left out and said. The programs of the table that need
//! maps other than arrays have no figure in engines that would have to bring their own.

use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use osmia_benches::{
    BenchProgram, Osmia, Rbpf, RbpfCompiled, Tiers, WITH_MAPS, WITHOUT_MAPS, contents, packet,
};
use serde_json::{Map, Value, json};

use crate::libbpf_driver;
use crate::place::{self, Error};

/// Least time of one batch.
const BATCH: Duration = Duration::from_millis(3);
/// Engines by the name of their column: ours, then the others.
const ENGINES: [&str; 8] = [
    "tier2",
    "tier1",
    "interp",
    "native_clang",
    "kernel_jit",
    "rbpf_jit",
    "rbpf_cranelift",
    "rbpf_interp",
];
/// Those of them whose ratios to all others are told.
const OURS: usize = 2;
/// Programs whose maps are arrays, which the driver of clang's code has.
const WITH_ARRAYS: [&str; 3] = ["matmul", "map_array", "map_percpu"];

/// Runs a program so many times and gives nanoseconds of one run.
type Rival<'a> = Box<dyn FnMut(u32) -> Result<f64, Error> + 'a>;

pub(super) fn run(rounds: usize) -> Result<Value, Error> {
    let places = Places::new()?;
    print!("{:15}", "ns a run");
    ENGINES.iter().for_each(|name| print!(" {name:>13}"));
    println!();
    let mut rows = Vec::new();
    let mut logs = vec![vec![Vec::new(); ENGINES.len()]; OURS];
    for bench in WITHOUT_MAPS.iter().chain(WITH_MAPS) {
        let mut rivals = rivals(bench, &places)?;
        let medians = medians(&mut rivals, rounds)?;
        print!("{:15}", bench.name);
        let mut row = Map::new();
        row.insert("program".into(), bench.name.into());
        for (name, median) in ENGINES.iter().zip(&medians) {
            match median {
                Some(median) => {
                    print!(" {median:13.1}");
                    row.insert((*name).into(), json!(median));
                }
                None => print!(" {:>13}", "-"),
            }
        }
        println!();
        rows.push(Value::Object(row));
        // What dispatch costs is not a program's speed.
        if bench.name != "empty" {
            for (ours, logs) in medians.iter().zip(&mut logs) {
                for (theirs, logs) in medians.iter().zip(logs) {
                    logs.extend(ours.zip(*theirs).map(|(ours, theirs)| (ours / theirs).ln()));
                }
            }
        }
    }
    let mut ratios = Map::new();
    for (ours, logs) in ENGINES.iter().zip(&logs) {
        let tier = geomeans(ours, logs);
        // Tier 2's stand under the names of the others alone: it is what runs in the long run.
        match ratios.is_empty() {
            true => ratios = tier,
            false => drop(ratios.insert((*ours).into(), Value::Object(tier))),
        }
    }
    println!("geometric means over the programs both have, without `empty`");
    Ok(json!({ "programs": rows, "geomean_ratio": ratios }))
}

/// One of our engines' times over each of the others', on a line and by name.
fn geomeans(ours: &str, logs: &[Vec<f64>]) -> Map<String, Value> {
    let mut ratios = Map::new();
    print!("{:15}", format!("{ours} / theirs"));
    for (name, logs) in ENGINES.iter().zip(logs) {
        let mean = (logs.iter().sum::<f64>() / logs.len() as f64).exp();
        if logs.is_empty() || *name == ours {
            print!(" {:>13}", "-");
        } else {
            print!(" {mean:12.2}x");
            ratios.insert((*name).into(), json!(mean));
        }
    }
    println!();
    ratios
}

/// Medians by engine, each run in turn in every round.
fn medians(rivals: &mut [Option<Rival<'_>>], rounds: usize) -> Result<Vec<Option<f64>>, Error> {
    let mut runs = vec![1_u32; rivals.len()];
    for (rival, runs) in rivals.iter_mut().zip(&mut runs) {
        let Some(rival) = rival else { continue };
        while rival(*runs)? * f64::from(*runs) < BATCH.as_nanos() as f64 && *runs < 1 << 24 {
            *runs *= 2;
        }
    }
    let mut times = vec![Vec::with_capacity(rounds); rivals.len()];
    for _ in 0..rounds {
        for ((rival, runs), times) in rivals.iter_mut().zip(&runs).zip(&mut times) {
            if let Some(rival) = rival {
                times.push(rival(*runs)?);
            }
        }
    }
    let median = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied()
    };
    Ok(times.into_iter().map(median).collect())
}

/// What runs the program, in the order of [`ENGINES`].
fn rivals<'a>(
    bench: &'static BenchProgram,
    places: &'a Places,
) -> Result<Vec<Option<Rival<'a>>>, Error> {
    let has_maps = WITH_MAPS.iter().any(|with| with.name == bench.name);
    let ours = |tiers| {
        let osmia = Osmia::native(bench, tiers);
        let rival = osmia.map(|mut osmia| inside(bench, move || osmia.run()));
        rival.transpose()
    };
    let mut interpreter = Osmia::new(bench);
    let interpreted = inside(bench, move || interpreter.run());
    let arrays = !has_maps || WITH_ARRAYS.contains(&bench.name);
    let clang = match arrays {
        true => places.native(bench)?,
        false => None,
    };
    let (mut jit, mut rbpf) = (None, None);
    if !has_maps {
        jit = RbpfCompiled::jit(bench).map(|mut jit| inside(bench, move || jit.run()));
        let mut machine = Rbpf::new(bench);
        rbpf = Some(inside(bench, move || machine.run()));
    }
    let rivals = [
        ours(Tiers::Second)?,
        ours(Tiers::First)?,
        Some(interpreted?),
        clang,
        places.kernel(bench)?,
        jit.transpose()?,
        rbpf_cranelift(bench)?.filter(|_| !has_maps),
        rbpf.transpose()?,
    ];
    Ok(rivals.into())
}

/// rbpf's use of Cranelift, if it was built in.
#[cfg(feature = "rbpf-cranelift")]
fn rbpf_cranelift<'a>(bench: &BenchProgram) -> Result<Option<Rival<'a>>, Error> {
    // It knows no calls of functions.
    if bench.name == "subprog_call" {
        return Ok(None);
    }
    let compiled = RbpfCompiled::cranelift(bench);
    let rival = compiled.map(|mut compiled| inside(bench, move || compiled.run()));
    rival.transpose()
}

#[cfg(not(feature = "rbpf-cranelift"))]
fn rbpf_cranelift<'a>(_: &BenchProgram) -> Result<Option<Rival<'a>>, Error> {
    Ok(None)
}

/// An engine of this process, once it returned what it must.
fn inside<'a>(bench: &BenchProgram, mut run: impl FnMut() -> u32 + 'a) -> Result<Rival<'a>, Error> {
    let returned = run();
    if returned != bench.first {
        return Err(format!("{} returned {returned}", bench.name).into());
    }
    Ok(Box::new(move |runs| {
        let start = Instant::now();
        for _ in 0..runs {
            std::hint::black_box(run());
        }
        Ok(start.elapsed().as_nanos() as f64 / f64::from(runs))
    }))
}

/// Where things are made and found.
struct Places {
    folder: PathBuf,
    packet: PathBuf,
    programs: PathBuf,
    clang: Option<String>,
    is_root: bool,
}

impl Places {
    fn new() -> Result<Self, Error> {
        let folder = place::root().join("target/drivers");
        std::fs::create_dir_all(&folder)?;
        let bytes = folder.join("bench.packet");
        std::fs::write(&bytes, packet())?;
        let answers = |name: &&str| {
            let mut asked = Command::new(name);
            asked.arg("--version").stdout(Stdio::null());
            asked.status().is_ok_and(|status| status.success())
        };
        let clang = ["clang-19", "clang"].into_iter().find(answers);
        if clang.is_none() {
            println!("skipped: native_clang, there is no clang here");
        }
        let is_root = Command::new("id").arg("-u").output()?.stdout == b"0\n";
        if cfg!(not(feature = "rbpf-cranelift")) {
            println!("skipped: rbpf_cranelift, which `--features rbpf-cranelift` builds in");
        }
        if !is_root {
            println!("skipped: kernel_jit, which needs root");
        }
        Ok(Self {
            folder,
            packet: bytes,
            programs: place::root().join("crates/benches/programs"),
            clang: clang.map(str::to_owned),
            is_root,
        })
    }

    /// The program compiled by clang, with the driver.
    fn native(&self, bench: &'static BenchProgram) -> Result<Option<Rival<'_>>, Error> {
        let Some(clang) = &self.clang else {
            return Ok(None);
        };
        let path = self.folder.join(format!("native_{}", bench.name));
        let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/native_bench.c");
        // One library each: clang is not to see through the calls between them.
        let library = path.with_extension("so");
        place::run(
            Command::new(clang)
                .args(["-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-o"])
                .arg(&library)
                .arg(self.programs.join(format!("{}.bpf.c", bench.name))),
        )?;
        place::run(
            Command::new(clang)
                .args(["-O2", "-rdynamic", "-o"])
                .args([&path, &driver, &library]),
        )?;
        let mut child = Driver::start(Command::new(&path).arg(&self.packet))?;
        Ok(Some(Box::new(move |runs| {
            let answer = child.ask(&runs.to_string())?;
            let (took, _) = answer.split_once(' ').ok_or("clang's code gives no time")?;
            Ok(took.parse::<f64>()? / f64::from(runs))
        })))
    }

    /// The program in the running kernel.
    fn kernel(&self, bench: &'static BenchProgram) -> Result<Option<Rival<'_>>, Error> {
        if !self.is_root {
            return Ok(None);
        }
        let object = self.programs.join(format!("{}.bpf.o", bench.name));
        let mut driver = Command::new(libbpf_driver::build("kernel_maps")?);
        let mut child = Driver::start(driver.arg(object).arg(&self.packet))?;
        child.commands.write_all(&entries(bench))?;
        if child.answer()? != "ready" {
            println!(
                "skipped: {} in the kernel, which does not take it",
                bench.name
            );
            return Ok(None);
        }
        Ok(Some(Box::new(move |runs| {
            let nanoseconds: f64 = child.ask(&format!("bench {runs} 1"))?.parse()?;
            Ok(nanoseconds)
        })))
    }
}

/// What the program's maps hold at first, as the driver reads it.
fn entries(bench: &BenchProgram) -> Vec<u8> {
    let (mut count, mut bytes) = (0_u32, Vec::new());
    for map in osmia_benches::maps(bench) {
        for (key, value) in contents(bench.name, &map.name) {
            let parts = [map.name.as_bytes(), &key, &value];
            bytes.extend(
                parts
                    .iter()
                    .flat_map(|part| (part.len() as u32).to_ne_bytes()),
            );
            bytes.extend(parts.concat());
            count += 1;
        }
    }
    [count.to_ne_bytes().to_vec(), bytes].concat()
}

/// A driver that answers line by line.
struct Driver {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Driver {
    fn start(command: &mut Command) -> Result<Self, Error> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let commands = child.stdin.take().ok_or("the driver has no input")?;
        let answers = child.stdout.take().ok_or("the driver has no output")?;
        Ok(Self {
            child,
            commands,
            answers: BufReader::new(answers),
        })
    }

    fn ask(&mut self, line: &str) -> Result<String, Error> {
        writeln!(self.commands, "{line}")?;
        self.answer()
    }

    fn answer(&mut self) -> Result<String, Error> {
        self.commands.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It ends with its input.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
