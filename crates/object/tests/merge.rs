//! Static linking gives what `bpftool gen object` gives.

mod render;

use osmia_isa::Endian;
use osmia_object::{LinkOptions, Object};
use osmia_program::ProgramSet;

fn object(name: &str) -> Object {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    Object::parse(&std::fs::read(path).unwrap(), name).unwrap()
}

fn link(object: &Object) -> ProgramSet {
    object
        .link(&render::target(Endian::Little), &LinkOptions::default())
        .unwrap_or_else(|error| panic!("{:#?}", error.to_diagnostics()))
}

#[test]
fn two_objects_become_one_as_with_bpftool() {
    let ours = Object::merge(vec![object("link_a.o"), object("link_b.o")], "linked.o").unwrap();
    let theirs = object("linked.o");
    let (ours, theirs) = (link(&ours), link(&theirs));
    assert_eq!(ours.programs.len(), 2);
    let map_names = |set: &ProgramSet| -> Vec<_> {
        let mut maps: Vec<_> = set
            .maps
            .iter()
            .map(|map| (map.name.clone(), map.value_size, map.flags.0))
            .collect();
        maps.sort();
        maps
    };
    assert_eq!(map_names(&ours), map_names(&theirs));
    for theirs_program in &theirs.programs {
        let program = ours.program(&theirs_program.name).expect("same programs");
        assert_eq!(program.insns, theirs_program.insns, "{}", program.name);
        assert_eq!(program.functions, theirs_program.functions);
        let lines = |program: &osmia_program::Program| -> Vec<(u32, String)> {
            (0..program.insns.len())
                .filter_map(|slot| program.line_at(slot))
                .map(|line| (line.line, line.text.to_owned()))
                .collect()
        };
        assert_eq!(lines(program), lines(theirs_program));
    }
    let values = |set: &ProgramSet, name: &str| -> Vec<u8> {
        let global = set
            .globals
            .iter()
            .find(|global| global.name == name)
            .unwrap();
        let osmia_program::Initial::Value(bytes) = &set.maps[global.map.index()].initial else {
            panic!("{name} has a value")
        };
        bytes[global.offset as usize..(global.offset + global.size) as usize].to_vec()
    };
    for name in ["count_a", "count_b", "limit", "pad"] {
        assert_eq!(values(&ours, name), values(&theirs, name), "{name}");
    }
}

#[test]
fn the_strong_definition_wins_in_either_order() {
    for order in [["link_a.o", "link_b.o"], ["link_b.o", "link_a.o"]] {
        let merged = Object::merge(order.map(object).into(), "linked.o").unwrap();
        let text = render::set(&link(&merged));
        assert!(text.contains("+= 200"), "the strong one adds 200");
        assert!(!text.contains("+= 100"), "the weak one adds 100");
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let twice = Object::merge(vec![object("link_a.o"), object("link_a.o")], "x.o").unwrap_err();
    let orders =
        Object::merge(vec![object("sections.o"), object("sections-be.o")], "x.o").unwrap_err();
    let nothing = Object::merge(vec![], "x.o").unwrap_err();
    insta::assert_snapshot!(render::diagnostics(&[
        twice.to_diagnostic(),
        orders.to_diagnostic(),
        nothing.to_diagnostic(),
    ]));
}

#[test]
fn the_configuration_keeps_its_places() {
    let alone = link(&object("externs.o"));
    let merged = Object::merge(
        vec![object("globals-19.o"), object("externs.o")],
        "externs.o",
    );
    let merged = link(&merged.unwrap());
    let program = merged.program("read_them").unwrap();
    assert_eq!(program.insns, alone.program("read_them").unwrap().insns);
    let (_, theirs) = merged.map("externs.kconfig").unwrap();
    let (_, ours) = alone.map("externs.kconfig").unwrap();
    assert_eq!(theirs.initial, ours.initial);
    assert_eq!(theirs.flags, ours.flags);
}

/// A tentative definition is one variable however many objects have it.
#[test]
fn tentative_definitions_become_one() {
    let one = object("common.o");
    let names = |object: &Object| -> Vec<String> {
        let variables = object.variables().iter();
        variables.map(|variable| variable.name.clone()).collect()
    };
    assert_eq!(names(&one), ["placed", "flag", "total"]);
    let mut second = std::fs::read(format!(
        "{}/tests/data/common.o",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap();
    // The same object with its function and its only strong variable under other names.
    for (from, to) in [("\0count\0", "\0other\0"), ("\0placed\0", "\0puttod\0")] {
        for at in 0..second.len() - from.len() {
            if second[at..].starts_with(from.as_bytes()) {
                second[at..at + to.len()].copy_from_slice(to.as_bytes());
            }
        }
    }
    let second = Object::parse(&second, "second.o").unwrap();
    let merged = Object::merge(vec![one, second], "merged.o").unwrap();
    let mut together = names(&merged);
    together.sort();
    assert_eq!(together, ["flag", "placed", "puttod", "total"]);
    assert_eq!(link(&merged).programs.len(), 2);
}

#[test]
fn a_name_has_to_be_declared_alike() {
    let error = Object::merge(vec![object("link_b.o"), object("link_c.o")], "linked.o")
        .expect_err("int and __u64");
    assert_eq!(
        error.to_string(),
        "`count_b` is declared as __u64, but in link_b.o as int"
    );
}

#[test]
fn equal_types_become_one() {
    let types = |object: &Object| object.btf().map_or(0, |btf| btf.own_types().len());
    let ours = Object::merge(vec![object("link_a.o"), object("link_b.o")], "linked.o").unwrap();
    // The prototype with which `other` was declared, without the parameter's name, is left over.
    assert_eq!(types(&ours), types(&object("linked.o")) + 1);
}
