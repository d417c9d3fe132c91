//! C headers: as bpftool writes them, accepted by clang, with the layout that the BTF says.

mod common;

use std::fmt::Write;
use std::process::Command;

use common::{bpftool, every_kind};
use osmia_btf::print::{DumpError, dump_c};
use osmia_btf::{Body, Btf, BtfBuilder, Endian, FwdKind, Kind, NewMember, TypeId};
use proptest::prelude::*;

/// bpftool 7.1 forgets that some enumerations have one byte or eight.
fn without_modes(header: &str) -> String {
    header
        .replace(" __attribute__((mode(byte)))", "")
        .replace(" __attribute__((mode(word)))", "")
}

fn assert_like_bpftool(ours: &str, bytes: &[u8]) {
    if let Some(theirs) = bpftool(bytes, &["format", "c"]) {
        common::assert_same_lines(&without_modes(ours), &without_modes(&theirs));
    }
}

/// Compiles the header and asserts of every structure's size and every member's offset.
fn assert_compiles(btf: &Btf, header: &str) {
    let mut names = std::collections::HashMap::new();
    for ty in btf.types() {
        if ty.composite().is_some() || ty.enumeration().is_some() || ty.kind() == Kind::Fwd {
            *names.entry(ty.name()).or_insert(0) += 1;
        }
    }
    let mut source = header.to_owned();
    let mut asserts = 0;
    for ty in btf.types() {
        let (Some(composite), name) = (ty.composite(), ty.name()) else {
            continue;
        };
        if names.get(name) != Some(&1) || name.is_empty() {
            continue;
        }
        // The compiler's own type is another one for each target.
        if composite.members().any(|member| is_va_list(btf, member.ty)) {
            continue;
        }
        let word = ty.kind().name().to_lowercase();
        let _ = writeln!(
            source,
            "_Static_assert(sizeof({word} {name}) == {}, \"size\");",
            composite.size
        );
        for member in composite.members() {
            if !member.name.is_empty() && member.bitfield_bits == 0 {
                let _ = writeln!(
                    source,
                    "_Static_assert(__builtin_offsetof({word} {name}, {}) == {}, \"offset\");",
                    member.name,
                    member.bit_offset / 8
                );
                asserts += 1;
            }
        }
    }
    let file = tempfile::Builder::new().suffix(".c").tempfile().unwrap();
    std::fs::write(file.path(), source).unwrap();
    let output = Command::new("clang-19")
        .args(["-target", "bpf", "-fsyntax-only", "-Werror"])
        .arg(file.path())
        .output();
    match output {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}", &text[..text.len().min(3000)]);
            println!("{asserts} offsets agree");
        }
        Err(error) => osmia_diag::skipped("the header compiled by clang-19", error),
    }
}

fn is_va_list(btf: &Btf, mut id: TypeId) -> bool {
    while let Body::Typedef(target) = btf.ty(id).unwrap().body() {
        if btf.ty(id).unwrap().name() == "__builtin_va_list" {
            return true;
        }
        id = target;
    }
    false
}

fn check(builder: &BtfBuilder) -> String {
    let bytes = builder.to_bytes(Endian::Little);
    let btf = Btf::parse(bytes.clone(), None).unwrap();
    let header = dump_c(&btf, None).unwrap();
    assert_like_bpftool(&header, &bytes);
    assert_compiles(&btf, &header);
    header
}

#[test]
fn every_kind_of_type() {
    insta::assert_snapshot!(check(&every_kind()));
}

#[test]
fn layouts() {
    let mut b = BtfBuilder::new();
    let int = b.int("int", 4, 1);
    let char_ = b.int("char", 1, 1);
    let long = b.int("long", 8, 1);
    b.structure(
        "packed",
        9,
        &[NewMember::new("a", char_, 0), NewMember::new("b", long, 1)],
    );
    b.structure(
        "holes",
        40,
        &[
            NewMember::new("a", char_, 0),
            NewMember::new("b", int, 8),
            NewMember::new("c", char_, 13),
            NewMember::new("d", long, 24),
        ],
    );
    b.structure(
        "bits",
        16,
        &[
            NewMember::bits("a", int, 0, 3),
            NewMember::bits("b", int, 9, 4),
            NewMember::bits("c", int, 32, 1),
            NewMember::new("d", char_, 8),
        ],
    );
    b.structure("empty", 0, &[]);
    b.structure("only_size", 24, &[]);
    b.enumeration("byte", 1, false, &[("ONE", 1)]);
    b.enumeration64("word", 8, false, &[("TWO", 2)]);
    b.enumeration64("wide", 8, false, &[("BIG", 1 << 40)]);
    b.enumeration("negative", 4, true, &[("MINUS", -1)]);
    insta::assert_snapshot!(check(&b));
}

#[test]
fn declarators() {
    let mut b = BtfBuilder::new();
    let int = b.int("int", 4, 1);
    let char_ = b.int("char", 1, 1);
    let constant = b.const_(char_);
    let text = b.ptr(constant);
    let row = b.array(int, int, 3);
    let table = b.array(row, int, 2);
    let table_ptr = b.ptr(table);
    let handler = b.func_proto(int, &[("text", text), ("", TypeId::VOID)]);
    let handler_ptr = b.ptr(handler);
    let handlers = b.array(handler_ptr, int, 4);
    let chooser = b.func_proto(handler_ptr, &[("", int)]);
    let chooser_ptr = b.ptr(chooser);
    let nothing = b.func_proto(TypeId::VOID, &[]);
    let nothing_ptr = b.ptr(nothing);
    let const_ptr = b.const_(text);
    let volatile = b.volatile(int);
    let volatile_array = b.array(volatile, int, 2);
    let const_array = b.const_(volatile_array);
    let void_ptr = b.ptr(TypeId::VOID);
    let void_ptr_ptr = b.ptr(void_ptr);
    let restrict = b.restrict(void_ptr_ptr);
    let anonymous = b.structure("", 4, &[NewMember::new("x", int, 0)]);
    let anonymous_array = b.array(anonymous, int, 2);
    let choice = b.enumeration("", 4, false, &[("YES", 1), ("NO", 0)]);
    b.enumeration("", 4, false, &[("ALONE", 1)]);
    let members: Vec<(&str, TypeId, u32)> = vec![
        ("text", text, 8),
        ("table", table, 24),
        ("table_ptr", table_ptr, 8),
        ("handlers", handlers, 32),
        ("chooser", chooser_ptr, 8),
        ("nothing", nothing_ptr, 8),
        ("const_ptr", const_ptr, 8),
        ("const_array", const_array, 8),
        ("restrict_ptr", restrict, 8),
        ("anonymous", anonymous_array, 8),
        ("choice", choice, 4),
    ];
    let mut offset = 0;
    let mut list = Vec::new();
    for (name, ty, size) in members {
        list.push(NewMember::new(name, ty, offset));
        offset += size;
    }
    b.structure("all", offset.next_multiple_of(8), &list);
    b.typedef("handler_t", handler_ptr);
    b.typedef("table_t", table);
    insta::assert_snapshot!(check(&b));
}

#[test]
fn circles_and_repeated_names() {
    let mut b = BtfBuilder::new();
    let int = b.int("int", 4, 1);
    let (a, b_, c) = (TypeId(4), TypeId(5), TypeId(6));
    let to_b = b.ptr(b_);
    let to_c = b.ptr(c);
    assert_eq!(b.next_id(), a);
    b.structure("a", 8, &[NewMember::new("b", to_b, 0)]);
    b.structure(
        "b",
        16,
        &[NewMember::new("a", a, 0), NewMember::new("c", to_c, 8)],
    );
    b.typedef("c", TypeId(7));
    b.structure("c", 8, &[NewMember::new("self", to_c, 0)]);
    b.structure("a", 4, &[NewMember::new("other", int, 0)]);
    b.enumeration("e", 4, false, &[("SAME", 1)]);
    b.enumeration("f", 4, false, &[("SAME", 2)]);
    b.fwd("opaque", FwdKind::Union);
    insta::assert_snapshot!(check(&b));
}

#[test]
fn chosen_types_bring_what_they_need() {
    let btf = every_kind().build(Endian::Little).unwrap();
    let color = btf.find("color", Kind::Enum).unwrap();
    let header = dump_c(&btf, Some(&[color])).unwrap();
    assert!(header.contains("enum color {\n\tRED = 0,\n\tBLUE = 2,\n};"));
    assert!(!header.contains("struct node"));
}

#[test]
fn what_c_cannot_say_is_an_error() {
    // A structure without a name that points to itself.
    let mut b = BtfBuilder::new();
    let pointer = b.ptr(TypeId(2));
    b.structure("", 8, &[NewMember::new("self", pointer, 0)]);
    let error = dump_c(&b.build(Endian::Little).unwrap(), None).unwrap_err();
    assert!(matches!(error, DumpError::Cycle { .. }), "{error}");

    // Unnamed structures inside each other through pointers, deeper than anybody's stack.
    let mut b = BtfBuilder::new();
    for id in (1..20_000).step_by(2) {
        b.ptr(TypeId(id + 1));
        b.structure("", 8, &[NewMember::new("x", TypeId(id + 2), 0)]);
    }
    b.int("int", 4, 0);
    let error = dump_c(&b.build(Endian::Little).unwrap(), None).unwrap_err();
    assert!(matches!(error, DumpError::TooDeep { .. }), "{error}");

    // Each twice in the next: 2^60 copies.
    let mut b = BtfBuilder::new();
    let mut inner = b.int("int", 4, 0);
    for _ in 0..60 {
        inner = b.structure(
            "",
            4,
            &[NewMember::new("x", inner, 0), NewMember::new("y", inner, 0)],
        );
    }
    b.structure("outer", 4, &[NewMember::new("x", inner, 0)]);
    let error = dump_c(&b.build(Endian::Little).unwrap(), None).unwrap_err();
    assert_eq!(error, DumpError::TooLarge);

    // A gap of half a gigabyte.
    let mut b = BtfBuilder::new();
    b.structure("gap", u32::MAX, &[]);
    let error = dump_c(&b.build(Endian::Little).unwrap(), None).unwrap_err();
    assert_eq!(error, DumpError::TooLarge);
}

#[test]
fn the_kernel() {
    let Some(bytes) = common::kernel_btf() else {
        return;
    };
    let btf = Btf::parse(bytes.clone(), None).unwrap();
    let header = dump_c(&btf, None).unwrap();
    assert_like_bpftool(&header, &bytes);
    assert_compiles(&btf, &header);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn damaged_types_never_panic(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = every_kind().to_bytes(Endian::Little);
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(btf) = Btf::parse(bytes, None) {
            let _ = dump_c(&btf, None);
            let _ = osmia_btf::print::dump_raw(&btf, None);
            let _ = osmia_btf::print::dump_raw_json(&btf, None);
        }
    }
}
