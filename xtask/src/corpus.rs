//! The hostile inputs under `tests/corpus`: made from the committed examples, so that each says in
//! its name what is wrong with it. Files named `found-…` come from fuzzing and are left alone.

mod btf;
mod code;
mod elf;
mod packets;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::Verdict;
use crate::place::{self, Error};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Compare with what is committed and change nothing
    #[arg(long)]
    check: bool,
}

/// Inputs of one kind by name.
type Inputs = BTreeMap<&'static str, Vec<u8>>;

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let root = place::root();
    let stale = stale(&root)?;
    for Stale { path, wanted } in &stale {
        let shown = path.strip_prefix(&root).unwrap_or(path).display();
        match wanted {
            _ if options.check => println!("not current: {shown}"),
            Some(bytes) => {
                std::fs::create_dir_all(path.parent().unwrap_or(&root))?;
                std::fs::write(path, bytes)?;
                println!("wrote {shown}");
            }
            None => {
                std::fs::remove_file(path)?;
                println!("removed {shown}");
            }
        }
    }
    if options.check && !stale.is_empty() {
        println!("run `cargo xtask corpus` and commit the result");
        return Ok(Verdict::Fails);
    }
    println!("the corpus is current");
    Ok(Verdict::Holds)
}

/// A file that differs from what the generator makes.
pub(crate) struct Stale {
    pub(crate) path: PathBuf,
    /// What it should hold; `None` if it should not be there.
    wanted: Option<Vec<u8>>,
}

/// Every file that is not as the generator makes it.
pub(crate) fn stale(root: &Path) -> Result<Vec<Stale>, Error> {
    let example = |name: &str| std::fs::read(root.join("examples").join(name));
    let hello = example("hello.bpf.o")?;
    let kinds: [(&str, Inputs); 7] = [
        ("elf", elf::inputs(root)?),
        ("btf", btf::inputs(&hello)?),
        ("insns", code::extended(&hello)?),
        ("classic", code::classic()),
        ("pcap", packets::inputs(&example("ping.pcap")?)),
        ("verify", code::for_verifier(&hello)?),
        ("run", packets::runs(root)?),
    ];
    let mut stale = Vec::new();
    for (kind, inputs) in kinds {
        let folder = root.join("tests/corpus").join(kind);
        for (name, bytes) in &inputs {
            let path = folder.join(name);
            if !std::fs::read(&path).is_ok_and(|found| found == *bytes) {
                stale.push(Stale {
                    path,
                    wanted: Some(bytes.clone()),
                });
            }
        }
        for entry in folder.read_dir().into_iter().flatten() {
            let path = entry?.path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if !name.starts_with("found-") && !inputs.contains_key(name) {
                stale.push(Stale { path, wanted: None });
            }
        }
    }
    Ok(stale)
}

/// A copy with a number written over the bytes at `at`, little-endian.
fn with<const N: usize>(bytes: &[u8], at: usize, value: [u8; N]) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    if let Some(field) = copy.get_mut(at..at + N) {
        field.copy_from_slice(&value);
    }
    copy
}

/// A copy that ends after `length` bytes.
fn cut(bytes: &[u8], length: usize) -> Vec<u8> {
    bytes[..length.min(bytes.len())].to_vec()
}
