//! Operations of several threads on one key must look as if each happened at one moment between
//! its call and its return: recorded histories are searched for such an order.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Barrier, Mutex};
use std::thread;

use osmia_program::{Errno, MapFlags, MapKind, UpdateMode};

use super::{make_with, read};
use crate::env::Random;
use crate::map::Map;

const THREADS: usize = 3;
const STEPS: usize = 5;
const ROUNDS: u64 = if cfg!(miri) { 5 } else { 500 };

#[derive(Copy, Clone, Debug)]
enum Op {
    Update(UpdateMode, u64),
    Delete,
    Take,
    Read,
    ReadOutside,
}

/// What came back: an error, nothing, or a value.
type Answer = Result<Option<u64>, Errno>;

#[derive(Debug)]
struct Event {
    called: u64,
    returned: u64,
    op: Op,
    answer: Answer,
}

fn choose(random: &mut Random, stamp: u64) -> Op {
    match random.next_u32() % 8 {
        0 => Op::Update(UpdateMode::NoExist, stamp),
        1 => Op::Update(UpdateMode::Exist, stamp),
        2 | 3 => Op::Update(UpdateMode::Any, stamp),
        4 => Op::Delete,
        5 => Op::Take,
        6 => Op::Read,
        _ => Op::ReadOutside,
    }
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_ne_bytes(bytes.try_into().expect("values are words"))
}

fn perform(map: &Map, key: &[u8], op: Op, cpu: u32) -> Answer {
    match op {
        Op::Update(mode, stamp) => {
            let flags = match mode {
                UpdateMode::Any => 0,
                UpdateMode::NoExist => 1,
                UpdateMode::Exist => 2,
            };
            map.update(key, &stamp.to_ne_bytes(), flags, cpu)?;
            Ok(None)
        }
        Op::Delete => map.delete(key).map(|()| None),
        Op::Take => map.take_outside(key).map(|value| Some(number(&value))),
        Op::Read => {
            let _run = map.runs().enter(cpu);
            Ok(read(map, key, cpu).map(|value| number(&value)))
        }
        Op::ReadOutside => match map.lookup_outside(key) {
            Ok(value) => Ok(Some(number(&value))),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(errno),
        },
    }
}

/// What a map that does one thing after another answers.
fn reference(value: &mut Option<u64>, op: Op) -> Answer {
    match (op, *value) {
        (Op::Update(UpdateMode::NoExist, _), Some(_)) => Err(Errno::EEXIST),
        (Op::Update(UpdateMode::Exist, _), None) => Err(Errno::ENOENT),
        (Op::Update(_, stamp), _) => {
            *value = Some(stamp);
            Ok(None)
        }
        (Op::Delete | Op::Take, None) => Err(Errno::ENOENT),
        (Op::Delete, Some(_)) => {
            *value = None;
            Ok(None)
        }
        (Op::Take, Some(_)) => Ok(value.take()),
        (Op::Read | Op::ReadOutside, now) => Ok(now),
    }
}

/// True if the events that are not in `done` can follow one another from this value.
fn has_order(
    events: &[Event],
    done: u32,
    value: Option<u64>,
    seen: &mut HashSet<(u32, Option<u64>)>,
) -> bool {
    if done.count_ones() as usize == events.len() {
        return true;
    }
    if !seen.insert((done, value)) {
        return false;
    }
    let open = || (0..events.len()).filter(|at| done >> at & 1 == 0);
    let first_return = open().map(|at| events[at].returned).min();
    open().any(|at| {
        let mut value = value;
        Some(events[at].called) < first_return
            && reference(&mut value, events[at].op) == events[at].answer
            && has_order(events, done | 1 << at, value, seen)
    })
}

fn check(kind: MapKind, entries: u32, flags: u32) {
    check_prefix(kind, entries, flags, 32);
}

/// The same with a key that is a prefix of so many bits for a trie.
fn check_prefix(kind: MapKind, entries: u32, flags: u32, len: u32) {
    let can_take = kind != MapKind::LpmTrie;
    let map = make_with(kind, 8, 8, entries, flags);
    let key = [len.to_ne_bytes(), [1, 2, 3, 4]].concat();
    // A neighbour comes and goes beside it, on the same path and in the same shard for small maps.
    let neighbour = [(len + 1).min(31).to_ne_bytes(), [1, 2, 3, 6]].concat();
    for round in 0..ROUNDS {
        let (clock, barrier) = (AtomicU64::new(0), Barrier::new(THREADS));
        let events = Mutex::new(Vec::new());
        let work = |thread: u64| {
            let mut random = Random::seeded(round << 8 | thread);
            let mut own = Vec::new();
            barrier.wait();
            for step in 0..STEPS as u64 {
                let op = match choose(&mut random, round << 16 | thread << 8 | step) {
                    Op::Take if !can_take => Op::Delete,
                    op => op,
                };
                let called = clock.fetch_add(1, SeqCst);
                let answer = perform(&map, &key, op, thread as u32);
                let returned = clock.fetch_add(1, SeqCst);
                own.push(Event {
                    called,
                    returned,
                    op,
                    answer,
                });
                if thread == 0 && entries > 1 {
                    let _ = map.update(&neighbour, &step.to_ne_bytes(), 0, 0);
                    let _ = map.delete(&neighbour);
                }
            }
            events.lock().unwrap().extend(own);
        };
        thread::scope(|scope| {
            let work = &work;
            (0..THREADS as u64).for_each(|thread| {
                scope.spawn(move || work(thread));
            });
        });
        let events = events.into_inner().unwrap();
        let _ = map.delete(&key);
        assert!(
            has_order(&events, 0, None, &mut HashSet::new()),
            "{kind:?}, round {round}: no order explains {events:#?}"
        );
    }
}

#[test]
fn hashes_are_linearisable_per_key() {
    check(MapKind::Hash, 1_000, 0);
    check(MapKind::Hash, 2, 0);
}

#[test]
fn lrus_with_room_are_linearisable_per_key() {
    check(MapKind::LruHash, 1_000, 0);
    check(MapKind::LruHash, 6, MapFlags::NO_COMMON_LRU);
}

#[test]
fn tries_are_linearisable_per_prefix() {
    check(MapKind::LpmTrie, 4, MapFlags::NO_PREALLOC);
    // Those that end in the row a trie begins with, with a hint and without.
    for len in [0, 2, 9, 12] {
        check_prefix(MapKind::LpmTrie, 1_000, MapFlags::NO_PREALLOC, len);
    }
}
