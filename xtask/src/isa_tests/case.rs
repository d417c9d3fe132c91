//! Instruction tests as values: one JSON object a line.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::place::{self, Error};

/// One test: a program, its data, and what its runs must give.
pub(super) struct Case {
    pub(super) name: String,
    /// Classic BPF, else extended.
    pub(super) classic: bool,
    /// The program gets no packet at all.
    pub(super) no_data: bool,
    /// The program gets a zeroed buffer in r1 instead of a packet.
    pub(super) large_memory: bool,
    /// Linux must refuse the program.
    pub(super) refused: bool,
    /// The instructions, little-endian.
    pub(super) insns: Vec<u8>,
    pub(super) data: Vec<u8>,
    /// Where the packet goes on after `data`; empty if it does not.
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

/// Every test of a case file.
pub(super) fn read(path: &Path) -> Result<Vec<Case>, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut cases = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let case = serde_json::from_str(line)
            .map_err(Error::from)
            .and_then(|value| Case::from_json(&value, folder))
            .map_err(|error| format!("{}:{}: {error}", path.display(), number + 1))?;
        cases.push(case);
    }
    Ok(cases)
}

impl Case {
    /// From one line; long programs lie in files below `folder`.
    fn from_json(value: &Value, folder: &Path) -> Result<Case, Error> {
        let flag = |name: &str| {
            let flags = value["flags"].as_array();
            flags.is_some_and(|flags| flags.iter().any(|flag| flag == name))
        };
        let insns = match value["insns_file"].as_str() {
            Some(file) => std::fs::read(moved(folder, file))
                .map_err(|error| format!("{file} cannot be read: {error}"))?,
            None => bytes(&value["insns"])?,
        };
        let count = value["n_insns"].as_u64().ok_or("no `n_insns`")?;
        if insns.len() as u64 != count * 8 {
            return Err(format!("{} bytes are not {count} instructions", insns.len()).into());
        }
        let runs = value["runs"].as_array().ok_or("no `runs`")?;
        let expected = |run: &Value| {
            let number = |name: &str| run[name].as_u64().ok_or("a run without a number");
            Ok(Expected {
                bytes: usize::try_from(number("data_size")?)?,
                result: u32::try_from(number("result")?)?,
            })
        };
        let fragment = match flag("skb_frag") {
            true => bytes(&value["frag_data"])?,
            false => Vec::new(),
        };
        Ok(Case {
            name: value["name"].as_str().ok_or("no `name`")?.to_owned(),
            classic: match value["isa"].as_str() {
                Some("classic") => true,
                Some("ebpf") => false,
                _ => return Err("`isa` is neither classic nor ebpf".into()),
            },
            no_data: flag("no_data"),
            large_memory: flag("large_mem"),
            refused: flag("expected_fail"),
            insns,
            data: bytes(&value["data"])?,
            fragment,
            runs: runs.iter().map(expected).collect::<Result<_, Error>>()?,
        })
    }
}

/// A file below the case file's folder, also if that folder was moved after its name was written.
fn moved(folder: &Path, file: &str) -> PathBuf {
    let mut inner = Path::new(file);
    loop {
        let path = folder.join(inner);
        let mut parts = inner.components();
        parts.next();
        if path.exists() || parts.as_path() == Path::new("") {
            return path;
        }
        inner = parts.as_path();
    }
}

fn bytes(value: &Value) -> Result<Vec<u8>, Error> {
    let digits = value.as_str().ok_or("not a string of hexadecimal digits")?;
    place::from_hex(digits).ok_or_else(|| "not hexadecimal".into())
}
