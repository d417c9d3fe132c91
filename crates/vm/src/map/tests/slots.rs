//! Kinds that hold programs, maps or keyless values.

use std::collections::VecDeque;
use std::sync::Arc;

use osmia_program::{Errno, MapFlags, MapKind, MapSpec, UpdateMode};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{CPUS, make};
use crate::Identity;
use crate::map::{Map, Runs};

/// Stands for a program of some type.
#[derive(Debug, PartialEq)]
struct Known<T>(T);

impl<T: std::fmt::Debug + Send + Sync + 'static> Identity for Known<T> {
    fn id(&self) -> u32 {
        7
    }
}

#[test]
fn a_program_array_holds_programs_of_one_type() {
    let map = make(MapKind::ProgArray, 4, 4, 4);
    let program = Arc::new(Known("a program"));
    assert_eq!(map.program_at::<Known<&str>>(1), None);
    assert_eq!(map.set_program(1, Arc::clone(&program)), Ok(()));
    assert_eq!(map.set_program(4, Arc::clone(&program)), Err(Errno::E2BIG));
    assert_eq!(map.program_at::<Known<&str>>(1), Some(Arc::clone(&program)));
    assert_eq!(map.program_at::<Known<u32>>(1), None, "of another type");
    assert_eq!(map.program_at::<Known<&str>>(u32::MAX), None);
    let key = |index: u32| index.to_ne_bytes();
    assert_eq!(map.lookup_outside(&key(1)), Ok(key(7).to_vec()));
    assert_eq!(map.lookup_outside(&key(0)), Err(Errno::ENOENT));
    assert_eq!(map.next_key_outside(Some(&key(1))), Ok(key(2).to_vec()));
    assert_eq!(
        map.update_outside(&key(1), &[0; 4], UpdateMode::Any),
        Err(Errno::EBADF)
    );
    assert_eq!(map.delete_outside(&key(0)), Err(Errno::ENOENT));
    assert_eq!(map.delete_outside(&key(4)), Err(Errno::E2BIG));
    assert_eq!(map.delete_outside(&key(1)), Ok(()));
    assert_eq!(Arc::strong_count(&program), 1);
}

/// What the last handle from outside must do, and what becomes of it.
#[test]
fn a_program_that_calls_itself_goes_once_slots_are_cleared() {
    let map = Arc::new(make(MapKind::ProgArray, 4, 4, 1));
    let code = Arc::new(Known(vec![Arc::clone(&map)]));
    map.set_program(0, Arc::clone(&code)).unwrap();
    let (weak_map, weak_code) = (Arc::downgrade(&map), Arc::downgrade(&code));
    map.clear_slots();
    drop(map);
    assert!(weak_map.upgrade().is_some(), "the program still holds it");
    drop(code);
    assert!(weak_map.upgrade().is_none() && weak_code.upgrade().is_none());
}

#[test]
fn dropping_a_map_drops_what_it_holds() {
    let held = Arc::new(Known(1u32));
    let map = make(MapKind::ProgArray, 4, 4, 2);
    map.set_program(0, Arc::clone(&held)).unwrap();
    drop(map);
    assert_eq!(Arc::strong_count(&held), 1);

    for kind in [
        MapKind::Hash,
        MapKind::LruHash,
        MapKind::PercpuArray,
        MapKind::Array,
    ] {
        let map = make(kind, 4, 8, 4);
        let block = Arc::downgrade(map.values().unwrap());
        drop(map);
        assert!(block.upgrade().is_none());
    }
    let map = make(MapKind::Ringbuf, 0, 0, 4096);
    let data = Arc::downgrade(map.ringbuf().unwrap().memory());
    drop(map);
    assert!(data.upgrade().is_none());
}

fn outer(kind: MapKind, inner: MapSpec) -> Map {
    let mut spec = MapSpec::new("outer", kind, 4, 4, 2);
    spec.inner = Some(Box::new(inner));
    Map::create(&spec, &Arc::new(Runs::new(CPUS))).unwrap()
}

#[test]
fn maps_of_maps_take_maps_of_the_declared_shape() {
    let key = |index: u32| index.to_ne_bytes();
    for kind in [MapKind::ArrayOfMaps, MapKind::HashOfMaps] {
        let map = outer(kind, MapSpec::new("inner", MapKind::Array, 4, 8, 4));
        let set = |index, inner| map.set_inner_map(&key(index), Arc::new(inner), UpdateMode::Any);
        assert_eq!(set(0, make(MapKind::Array, 4, 8, 4)), Ok(()));
        assert_eq!(
            set(0, make(MapKind::Array, 4, 8, 5)),
            Err(Errno::EINVAL),
            "other max_entries"
        );
        assert_eq!(
            set(0, make(MapKind::Array, 4, 4, 4)),
            Err(Errno::EINVAL),
            "other value"
        );
        assert_eq!(
            set(0, make(MapKind::Hash, 4, 8, 4)),
            Err(Errno::EINVAL),
            "other kind"
        );
        assert_eq!(set(1, make(MapKind::Array, 4, 8, 4)), Ok(()));
        assert_eq!(set(2, make(MapKind::Array, 4, 8, 4)), Err(Errno::E2BIG));
        assert_eq!(map.inner_map(&key(0)).unwrap().spec().max_entries, 4);
        assert_eq!(map.next_key_outside(None), Ok(key(0).to_vec()));
        assert_eq!(map.next_key_outside(Some(&key(0))), Ok(key(1).to_vec()));
        assert_eq!(map.next_key_outside(Some(&key(1))), Err(Errno::ENOENT));
        assert_eq!(map.delete_outside(&key(0)), Ok(()));
        assert_eq!(map.delete_outside(&key(0)), Err(Errno::ENOENT));
        assert!(map.inner_map(&key(0)).is_none());
        assert_eq!(map.len(), 1);
        map.clear_slots();
        assert_eq!(map.len(), 1, "no map can hold itself: they stay");
    }
}

#[test]
fn hashes_inside_may_differ_in_size_and_arrays_if_they_say_so() {
    let key = 0u32.to_ne_bytes();
    let map = outer(
        MapKind::ArrayOfMaps,
        MapSpec::new("inner", MapKind::Hash, 4, 8, 4),
    );
    let bigger = Arc::new(make(MapKind::Hash, 4, 8, 100));
    assert_eq!(map.set_inner_map(&key, bigger, UpdateMode::Any), Ok(()));
    let mut inner = MapSpec::new("inner", MapKind::Array, 4, 8, 4);
    inner.flags = MapFlags(MapFlags::INNER_MAP);
    let map = outer(MapKind::ArrayOfMaps, inner);
    let bigger = Arc::new(super::make_with(
        MapKind::Array,
        4,
        8,
        100,
        MapFlags::INNER_MAP,
    ));
    assert_eq!(map.set_inner_map(&key, bigger, UpdateMode::Any), Ok(()));
}

#[test]
fn maps_nest_once() {
    for (inner, errno) in [
        (MapKind::ArrayOfMaps, Errno::EINVAL),
        (MapKind::ProgArray, Errno::ENOTSUPP),
    ] {
        let mut spec = MapSpec::new("outer", MapKind::ArrayOfMaps, 4, 4, 2);
        spec.inner = Some(Box::new(MapSpec::new("inner", inner, 4, 4, 2)));
        let error = Map::create(&spec, &Arc::new(Runs::new(CPUS))).unwrap_err();
        assert_eq!(error.errno(), errno);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn queues_and_stacks_are_bounded_deques(
        is_stack in any::<bool>(),
        capacity in 1..6usize,
        ops in vec((0..6u8, any::<u32>()), 0..60),
    ) {
        let kind = if is_stack { MapKind::Stack } else { MapKind::Queue };
        let map = make(kind, 0, 4, capacity as u32);
        let mut model: VecDeque<u32> = VecDeque::new();
        for (op, number) in ops {
            let value = number.to_ne_bytes();
            match op {
                0..3 => {
                    let flags = u64::from(op);
                    let full = model.len() == capacity;
                    let expected = match flags {
                        1 => Err(Errno::EINVAL),
                        0 if full => Err(Errno::E2BIG),
                        _ => {
                            if full {
                                model.pop_front();
                            }
                            model.push_back(number);
                            Ok(())
                        }
                    };
                    prop_assert_eq!(map.push(&value, flags), expected);
                }
                3 => {
                    let next = if is_stack { model.pop_back() } else { model.pop_front() };
                    let mut out = [9; 4];
                    let popped = map.pop(&mut out);
                    prop_assert_eq!(popped, next.map(|_| ()).ok_or(Errno::ENOENT));
                    prop_assert_eq!(u32::from_ne_bytes(out), next.unwrap_or(0));
                }
                4 => {
                    let next = if is_stack { model.back() } else { model.front() };
                    let expected = next.map(|next| next.to_ne_bytes().to_vec()).ok_or(Errno::ENOENT);
                    prop_assert_eq!(map.lookup_outside(&[]), expected);
                }
                _ => {
                    let next = if is_stack { model.pop_back() } else { model.pop_front() };
                    let expected = next.map(|next| next.to_ne_bytes().to_vec()).ok_or(Errno::ENOENT);
                    prop_assert_eq!(map.take_outside(&[]), expected);
                }
            }
            prop_assert_eq!(map.len() as usize, model.len());
        }
    }
}
