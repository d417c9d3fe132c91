//! The committed eBPF objects: built from the C sources beside them, byte for byte repeatable.
//!
//! Objects keep their BTF and lose their DWARF; no path of the machine that built them stays in
//! them. Comparing needs the clang release they were made with, so another one only skips.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::{self, Error};
use crate::{Verdict, capture};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Compare with what is committed and change nothing
    #[arg(long)]
    check: bool,
}

/// Folders with `NAME.bpf.c` beside `NAME.bpf.o`.
const FOLDERS: [&str; 10] = [
    "examples",
    "crates/osmia/examples/columns",
    "crates/osmia/examples/plugin",
    "crates/osmia/examples/proxy",
    "crates/osmia/examples/rules",
    "crates/benches/programs",
    "tests/attach",
    "tests/beyond",
    "tests/kernel",
    "tests/gallery",
];

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let root = place::root();
    let built = build(&root)?;
    let mut stale = false;
    for (path, bytes) in built.stale() {
        let shown = path.strip_prefix(&root).unwrap_or(path).display();
        if options.check {
            println!("not current: {shown}");
            stale = true;
        } else {
            std::fs::write(path, bytes)?;
            println!("wrote {shown}");
        }
    }
    if let Some(note) = &built.note {
        println!("{note}");
    }
    if stale {
        println!("run `cargo xtask examples` and commit the result");
        return Ok(Verdict::Fails);
    }
    println!("examples are current");
    Ok(Verdict::Holds)
}

/// What every generated file should hold, and a note on what cannot be made here.
pub(crate) struct Built {
    files: Vec<(PathBuf, Vec<u8>)>,
    pub(crate) note: Option<String>,
}

impl Built {
    /// The files that hold something else, with what they should hold.
    pub(crate) fn stale(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        let files = self
            .files
            .iter()
            .map(|(path, bytes)| (path.as_path(), bytes.as_slice()));
        files.filter(|(path, bytes)| !std::fs::read(path).is_ok_and(|found| found == *bytes))
    }
}

pub(crate) fn build(root: &Path) -> Result<Built, Error> {
    let mut files = vec![
        (root.join("examples/ping.pcap"), capture::ping()),
        (root.join("tests/kernel/varied.pcap"), capture::varied()),
    ];
    if !place::is_installed(&place::clang()) {
        let note = Some(format!("objects skipped: no {} here", place::clang()));
        return Ok(Built { files, note });
    }
    let scratch = root.join("target/examples");
    std::fs::create_dir_all(&scratch)?;
    for source in sources(root)? {
        let object = compile(root, &source, &scratch)?;
        files.push((source.with_extension("o"), object));
    }
    Ok(Built { files, note: None })
}

/// Every `*.bpf.c`, in order.
fn sources(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for folder in FOLDERS
        .map(|folder| root.join(folder))
        .iter()
        .filter(|folder| folder.is_dir())
    {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with(".bpf.c") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Compiles one source the way the committed objects are compiled and gives the object's bytes.
pub(crate) fn compile(root: &Path, source: &Path, scratch: &Path) -> Result<Vec<u8>, Error> {
    let name = source.file_name().ok_or("a source without a name")?;
    let object = scratch.join(name).with_extension("o");
    // The compiler records the path as given and, if it finds the file there, its lines: both are
    // relative to the repository, so that objects are the same wherever they are made.
    let shown = source.strip_prefix(root).unwrap_or(source);
    place::run(
        Command::new(place::clang())
            .current_dir(root)
            .args(["-target", "bpf", "-O2", "-g", "-Wall", "-Werror"])
            .arg(format!("-mcpu={}", version(source)))
            .arg("-fdebug-compilation-dir=.")
            .arg("-I/usr/include/x86_64-linux-gnu")
            .arg("-c")
            .arg(shown)
            .arg("-o")
            .arg(&object),
    )?;
    place::run(Command::new(place::llvm_strip()).arg("-g").arg(&object))?;
    Ok(std::fs::read(&object)?)
}

/// The instruction set a source is compiled for: v4 if its name ends in `_v4`, else v3, which older
/// kernels take too.
fn version(source: &Path) -> &'static str {
    if source.to_string_lossy().ends_with("_v4.bpf.c") {
        "v4"
    } else {
        "v3"
    }
}

/// The committed objects, in order.
pub(crate) fn objects(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let sources = sources(root)?.into_iter();
    Ok(sources.map(|source| source.with_extension("o")).collect())
}
