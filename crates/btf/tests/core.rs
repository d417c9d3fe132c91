//! CO-RE: pairs of an object's BTF and a target's, every kind of question, every kind of failure.

mod common;

use std::sync::Arc;

use osmia_btf::core::{
    CoreError, Outcome, PatchError, Patched, Relo, ReloKind, Resolution, Resolver, patch,
};
use osmia_btf::{Btf, BtfBuilder, Endian, FwdKind, Kind, NewMember, TypeId};
use osmia_isa::Slot;
use proptest::prelude::*;

fn build(fill: impl FnOnce(&mut BtfBuilder)) -> Btf {
    build_for(Endian::Little, fill)
}

fn build_for(endian: Endian, fill: impl FnOnce(&mut BtfBuilder)) -> Btf {
    let mut builder = BtfBuilder::new();
    fill(&mut builder);
    builder.build(endian).unwrap()
}

/// What the object was compiled with.
fn local(b: &mut BtfBuilder) {
    let int = b.int("int", 4, 1);
    let u32_ = b.int("unsigned int", 4, 0);
    let u64_ = b.int("unsigned long", 8, 0);
    let bytes = b.array(u32_, int, 4);
    let flexible = b.array(int, int, 0);
    let inner = b.structure(
        "inner",
        16,
        &[NewMember::new("x", int, 0), NewMember::new("y", bytes, 4)],
    );
    let inner_ptr = b.ptr(inner);
    let color = b.enumeration("color", 4, false, &[("RED", 0), ("BLUE", 7)]);
    let unnamed = b.union(
        "",
        8,
        &[NewMember::new("a", u64_, 0), NewMember::new("b", int, 0)],
    );
    let typedef = b.typedef("inner_t", inner);
    b.structure(
        "outer",
        64,
        &[
            NewMember::new("first", int, 0),
            NewMember::new("ptr", inner_ptr, 8),
            NewMember::new("in", typedef, 16),
            NewMember::new("", unnamed, 32),
            NewMember::bits("low", u32_, 320, 3),
            NewMember::bits("high", int, 323, 7),
            NewMember::new("color", color, 44),
            NewMember::new("gone", int, 48),
            NewMember::new("grown", u32_, 52),
            NewMember::new("changed", int, 56),
            NewMember::new("tail", flexible, 60),
        ],
    );
    b.structure("only_here", 4, &[NewMember::new("x", int, 0)]);
    b.enumeration(
        "mode___v2",
        4,
        true,
        &[("MODE_A___x", -1), ("MODE_B", 2), ("MODE_Z", 3)],
    );
    b.structure("", 4, &[NewMember::new("x", int, 0)]);
}

/// What the target has: everything moved.
fn target(b: &mut BtfBuilder) {
    let u64_ = b.int("unsigned long", 8, 0);
    let int = b.int("int", 4, 1);
    let u32_ = b.int("unsigned int", 4, 0);
    let bytes = b.array(u32_, int, 2);
    let flexible = b.array(int, int, 0);
    let inner = b.structure(
        "inner",
        24,
        &[
            NewMember::new("new", u64_, 0),
            NewMember::new("y", bytes, 8),
            NewMember::new("x", int, 16),
        ],
    );
    let inner_ptr = b.ptr(inner);
    let color = b.enumeration64("color", 8, true, &[("BLUE", 1 << 33), ("RED", u64::MAX)]);
    let unnamed_deep = b.union(
        "",
        8,
        &[NewMember::new("b", int, 0), NewMember::new("a", u64_, 0)],
    );
    let unnamed = b.structure(
        "",
        16,
        &[
            NewMember::new("", unnamed_deep, 8),
            NewMember::new("grown", u64_, 0),
        ],
    );
    b.structure(
        "outer___flavoured",
        96,
        &[
            NewMember::new("", unnamed, 8),
            NewMember::new("ptr", inner_ptr, 0),
            NewMember::new("in", inner, 24),
            NewMember::bits("high", u64_, 48 * 8 + 30, 9),
            NewMember::new("low", int, 60),
            NewMember::new("color", color, 64),
            NewMember::new("first", u32_, 72),
            NewMember::new("changed", inner_ptr, 80),
            NewMember::new("tail", flexible, 88),
        ],
    );
    b.enumeration("mode", 4, true, &[("MODE_B", 5), ("MODE_A", -9)]);
    b.fwd("only_here", FwdKind::Struct);
}

fn find(btf: &Btf, name: &str) -> TypeId {
    btf.types()
        .find(|ty| ty.name() == name && !matches!(ty.kind(), Kind::Fwd))
        .unwrap()
        .id()
}

fn show(result: &Result<Resolution, CoreError>) -> String {
    match result {
        Ok(Resolution {
            outcome: Outcome::Value { orig, new },
            validate,
            resize,
            ..
        }) => {
            let check = if *validate { "" } else { " unchecked" };
            let resize = match resize {
                Some(resize) => match &resize.refused {
                    Some(poison) => format!(", load refused: {poison}"),
                    None => format!(", load {} -> {}", resize.orig_bytes, resize.new_bytes),
                },
                None => String::new(),
            };
            format!("{orig} -> {new}{check}{resize}")
        }
        Ok(Resolution {
            outcome: Outcome::Poison(poison),
            ..
        }) => format!("poison: {poison}"),
        Err(error) => format!("{}: {error}", error.code()),
    }
}

fn ask(local: &Btf, targets: &[&Btf], questions: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (ty, access) in questions {
        for kind in ReloKind::ALL {
            let relo = Relo {
                kind,
                ty: find(local, ty),
                access,
            };
            // Each question on its own: candidates are remembered otherwise.
            let result = Resolver::new(local, targets).resolve(&relo);
            // A path of another kind of question; malformed ones have their own test.
            if matches!(&result, Err(CoreError::Access { .. })) {
                continue;
            }
            text += &format!("{ty} {access} {kind}: {}\n", show(&result));
        }
    }
    text
}

#[test]
fn fields() {
    let (local, target) = (build(local), build(target));
    insta::assert_snapshot!(ask(
        &local,
        &[&target],
        &[
            ("outer", "0:0"),
            ("outer", "0:1"),
            ("outer", "0:2:0"),
            ("outer", "0:2:1"),
            ("outer", "0:2:1:1"),
            ("outer", "0:2:1:3"),
            ("outer", "0:3:1"),
            ("outer", "0:4"),
            ("outer", "0:5"),
            ("outer", "0:6"),
            ("outer", "0:7"),
            ("outer", "0:8"),
            ("outer", "0:9"),
            ("outer", "0:10:5"),
            ("outer", "1"),
            ("inner", "2:0"),
        ]
    ));
}

#[test]
fn bitfields_in_big_endian_shift_from_the_other_side() {
    let (local, target) = (
        build_for(Endian::Big, local),
        build_for(Endian::Big, target),
    );
    insta::assert_snapshot!(ask(
        &local,
        &[&target],
        &[("outer", "0:4"), ("outer", "0:5")]
    ));
}

#[test]
fn types_and_enumerators() {
    let (local, target) = (build(local), build(target));
    insta::assert_snapshot!(ask(
        &local,
        &[&target],
        &[
            ("outer", "0"),
            ("inner", "0"),
            ("only_here", "0"),
            ("color", "0"),
            ("color", "1"),
            ("mode___v2", "0"),
            ("mode___v2", "1"),
            ("mode___v2", "2"),
            ("mode___v2", "3"),
        ]
    ));
}

#[test]
fn malformed_paths_are_refused() {
    let (local, target) = (build(local), build(target));
    let mut text = String::new();
    for (ty, access) in [
        ("outer", ""),
        ("outer", ":"),
        ("outer", "0:"),
        ("outer", "0:-1"),
        ("outer", "0:99"),
        ("outer", "0:0:0"),
        ("outer", "0:2:1:4"),
        ("outer", "99999999999"),
        ("", "0:0"),
    ] {
        let relo = Relo {
            kind: ReloKind::FieldByteOffset,
            ty: local
                .types()
                .find(|found| found.name() == ty && found.kind() == Kind::Struct)
                .unwrap()
                .id(),
            access,
        };
        let result = Resolver::new(&local, &[&target]).resolve(&relo);
        text += &format!("{}\n", show(&result));
    }
    let long = ["0"; 65].join(":");
    let relo = Relo {
        kind: ReloKind::FieldExists,
        ty: find(&local, "outer"),
        access: &long,
    };
    text += &show(&Resolver::new(&local, &[&target]).resolve(&relo)).replace(&long, "0:0:…");
    insta::assert_snapshot!(text);
}

#[test]
fn candidates_that_disagree_are_an_error_unless_one_is_ruled_out() {
    let local = build(|b| {
        let int = b.int("int", 4, 1);
        b.structure(
            "s",
            8,
            &[NewMember::new("x", int, 0), NewMember::new("y", int, 4)],
        );
    });
    let target = build(|b| {
        let int = b.int("int", 4, 1);
        b.structure("s", 8, &[NewMember::new("x", int, 4)]);
        b.structure(
            "s___2",
            8,
            &[NewMember::new("x", int, 0), NewMember::new("y", int, 4)],
        );
    });
    let targets = [&target];
    let x = Relo {
        kind: ReloKind::FieldByteOffset,
        ty: find(&local, "s"),
        access: "0:0",
    };
    let y = Relo { access: "0:1", ..x };
    let mut resolver = Resolver::new(&local, &targets);
    assert_eq!(
        show(&resolver.resolve(&x)),
        "core-ambiguous: byte_off relocation of struct s.x is ambiguous: [2] struct s gives 4, [3] struct s___2 gives 0"
    );
    // Only one has `y`, so from then on only that one is asked.
    assert_eq!(show(&resolver.resolve(&y)), "4 -> 4");
    assert_eq!(show(&resolver.resolve(&x)), "0 -> 0");
}

#[test]
fn modules_are_asked_for_what_the_kernel_lacks() {
    let local = build(|b| {
        let int = b.int("int", 4, 1);
        b.structure("s", 4, &[NewMember::new("x", int, 0)]);
        b.structure("m", 4, &[NewMember::new("x", int, 0)]);
    });
    let kernel = Arc::new(build(|b| {
        let int = b.int("int", 4, 1);
        b.structure("s", 8, &[NewMember::new("x", int, 4)]);
    }));
    let mut module = BtfBuilder::split(kernel.clone());
    module.structure("s", 16, &[NewMember::new("x", TypeId(1), 12)]);
    module.structure("m", 16, &[NewMember::new("x", TypeId(1), 8)]);
    let module = module.build(Endian::Little).unwrap();
    let targets: [&Btf; 2] = [&kernel, &module];
    let mut resolver = Resolver::new(&local, &targets);
    let mut ask = |ty: &str, kind| {
        show(&resolver.resolve(&Relo {
            kind,
            ty: find(&local, ty),
            access: if kind == ReloKind::FieldByteOffset {
                "0:0"
            } else {
                "0"
            },
        }))
    };
    assert_eq!(ask("s", ReloKind::FieldByteOffset), "0 -> 4");
    assert_eq!(ask("m", ReloKind::FieldByteOffset), "0 -> 8");
    assert_eq!(ask("m", ReloKind::TypeIdTarget), "3 -> 4 unchecked");
}

#[test]
fn type_matches_looks_inside() {
    let make = |bytes: u32, name: &'static str, deep_sign: u8| {
        build(move |b| {
            let int = b.int("int", bytes, 1);
            let other = b.int("other", 8, deep_sign);
            let array = b.array(other, int, 3);
            let opaque = b.fwd("opaque", FwdKind::Struct);
            let pointer = b.ptr(opaque);
            let proto = b.func_proto(int, &[("", pointer), ("", other)]);
            let function = b.ptr(proto);
            b.structure(
                "s",
                64,
                &[
                    NewMember::new(name, int, 0),
                    NewMember::new("array", array, 8),
                    NewMember::new("pointer", pointer, 40),
                    NewMember::new("function", function, 48),
                ],
            );
        })
    };
    let local = make(4, "x", 1);
    let mut answers = Vec::new();
    for target in [
        make(4, "x", 1),
        make(4, "x___new", 1),
        make(8, "x", 1),
        make(4, "z", 1),
        make(4, "x", 0),
    ] {
        let targets = [&target];
        answers.push(show(&Resolver::new(&local, &targets).resolve(&Relo {
            kind: ReloKind::TypeMatches,
            ty: find(&local, "s"),
            access: "0",
        })));
    }
    assert_eq!(answers, ["1 -> 1", "1 -> 1", "1 -> 0", "1 -> 0", "1 -> 0"]);
}

fn resolution(kind: ReloKind, access: &str) -> Resolution {
    let (local, target) = (build(local), build(target));
    let targets = [&target];
    let ty = find(
        &local,
        if kind == ReloKind::EnumvalValue {
            "color"
        } else {
            "outer"
        },
    );
    Resolver::new(&local, &targets)
        .resolve(&Relo { kind, ty, access })
        .unwrap()
}

fn slot(code: u8, off: i16, imm: i32) -> Slot {
    Slot {
        code,
        dst: 1,
        src: 0,
        off,
        imm,
    }
}

const POISON: Slot = Slot {
    code: 0x85,
    dst: 0,
    src: 0,
    off: 0,
    imm: 0xbad_2310,
};

#[test]
fn instructions_take_their_values() {
    // `r1 += 0`: offset of `first`, 72 in the target.
    let first = resolution(ReloKind::FieldByteOffset, "0:0");
    let mut slots = [slot(0x07, 0, 0)];
    assert_eq!(patch(&mut slots, 0, &first), Ok(Patched::Value));
    assert_eq!(slots[0], slot(0x07, 0, 72));
    // `w1 = *(u32 *)(r1 + 52)`: `grown` has 8 bytes at 8 in the target.
    let grown = resolution(ReloKind::FieldByteOffset, "0:8");
    let mut slots = [slot(0x61, 52, 0)];
    assert_eq!(patch(&mut slots, 0, &grown), Ok(Patched::Value));
    assert_eq!(slots[0], slot(0x79, 8, 0));
    // `r1 = 7 ll`: BLUE is 1 << 33 in the target.
    let blue = resolution(ReloKind::EnumvalValue, "1");
    let mut slots = [slot(0x18, 0, 7), Slot::default()];
    assert_eq!(patch(&mut slots, 0, &blue), Ok(Patched::Value));
    assert_eq!((slots[0].imm, slots[1].imm), (0, 2));
}

#[test]
fn poison_takes_both_halves() {
    let gone = resolution(ReloKind::FieldByteOffset, "0:7");
    let mut slots = [slot(0x18, 0, 48), Slot::default(), slot(0x95, 0, 0)];
    assert!(matches!(
        patch(&mut slots, 0, &gone),
        Ok(Patched::Poisoned(_))
    ));
    assert_eq!(slots, [POISON, POISON, slot(0x95, 0, 0)]);
    // A signed field that changed its size cannot be loaded: `low` is no bitfield any more.
    let low = resolution(ReloKind::FieldByteOffset, "0:4");
    let mut slots = [slot(0x61, 40, 0)];
    assert!(matches!(
        patch(&mut slots, 0, &low),
        Ok(Patched::Poisoned(_))
    ));
    assert_eq!(slots[0], POISON);
}

#[test]
fn instructions_that_do_not_fit_are_refused() {
    let first = resolution(ReloKind::FieldByteOffset, "0:0");
    let grown = resolution(ReloKind::FieldByteOffset, "0:8");
    assert_eq!(
        patch(&mut [slot(0x07, 0, 5)], 0, &first),
        Err(PatchError::Unexpected {
            found: 5,
            expected: 0
        })
    );
    assert_eq!(
        patch(&mut [slot(0x95, 0, 0)], 0, &first),
        Err(PatchError::Form { code: 0x95 })
    );
    assert_eq!(
        patch(&mut [slot(0x18, 0, 0)], 0, &first),
        Err(PatchError::Form { code: 0x18 })
    );
    assert_eq!(
        patch(&mut [], 0, &first),
        Err(PatchError::OutOfRange { at: 0, len: 0 })
    );
    assert_eq!(
        patch(&mut [slot(0x69, 52, 0)], 0, &grown),
        Err(PatchError::AccessSize {
            found: 2,
            orig: 4,
            new: 8
        })
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn damaged_types_never_panic(
        damage in proptest::collection::vec((any::<bool>(), any::<prop::sample::Index>(), any::<u8>()), 1..6),
        access in "[0-9]{1,2}(:[0-9]{1,2}){0,4}",
    ) {
        let mut bytes = [local as fn(&mut BtfBuilder), target].map(|fill| {
            let mut builder = BtfBuilder::new();
            fill(&mut builder);
            builder.to_bytes(Endian::Little)
        });
        for (which, at, value) in damage {
            let side = &mut bytes[usize::from(which)];
            let at = at.index(side.len());
            side[at] = value;
        }
        let [local, target] = bytes;
        if let (Ok(local), Ok(target)) = (Btf::parse(local, None), Btf::parse(target, None)) {
            let targets = [&target];
            let mut resolver = Resolver::new(&local, &targets);
            for ty in 0..local.type_count() {
                for kind in ReloKind::ALL {
                    for access in ["0", &access] {
                        let _ = resolver.resolve(&Relo { kind, ty: TypeId(ty), access });
                    }
                }
            }
        }
    }
}

/// The kernel's own structures resolve to themselves, and every field of the largest does so.
#[test]
fn the_kernels_types_are_their_own_target() {
    let Some(bytes) = common::kernel_btf() else {
        return;
    };
    let kernel = Btf::parse(bytes, None).unwrap();
    let targets = [&kernel];
    let mut resolver = Resolver::new(&kernel, &targets);
    let mut resolved = 0;
    for name in ["task_struct", "sk_buff", "sock", "file", "net_device"] {
        let ty = kernel.find(name, Kind::Struct).unwrap();
        let members = kernel.type_at(ty).composite().unwrap();
        for (index, member) in members.members().enumerate() {
            if member.name.is_empty() {
                continue;
            }
            let access = format!("0:{index}");
            for kind in [ReloKind::FieldByteOffset, ReloKind::FieldExists] {
                let answer = resolver.resolve(&Relo {
                    kind,
                    ty,
                    access: &access,
                });
                let Ok(Resolution {
                    outcome: Outcome::Value { orig, new },
                    ..
                }) = answer
                else {
                    panic!("{name}.{}: {answer:?}", member.name);
                };
                assert_eq!(orig, new);
                resolved += 1;
            }
        }
    }
    assert!(resolved > 500);
}
