//! Reading: what is read back is what was written, and damaged bytes are refused, not believed.

mod common;

use std::sync::Arc;

use common::every_kind;
use osmia_btf::{Body, Btf, BtfBuilder, BtfError, Endian, Kind, TypeId};
use proptest::prelude::*;

#[test]
fn both_byte_orders_read_the_same() {
    let builder = every_kind();
    let little = builder.build(Endian::Little).unwrap();
    let big = builder.build(Endian::Big).unwrap();
    assert_eq!(big.endian(), Endian::Big);
    let text = |btf: &Btf| {
        btf.types()
            .map(|ty| format!("{ty:?}\n"))
            .collect::<String>()
    };
    assert_eq!(text(&little), text(&big));
    insta::assert_snapshot!(text(&little));
}

#[test]
fn appending_to_nothing_writes_the_same_bytes() {
    let builder = every_kind();
    let btf = builder.build(Endian::Big).unwrap();
    let mut copy = BtfBuilder::new();
    let moved = copy.append(&btf);
    assert_eq!(moved.id(TypeId(3)), TypeId(3));
    assert_eq!(copy.to_bytes(Endian::Big), builder.to_bytes(Endian::Big));
}

#[test]
fn appending_moves_references() {
    let btf = every_kind().build(Endian::Little).unwrap();
    let mut both = BtfBuilder::new();
    both.int("first", 4, 0);
    let moved = both.append(&btf);
    let both = both.build(Endian::Little).unwrap();
    assert_eq!(both.type_count(), btf.type_count() + 1);
    for ty in btf.types() {
        let copy = both.ty(moved.id(ty.id())).unwrap();
        assert_eq!((copy.kind(), copy.name()), (ty.kind(), ty.name()));
        assert_eq!(copy.target(), ty.target().map(|id| moved.id(id)));
    }
}

#[test]
fn split_goes_on_from_its_base() {
    let mut base = BtfBuilder::new();
    let int = base.int("int", 4, 1);
    let base = Arc::new(base.build(Endian::Little).unwrap());
    let mut split = BtfBuilder::split(base.clone());
    let pointer = split.ptr(int);
    let name = split.typedef("int_pointer", pointer);
    assert_eq!(pointer, TypeId(2));
    let split = split.build(Endian::Little).unwrap();
    assert_eq!(split.find("int", Kind::Int), Some(int));
    assert_eq!(split.find("int_pointer", Kind::Typedef), Some(name));
    assert_eq!(base.find("int_pointer", Kind::Typedef), None);
    assert_eq!(split.size_of(name), Some(8));
    assert!(matches!(split.resolve(name).body(), Body::Ptr(id) if id == int));
    // Without its base it refers to nothing.
    let mut alone = BtfBuilder::split(base);
    alone.ptr(int);
    let error = Btf::parse(alone.to_bytes(Endian::Little), None);
    assert!(error.is_err());
}

#[test]
fn a_type_that_contains_itself_is_refused() {
    let mut builder = BtfBuilder::new();
    let id = builder.next_id();
    builder.const_(id);
    assert!(matches!(
        builder.build(Endian::Little),
        Err(BtfError::Cycle { id: TypeId(1), .. })
    ));

    let mut builder = BtfBuilder::new();
    let id = builder.next_id();
    builder.array(TypeId(2), id, 1);
    builder.structure("s", 4, &[osmia_btf::NewMember::new("a", id, 0)]);
    assert!(matches!(
        builder.build(Endian::Little),
        Err(BtfError::Cycle { .. })
    ));

    // A variable of its own type has no size to find.
    let mut builder = BtfBuilder::new();
    let id = builder.next_id();
    builder.var("v", osmia_btf::Linkage::Global, id);
    assert!(matches!(
        builder.build(Endian::Little),
        Err(BtfError::Cycle { id: TypeId(1), .. })
    ));

    // A list node refers to itself through a pointer: that is no cycle.
    let mut builder = BtfBuilder::new();
    let pointer = builder.ptr(TypeId(2));
    builder.structure("node", 8, &[osmia_btf::NewMember::new("next", pointer, 0)]);
    builder.build(Endian::Little).unwrap();
}

#[test]
fn deep_nesting_is_refused_without_recursion() {
    let mut builder = BtfBuilder::new();
    for id in 1..100_000 {
        builder.const_(TypeId(id + 1));
    }
    builder.int("int", 4, 0);
    let error = builder.build(Endian::Little).unwrap_err();
    assert!(matches!(error, BtfError::Nesting { .. }), "{error}");
    assert_eq!(error.code().id, "btf-limit");
}

#[test]
fn every_truncation_is_refused() {
    let bytes = every_kind().to_bytes(Endian::Little);
    for len in 0..bytes.len() {
        let error = Btf::parse(&bytes[..len], None).unwrap_err();
        let text = error.to_diagnostic().to_text(osmia_diag::Paint::Plain);
        assert!(text.starts_with("error[btf-"), "{text}");
    }
}

/// The running kernel's BTF, where there is one.
#[test]
fn the_kernels_btf_is_read_and_written() {
    let Some(bytes) = common::kernel_btf() else {
        return;
    };
    let started = std::time::Instant::now();
    let btf = Btf::parse(bytes.clone(), None).unwrap();
    println!(
        "parsed {} types in {:?}",
        btf.type_count(),
        started.elapsed()
    );
    assert!(btf.memory_bytes() < 3 * bytes.len());
    let task = btf.find("task_struct", Kind::Struct).unwrap();
    assert!(btf.size_of(task).unwrap() > 1000);
    assert_eq!(btf.pointer_bytes(), 8);
    let mut copy = BtfBuilder::new();
    copy.append(&btf);
    let copy = copy.build(Endian::Big).unwrap();
    assert_eq!(copy.type_count(), btf.type_count());
    assert_eq!(
        format!("{:?}", copy.ty(task).unwrap()),
        format!("{:?}", btf.ty(task).unwrap())
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn damaged_bytes_never_panic(
        big in any::<bool>(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let endian = if big { Endian::Big } else { Endian::Little };
        let mut bytes = every_kind().to_bytes(endian);
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(btf) = Btf::parse(bytes, None) {
            common::visit_everything(&btf);
        }
    }
}
