//! Local storages: whose values live how long, against a reference and from several threads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use osmia_btf::{BtfBuilder, Endian, Int};
use osmia_program::{Errno, MapBtf, MapFlags, MapKind, MapSpec, UpdateMode};
use proptest::prelude::*;

use crate::map::{GroupKey, Map, Runs};
use crate::owner::OwnerKind;

/// The types that local storages want.
pub(super) fn types(value_bytes: u32) -> MapBtf {
    let mut btf = BtfBuilder::new();
    let int = btf.int("int", 4, Int::SIGNED);
    let byte = btf.int("char", 1, Int::SIGNED);
    let value = btf.array(byte, int, value_bytes);
    MapBtf {
        btf: Arc::new(btf.build(Endian::NATIVE).expect("right types")),
        key: Some(int),
        value: Some(value),
    }
}

fn task_storage(runs: &Arc<Runs>) -> Map {
    let mut spec = MapSpec::new("m", MapKind::TaskStorage, 4, 8, 0);
    spec.flags = MapFlags(MapFlags::NO_PREALLOC);
    spec.btf = Some(types(8));
    Map::create(&spec, runs).expect("a right specification")
}

fn task(runs: &Runs, pid: u32) -> u64 {
    let owners = runs.owners();
    (owners.find_or_make(runs, OwnerKind::Task, pid.into())).expect("memory")
}

#[test]
fn a_value_goes_with_its_owner() {
    let runs = Arc::new(Runs::new(1));
    let map = task_storage(&runs);
    let storage = map.storage().expect("it is one");
    let owner = task(&runs, 7);
    let value = storage.find_or_make(owner, None).expect("memory");
    assert!(runs.heap().object(value).is_some());
    assert!(runs.owners().end(&runs, OwnerKind::Task, 7));
    assert_eq!(storage.find(owner), None);
    assert_eq!(map.lookup_outside(&7u32.to_ne_bytes()), Err(Errno::EBADF));
    assert!(runs.heap().is_empty());
}

#[test]
fn values_are_listed_by_the_numbers_of_their_owners() {
    let runs = Arc::new(Runs::new(1));
    let map = task_storage(&runs);
    let storage = map.storage().expect("it is one");
    for pid in [9, 7] {
        let owner = task(&runs, pid);
        let value = [pid as u8; 8];
        storage.find_or_make(owner, Some(&value)).expect("memory");
    }
    let listed = [(7, vec![7; 8]), (9, vec![9; 8])];
    assert_eq!(storage.values(), listed);
}

#[test]
fn values_go_with_their_map() {
    let runs = Arc::new(Runs::new(1));
    let (map, other) = (task_storage(&runs), task_storage(&runs));
    for pid in 1..100 {
        let owner = task(&runs, pid);
        for map in [&map, &other] {
            let storage = map.storage().expect("it is one");
            storage.find_or_make(owner, Some(&[1; 8])).expect("memory");
        }
    }
    assert_eq!(runs.heap().len(), 3 * 99);
    drop(map);
    assert_eq!((runs.heap().len(), other.len()), (2 * 99, 99));
    drop(other);
    assert_eq!(runs.heap().len(), 99);
}

#[test]
fn a_replaced_value_stays_readable_until_the_run_ends() {
    let runs = Arc::new(Runs::new(1));
    let map = task_storage(&runs);
    let storage = map.storage().expect("it is one");
    let owner = task(&runs, 1);
    let key = 1u32.to_ne_bytes();
    let run = runs.enter(0);
    let held = storage.find_or_make(owner, Some(&[1; 8])).expect("memory");
    map.update_outside(&key, &[2; 8], UpdateMode::Any).unwrap();
    let mut others = Vec::new();
    for pid in 2..10_000 {
        let owner = task(&runs, pid);
        others.push(storage.find_or_make(owner, None).expect("memory"));
    }
    assert!(!others.contains(&held));
    assert_ne!(storage.find(owner), Some(held));
    assert_eq!(map.lookup_outside(&key), Ok(vec![2; 8]));
    drop(run);
}

#[test]
fn what_is_no_owner_has_no_value() {
    let runs = Arc::new(Runs::new(1));
    let map = task_storage(&runs);
    let storage = map.storage().expect("it is one");
    let owners = runs.owners();
    let inode = owners.find_or_make(&runs, OwnerKind::Inode, 1);
    assert_eq!(storage.find_or_make(inode.expect("memory"), None), None);
    assert_eq!(storage.find_or_make(0, None), None);
    assert_eq!(storage.find_or_make(task(&runs, 1) + 8, None), None);
    assert_eq!(map.len(), 0);
}

#[test]
fn attachments_share_a_value_and_the_last_one_takes_it_along() {
    for (kind, key_bytes) in [
        (MapKind::CgroupStorage, 16),
        (MapKind::CgroupStorage, 8),
        (MapKind::PercpuCgroupStorage, 16),
    ] {
        let runs = Arc::new(Runs::new(3));
        let map = Map::create(&MapSpec::new("m", kind, key_bytes, 4, 0), &runs).unwrap();
        let storage = map.group_storage().expect("it is one");
        let at = |attach| GroupKey { group: 5, attach };
        storage.attach(at(1)).unwrap();
        storage.attach(at(2)).unwrap();
        storage.attach(at(1)).unwrap();
        assert_eq!(map.len(), if key_bytes == 8 { 1 } else { 2 });
        let key = map.next_key_outside(None).unwrap();
        assert_eq!(key.len() as u32, key_bytes);
        let value = map.lookup_outside(&key).unwrap();
        let changed: Vec<u8> = value.iter().map(|_| 7).collect();
        let update = |mode| map.update_outside(&key, &changed, mode);
        assert_eq!(update(UpdateMode::NoExist), Err(Errno::EINVAL));
        assert_eq!(update(UpdateMode::Any), Ok(()));
        let seen = storage.find(at(1), 0).expect("attached");
        let mut bytes = [0; 4];
        runs.heap().object(seen).unwrap().read(0, &mut bytes);
        assert_eq!(bytes, [7; 4]);
        assert_eq!(map.delete_outside(&key), Err(Errno::EINVAL));
        storage.detach(at(1));
        storage.detach(at(2));
        assert!(map.lookup_outside(&key).is_ok());
        storage.detach(at(1));
        assert_eq!(map.lookup_outside(&key), Err(Errno::ENOENT));
        assert!(map.is_empty() && runs.heap().is_empty());
    }
}

#[test]
fn owners_come_and_go_while_programs_make_values() {
    const ROUNDS: u32 = if cfg!(miri) { 20 } else { 20_000 };
    let runs = Arc::new(Runs::new(3));
    let map = task_storage(&runs);
    let storage = map.storage().expect("it is one");
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for cpu in 0..2 {
            let (runs, stop) = (&runs, &stop);
            scope.spawn(move || {
                for round in 0u32.. {
                    if stop.load(Relaxed) {
                        break;
                    }
                    let pid = 1 + round % 5;
                    let _run = runs.enter(cpu);
                    let Some(owner) = runs.owners().find(OwnerKind::Task, pid.into()) else {
                        continue;
                    };
                    // The owner may have ended since; then there is no value, or one that nobody
                    // else gets while this run lasts.
                    if let Some(value) = storage.find_or_make(owner, Some(&[pid as u8; 8]))
                        && let Some(object) = runs.heap().object(value)
                    {
                        let mut bytes = [0; 8];
                        object.read(0, &mut bytes);
                        assert_eq!(bytes, [pid as u8; 8]);
                    }
                    if round % 7 == 0 {
                        let _ = storage.delete(owner);
                    }
                }
            });
        }
        for round in 0..ROUNDS {
            let pid = 1 + round % 5;
            task(&runs, pid);
            if round % 3 == 0 {
                runs.owners().end(&runs, OwnerKind::Task, pid.into());
            }
        }
        stop.store(true, Relaxed);
    });
    for pid in 1..=5 {
        runs.owners().end(&runs, OwnerKind::Task, pid);
    }
    assert!(map.is_empty());
    assert!(runs.heap().is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    Make(u32),
    End(u32),
    Update(u32, u8, u8),
    Delete(u32),
    Read(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let pid = 0..4u32;
    prop_oneof![
        pid.clone().prop_map(Step::Make),
        pid.clone().prop_map(Step::End),
        (pid.clone(), any::<u8>(), 0..3u8)
            .prop_map(|(pid, byte, mode)| Step::Update(pid, byte, mode)),
        pid.clone().prop_map(Step::Delete),
        pid.prop_map(Step::Read),
    ]
}

proptest! {
    #[test]
    fn a_storage_is_a_table_by_owner(steps in prop::collection::vec(step(), 1..200)) {
        let runs = Arc::new(Runs::new(1));
        let map = task_storage(&runs);
        // Pids that live, and the values of those that have one.
        let mut model: BTreeMap<u32, Option<u8>> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Make(pid) => {
                    task(&runs, pid);
                    model.entry(pid).or_default();
                }
                Step::End(pid) => {
                    let lived = runs.owners().end(&runs, OwnerKind::Task, pid.into());
                    prop_assert_eq!(lived, model.remove(&pid).is_some());
                }
                Step::Update(pid, byte, mode) => {
                    let mode = [UpdateMode::Any, UpdateMode::NoExist, UpdateMode::Exist][mode as usize];
                    let expected = match (model.get(&pid), mode) {
                        (None, _) => Err(Errno::EBADF),
                        (Some(Some(_)), UpdateMode::NoExist) => Err(Errno::EEXIST),
                        (Some(None), UpdateMode::Exist) => Err(Errno::ENOENT),
                        _ => {
                            model.insert(pid, Some(byte));
                            Ok(())
                        }
                    };
                    let key = pid.to_ne_bytes();
                    prop_assert_eq!(map.update_outside(&key, &[byte; 8], mode), expected);
                }
                Step::Delete(pid) => {
                    let expected = match model.get_mut(&pid) {
                        None => Err(Errno::EBADF),
                        Some(value) => value.take().map(drop).ok_or(Errno::ENOENT),
                    };
                    prop_assert_eq!(map.delete_outside(&pid.to_ne_bytes()), expected);
                }
                Step::Read(pid) => {
                    let expected = match model.get(&pid) {
                        None => Err(Errno::EBADF),
                        Some(None) => Err(Errno::ENOENT),
                        Some(Some(byte)) => Ok(vec![*byte; 8]),
                    };
                    prop_assert_eq!(map.lookup_outside(&pid.to_ne_bytes()), expected);
                }
            }
            let values = model.values().flatten().count();
            prop_assert_eq!(map.len() as usize, values);
            prop_assert_eq!(runs.heap().len(), values + model.len());
        }
    }
}
