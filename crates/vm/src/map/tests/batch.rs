//! Batches against single calls, and their errors as Linux 6.18 gives them.

use std::collections::BTreeMap;

use osmia_program::{Errno, MapFlags, MapKind};

use super::{CPUS, make, make_with};
use crate::map::{Batched, Map};

const KINDS: &[(MapKind, u32, u32)] = &[
    (MapKind::Hash, 4, 0),
    (MapKind::PercpuHash, 4, 0),
    (MapKind::LruHash, 4, 0),
    (MapKind::LruPercpuHash, 4, 0),
    (MapKind::Array, 4, 0),
    (MapKind::PercpuArray, 4, 0),
    (MapKind::LpmTrie, 8, MapFlags::NO_PREALLOC),
];

/// The keys 0 to 4 and a value for each, as batches have them.
fn five(map: &Map) -> (Vec<u8>, Vec<u8>) {
    let key = |i: u32| match map.spec().kind {
        MapKind::LpmTrie => [32u32.to_ne_bytes(), i.to_be_bytes()].concat(),
        _ => i.to_ne_bytes().to_vec(),
    };
    let value = |i: u64| {
        (100 + i)
            .to_ne_bytes()
            .repeat(map.value_bytes_outside() / 8)
    };
    (
        (0..5).flat_map(key).collect(),
        (0..5).flat_map(value).collect(),
    )
}

fn pairs(map: &Map, batched: &Batched) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let keys = batched.keys.chunks(map.spec().key_size as usize);
    let values = batched.values.chunks(map.value_bytes_outside());
    keys.map(<[u8]>::to_vec)
        .zip(values.map(<[u8]>::to_vec))
        .collect()
}

fn done(count: u32, error: Option<Errno>) -> (Option<u32>, Option<Errno>) {
    (Some(count), error)
}

fn what(batched: &Batched) -> (Option<u32>, Option<Errno>) {
    (batched.count, batched.error)
}

#[test]
fn what_a_batch_stores_batches_of_any_size_find() {
    for &(kind, key, flags) in KINDS {
        let map = make_with(kind, key, 8, 2 * CPUS, flags);
        let (keys, values) = five(&map);
        assert_eq!(
            what(&map.update_batch(&keys, &values, 5, 0)),
            done(5, None),
            "{kind:?}"
        );
        for size in 1..8 {
            let (mut found, mut cursor) = (BTreeMap::new(), None);
            loop {
                let batched = map.lookup_batch(cursor.as_deref(), size, 0);
                found.extend(pairs(&map, &batched));
                match batched.error {
                    None => assert_eq!(batched.count, Some(size)),
                    Some(error) => {
                        assert_eq!(error, Errno::ENOENT);
                        break;
                    }
                }
                cursor = batched.cursor;
                assert_eq!(cursor.as_ref().unwrap().len(), map.cursor_bytes());
            }
            for (key, value) in keys
                .chunks(key as usize)
                .zip(values.chunks(map.value_bytes_outside()))
            {
                assert_eq!(found.get(key).map(Vec::as_slice), Some(value), "{kind:?}");
            }
        }
    }
}

#[test]
fn errors_come_with_what_was_done_before() {
    let map = make(MapKind::Hash, 4, 8, 8);
    let (keys, values) = five(&map);
    let refused = |error| (None, Some(error));
    let update = |keys, values, count, flags| what(&map.update_batch(keys, values, count, flags));
    assert_eq!(update(&keys, &values, 5, 1), refused(Errno::EINVAL));
    assert_eq!(update(&keys, &values, 5, 4), refused(Errno::EINVAL));
    assert_eq!(update(&keys, &values, 0, 0), (None, None));
    assert_eq!(
        update(&keys[..8], &values, 5, 0),
        done(2, Some(Errno::EFAULT))
    );
    assert_eq!(
        update(&keys, &values[..9], 5, 0),
        done(1, Some(Errno::EFAULT))
    );
    assert_eq!(update(&keys, &values, 5, 0), done(5, None));
    let lookup = |from: Option<&[u8]>, count| map.lookup_batch(from, count, 0);
    assert_eq!(what(&lookup(None, 0)), (None, None));
    let whole = lookup(None, 20);
    assert_eq!(what(&whole), done(5, Some(Errno::ENOENT)));
    // The number behind the last bucket.
    assert_eq!(whole.cursor, Some(8u32.to_ne_bytes().to_vec()));
    let behind = lookup(whole.cursor.as_deref(), 20);
    assert_eq!(what(&behind), done(0, Some(Errno::ENOENT)));
    assert_eq!(behind.cursor, None);
    assert_eq!(what(&lookup(Some(&[1]), 20)), done(0, Some(Errno::EFAULT)));
    let delete = |keys, count| what(&map.delete_batch(keys, count, 0));
    assert_eq!(delete(&keys, 2), done(2, None));
    assert_eq!(delete(&keys[4..], 4), done(0, Some(Errno::ENOENT)));
    assert_eq!(delete(&keys[8..], 4), done(3, Some(Errno::EFAULT)));
}

#[test]
fn taking_empties_a_hash_and_other_kinds_refuse() {
    for &(kind, key, flags) in KINDS {
        let map = make_with(kind, key, 8, 2 * CPUS, flags);
        let (keys, values) = five(&map);
        map.update_batch(&keys, &values, 5, 0);
        let taken = map.take_batch(None, 20, 0);
        if map.cursor_bytes() == 4 && !matches!(kind, MapKind::Array | MapKind::PercpuArray) {
            assert_eq!(what(&taken), done(5, Some(Errno::ENOENT)));
            assert!(map.is_empty(), "{kind:?}");
        } else {
            assert_eq!(what(&taken), (None, Some(Errno::ENOTSUPP)), "{kind:?}");
        }
    }
    for kind in [MapKind::ProgArray, MapKind::Devmap, MapKind::StackTrace] {
        let map = make(kind, 4, if kind == MapKind::StackTrace { 8 } else { 4 }, 4);
        let refused = (None, Some(Errno::ENOTSUPP));
        assert_eq!(what(&map.lookup_batch(None, 1, 0)), refused);
        assert_eq!(what(&map.update_batch(&[0; 4], &[0; 4], 1, 0)), refused);
        assert_eq!(what(&map.delete_batch(&[0; 4], 1, 0)), refused);
    }
}

#[test]
fn a_frozen_map_refuses_before_anything_else() {
    let map = make(MapKind::Hash, 4, 8, 4);
    map.freeze().unwrap();
    assert_eq!(map.delete_batch(&[], 0, 9).error, Some(Errno::EPERM));
    assert_eq!(map.take_batch(None, 1, 9).error, Some(Errno::EPERM));
    assert_eq!(map.lookup_batch(None, 1, 0).error, Some(Errno::ENOENT));
}
