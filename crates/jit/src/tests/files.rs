//! Every text in `tests/files`: maps and a packet in comments, assembly, and after `----` what it
//! becomes and returns. Cases are parted by `====`. `BLESS=1` writes what comes out instead of comparing it.
//!
//! The machine code is that of x86-64, and in the folder `arm64` that of arm64, wherever the tests run; what a
//! case returns is what this machine comes to.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use osmia_isa::{MapRef, Resolve, assemble};
use osmia_program::{Initial, MapFlags, MapKind, MapSpec};
use osmia_vm::map::Runs;

use super::Case;
use crate::tier1::Processor;
use crate::{Isa, Tiers, listing};

/// Names of helpers and of the case's maps.
struct Known<'a>(&'a [MapSpec]);

impl Resolve for Known<'_> {
    fn helper(&self, name: &str) -> Option<i32> {
        osmia_program::helper::by_name(name).map(|helper| helper.id as i32)
    }

    fn map(&self, name: &str) -> Option<MapRef> {
        let index = self.0.iter().position(|map| map.name == name)?;
        Some(MapRef::Idx(index as i32))
    }
}

/// `name kind key value entries`; behind `=` what it holds for good
fn map(text: &str) -> MapSpec {
    let (text, value) = text.split_once('=').unwrap_or((text, ""));
    let words: Vec<_> = text.split_whitespace().collect();
    let number = |at: usize| words[at].parse::<u32>().expect("a number");
    let kind = MapKind::from_name(words[1]).expect("a map kind");
    let mut spec = MapSpec::new(words[0], kind, number(2), number(3), number(4));
    if !value.is_empty() {
        spec.flags = MapFlags(MapFlags::RDONLY_PROG);
        spec.initial = Initial::Value(bytes(value));
        spec.frozen = true;
    }
    spec
}

fn bytes(text: &str) -> Vec<u8> {
    let words = text.split_whitespace();
    let byte = |word| u8::from_str_radix(word, 16).expect("a byte");
    words.map(byte).collect()
}

fn case(input: &str) -> Case {
    let (mut specs, mut packet) = (Vec::new(), vec![0; 14]);
    for line in input.lines() {
        if let Some(value) = line.strip_prefix("; map: ") {
            specs.push(map(value));
        } else if let Some(value) = line.strip_prefix("; packet: ") {
            packet = bytes(value);
        }
    }
    let assembly = assemble(input, &Known(&specs)).expect("right assembly");
    Case::new(assembly.slots, specs, packet)
}

fn outcome(input: &str, code: Option<Isa>, with_enter: bool) -> String {
    let case = case(input);
    let maps = case.maps(&Arc::new(Runs::new(2)));
    let lowered = match case.lowered(&maps) {
        Ok(lowered) => lowered,
        Err(refused) => return format!("{refused}\n"),
    };
    let mut text = match code {
        Some(isa) => listing::native(&lowered, Processor::newest(isa)),
        None => listing::lowered(&lowered),
    };
    // The ways in are much the same for all: one file shows them.
    let ways = text.find("first:").or_else(|| text.find("enter:"));
    if !with_enter && let Some(ways) = ways {
        text.truncate(ways);
    }
    let (native, interpreted) = (case.run(Some(Tiers::First)), case.run(None));
    #[cfg(feature = "tier2")]
    assert_eq!(case.run(Some(Tiers::Second)), interpreted, "tier 2");
    assert_eq!(native, interpreted, "the engines differ on\n{input}");
    match native.result {
        Ok(value) => writeln!(text, "returns {value:#x}").expect("strings take all"),
        Err(why) => writeln!(text, "ends: {why}").expect("strings take all"),
    }
    text
}

/// The texts in a folder.
fn files(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let files = fs::read_dir(folder).expect("a folder");
    let paths = files.map(|file| file.expect("a file").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
}

#[test]
fn every_file_gives_what_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
    let arm64 = files(&folder.join("arm64")).map(|path| (path, Isa::Arm64));
    let all = files(&folder).map(|path| (path, Isa::X64));
    let mut failed = Vec::new();
    for (path, isa) in all.chain(arm64) {
        let text = fs::read_to_string(&path).expect("text");
        let is = |name: &str| path.file_stem().is_some_and(|stem| stem == name);
        let (code, with_enter) = ((!is("lowered")).then_some(isa), is("enter"));
        let mut cases = Vec::new();
        for case in text.split("====\n") {
            let input = case.split("----\n").next().unwrap_or_default();
            cases.push(format!("{input}----\n{}", outcome(input, code, with_enter)));
        }
        let now = cases.join("====\n");
        if now != text {
            if std::env::var_os("BLESS").is_some() {
                fs::write(&path, &now).expect("a file");
            } else {
                failed.push(format!("{} gives\n{now}", path.display()));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
