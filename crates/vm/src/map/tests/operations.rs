//! Tables of kernel operations: what is checked, and how a table goes through its states.

use std::sync::Arc;

use osmia_btf::{BtfBuilder, Endian, Int, NewMember, TypeId};
use osmia_program::{Errno, MapBtf, MapFlags, MapKind, MapSpec, UpdateMode};

use crate::Identity;
use crate::map::{Map, OperationsState, Runs};

const VALUE_BYTES: u32 = 128;
const SSTHRESH: u32 = 64;
const CONG_AVOID: u32 = 72;
const UNDO_CWND: u32 = 80;
const OWNER: usize = 88;
const FLAGS: usize = 96;
const NAME: usize = 104;

/// A kernel's `tcp_congestion_ops` with some of its members, and the structure around it.
fn types(name: &str) -> MapBtf {
    let mut btf = BtfBuilder::new();
    let int = btf.int("int", 4, Int::SIGNED);
    let byte = btf.int("char", 1, Int::SIGNED);
    let chars = btf.array(byte, int, 16);
    let proto = btf.func_proto(int, &[]);
    let function = btf.ptr(proto);
    let module = btf.ptr(TypeId::VOID);
    let table = btf.structure(
        name,
        64,
        &[
            NewMember::new("ssthresh", function, 0),
            NewMember::new("cong_avoid", function, 8),
            NewMember::new("undo_cwnd", function, 16),
            NewMember::new("owner", module, 24),
            NewMember::new("flags", int, 32),
            NewMember::new("name", chars, 40),
        ],
    );
    let common = btf.structure(
        "bpf_struct_ops_common_value",
        8,
        &[
            NewMember::new("refcnt", int, 0),
            NewMember::new("state", int, 4),
        ],
    );
    let value = btf.structure(
        &format!("bpf_struct_ops_{name}"),
        VALUE_BYTES,
        &[
            NewMember::new("common", common, 0),
            NewMember::new("data", table, 64),
        ],
    );
    MapBtf {
        btf: Arc::new(btf.build(Endian::NATIVE).expect("right types")),
        key: None,
        value: Some(value),
    }
}

fn spec(name: &str, flags: u32) -> MapSpec {
    let mut spec = MapSpec::new("m", MapKind::StructOps, 4, VALUE_BYTES, 1);
    spec.flags = MapFlags(flags);
    spec.btf = Some(types(name));
    spec
}

#[derive(Debug)]
struct Program(u32);

impl Identity for Program {
    fn id(&self) -> u32 {
        self.0
    }
}

/// A congestion control algorithm with all that is needed.
fn make(runs: &Arc<Runs>, flags: u32) -> Map {
    let map = Map::create(&spec("tcp_congestion_ops", flags), runs).expect("a right one");
    for (id, function) in [(11, SSTHRESH), (12, CONG_AVOID), (13, UNDO_CWND)] {
        map.set_program(function, Arc::new(Program(id)))
            .expect("a function");
    }
    map
}

fn value(name: &str) -> Vec<u8> {
    let mut value = vec![0; VALUE_BYTES as usize];
    value[NAME..NAME + name.len()].copy_from_slice(name.as_bytes());
    value
}

fn register(map: &Map, value: &[u8]) -> Result<(), Errno> {
    map.update_outside(&[0; 4], value, UpdateMode::Any)
}

#[test]
fn a_table_is_registered_once_and_taken_back() {
    let runs = Arc::new(Runs::new(1));
    let map = make(&runs, 0);
    let key = [0; 4];
    let table = map.operations().expect("it is one");
    assert_eq!(map.lookup_outside(&key), Ok(vec![0; VALUE_BYTES as usize]));
    assert_eq!(map.delete_outside(&key), Err(Errno::ENOENT));
    assert_eq!(register(&map, &value("own")), Ok(()));
    assert_eq!(table.state(), OperationsState::InUse);
    assert_eq!(register(&map, &value("own")), Err(Errno::EBUSY));
    assert_eq!(
        map.set_program(SSTHRESH, Arc::new(Program(1))),
        Err(Errno::EBUSY)
    );
    let seen = map.lookup_outside(&key).expect("it is registered");
    assert_eq!((seen[0], seen[4]), (1, OperationsState::InUse as u8));
    assert_eq!(seen[SSTHRESH as usize], 11);
    assert_eq!(map.delete_outside(&key), Ok(()));
    assert_eq!(map.delete_outside(&key), Err(Errno::EINPROGRESS));
    assert_eq!(register(&make(&runs, 0), &value("own")), Ok(()));
}

#[test]
fn a_name_is_taken_until_its_table_goes() {
    let runs = Arc::new(Runs::new(1));
    let map = make(&runs, 0);
    register(&map, &value("own")).expect("a new name");
    let second = make(&runs, 0);
    assert_eq!(register(&second, &value("own")), Err(Errno::EEXIST));
    assert_eq!(second.operations().unwrap().state(), OperationsState::Init);
    drop(map);
    assert_eq!(register(&second, &value("own")), Ok(()));
}

#[test]
fn a_link_registers_what_is_ready() {
    let runs = Arc::new(Runs::new(1));
    let map = make(&runs, MapFlags::LINK);
    let table = map.operations().expect("it is one");
    assert_eq!(table.link(), Err(Errno::EINVAL));
    assert_eq!(register(&map, &value("own")), Ok(()));
    assert_eq!(table.state(), OperationsState::Ready);
    assert_eq!(map.delete_outside(&[0; 4]), Err(Errno::EOPNOTSUPP));
    assert_eq!(table.link(), Ok(()));
    assert_eq!(table.link(), Err(Errno::EEXIST));
    table.unlink();
    assert_eq!(table.link(), Ok(()));
    table.unlink();
}

#[test]
fn what_is_wrong_is_told() {
    let runs = Arc::new(Runs::new(1));
    let changed = |at: usize, byte: u8| {
        let mut value = value("own");
        value[at] = byte;
        value
    };
    let outcome = |value: &[u8]| register(&make(&runs, 0), value);
    assert_eq!(outcome(&value("")), Err(Errno::EINVAL));
    assert_eq!(outcome(&changed(FLAGS, 4)), Err(Errno::EINVAL));
    assert_eq!(outcome(&changed(OWNER, 1)), Err(Errno::EINVAL));
    assert_eq!(outcome(&changed(0, 1)), Err(Errno::EINVAL));
    assert_eq!(outcome(&changed(4, 1)), Err(Errno::EINVAL));
    assert_eq!(outcome(&changed(20, 1)), Err(Errno::EINVAL));
    assert_eq!(outcome(&changed(SSTHRESH as usize, 1)), Err(Errno::EBADF));
    assert_eq!(outcome(&value("own")[1..]), Err(Errno::EINVAL));
    let map = make(&runs, 0);
    let update = |key: u32, mode| map.update_outside(&key.to_ne_bytes(), &value("own"), mode);
    assert_eq!(update(1, UpdateMode::Any), Err(Errno::E2BIG));
    assert_eq!(update(0, UpdateMode::Exist), Err(Errno::EINVAL));
    assert_eq!(map.next_key_outside(Some(&[0; 4])), Err(Errno::ENOENT));
    assert_eq!(
        map.set_program(OWNER as u32, Arc::new(Program(1))),
        Err(Errno::EINVAL)
    );
    let spec = spec("tcp_congestion_ops", 0);
    let bare = Map::create(&spec, &runs).expect("a right one");
    assert_eq!(register(&bare, &value("own")), Err(Errno::EINVAL));
}

#[test]
fn some_tables_are_for_test_runs_only_and_others_taken_as_they_are() {
    let runs = Arc::new(Runs::new(1));
    let created = |name| Map::create(&spec(name, 0), &runs).map_err(|error| error.errno());
    let map = created("bpf_dummy_ops").expect("the kernel knows it");
    assert_eq!(
        register(&map, &[0; VALUE_BYTES as usize]),
        Err(Errno::EOPNOTSUPP)
    );
    // Nothing is known of a table that only the types describe: neither names nor flags mean anything.
    for _ in 0..2 {
        let other = created("some_ops").expect("its types describe it");
        let mut value = value("");
        value[FLAGS] = 4;
        assert_eq!(register(&other, &value), Ok(()));
    }
}
