//! Values: from bytes to text and JSON, and from text to bytes.

mod common;

use common::every_kind;
use osmia_btf::value::{Value, decode, encode_scalar, lookup_path, set};
use osmia_btf::{Btf, BtfBuilder, Endian, Kind, NewMember, SecVar, TypeId};
use proptest::prelude::*;

fn node(endian: Endian) -> (Btf, TypeId) {
    let btf = every_kind().build(endian).unwrap();
    let node = btf.find("node", Kind::Struct).unwrap();
    (btf, node)
}

const ASSIGNMENTS: [(&str, &str); 12] = [
    ("next", "0xffff888012345678"),
    ("a", "0x1_0000_0002"),
    ("name", "\"hello\""),
    ("color", "BLUE"),
    ("low", "-3"),
    ("high", "0b1111"),
    ("ok", "true"),
    ("wide", "HIGH"),
    ("ratio", "-2.5"),
    ("opaque", "0"),
    ("user", "16"),
    ("name[4]", "'!'"),
];

#[test]
fn what_is_set_is_shown_in_either_byte_order() {
    let mut texts = Vec::new();
    for endian in [Endian::Little, Endian::Big] {
        let (btf, node) = node(endian);
        let mut bytes = vec![0; btf.size_of(node).unwrap() as usize];
        for (path, text) in ASSIGNMENTS {
            set(&btf, node, path, text, &mut bytes).unwrap();
        }
        let value = decode(&btf, node, &bytes);
        texts.push(format!("{value}\n{value:#}\n{:#}\n", value.to_json()));
    }
    // `b` overlays the half of `a` that comes first in memory.
    assert_eq!(
        texts[0]
            .replace(".b = 2", ".b = 1")
            .replace("\"b\": 2", "\"b\": 1"),
        texts[1]
    );
    insta::assert_snapshot!(texts[0]);
}

#[test]
fn missing_bytes_are_said_to_be_missing() {
    let (btf, node) = node(Endian::Little);
    assert_eq!(
        decode(&btf, node, &[1, 0, 0, 0, 0, 0, 0, 0, 2]).to_string(),
        "{ .next = 0x1, { .a = <missing>, .b = <missing> }, .name = <missing>, \
         .color = <missing>, .low = <missing>, .high = <missing>, .ok = <missing>, \
         .wide = <missing>, .ratio = <missing>, .opaque = <missing>, .user = <missing> }"
    );
}

#[test]
fn flexible_arrays_take_the_rest() {
    let mut b = BtfBuilder::new();
    let short = b.int("short", 2, 1);
    let int = b.int("int", 4, 1);
    let tail = b.array(short, int, 0);
    let event = b.structure(
        "event",
        4,
        &[
            NewMember::new("len", int, 0),
            NewMember::new("tail", tail, 4),
        ],
    );
    let pair = b.array(event, int, 2);
    let btf = b.build(Endian::Little).unwrap();
    let bytes = [3, 0, 0, 0, 1, 0, 0xff, 0xff, 3, 0, 9];
    assert_eq!(
        decode(&btf, event, &bytes).to_string(),
        "{ .len = 3, .tail = {1, -1, 3} }"
    );
    assert_eq!(
        decode(&btf, pair, &bytes[..8]).to_string(),
        "{{ .len = 3, .tail = {} }, { .len = -65535, .tail = {} }}"
    );
}

#[test]
fn sections_show_their_variables() {
    let mut b = BtfBuilder::new();
    let int = b.int("int", 4, 1);
    let wide = b.int("__int128", 16, 1);
    let bytes = b.int("unsigned char", 1, 0);
    let mac = b.array(bytes, int, 6);
    let table = b.array(int, int, 20);
    let vars: Vec<SecVar> = [
        ("count", int, 4),
        ("big", wide, 16),
        ("mac", mac, 6),
        ("table", table, 80),
    ]
    .into_iter()
    .scan(0, |offset, (name, ty, size)| {
        let var = b.var(name, osmia_btf::Linkage::Global, ty);
        let at = *offset;
        *offset += size;
        Some(SecVar {
            var,
            offset: at,
            size,
        })
    })
    .collect();
    let section = b.datasec(".data", 106, &vars);
    let btf = b.build(Endian::Little).unwrap();
    let mut data = vec![0; 106];
    set(&btf, section, "count", "-5", &mut data).unwrap();
    set(
        &btf,
        section,
        "big",
        "-170141183460469231731687303715884105728",
        &mut data,
    )
    .unwrap();
    set(&btf, section, "mac", "hex 02 42 ac 11 00 02", &mut data).unwrap();
    set(&btf, section, "table[1]", "7", &mut data).unwrap();
    set(&btf, section, ".table[19]", "8", &mut data).unwrap();
    let value = decode(&btf, section, &data);
    assert_eq!(
        value.to_string(),
        "{ .count = -5, .big = -170141183460469231731687303715884105728, \
         .mac = {0x02, 0x42, 0xac, 0x11, 0x00, 0x02}, .table = {0, 7, 0 <repeats 17 times>, 8} }"
    );
    assert_eq!(value.to_json()["mac"][1], 0x42);
}

#[test]
fn compound_text_becomes_bytes() {
    let mut b = BtfBuilder::new();
    let int = b.int("int", 4, 1);
    let char_ = b.int("char", 1, 1);
    let name = b.array(char_, int, 4);
    let pair = b.array(int, int, 2);
    let config = b.structure(
        "config",
        16,
        &[
            NewMember::new("name", name, 0),
            NewMember::new("pair", pair, 4),
            NewMember::bits("flag", int, 96, 2),
        ],
    );
    let btf = b.build(Endian::Little).unwrap();
    let bytes = encode_scalar(
        &btf,
        config,
        "{ .name = \"a,b\", .pair = {1, 2}, .flag = -2 }",
    )
    .unwrap();
    assert_eq!(
        decode(&btf, config, &bytes).to_string(),
        "{ .name = \"a,b\", .pair = {1, 2}, .flag = -2 }"
    );
    let spot = lookup_path(&btf, config, "pair[1]").unwrap();
    assert_eq!((spot.byte_offset(), spot.ty), (8, int));
}

#[test]
fn wrong_text_is_refused_with_a_reason() {
    let (btf, node) = node(Endian::Little);
    let mut bytes = vec![0; 72];
    let mut report = String::new();
    for (path, text) in [
        ("low", "4"),
        ("low", "x"),
        ("color", "GREEN"),
        ("color", "-1"),
        ("name", "01234567890123456"),
        ("name", "{1, 300}"),
        ("ok", "2"),
        ("ok", "maybe"),
        ("ratio", "much"),
        ("next", "-1"),
        ("next", "0x1ffffffffffffffff"),
        ("nothing", "1"),
        ("name[16]", "1"),
        ("name[x]", "1"),
        ("name.x", "1"),
        ("low[0]", "1"),
        ("..", "1"),
        ("", "5"),
    ] {
        let error = set(&btf, node, path, text, &mut bytes).unwrap_err();
        let diagnostic = error.to_diagnostic();
        report += &format!("{path} = {text}: {}: {error}\n", diagnostic.code);
    }
    assert_eq!(bytes, vec![0; 72]);
    insta::assert_snapshot!(report);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_bytes_of_any_type_are_a_value(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        bytes in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut types = every_kind().to_bytes(Endian::Little);
        for (at, value) in damage {
            let at = at.index(types.len());
            types[at] = value;
        }
        if let Ok(btf) = Btf::parse(types, None) {
            for ty in btf.types() {
                let value = decode(&btf, ty.id(), &bytes);
                let _ = (value.to_string(), value.to_json());
                let _ = encode_scalar(&btf, ty.id(), "1");
            }
        }
    }

    #[test]
    fn integers_survive_text(number: i64, big: bool) {
        let mut b = BtfBuilder::new();
        let long = b.int("long", 8, 1);
        let btf = b.build(if big { Endian::Big } else { Endian::Little }).unwrap();
        let bytes = encode_scalar(&btf, long, &number.to_string()).unwrap();
        prop_assert_eq!(decode(&btf, long, &bytes), Value::Signed(number.into()));
    }
}
