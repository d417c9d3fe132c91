//! The file of instruction tests, made from Debian's kernel source package.
//!
//! Two headers are cut out of the tree in the cache and compiled into a small driver that prints the
//! table; file and driver stay in the cache.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::kernel_source::KernelSource;
use crate::place::{self, Error};

/// The case file of the kernel we develop against.
pub(super) fn case_file() -> Result<PathBuf, Error> {
    let folder = place::cache()?.join("isa-tests");
    std::fs::create_dir_all(&folder)?;
    let driver = build_driver(&folder)?;
    let cases = folder.join("cases.jsonl");
    let printed = place::run(Command::new(&driver).current_dir(&folder))?;
    std::fs::write(&cases, printed)?;
    Ok(cases)
}

/// Cuts the two headers out of the tree and compiles the driver against them.
fn build_driver(folder: &Path) -> Result<PathBuf, Error> {
    let source = KernelSource::fetch()?;
    let filter = std::fs::read_to_string(source.path("include/linux/filter.h"))?;
    std::fs::write(folder.join("test_bpf_macros.h"), constructors(&filter)?)?;
    let table = std::fs::read_to_string(source.path("lib/test_bpf.c"))?;
    std::fs::write(folder.join("test_bpf_table.h"), table_of(&table)?)?;
    let driver = folder.join("isa_cases");
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/isa_cases.c");
    place::run(
        Command::new("cc")
            .args(["-O0", "-w", "-D_GNU_SOURCE"])
            .arg(format!("-I{}", folder.display()))
            .arg(text)
            .arg("-o")
            .arg(&driver),
    )?;
    Ok(driver)
}

/// The `#define`s of instruction constructors, continuation lines included.
fn constructors(filter: &str) -> Result<String, Error> {
    let mut out = String::new();
    let mut inside = false;
    for line in filter.lines() {
        let defined = line
            .strip_prefix("#define")
            .map(str::trim_start)
            .unwrap_or_default();
        inside |= defined.trim_start_matches('_').starts_with("BPF_");
        if inside {
            writeln!(out, "{line}")?;
            inside = line.trim_end().ends_with('\\');
        }
    }
    Ok(out)
}

/// The file up to the end of the table, includes left out.
fn table_of(text: &str) -> Result<String, Error> {
    let mut out = String::new();
    let mut inside = false;
    for line in text.lines().filter(|line| !line.starts_with("#include")) {
        writeln!(out, "{line}")?;
        inside |= line.starts_with("static struct bpf_test tests[] = {");
        if inside && line.starts_with("};") {
            return Ok(out);
        }
    }
    Err("lib/test_bpf.c has no table".into())
}
