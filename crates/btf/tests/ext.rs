//! .BTF.ext: written and read back, newer and older forms, and damage.

mod common;

use common::every_kind;
use osmia_btf::{Btf, BtfExt, CoreRelo, Endian, ExtSection, FuncInfo, Kind, LineInfo, TypeId};
use proptest::prelude::*;

fn sample(endian: Endian) -> (Btf, BtfExt) {
    let mut builder = every_kind();
    let section = builder.string("xdp");
    let other = builder.string("tc");
    let file = builder.string("prog.bpf.c");
    let text = builder.string("\treturn node->next;");
    let access = builder.string("0:0");
    let btf = builder.build(endian).unwrap();
    let func = btf.find("visit", Kind::Func).unwrap();
    let node = btf.find("node", Kind::Struct).unwrap();
    let line = |insn_bytes, line: u32, column| LineInfo {
        insn_bytes,
        file,
        text,
        line_column: line << 10 | column,
    };
    let ext = BtfExt {
        endian,
        funcs: vec![ExtSection {
            name: section,
            records: vec![FuncInfo {
                insn_bytes: 0,
                func,
            }],
        }],
        lines: vec![
            ExtSection {
                name: section,
                records: vec![line(0, 10, 2), line(16, 12, 9)],
            },
            ExtSection {
                name: other,
                records: vec![line(8, 1000, 0)],
            },
        ],
        relos: vec![ExtSection {
            name: section,
            records: vec![CoreRelo {
                insn_bytes: 8,
                ty: node,
                access,
                kind: 0,
            }],
        }],
    };
    (btf, ext)
}

#[test]
fn what_is_written_is_read_in_either_byte_order() {
    for endian in [Endian::Little, Endian::Big] {
        let (btf, ext) = sample(endian);
        let back = BtfExt::parse(&ext.to_bytes(), &btf).unwrap();
        assert_eq!(back, ext);
        let line = back.lines[0].records[1];
        assert_eq!((line.line(), line.column()), (12, 9));
        assert_eq!(btf.string(back.lines[1].name), Some("tc"));
    }
}

#[test]
fn a_header_without_relocations_has_none() {
    let (btf, mut ext) = sample(Endian::Little);
    ext.relos.clear();
    let bytes = ext.to_bytes();
    assert_eq!(bytes[4], 24);
    assert_eq!(BtfExt::parse(&bytes, &btf).unwrap(), ext);
}

#[test]
fn longer_records_are_read_as_far_as_known() {
    let (btf, _) = sample(Endian::Little);
    let func = btf.find("visit", Kind::Func).unwrap();
    let words: [u32; 14] = [
        0x0001_eb9f, // magic, version, flags
        24,
        0,
        32, // functions
        32,
        0, // no lines
        12,
        0,
        2, // twelve bytes a record, section "", two records
        0,
        func.0,
        u32::MAX,
        8,
        func.0,
    ];
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let error = BtfExt::parse(&bytes, &btf).unwrap_err();
    assert_eq!(error.code().id, "btf-ext");
    bytes.extend([0xff; 4]);
    bytes[12] = 36;
    bytes[16] = 36;
    let ext = BtfExt::parse(&bytes, &btf).unwrap();
    let offsets: Vec<u32> = ext.funcs[0].records.iter().map(|f| f.insn_bytes).collect();
    assert_eq!(offsets, [0, 8]);
}

#[test]
fn records_must_refer_to_what_is_there() {
    let (btf, ext) = sample(Endian::Little);
    let mut report = String::new();
    let mut refused = |ext: &BtfExt| {
        let error = BtfExt::parse(&ext.to_bytes(), &btf).unwrap_err();
        report += &format!("{}: {error}\n", error.code());
    };
    let mut wrong = ext.clone();
    wrong.funcs[0].records[0].func = TypeId(1);
    refused(&wrong);
    wrong.funcs[0].records[0].func = TypeId(9999);
    refused(&wrong);
    let mut wrong = ext.clone();
    wrong.lines[1].records[0].file.0 = 1 << 20;
    refused(&wrong);
    let mut wrong = ext.clone();
    wrong.relos[0].records[0].ty = TypeId(9999);
    refused(&wrong);
    let mut wrong = ext;
    wrong.lines[0].records.clear();
    refused(&wrong);
    insta::assert_snapshot!(report);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn damaged_bytes_never_panic(
        big: bool,
        cut: prop::sample::Index,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..5),
    ) {
        let (btf, ext) = sample(if big { Endian::Big } else { Endian::Little });
        let mut bytes = ext.to_bytes();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = BtfExt::parse(&bytes, &btf);
        let _ = BtfExt::parse(&bytes[..cut.index(bytes.len())], &btf);
    }
}
