//! Random operations on a map and on a `BTreeMap` must agree, results and errno.

use std::collections::{BTreeMap, BTreeSet};

use osmia_program::{Errno, MapKind, UpdateMode};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{CPUS, make, read};
use crate::map::{Map, Walk};

#[derive(Clone, Debug)]
enum Op {
    Update {
        key: u8,
        fill: u8,
        flags: u64,
        cpu: u32,
    },
    UpdateOutside {
        key: u8,
        fill: u8,
    },
    Delete {
        key: u8,
    },
    Take {
        key: u8,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let key = 0..12u8;
    prop_oneof![
        4 => (key.clone(), any::<u8>(), 0..4u64, 0..CPUS)
            .prop_map(|(key, fill, flags, cpu)| Op::Update { key, fill, flags, cpu }),
        2 => (key.clone(), any::<u8>()).prop_map(|(key, fill)| Op::UpdateOutside { key, fill }),
        2 => key.clone().prop_map(|key| Op::Delete { key }),
        1 => key.prop_map(|key| Op::Take { key }),
    ]
}

/// Key size, value size, capacity.
fn shape() -> impl Strategy<Value = (u32, u32, u32)> {
    (
        prop_oneof![Just(4u32), Just(8), 1..40u32],
        1..40u32,
        1..12u32,
    )
}

/// What a map should hold: the value of every lane by key.
struct Model {
    lanes: usize,
    value_bytes: usize,
    capacity: usize,
    values: BTreeMap<Vec<u8>, Vec<Vec<u8>>>,
}

impl Model {
    fn update(
        &mut self,
        key: &[u8],
        flags: u64,
        write: impl Fn(&mut [Vec<u8>]),
    ) -> Result<(), Errno> {
        let exists = self.values.contains_key(key);
        match flags {
            1 if exists => return Err(Errno::EEXIST),
            2 if !exists => return Err(Errno::ENOENT),
            3.. => return Err(Errno::EINVAL),
            _ => {}
        }
        if !exists && self.values.len() == self.capacity {
            return Err(Errno::E2BIG);
        }
        let fresh = vec![vec![0; self.value_bytes]; self.lanes];
        write(self.values.entry(key.to_vec()).or_insert(fresh));
        Ok(())
    }

    fn outside(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let lanes = self.values.get(key).ok_or(Errno::ENOENT)?;
        Ok(joined(lanes))
    }
}

/// The lanes as outside callers see them: padded if there are several.
fn joined(lanes: &[Vec<u8>]) -> Vec<u8> {
    let [only] = lanes else {
        return lanes
            .iter()
            .flat_map(|lane| {
                let mut padded = lane.clone();
                padded.resize(lane.len().next_multiple_of(8), 0);
                padded
            })
            .collect();
    };
    only.clone()
}

fn key_bytes(key: u8, size: u32) -> Vec<u8> {
    // The number in the last byte: long keys differ only there.
    let mut bytes = vec![0x5a; size as usize];
    *bytes.last_mut().expect("keys are not empty") = key;
    bytes
}

fn check_keys(map: &Map, expected: impl Iterator<Item = Vec<u8>>) {
    let expected: BTreeSet<Vec<u8>> = expected.collect();
    let mut seen = BTreeSet::new();
    let mut last: Option<Vec<u8>> = None;
    while let Ok(key) = map.next_key_outside(last.as_deref()) {
        assert!(seen.insert(key.clone()), "{key:?} twice");
        last = Some(key);
    }
    assert_eq!(seen, expected);
    let (mut walk, mut key, mut walked) = (Walk::default(), Vec::new(), BTreeSet::new());
    while let Some(element) = map.walk(&mut walk, 1, &mut key) {
        assert_eq!(Some(element), map.lookup_element(&key, 1));
        assert!(walked.insert(key.clone()));
    }
    assert_eq!(walked, expected);
}

fn run_hash(kind: MapKind, (key_size, value_size, capacity): (u32, u32, u32), ops: &[Op]) {
    let map = make(kind, key_size, value_size, capacity);
    let lanes = if kind.is_per_cpu() { CPUS as usize } else { 1 };
    let value_bytes = value_size as usize;
    let mut model = Model {
        lanes,
        value_bytes,
        capacity: capacity as usize,
        values: BTreeMap::new(),
    };
    for op in ops {
        match *op {
            Op::Update {
                key,
                fill,
                flags,
                cpu,
            } => {
                let (key, value) = (key_bytes(key, key_size), vec![fill; value_bytes]);
                let lane = if lanes == 1 { 0 } else { cpu as usize };
                let expected = model.update(&key, flags, |lanes| lanes[lane] = value.clone());
                assert_eq!(map.update(&key, &value, flags, cpu), expected);
            }
            Op::UpdateOutside { key, fill } => {
                let key = key_bytes(key, key_size);
                let values: Vec<Vec<u8>> = (0..lanes)
                    .map(|lane| vec![fill.wrapping_add(lane as u8); value_bytes])
                    .collect();
                let expected = model.update(&key, 0, |lanes| lanes.clone_from_slice(&values));
                assert_eq!(
                    map.update_outside(&key, &joined(&values), UpdateMode::Any),
                    expected
                );
            }
            Op::Delete { key } => {
                let key = key_bytes(key, key_size);
                let expected = model.values.remove(&key).map(|_| ()).ok_or(Errno::ENOENT);
                assert_eq!(map.delete(&key), expected);
            }
            Op::Take { key } => {
                let key = key_bytes(key, key_size);
                let expected = model.outside(&key);
                model.values.remove(&key);
                assert_eq!(map.take_outside(&key), expected);
            }
        }
        for key in (0..12).map(|key| key_bytes(key, key_size)) {
            assert_eq!(map.lookup_outside(&key), model.outside(&key));
            for cpu in 0..CPUS {
                let lane = if lanes == 1 { 0 } else { cpu as usize };
                let expected = model.values.get(&key).map(|lanes| lanes[lane].clone());
                assert_eq!(read(&map, &key, cpu), expected);
            }
        }
        assert_eq!(map.len() as usize, model.values.len());
    }
    check_keys(&map, model.values.keys().cloned());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hash_is_a_bounded_map(shape in shape(), ops in vec(op(), 0..80)) {
        run_hash(MapKind::Hash, shape, &ops);
    }

    #[test]
    fn percpu_hash_is_a_bounded_map_with_lanes(shape in shape(), ops in vec(op(), 0..60)) {
        run_hash(MapKind::PercpuHash, shape, &ops);
    }

    /// With room for every key, an LRU never evicts.
    #[test]
    fn lru_with_room_is_a_map(shape in shape(), ops in vec(op(), 0..60)) {
        run_hash(MapKind::LruHash, (shape.0, shape.1, 12), &ops);
        run_hash(MapKind::LruPercpuHash, (shape.0, shape.1, 12), &ops);
    }

    /// Without room it forgets, but never the newest, never wrongly, and never refuses.
    #[test]
    fn lru_forgets_only_what_it_must(
        capacity in 1..8u32,
        keys in vec((any::<u8>(), any::<bool>()), 1..200),
    ) {
        let map = make(MapKind::LruHash, 4, 8, capacity);
        let mut last_written: BTreeMap<u32, u64> = BTreeMap::new();
        for (time, (key, look)) in (0u64..).zip(keys) {
            let key = u32::from(key);
            if look {
                let seen = read(&map, &key.to_ne_bytes(), 0);
                if let Some(value) = seen {
                    prop_assert_eq!(value, last_written[&key].to_ne_bytes());
                }
                continue;
            }
            map.update(&key.to_ne_bytes(), &time.to_ne_bytes(), 0, 0).unwrap();
            last_written.insert(key, time);
            prop_assert_eq!(read(&map, &key.to_ne_bytes(), 0), Some(time.to_ne_bytes().to_vec()));
            prop_assert_eq!(map.len() as usize, last_written.len().min(capacity as usize));
        }
    }

    #[test]
    fn arrays_have_every_index_and_no_other(
        (value_size, entries) in (1..40u32, 1..12u32),
        ops in vec((0..14u32, any::<u8>(), 0..4u64, 0..CPUS), 0..60),
        per_cpu in any::<bool>(),
    ) {
        let kind = if per_cpu { MapKind::PercpuArray } else { MapKind::Array };
        let lanes = if per_cpu { CPUS as usize } else { 1 };
        let map = make(kind, 4, value_size, entries);
        let value_bytes = value_size as usize;
        let mut model = vec![vec![vec![0u8; value_bytes]; lanes]; entries as usize];
        for (index, fill, flags, cpu) in ops {
            let (key, value) = (index.to_ne_bytes(), vec![fill; value_bytes]);
            let expected = match flags {
                3.. => Err(Errno::EINVAL),
                _ if index >= entries => Err(Errno::E2BIG),
                1 => Err(Errno::EEXIST),
                _ => {
                    model[index as usize][if per_cpu { cpu as usize } else { 0 }] = value.clone();
                    Ok(())
                }
            };
            prop_assert_eq!(map.update(&key, &value, flags, cpu), expected);
            prop_assert_eq!(map.delete(&key), Err(Errno::EINVAL));
            let lanes_of = model.get(index as usize);
            let outside = lanes_of.map(|lanes| joined(lanes)).ok_or(Errno::ENOENT);
            prop_assert_eq!(map.lookup_outside(&key), outside);
            let own = lanes_of.map(|lanes| lanes[if per_cpu { cpu as usize } else { 0 }].clone());
            prop_assert_eq!(read(&map, &key, cpu), own);
        }
        check_keys(&map, (0..entries).map(|index| index.to_ne_bytes().to_vec()));
    }
}
