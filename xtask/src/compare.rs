//! Our linked programs against those that Debian's libbpf hands to the kernel.
//!
//! Instructions must be equal byte for byte, map references by the map they name; so must program
//! kinds, load flags, the attributes and the first contents of maps. What one of the two refuses is
//! said with its reason. Nothing reaches the kernel.

mod judge;
mod libbpf;
mod ours;
mod timing;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::place::{self, Error};
use crate::{Verdict, examples, selftests};
use judge::Judgement;
use libbpf::Driver;
pub(crate) use ours::{Linked, Linker};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Objects to compare; the committed ones and those of installed packages if none is given
    objects: Vec<PathBuf>,
    /// Also compile and compare the `*.bpf.c` of this folder
    #[arg(long, value_name = "FOLDER")]
    sources: Vec<PathBuf>,
    /// Also compile and compare the programs of the kernel's selftests (downloads their package)
    #[arg(long)]
    selftests: bool,
    /// Only objects whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Print every object, not only those with something to say
    #[arg(long)]
    verbose: bool,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

/// What is compared: an object, or several linked statically.
struct Unit {
    objects: Vec<PathBuf>,
}

impl Unit {
    fn one(path: PathBuf) -> Unit {
        Unit {
            objects: vec![path],
        }
    }

    /// The objects' names joined by plus signs.
    fn label(&self) -> String {
        let names = self
            .objects
            .iter()
            .map(|path| path.file_name().unwrap_or_default());
        names
            .map(|name| name.to_string_lossy())
            .collect::<Vec<_>>()
            .join("+")
    }

    /// The name of the file that holds it: the object's, or that of the linked result.
    fn name(&self) -> String {
        match self.objects.as_slice() {
            [only] => only
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            _ => "linked.bpf.o".into(),
        }
    }
}

/// Selftests made of several files.
const LINKED: [&[&str]; 5] = [
    &["linked_funcs1", "linked_funcs2"],
    &["linked_maps1", "linked_maps2"],
    &["linked_vars1", "linked_vars2"],
    &["test_static_linked1", "test_static_linked2"],
    &[
        "test_subskeleton",
        "test_subskeleton_lib",
        "test_subskeleton_lib2",
    ],
];

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let objects = objects(options)?;
    let driver = Driver::build()?;
    let linker = Linker::for_this_kernel()?;
    let mut totals = Judgement::default();
    let mut listed = Vec::new();
    for unit in &objects {
        let theirs = driver.load(unit)?;
        let judged = match linker.link(unit) {
            Ok(ours) => judge::judge(&ours, &theirs),
            Err(refusal) => judge::refused(&refusal, &theirs),
        };
        report(unit, &judged, options.verbose);
        listed.push(as_json(unit, &judged));
        totals.add(&judged);
    }
    println!(
        "{} objects: {} programs with {} instructions equal, {} maps equal, {} differences",
        objects.len(),
        totals.programs,
        totals.insns,
        totals.maps,
        totals.differences.len()
    );
    println!(
        "{} programs that libbpf refuses: {} of them link here, {} neither takes",
        totals.ours_only + totals.neither,
        totals.ours_only,
        totals.neither
    );
    let timing = timing::measure(&driver, &linker)?;
    timing.print();
    if options.json {
        let all = json!({
            "objects": listed,
            "totals": {
                "objects": objects.len(),
                "programs_equal": totals.programs,
                "insns_equal": totals.insns,
                "maps_equal": totals.maps,
                "differences": totals.differences.len(),
                "libbpf_refuses": totals.ours_only + totals.neither,
                "libbpf_refuses_we_take": totals.ours_only,
            },
            "timing": timing.as_json(),
        });
        println!("{all}");
    }
    Ok(if totals.differences.is_empty() {
        Verdict::Holds
    } else {
        Verdict::Fails
    })
}

/// What to compare, and what cannot be had here.
fn objects(options: &Options) -> Result<Vec<Unit>, Error> {
    let root = place::root();
    let mut objects = options.objects.clone();
    let mut linked = Vec::new();
    if objects.is_empty() && options.sources.is_empty() && !options.selftests {
        for folder in ["examples", "crates/benches/programs"] {
            objects.extend(ending_in(&root.join(folder), ".bpf.o")?);
        }
        let packaged = Path::new("/usr/lib/x86_64-linux-gnu/bpf");
        if packaged.is_dir() {
            objects.extend(ending_in(packaged, ".o")?);
        } else {
            println!("skipped the objects of xdp-tools: the package is not installed");
        }
    }
    for folder in &options.sources {
        if !place::is_installed(&place::clang()) {
            println!("skipped {}: no {} here", folder.display(), place::clang());
            continue;
        }
        let scratch = root.join("target/compare");
        std::fs::create_dir_all(&scratch)?;
        for source in ending_in(folder, ".bpf.c")? {
            examples::compile(&root, &source, &scratch)?;
            let name = source.file_name().unwrap_or_default();
            objects.push(scratch.join(name).with_extension("o"));
        }
    }
    if options.selftests {
        let selftests = selftests::compile()?;
        println!("skipped, do not compile: {}", selftests.refused.join(" "));
        for names in LINKED {
            let named = |name: &&str| {
                let ending = format!("/{name}.bpf.o");
                let mut all = selftests.objects.iter();
                all.find(|path| path.to_string_lossy().ends_with(&ending))
                    .cloned()
            };
            let objects: Option<Vec<_>> = names.iter().map(named).collect();
            linked.extend(objects.map(|objects| Unit { objects }));
        }
        objects.extend(selftests.objects);
    }
    let mut units: Vec<Unit> = objects.into_iter().map(Unit::one).collect();
    units.extend(linked);
    if let Some(text) = &options.only {
        units.retain(|unit| unit.label().contains(text.as_str()));
    }
    Ok(units)
}

fn ending_in(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Error> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    found.sort();
    Ok(found)
}

fn report(unit: &Unit, judged: &Judgement, verbose: bool) {
    let name = unit.label();
    if !judged.differences.is_empty() {
        println!("{name}: DIFFERENT");
        for difference in &judged.differences {
            println!("  {difference}");
        }
    } else if verbose || !judged.skipped.is_empty() {
        println!(
            "{name}: {} programs, {} maps equal",
            judged.programs, judged.maps
        );
    }
    for skipped in &judged.skipped {
        println!("  skipped {skipped}");
    }
}

fn as_json(unit: &Unit, judged: &Judgement) -> Value {
    json!({
        "object": unit.label(),
        "programs_equal": judged.programs,
        "maps_equal": judged.maps,
        "differences": judged.differences,
        "skipped": judged.skipped,
    })
}
