//! The eBPF objects that Debian's packages ship, as files or inside of programs, verified here and by the
//! running kernel. Nothing is attached.
//!
//! Packages that are not installed are passed over; `--package` names more. What is found is kept in the
//! cache, once for each content.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use osmia_verify::{Options as How, verify};
use serde_json::json;

use crate::compare::Linker;
use crate::place::{self, Error, missing_privilege};
use crate::{Verdict, libbpf_driver};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Also the objects of this package
    #[arg(long, value_name = "NAME")]
    package: Vec<String>,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

/// Packages known to ship objects, on their own or in programs.
const PACKAGES: &[&str] = &[
    "bpfcc-tools",
    "bpftool",
    "bpftrace",
    "dae",
    "iproute2",
    "libbpf-tools",
    "libsystemd-shared",
    "libxdp1",
    "scx",
    "suricata",
    "systemd",
    "xdp-tools",
];

/// Files larger than this hold no objects worth the reading.
const FILE_BYTES_MAX: u64 = 1 << 28;

/// An object and where it was found.
struct Found {
    /// Package and file, with a number if the file holds several.
    name: String,
    path: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    if let Some(missing) = missing_privilege() {
        return Err(format!("the kernel cannot be asked: {missing}").into());
    }
    let more = options.package.iter().map(String::as_str);
    let packages: BTreeSet<&str> = PACKAGES.iter().copied().chain(more).collect();
    let folder = place::cache()?.join("debian-objects");
    std::fs::create_dir_all(&folder)?;
    let (mut objects, mut seen) = (Vec::new(), BTreeSet::new());
    for package in packages {
        let before = objects.len();
        let Some(files) = files(package) else {
            println!("{package}: not installed");
            continue;
        };
        for file in files {
            take(package, &file, &folder, &mut seen, &mut objects)?;
        }
        println!("{package}: {} objects", objects.len() - before);
    }
    judge(&objects, options.json)
}

/// The files of an installed package.
fn files(package: &str) -> Option<Vec<PathBuf>> {
    let output = Command::new("dpkg-query")
        .args(["-L", package])
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Some(text.lines().map(PathBuf::from).collect())
}

/// Copies every object in a file that is not known yet.
fn take(
    package: &str,
    file: &Path,
    folder: &Path,
    seen: &mut BTreeSet<Vec<u8>>,
    found: &mut Vec<Found>,
) -> Result<(), Error> {
    let Ok(about) = file.symlink_metadata() else {
        return Ok(());
    };
    if !about.is_file() || about.len() > FILE_BYTES_MAX {
        return Ok(());
    }
    let bytes = std::fs::read(file)?;
    for (number, object) in embedded(&bytes).enumerate() {
        if !seen.insert(object.to_vec()) {
            continue;
        }
        let short = file.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{package}/{short}#{number}");
        let path = folder.join(format!("{package}-{short}-{number}.o"));
        std::fs::write(&path, object)?;
        found.push(Found { name, path });
    }
    Ok(())
}

/// The eBPF objects in a file, which may be one itself: 64 bits, little-endian, relocatable.
fn embedded(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    const MAGIC: &[u8] = b"\x7fELF\x02\x01\x01";
    /// `ET_REL`, `EM_BPF`
    const KIND: &[u8] = &[1, 0, 247, 0];
    let starts = (0..bytes.len().saturating_sub(64)).filter(|&at| {
        bytes[at] == MAGIC[0]
            && bytes[at..].starts_with(MAGIC)
            && bytes[at + 16..].starts_with(KIND)
    });
    starts.filter_map(|at| {
        let rest = &bytes[at..];
        rest.get(..length(rest)?)
    })
}

/// How long an object is: to the end of its section table, or of its last section.
fn length(object: &[u8]) -> Option<usize> {
    const HEADER_BYTES: usize = 64;
    const NOBITS: u64 = 8;
    let number = |at: usize, bytes: usize| -> Option<u64> {
        let mut word = [0; 8];
        word[..bytes].copy_from_slice(object.get(at..at + bytes)?);
        Some(u64::from_le_bytes(word))
    };
    let table = usize::try_from(number(40, 8)?).ok()?;
    let count = usize::try_from(number(60, 2)?).ok()?;
    let mut end = table.checked_add(count * HEADER_BYTES)?;
    for section in 0..count {
        let header = table + section * HEADER_BYTES;
        if number(header + 4, 4)? != NOBITS {
            let section_end = number(header + 24, 8)?.checked_add(number(header + 32, 8)?)?;
            end = end.max(usize::try_from(section_end).ok()?);
        }
    }
    Some(end)
}

fn judge(objects: &[Found], as_json: bool) -> Result<Verdict, Error> {
    let kernel = ask(objects)?;
    let linker = Linker::for_this_kernel()?;
    let (mut agree, mut both, mut unreached) = (0, 0, 0);
    let (mut stricter, mut lenient) = (Vec::new(), Vec::new());
    for object in objects {
        let linked = match linker.link_file(&object.path) {
            Ok(linked) => linked,
            Err(why) => {
                println!("{}: not linked: {why}", object.name);
                continue;
            }
        };
        for program in &linked.programs {
            let asked = kernel.get(&(object.path.clone(), program.name.clone()));
            let Some(&theirs) = asked.and_then(Option::as_ref) else {
                unreached += 1;
                continue;
            };
            let maps = program.maps.iter();
            let maps: Vec<_> = maps.map(|map| linked.maps[map.index()].clone()).collect();
            let ours = verify(program, &maps, linker.target(), &How::default()).result;
            let name = format!("{}:{}", object.name, program.name);
            match (ours, theirs) {
                (Ok(_), true) => (agree, both) = (agree + 1, both + 1),
                (Err(_), false) => agree += 1,
                (Ok(_), false) => lenient.push(name),
                (Err(why), true) => stricter.push(format!("{name}: {}", why.message)),
            }
        }
    }
    for name in &stricter {
        println!("stricter: {name}");
    }
    for name in &lenient {
        println!("more lenient: {name}");
    }
    println!(
        "{} objects: {agree} verdicts agree ({both} accepted), {} stricter, {} more lenient; {unreached} programs never reached the kernel's verifier",
        objects.len(),
        stricter.len(),
        lenient.len()
    );
    if as_json {
        let line = json!({
            "objects": objects.len(), "agree": agree, "accepted": both,
            "stricter": stricter, "lenient": lenient, "not_comparable": unreached,
        });
        println!("{line}");
    }
    Ok(match stricter.is_empty() && lenient.is_empty() {
        true => Verdict::Holds,
        false => Verdict::Fails,
    })
}

/// What the kernel's verifier says of each program by itself; `None` if it was not asked: libbpf gave up
/// before, or the kernel takes no such programs here.
fn ask(objects: &[Found]) -> Result<BTreeMap<(PathBuf, String), Option<bool>>, Error> {
    let driver = libbpf_driver::build("verify_times")?;
    let mut asked = Command::new(driver);
    asked
        .arg("1")
        .args(objects.iter().map(|object| &object.path));
    let text = String::from_utf8(place::run(&mut asked)?)?;
    let mut answers = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        if let [path, program, errno, _, processed, _] = fields[..] {
            let verdict = match (errno, processed) {
                ("0", _) => Some(true),
                (_, "0") => None,
                _ => Some(false),
            };
            answers.insert((path.into(), program.to_owned()), verdict);
        }
    }
    Ok(answers)
}
