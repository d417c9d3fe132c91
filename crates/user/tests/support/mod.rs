//! Short ways to say commands.
#![allow(dead_code, reason = "each test file uses some of it")]
#![allow(unreachable_pub, reason = "a module of tests is no crate")]

use osmia_isa::{Endian, NoNames, assemble};
use osmia_program::{Errno, MapKind, ProgramKind};
use osmia_user::bpf::{
    Element, Fd, FdById, MapCreate, MapInfo, NextId, ObjInfo, ObjectName, ProgInfo, ProgLoad,
};
use osmia_user::{Credentials, Kernel, Process, UserOptions};

/// No ids.
pub const NONE: [u32; 0] = [];

pub fn process() -> Process {
    let kernel = Kernel::new(UserOptions::default()).expect("there is memory");
    Process::new(&kernel, Credentials::ROOT)
}

pub fn name(text: &str) -> ObjectName {
    let mut name = ObjectName::default();
    name[..text.len()].copy_from_slice(text.as_bytes());
    name
}

pub fn map_of(
    kind: MapKind,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
) -> MapCreate<'static> {
    MapCreate {
        kind: kind.number(),
        key_size,
        value_size,
        max_entries,
        ..MapCreate::default()
    }
}

pub fn array(process: &Process) -> Fd {
    process
        .map_create(&map_of(MapKind::Array, 4, 4, 1))
        .expect("a right map")
}

pub fn outer(process: &Process, kind: MapKind, inner: Fd) -> Fd {
    let asked = MapCreate {
        inner_map_fd: inner,
        ..map_of(kind, 4, 4, 1)
    };
    process.map_create(&asked).expect("a right map")
}

/// Instructions as they lie in memory; `map(FD)` loads the address of a map.
pub fn insns(text: &str) -> Vec<u8> {
    let slots = assemble(text, &NoNames)
        .expect("the test's text assembles")
        .slots;
    slots
        .iter()
        .flat_map(|slot| slot.to_bytes(Endian::NATIVE))
        .collect()
}

/// `r1 = map` by descriptor, then the text.
pub fn insns_with_map(map: Fd, text: &str) -> Vec<u8> {
    let mut bytes = vec![0x18, 0x11, 0, 0];
    bytes.extend_from_slice(&map.0.to_ne_bytes());
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend(insns(text));
    bytes
}

pub fn loading<'a>(kind: ProgramKind, insns: &'a [u8]) -> ProgLoad<'a> {
    ProgLoad {
        kind: kind.number(),
        insn_cnt: (insns.len() / 8) as u32,
        insns: Some(insns),
        license: Some(b"GPL\0"),
        ..ProgLoad::default()
    }
}

pub fn load(process: &Process, kind: ProgramKind, insns: &[u8]) -> Result<Fd, Errno> {
    process.prog_load(&loading(kind, insns)).result
}

pub fn pass(process: &Process) -> Fd {
    load(process, ProgramKind::SocketFilter, &insns("r0 = 0\nexit")).expect("a right program")
}

pub fn using(process: &Process, map: Fd) -> Fd {
    let insns = insns_with_map(map, "r0 = 0\nexit");
    load(process, ProgramKind::SocketFilter, &insns).expect("a right program")
}

pub fn put(process: &Process, map: Fd, key: u32, value: i32) -> Result<(), Errno> {
    process.map_update(&Element {
        map_fd: map,
        key: Some(&key.to_ne_bytes()),
        value: Some(&value.to_ne_bytes()),
        flags: 0,
    })
}

pub fn at(process: &Process, map: Fd, key: u32) -> Result<u32, Errno> {
    let value = process.map_lookup(&Element {
        map_fd: map,
        key: Some(&key.to_ne_bytes()),
        ..Element::default()
    })?;
    Ok(u32::from_ne_bytes(value.try_into().expect("four bytes")))
}

pub fn remove(process: &Process, map: Fd, key: u32) -> Result<(), Errno> {
    process.map_delete(&Element {
        map_fd: map,
        key: Some(&key.to_ne_bytes()),
        ..Element::default()
    })
}

pub fn prog_info(process: &Process, fd: Fd) -> ProgInfo {
    match process.obj_info(fd) {
        Ok(ObjInfo::Program(info)) => *info,
        other => panic!("not a program: {other:?}"),
    }
}

pub fn map_info(process: &Process, fd: Fd) -> MapInfo {
    match process.obj_info(fd) {
        Ok(ObjInfo::Map(info)) => info,
        other => panic!("not a map: {other:?}"),
    }
}

/// All ids of a kind, by walking.
pub fn ids(next: impl Fn(&NextId) -> Result<u32, Errno>) -> Vec<u32> {
    let mut ids = Vec::new();
    let mut start_id = 0;
    loop {
        match next(&NextId { start_id }) {
            Ok(id) => ids.push(id),
            Err(errno) => {
                assert_eq!(errno, Errno::ENOENT);
                return ids;
            }
        }
        start_id = *ids.last().expect("just pushed");
    }
}

pub fn map_ids(process: &Process) -> Vec<u32> {
    ids(|asked| process.map_next_id(asked))
}

pub fn prog_ids(process: &Process) -> Vec<u32> {
    ids(|asked| process.prog_next_id(asked))
}

pub fn by_id(id: u32) -> FdById {
    FdById {
        id,
        ..FdById::default()
    }
}
