//! Printing, beside what bpftool prints where it is installed.

mod common;

use common::{assert_same_lines, bpftool, every_kind};
use osmia_btf::print::{dump_raw, dump_raw_json};
use osmia_btf::{Btf, Endian};

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
}
