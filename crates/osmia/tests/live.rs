//! The live objects of a user-space host in this process, by the layer that also looks at the kernel.

use std::sync::Arc;

use osmia::live::{Live, MapCreation, MapRow, ObjectKind, ProgramRow, Selector, TestRun, Value};
use osmia::{LinkOptions, MapKind, Object, UserHost, UserOptions};

const HELLO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/hello.bpf.o");

fn options() -> UserOptions {
    UserOptions {
        cpus: 2,
        ..UserOptions::default()
    }
}

fn live(host: &UserHost) -> Live {
    Live::user(Arc::clone(host.process()) as _, 2)
}

fn of_kind(kind: MapKind, key_size: u32, value_size: u32) -> MapCreation {
    MapCreation {
        kind,
        key_size,
        value_size,
        max_entries: 4,
        name: "made".to_owned(),
        flags: 0,
        inner: None,
    }
}

#[test]
fn a_loaded_object_is_there_with_all_it_consists_of() {
    let host = UserHost::new(options()).unwrap();
    let object = Object::open(HELLO).unwrap();
    let linked = object
        .link(osmia::Host::target(&host), &LinkOptions::default())
        .unwrap();
    let _loaded = linked.load(&host, &["hello"]).unwrap();
    let live = live(&host);

    let found = Selector::Name("hello".into())
        .find(&live, ObjectKind::Program)
        .unwrap();
    let row = ProgramRow::of(&found[0], Vec::new()).unwrap();
    assert_eq!((row.kind.as_str(), row.map_ids.len()), ("xdp", 3));
    let insns = found[0].xlated().unwrap();
    // Programs that come by handle bring no records of functions and lines along.
    assert_eq!(insns[0].proto, None);
    assert!(
        insns
            .iter()
            .any(|insn| insn.text.contains("call bpf_map_lookup_elem#1"))
    );

    let ran = found[0].test_run(&TestRun {
        data: vec![0; 64],
        repeat: 1,
        ..TestRun::default()
    });
    const XDP_PASS: u32 = 2;
    assert_eq!(ran.unwrap().retval, XDP_PASS);
    let bss = Selector::Name("hello.bss".into())
        .find(&live, ObjectKind::Map)
        .unwrap();
    let dumped = bss[0].dump().unwrap();
    let entry = dumped.entries[0].to_json(dumped.types.as_ref());
    assert_eq!(entry["formatted"]["value"][".bss"][0]["counter"], 1);
}

#[test]
fn elements_come_and_go() {
    let host = UserHost::new(options()).unwrap();
    let live = live(&host);
    let map = live.create_map(&of_kind(MapKind::Hash, 4, 2)).unwrap();
    let elements = map.elements().unwrap();
    elements.update(&[1, 0, 0, 0], &[7, 8], 0).unwrap();
    assert_eq!(elements.lookup(&[1, 0, 0, 0], 0).unwrap(), [7, 8]);
    assert_eq!(elements.next_key(None).unwrap(), [1, 0, 0, 0]);
    elements.delete(&[1, 0, 0, 0]).unwrap();
    assert!(map.dump().unwrap().entries.is_empty());
    let row = MapRow::of(&map, Vec::new()).unwrap();
    assert_eq!((row.name.as_str(), row.bytes_value), ("made", 2));
}

#[test]
fn every_cpu_has_a_value() {
    let host = UserHost::new(options()).unwrap();
    let live = live(&host);
    let map = live
        .create_map(&of_kind(MapKind::PercpuArray, 4, 4))
        .unwrap();
    let entries = map.dump().unwrap().entries;
    assert_eq!(entries.len(), 4);
    assert_eq!(entries[0].value, Ok(Value::PerCpu(vec![vec![0; 4]; 2])));
}

#[test]
fn what_is_not_there_is_told_with_what_is_near() {
    let host = UserHost::new(options()).unwrap();
    let live = live(&host);
    let _map = live.create_map(&of_kind(MapKind::Array, 4, 4)).unwrap();
    let error = Selector::Name("mode".into())
        .find(&live, ObjectKind::Map)
        .unwrap_err();
    assert_eq!(error.diagnostics[0].notes, ["near it: made"]);
    assert!(Selector::Id(99).find(&live, ObjectKind::Program).is_err());
}

#[test]
fn an_object_is_gone_with_its_handle() {
    let host = UserHost::new(options()).unwrap();
    let live = live(&host);
    drop(live.create_map(&of_kind(MapKind::Array, 4, 4)).unwrap());
    assert_eq!(live.ids(ObjectKind::Map).unwrap(), Vec::<u32>::new());
}
