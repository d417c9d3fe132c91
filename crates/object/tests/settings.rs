//! What the user may decide: values, sizes, types, which programs.

mod render;

use osmia_isa::Endian;
use osmia_object::{LinkOptions, Object, ProgramType};
use osmia_program::{Initial, ProgramKind, ProgramSet};

fn object(name: &str) -> Object {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    Object::parse(&std::fs::read(path).unwrap(), name).unwrap()
}

fn link(object: &Object, options: &LinkOptions) -> Result<ProgramSet, String> {
    object
        .link(&render::target(object.endian()), options)
        .map_err(|error| render::diagnostics(&error.to_diagnostics()))
}

fn set(pairs: &[(&str, &str)]) -> LinkOptions {
    LinkOptions {
        globals: pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..LinkOptions::default()
    }
}

fn value(set: &ProgramSet, name: &str) -> Vec<u8> {
    let global = set
        .globals
        .iter()
        .find(|global| global.name == name)
        .unwrap();
    match &set.maps[global.map.index()].initial {
        Initial::Value(bytes) => {
            bytes[global.offset as usize..(global.offset + global.size) as usize].to_vec()
        }
        _ => vec![0; global.size as usize],
    }
}

#[test]
fn globals_are_set_by_type_and_path() {
    let options = set(&[
        ("cfg.port", "8080"),
        ("cfg.flag[1].level", "7"),
        ("cfg.colour", "RED"),
        ("counter", "-2"),
        ("array[2]", "0x1234"),
        ("use.calls", "9"),
        ("in_bss_custom", "5"),
        ("text", "abc"),
    ]);
    let linked = link(&object("globals-19.o"), &options).unwrap();
    assert_eq!(
        value(&linked, "cfg"),
        [0x90, 0x1f, 0, 0, 0, 0, 0, 7, 1, 0, 0, 0]
    );
    assert_eq!(value(&linked, "counter"), (-2_i32).to_le_bytes());
    assert_eq!(
        value(&linked, "array"),
        [1, 0, 2, 0, 0x34, 0x12, 0, 0, 0, 0]
    );
    assert_eq!(value(&linked, "use.calls"), 9_i32.to_le_bytes());
    assert_eq!(value(&linked, "in_bss_custom"), 5_i32.to_le_bytes());
    assert_eq!(value(&linked, "text"), *b"abc\0\0");
}

#[test]
fn without_types_integers_of_the_variables_size_are_set() {
    let linked = link(
        &object("globals-nobtf.o"),
        &set(&[("counter", "-2"), ("big", "0xffffffffffffffff")]),
    )
    .unwrap();
    assert_eq!(value(&linked, "counter"), (-2_i32).to_le_bytes());
    assert_eq!(value(&linked, "big"), [0xff; 8]);
    let linked = link(&object("globals-be.o"), &set(&[("counter", "258")])).unwrap();
    assert_eq!(value(&linked, "counter"), [0, 0, 1, 2]);
}

#[test]
fn configuration_can_be_set() {
    let linked = link(&object("externs.o"), &set(&[("CONFIG_HZ", "1000")])).unwrap();
    assert_eq!(value(&linked, "CONFIG_HZ"), 1000_u32.to_le_bytes());
}

#[test]
fn map_sizes_types_and_choice() {
    let mut options = LinkOptions::default();
    options.max_entries.push(("typed".into(), 7));
    options.programs.push("tail_one".into());
    let linked = link(&object("maps-19.o"), &options).unwrap();
    assert_eq!(linked.map("typed").unwrap().1.max_entries, 7);
    assert_eq!(linked.programs.len(), 1);

    let unknown = ProgramType::from_name("socket").unwrap();
    let mut options = LinkOptions::default();
    options.types.push((Some("unknown".into()), unknown));
    let linked = link(&object("legacy.o"), &options).unwrap();
    assert_eq!(
        linked.program("unknown").unwrap().hook.kind,
        ProgramKind::SocketFilter
    );
    assert_eq!(
        linked.program("suffixed").unwrap().hook.kind,
        ProgramKind::Xdp
    );

    let mut options = LinkOptions::default();
    options.autoload.push(("optional".into(), true));
    let linked = link(&object("sections.o"), &options).unwrap();
    assert!(linked.program("optional").unwrap().autoload);
}

#[test]
fn wrong_settings_are_explained() {
    let mut options = set(&[
        ("nothing", "1"),
        ("cfg.nothing", "1"),
        ("cfg.port", "many"),
        ("counter", "0x1ffffffff"),
    ]);
    options.max_entries.push(("nothing".into(), 1));
    options.max_entries.push(("globals-.bss".into(), 1));
    options.programs.push("nothing".into());
    let by_type = link(&object("globals-19.o"), &options).unwrap_err();
    let plain = link(
        &object("globals-nobtf.o"),
        &set(&[("counter", "0x1ffffffff"), ("counter", "x"), ("array", "1")]),
    )
    .unwrap_err();
    insta::assert_snapshot!(format!("{by_type}\n{plain}"));
}

#[test]
fn the_target_may_lack_everything() {
    let mut target = render::target(Endian::Little);
    target.kconfig = None;
    target.ksyms = None;
    let mut text = String::new();
    for name in ["externs.o", "kernel.o", "struct_ops.o", "core-19.o"] {
        text += &format!("# {name}\n");
        let mut notes = Vec::new();
        match object(name).link_noting(&target, &LinkOptions::default(), &mut notes) {
            Ok(set) => text += &format!("{} programs\n", set.programs.len()),
            Err(error) => text += &render::diagnostics(&error.to_diagnostics()),
        }
        text += &render::diagnostics(&notes);
    }
    insta::assert_snapshot!(text);
}
