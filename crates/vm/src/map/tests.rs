//! Maps against simple references, against their rules, and from several threads.

mod arena;
mod batch;
mod events;
mod linear;
mod lpm;
mod model;
mod operations;
mod pages;
mod rules;
mod slots;
mod sockets;
mod storages;
mod threads;
mod user_ringbuf;

use std::sync::Arc;

use osmia_program::{MapFlags, MapKind, MapSpec};

use super::{Map, Runs};

pub(super) const CPUS: u32 = 3;

pub(super) fn make(kind: MapKind, key: u32, value: u32, entries: u32) -> Map {
    make_with(kind, key, value, entries, 0)
}

pub(super) fn make_with(kind: MapKind, key: u32, value: u32, entries: u32, flags: u32) -> Map {
    let mut spec = MapSpec::new("m", kind, key, value, entries);
    spec.flags = MapFlags(flags);
    Map::create(&spec, &Arc::new(Runs::new(CPUS))).expect("the test's specification is right")
}

/// The value a program on this CPU would read.
pub(super) fn read(map: &Map, key: &[u8], cpu: u32) -> Option<Vec<u8>> {
    let element = map.lookup_element(key, cpu)?;
    let mut value = vec![0; map.spec().value_size as usize];
    map.values()
        .expect("its elements lie somewhere")
        .read(element.index(), 0, &mut value);
    Some(value)
}
