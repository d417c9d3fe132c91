//! The kernel's table of instruction tests as values.
//!
//! Cut out of the kernel source in the cache, compiled into a small dumper, read back as JSON lines.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::kernel_source::KernelSource;
use crate::place::{self, Error};

/// One test of the table.
pub(super) struct Test {
    pub(super) name: String,
    /// Classic BPF, else extended.
    pub(super) classic: bool,
    /// The program gets no packet at all.
    pub(super) no_data: bool,
    /// The packet continues in a fragment.
    pub(super) fragments: bool,
    /// The program gets a zeroed buffer in r1 instead of a packet.
    pub(super) large_memory: bool,
    /// Linux must refuse the program.
    pub(super) refused: bool,
    /// The instructions, little-endian.
    pub(super) insns: Vec<u8>,
    pub(super) data: Vec<u8>,
    pub(super) fragment: Vec<u8>,
    pub(super) runs: Vec<Expected>,
}

/// One run of a test.
pub(super) struct Expected {
    /// How much of the data the packet has, or how large the buffer is.
    pub(super) bytes: usize,
    /// The low half of what the program returns.
    pub(super) result: u32,
}

/// Every test.
pub(super) fn read() -> Result<Vec<Test>, Error> {
    let dumper = build_dumper()?;
    let insns_file = dumper.with_extension("insns");
    let dump = place::run(Command::new(&dumper).arg(&insns_file))?;
    let insns = std::fs::read(&insns_file)?;
    let mut rest = insns.as_slice();
    String::from_utf8(dump)?
        .lines()
        .map(|line| test(&serde_json::from_str(line)?, &mut rest))
        .collect()
}

/// Cuts the two headers out of the tree and compiles the dumper against them.
fn build_dumper() -> Result<std::path::PathBuf, Error> {
    let source = KernelSource::fetch()?;
    let folder = place::cache()?.join("test_bpf");
    std::fs::create_dir_all(&folder)?;
    let filter = std::fs::read_to_string(source.path("include/linux/filter.h"))?;
    std::fs::write(folder.join("test_bpf_macros.h"), constructors(&filter)?)?;
    let table = std::fs::read_to_string(source.path("lib/test_bpf.c"))?;
    std::fs::write(folder.join("test_bpf_table.h"), table_of(&table)?)?;
    let dumper = folder.join("test_bpf_dump");
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/test_bpf_dump.c");
    place::run(
        Command::new("cc")
            .args(["-O0", "-w", "-D_GNU_SOURCE"])
            .arg(format!("-I{}", folder.display()))
            .arg(driver)
            .arg("-o")
            .arg(&dumper),
    )?;
    Ok(dumper)
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

/// One line of the dump; `insns` are those of this test and all after it.
fn test(value: &Value, insns: &mut &[u8]) -> Result<Test, Error> {
    let count = value["insns"]
        .as_u64()
        .ok_or("a test without instructions")?;
    let own = insns
        .split_off(..count as usize * 8)
        .ok_or("instructions are missing")?;
    let flag = |name: &str| value[name] == true;
    let runs = value["runs"].as_array().ok_or("a test without runs")?;
    let expected = |run: &Value| {
        let number = |name: &str| run[name].as_u64().ok_or("a run without a number");
        Ok(Expected {
            bytes: number("bytes")? as usize,
            result: number("result")? as u32,
        })
    };
    Ok(Test {
        name: value["name"]
            .as_str()
            .ok_or("a test without a name")?
            .to_owned(),
        classic: flag("classic"),
        no_data: flag("no_data"),
        fragments: flag("fragments"),
        large_memory: flag("large_memory"),
        refused: flag("refused"),
        insns: own.to_vec(),
        data: bytes(&value["data"])?,
        fragment: bytes(&value["fragment"])?,
        runs: runs.iter().map(expected).collect::<Result<_, Error>>()?,
    })
}

fn bytes(value: &Value) -> Result<Vec<u8>, Error> {
    let digits = value.as_str().ok_or("not a string of hexadecimal digits")?;
    place::from_hex(digits).ok_or_else(|| "not hexadecimal".into())
}
