//! Several threads at once, and what a run may rely on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;

use osmia_program::{Errno, MapFlags, MapKind, MapSpec, UpdateMode};

use super::{CPUS, make, make_with, read};
use crate::env::Random;
use crate::limits;
use crate::map::{Element, Map, Runs};

/// A value whose words all tell the key and agree with each other.
fn stamped(key: u32, stamp: u64) -> Vec<u8> {
    let word = u64::from(key) << 32 | stamp & 0xffff_ffff;
    word.to_ne_bytes().repeat(4)
}

#[test]
fn readers_see_whole_values_of_their_key_while_writers_churn() {
    const KEYS: u32 = 40;
    let map = make(MapKind::Hash, 4, 32, KEYS);
    // Runs each reader has finished. Writers stay within what spare slots can bear during a run.
    let finished = [AtomicU64::new(0), AtomicU64::new(0)];
    let stop = AtomicBool::new(false);
    let write = |writer: u32| {
        for stamp in 0..30_000u64 {
            let key = (stamp as u32 * 7 + writer) % KEYS;
            if (stamp / 5).is_multiple_of(3) {
                let _ = map.delete(&key.to_ne_bytes());
            } else {
                map.update(&key.to_ne_bytes(), &stamped(key, stamp), 0, 0)
                    .unwrap();
            }
            if stamp.is_multiple_of(500) {
                let before = finished.each_ref().map(|runs| runs.load(Relaxed));
                let behind = |(runs, before): (&AtomicU64, u64)| runs.load(Relaxed) < before + 2;
                while !stop.load(Relaxed) && finished.iter().zip(before).any(behind) {
                    thread::yield_now();
                }
            }
        }
    };
    let read = |reader: usize| {
        let mut key = 0;
        while !stop.load(Relaxed) {
            key = (key + 1) % KEYS;
            let _run = map.runs().enter(1);
            if let Some(value) = read(&map, &key.to_ne_bytes(), 1) {
                let word: [u8; 8] = value[..8].try_into().unwrap();
                assert_eq!(value, word.repeat(4), "a mixture");
                assert_eq!((u64::from_ne_bytes(word) >> 32) as u32, key);
            }
            finished[reader].fetch_add(1, Relaxed);
        }
    };
    thread::scope(|scope| {
        let readers = [scope.spawn(|| read(0)), scope.spawn(|| read(1))];
        let writers = [scope.spawn(|| write(0)), scope.spawn(|| write(1))];
        while !writers.iter().all(|writer| writer.is_finished())
            && !readers.iter().any(|reader| reader.is_finished())
        {
            thread::yield_now();
        }
        stop.store(true, Relaxed);
    });
}

#[test]
fn a_key_that_is_never_deleted_is_always_found() {
    let map = make(MapKind::Hash, 8, 8, 5_000);
    let fixed = u64::MAX.to_ne_bytes();
    map.update(&fixed, &fixed, 0, 0).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !stop.load(Relaxed) {
                assert!(map.lookup_element(&fixed, 0).is_some());
            }
        });
        // The index grows and is rebuilt many times.
        for round in 0..4u64 {
            for key in 0..4_000u64 {
                let key = (key << 8 | round).to_ne_bytes();
                map.update(&key, &key, 0, 0).unwrap();
            }
            for key in 0..4_000u64 {
                map.delete(&(key << 8 | round).to_ne_bytes()).unwrap();
            }
        }
        stop.store(true, Relaxed);
        reader.join().unwrap();
    });
    assert_eq!(map.len(), 1);
}

#[test]
fn an_inner_map_is_found_while_others_take_its_place() {
    const ROUNDS: u32 = if cfg!(miri) { 10 } else { 500 };
    for kind in [MapKind::ArrayOfMaps, MapKind::HashOfMaps] {
        let mut spec = MapSpec::new("outer", kind, 4, 4, 2);
        let inner = MapSpec::new("inner", MapKind::Queue, 0, 8, 1);
        spec.inner = Some(Box::new(inner.clone()));
        let runs = Arc::new(Runs::new(CPUS));
        let map = Map::create(&spec, &runs).unwrap();
        let [fixed, other] = [0_u32, 1].map(u32::to_ne_bytes);
        let set = |key: &[u8], number: u64| {
            let inner = Arc::new(Map::create(&inner, &runs).unwrap());
            inner.push(&number.to_ne_bytes(), 0).unwrap();
            map.set_inner_map(key, inner, UpdateMode::Any).unwrap();
        };
        let number = |key: &[u8]| {
            let mut number = [0; 8];
            map.inner_map(key)?.peek(&mut number).unwrap();
            Some(u64::from_ne_bytes(number))
        };
        set(&fixed, 0);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut last = 0;
                while !stop.load(Relaxed) {
                    let now = number(&fixed).expect("it is never deleted");
                    assert!(now >= last && now % 2 == 0, "{now} after {last}");
                    last = now;
                    assert!(number(&other).is_none_or(|number| number % 2 == 1));
                }
            });
            for round in 1..u64::from(ROUNDS) {
                set(&fixed, 2 * round);
                set(&other, 2 * round + 1);
                map.delete_outside(&other).unwrap();
            }
            stop.store(true, Relaxed);
            reader.join().unwrap();
        });
        // Whoever was replaced is gone.
        let last = Arc::downgrade(&map.inner_map(&fixed).unwrap());
        assert_eq!(last.strong_count(), 1);
    }
}

#[test]
fn an_lru_evicts_a_few_at_a_time() {
    const ROOM: u32 = 4_096;
    let map = make(MapKind::LruHash, 4, 8, ROOM);
    for key in 0..3 * ROOM {
        let value = u64::from(key).to_ne_bytes();
        map.update(&key.to_ne_bytes(), &value, 0, key % CPUS)
            .unwrap();
        let last = read(&map, &key.to_ne_bytes(), 0);
        assert_eq!(last.as_deref(), Some(&value[..]), "what was added last");
        let ahead = limits::EVICTED_TOGETHER_MAX as u32 * CPUS;
        let least = (key + 1).min(ROOM).saturating_sub(ahead);
        assert!((least..=ROOM).contains(&map.len()), "at {key}");
    }
}

/// The value an element has now.
fn value_at(map: &Map, element: Element) -> u64 {
    let mut bytes = [0; 8];
    let values = map.values().expect("its elements lie somewhere");
    values.read(element.index(), 0, &mut bytes);
    u64::from_ne_bytes(bytes)
}

#[test]
fn what_a_run_holds_is_not_reused_under_it() {
    let flags = [
        (MapKind::Hash, 0),
        (MapKind::LruHash, 0),
        (MapKind::LruHash, MapFlags::NO_COMMON_LRU),
        (MapKind::LpmTrie, MapFlags::NO_PREALLOC),
    ];
    for (kind, flags) in flags {
        let map = make_with(kind, 8, 8, 4 * CPUS, flags);
        let key = |bits: u32| [32u32.to_ne_bytes(), bits.to_ne_bytes()].concat();
        map.update(&key(1), &1u64.to_ne_bytes(), 0, 0).unwrap();
        let run = map.runs().enter(0);
        let held = map.lookup_element(&key(1), 0).unwrap();
        map.update(&key(1), &2u64.to_ne_bytes(), 0, 0).unwrap();
        let replaced = map.lookup_element(&key(1), 0).unwrap();
        map.delete(&key(1)).unwrap();
        for other in 10..10_000u32 {
            map.update(&key(other), &3u64.to_ne_bytes(), 0, 0).unwrap();
            let _ = map.delete(&key(other));
            assert_eq!(value_at(&map, held), 1, "{kind:?} at {other}");
            assert_eq!(value_at(&map, replaced), 2, "{kind:?} at {other}");
        }
        drop(run);
    }
}

#[test]
fn a_run_that_replaces_more_than_there_is_memory_for_is_told_so() {
    // Values so large that the reserve is the least there can be.
    let map = make(MapKind::Hash, 4, 1 << 18, 1);
    let (key, value) = (0u32.to_ne_bytes(), vec![1; 1 << 18]);
    let run = map.runs().enter(0);
    let update = || map.update(&key, &value, 0, 0);
    let done = (0..).take_while(|_| update().is_ok()).count() as u64;
    assert_eq!(done, limits::SPARE_SLOTS_MIN + 1);
    assert_eq!(update(), Err(Errno::ENOMEM));
    assert!(map.lookup_element(&key, 0).is_some(), "the old value stays");
    drop(run);
    assert_eq!(update(), Ok(()));
}

#[test]
fn slots_come_back_once_runs_have_ended() {
    let map = make(MapKind::Hash, 4, 8, 1_000);
    let key = 1u32.to_ne_bytes();
    let mut highest = 0;
    for round in 0..1_000u64 {
        let _run = map.runs().enter(0);
        map.update(&key, &round.to_ne_bytes(), 0, 0).unwrap();
        highest = highest.max(map.lookup_element(&key, 0).unwrap().index());
    }
    assert!(highest < 128, "{highest} slots for one element");
}

#[test]
fn deleting_and_inserting_within_one_run_never_fails() {
    for kind in [MapKind::Hash, MapKind::LruHash, MapKind::PercpuHash] {
        let map = make(kind, 4, 8, 2);
        let _run = map.runs().enter(0);
        for key in 0..1_000u32 {
            map.update(&key.to_ne_bytes(), &[1; 8], 0, 0).unwrap();
            map.delete(&key.to_ne_bytes()).unwrap();
        }
    }
}

#[test]
fn an_lru_keeps_what_is_used() {
    let map = make(MapKind::LruHash, 4, 8, 64);
    let hot = 1u32.to_ne_bytes();
    map.update(&hot, &[1; 8], 0, 0).unwrap();
    for cold in 1_000..2_000u32 {
        map.update(&cold.to_ne_bytes(), &[0; 8], 0, 0).unwrap();
        assert!(map.lookup_element(&hot, 0).is_some(), "evicted at {cold}");
    }
}

#[test]
fn nothing_is_lost_where_threads_fight_for_the_last_entries() {
    const ENTRIES: u32 = 4 * CPUS;
    let kinds = [
        (MapKind::Hash, 0),
        (MapKind::LruHash, 0),
        (MapKind::LruHash, MapFlags::NO_COMMON_LRU),
        (MapKind::LruPercpuHash, 0),
        (MapKind::LpmTrie, MapFlags::NO_PREALLOC),
    ];
    for (kind, flags) in kinds {
        let map = make_with(kind, 8, 8, ENTRIES, flags);
        let key = |n: u32| [32u32.to_ne_bytes(), n.to_ne_bytes()].concat();
        thread::scope(|scope| {
            for cpu in 0..CPUS {
                let (map, key) = (&map, &key);
                scope.spawn(move || {
                    let mut random = Random::seeded(u64::from(cpu));
                    for _ in 0..5_000 {
                        let _run = map.runs().enter(cpu);
                        let key = key(random.next_u32() % (3 * ENTRIES));
                        // Full maps refuse, and those who evict may meet nothing but each other.
                        let _ = match random.next_u32() % 4 {
                            0 => map.delete(&key),
                            what => map.update(&key, &[0; 8], u64::from(what - 1), cpu),
                        };
                    }
                });
            }
        });
        assert!(map.len() <= ENTRIES);
        for n in 0..3 * ENTRIES {
            let _ = map.delete(&key(n));
        }
        assert_eq!(map.len(), 0, "{kind:?}");
        for n in 0..ENTRIES {
            assert_eq!(
                map.update(&key(n), &[0; 8], 0, n % CPUS),
                Ok(()),
                "{kind:?}"
            );
        }
        assert_eq!(map.len(), ENTRIES, "{kind:?} {flags}");
    }
}

#[test]
fn what_one_shard_gave_back_serves_the_others() {
    const VALUE: u32 = 1 << 18;
    let map = make(MapKind::Hash, 4, VALUE, 128);
    let mut value = vec![0; VALUE as usize];
    let run = map.runs().enter(0);
    let mut update = |n: u32| {
        value[0] = n as u8;
        map.update(&n.to_ne_bytes(), &value, 0, 0)
    };
    while update(0).is_ok() {}
    assert_eq!(update(1), Err(Errno::ENOMEM));
    drop(run);
    for n in 0..128 {
        assert_eq!(update(n), Ok(()), "{n}");
    }
    assert_eq!(update(128), Err(Errno::E2BIG));
}

/// As many keys as there is room for, in the rows of two CPUs and more: nobody may hear that it is full.
#[test]
fn a_hash_with_room_for_every_key_is_never_full() {
    const KEYS: u32 = if cfg!(miri) { 4 } else { 70 * CPUS };
    const STEPS: u32 = if cfg!(miri) { 30 } else { 20_000 };
    for flags in [0, MapFlags::NO_PREALLOC] {
        let map = make_with(MapKind::Hash, 4, 8, KEYS, flags);
        thread::scope(|scope| {
            for cpu in 0..CPUS {
                let map = &map;
                scope.spawn(move || {
                    let mut random = Random::seeded(u64::from(cpu));
                    for _ in 0..STEPS {
                        let _run = map.runs().enter(cpu);
                        // Few keys come and go, so that several threads add the same one.
                        let key = match random.next_u32() % 4 {
                            0 => random.next_u32() % KEYS,
                            _ => random.next_u32() % 3,
                        };
                        let key = key.to_ne_bytes();
                        match random.next_u32() % 3 {
                            0 => drop(map.delete(&key)),
                            _ => assert_eq!(map.update(&key, &[1; 8], 0, cpu), Ok(())),
                        }
                    }
                });
            }
            // The last entries are taken, so that every one that comes back is fought for.
            for key in 3..KEYS {
                assert_eq!(map.update(&key.to_ne_bytes(), &[0; 8], 0, 0), Ok(()));
            }
        });
    }
}

#[test]
fn looking_into_a_queue_or_a_stack_shows_whole_values_that_were_next() {
    const STEPS: u64 = if cfg!(miri) { 40 } else { 50_000 };
    for (kind, replace) in [
        (MapKind::Queue, 0),
        (MapKind::Queue, 2),
        (MapKind::Stack, 0),
        (MapKind::Stack, 2),
    ] {
        let map = make(kind, 0, 32, 3);
        let stop = AtomicBool::new(false);
        let value_of = |stamp: u64| stamp.to_ne_bytes().repeat(4);
        thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut seen = 0;
                while !stop.load(Relaxed) {
                    let mut value = [0xff; 32];
                    let found = map.peek(&mut value);
                    let stamp = u64::from_ne_bytes(value[..8].try_into().unwrap());
                    assert_eq!(value.as_slice(), value_of(stamp), "a mixture");
                    assert_eq!(found.is_err(), stamp == 0);
                    // What was next in a queue never is again.
                    if kind == MapKind::Queue && found.is_ok() {
                        assert!(stamp >= seen, "{stamp} after {seen}");
                        seen = stamp;
                    }
                }
            });
            let mut random = Random::seeded(7);
            for stamp in 1..=STEPS {
                match random.next_u32() % 3 {
                    0 => drop(map.pop(&mut [0; 32])),
                    _ => drop(map.push(&value_of(stamp), replace)),
                }
            }
            stop.store(true, Relaxed);
            reader.join().unwrap();
        });
    }
}
