//! Printing, beside what bpftool prints where it is installed.

mod common;

use std::process::Command;

use common::every_kind;
use osmia_btf::print::{dump_raw, dump_raw_json};
use osmia_btf::{Btf, Endian};

/// What bpftool prints for these bytes; `None` with a printed reason if it is not there.
fn bpftool(bytes: &[u8], options: &[&str]) -> Option<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let json = options.contains(&"-j");
    let mut command = Command::new("bpftool");
    if json {
        command.arg("-j");
    }
    let output = command
        .args(["btf", "dump", "file"])
        .arg(file.path())
        .args(options.iter().filter(|option| **option != "-j"))
        .output();
    match output {
        Ok(output) => {
            assert!(output.status.success(), "{output:?}");
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) => {
            println!("skipped: bpftool: {error}");
            None
        }
    }
}

fn assert_same_lines(ours: &str, theirs: &str) {
    for (line, (ours, theirs)) in ours.lines().zip(theirs.lines()).enumerate() {
        assert_eq!(ours, theirs, "line {}", line + 1);
    }
    assert_eq!(ours.lines().count(), theirs.lines().count());
}

#[test]
fn raw() {
    let bytes = every_kind().to_bytes(Endian::Little);
    let btf = Btf::parse(bytes.clone(), None).unwrap();
    let text = dump_raw(&btf, None);
    insta::assert_snapshot!(text);
    if let Some(theirs) = bpftool(&bytes, &["format", "raw"]) {
        assert_same_lines(&text, &theirs);
    }
}

#[test]
fn raw_json() {
    let bytes = every_kind().to_bytes(Endian::Little);
    let btf = Btf::parse(bytes.clone(), None).unwrap();
    let json = dump_raw_json(&btf, None).to_string();
    insta::assert_snapshot!(json);
    if let Some(theirs) = bpftool(&bytes, &["-j", "format", "raw"]) {
        assert_same_lines(&json, theirs.trim_end());
    }
}

#[test]
fn raw_of_the_kernel() {
    let Some(bytes) = common::kernel_btf() else {
        return;
    };
    let btf = Btf::parse(bytes.clone(), None).unwrap();
    if let Some(theirs) = bpftool(&bytes, &["format", "raw"]) {
        assert_same_lines(&dump_raw(&btf, None), &theirs);
    }
    if let Some(theirs) = bpftool(&bytes, &["-j", "format", "raw"]) {
        assert!(dump_raw_json(&btf, None).to_string() == theirs.trim_end());
    }
}
