//! LPM tries against a list of prefixes; Bloom filters against what they promise.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use osmia_program::{Errno, MapFlags, MapKind, UpdateMode};
use proptest::prelude::*;

use super::{make, make_with, read};

fn key(len: u32, bits: u16) -> Vec<u8> {
    let mut key = len.to_ne_bytes().to_vec();
    key.extend_from_slice(&bits.to_be_bytes());
    key
}

/// A prefix with the bits behind it cleared: what a key means.
fn meaning(len: u32, bits: u16) -> (u32, u16) {
    let mask = u32::MAX << (16 - len);
    (len, bits & mask as u16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_longest_prefix_wins(
        // Few bits that differ, so that prefixes meet.
        steps in proptest::collection::vec((0..4u8, 0..=16u32, 0..16u16, 0..3u16), 1..80),
        // By which the trie begins with a row of four bits, or of all.
        room in prop_oneof![Just(20), Just(20_000)],
    ) {
        let map = make_with(MapKind::LpmTrie, 6, 4, room, MapFlags::NO_PREALLOC);
        let mut model = BTreeMap::new();
        for (number, (what, len, high, low)) in (0u32..).zip(steps) {
            let bits = high << 12 | low << 7;
            let (key, meant) = (key(len, bits), meaning(len, bits));
            match what {
                0 => {
                    let wanted = if model.remove(&meant).is_some() { Ok(()) } else { Err(Errno::ENOENT) };
                    prop_assert_eq!(map.delete(&key), wanted);
                }
                1 | 2 => {
                    let full = model.len() == room as usize && !model.contains_key(&meant);
                    let result = map.update(&key, &number.to_ne_bytes(), 0, 0);
                    prop_assert_eq!(result, if full { Err(Errno::ENOSPC) } else { Ok(()) });
                    if !full {
                        model.insert(meant, number);
                    }
                }
                _ => {
                    let found = (0..=len).rev().find_map(|len| model.get(&meaning(len, bits)));
                    let found = found.map(|number| number.to_ne_bytes().to_vec());
                    prop_assert_eq!(read(&map, &key, 0), found);
                }
            }
            prop_assert_eq!(map.len() as usize, model.len());
        }
        let mut left = model.clone();
        let mut at = map.next_key_outside(None);
        let mut seen: Vec<(u32, u16)> = Vec::new();
        while let Ok(now) = at {
            let len = u32::from_ne_bytes(now[..4].try_into().unwrap());
            let bits = u16::from_be_bytes(now[4..].try_into().unwrap());
            let meant = meaning(len, bits);
            prop_assert!(left.remove(&meant).is_some(), "{:?} twice or never there", meant);
            // Nothing comes after what it begins with.
            prop_assert!(!seen.iter().any(|&(before, prefix)| before < len && meaning(before, bits).1 == prefix));
            seen.push(meant);
            at = map.next_key_outside(Some(&now));
        }
        prop_assert!(left.is_empty(), "not walked: {:?}", left);
    }
}

/// The first bits of some bytes.
fn bits(bytes: &[u8], len: u32) -> impl Iterator<Item = u8> {
    (0..len as usize).map(|at| bytes[at / 8] >> (7 - at % 8) & 1)
}

fn begins(prefix: &(u32, Vec<u8>), with: &(u32, Vec<u8>)) -> bool {
    prefix.0 >= with.0 && bits(&prefix.1, with.0).eq(bits(&with.1, with.0))
}

/// The kernel's order of walks: by bits, longer prefixes before those they begin with.
fn walk_order(a: &(u32, Vec<u8>), b: &(u32, Vec<u8>)) -> Ordering {
    match (begins(a, b), begins(b, a)) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => bits(&a.1, a.0).cmp(bits(&b.1, b.0)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Keys of any size that differ in few bits anywhere, so that much is skipped.
    #[test]
    fn long_prefixes_fork_anywhere(
        bytes in 1..40usize,
        steps in proptest::collection::vec((0..5u8, any::<u32>(), any::<[u16; 2]>()), 1..120),
    ) {
        let kind = MapKind::LpmTrie;
        let map = make_with(kind, 4 + bytes as u32, 8, 1_000, MapFlags::NO_PREALLOC);
        let mut model: Vec<((u32, Vec<u8>), u64)> = Vec::new();
        let whole = bytes as u32 * 8;
        for (number, (what, len, flips)) in (0u64..).zip(steps) {
            let len = match len % 4 {
                0 => len / 4 % (whole + 1),
                1 => whole,
                _ => (flips[0] as u32 + len / 4 % 9).min(whole),
            };
            let mut data = vec![0x5a; bytes];
            for flip in flips {
                let at = flip as usize % (bytes * 8);
                data[at / 8] ^= 1 << (at % 8);
            }
            let key = [&len.to_ne_bytes()[..], &data].concat();
            let prefix = (len, data);
            let known = model.iter().position(|(known, _)| walk_order(known, &prefix).is_eq());
            match what {
                0 => {
                    let removed = known.map(|at| model.remove(at));
                    prop_assert_eq!(map.delete(&key), removed.map(drop).ok_or(Errno::ENOENT));
                }
                1 | 2 => {
                    known.map(|at| model.remove(at));
                    prop_assert_eq!(map.update(&key, &number.to_ne_bytes(), 0, 0), Ok(()));
                    model.push((prefix, number));
                }
                _ => {
                    let matching = model.iter().filter(|(known, _)| begins(&prefix, known));
                    let longest = matching.max_by_key(|(known, _)| known.0);
                    let value = longest.map(|(_, number)| number.to_ne_bytes().to_vec());
                    prop_assert_eq!(read(&map, &key, 0), value);
                }
            }
        }
        model.sort_by(|a, b| walk_order(&a.0, &b.0));
        let mut last: Option<Vec<u8>> = None;
        for (prefix, _) in model {
            let wanted = [&prefix.0.to_ne_bytes()[..], &prefix.1].concat();
            last = Some(map.next_key_outside(last.as_deref()).unwrap());
            prop_assert_eq!(last.as_ref(), Some(&wanted), "keys come back as they were given");
        }
        let behind = map.next_key_outside(last.as_deref());
        prop_assert_eq!(behind, Err(Errno::ENOENT));
    }
}

#[test]
fn a_prefix_longer_than_the_key_is_invalid() {
    let map = make_with(MapKind::LpmTrie, 6, 4, 2, MapFlags::NO_PREALLOC);
    assert_eq!(map.update(&key(17, 0), &[0; 4], 0, 0), Err(Errno::EINVAL));
    assert_eq!(map.delete(&key(17, 0)), Err(Errno::EINVAL));
    assert_eq!(map.lookup_element(&key(17, 0), 0), None);
    let (any, exist) = (UpdateMode::Any, UpdateMode::Exist);
    assert_eq!(
        map.update_outside(&key(16, 1), &[1; 4], exist),
        Err(Errno::ENOENT)
    );
    assert_eq!(map.update_outside(&key(0, 0), &[1; 4], any), Ok(()));
    assert_eq!(map.lookup_outside(&key(16, 9)), Ok(vec![1; 4]));
    assert_eq!(map.update(&key(0, 7), &[2; 4], 1, 0), Err(Errno::EEXIST));
}

#[test]
fn what_was_added_is_found_and_most_else_is_not() {
    let map = make(MapKind::BloomFilter, 0, 8, 100);
    for value in 0..100u64 {
        assert_eq!(map.push(&value.to_ne_bytes(), 0), Ok(()));
    }
    let known = |value: u64| map.peek(&mut value.to_ne_bytes()) == Ok(());
    assert!((0..100).all(known));
    assert!((1000..2000).filter(|&value| known(value)).count() < 100);
    assert_eq!(map.push(&[0; 8], 1), Err(Errno::EINVAL));
    assert_eq!(map.pop(&mut [0; 8]), Err(Errno::EOPNOTSUPP));
    assert_eq!(map.next_key_outside(None), Err(Errno::EOPNOTSUPP));
    assert_eq!(map.update_outside(&[], &[1; 8], UpdateMode::Any), Ok(()));
    assert_eq!(map.peek(&mut [1; 8]), Ok(()));
}
