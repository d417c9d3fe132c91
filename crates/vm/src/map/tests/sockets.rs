//! Maps of sockets: who may be put in, and that sockets that close leave; against a table.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use osmia_program::{Errno, MapKind, MapSpec, UpdateMode};
use proptest::prelude::*;

use crate::map::{Map, Runs};
use crate::owner::OwnerKind;
use crate::socket::{Socket, family, kind, state};

fn make(runs: &Arc<Runs>, kind: MapKind, entries: u32) -> Map {
    Map::create(&MapSpec::new("m", kind, 4, 8, entries), runs).expect("a right specification")
}

fn key(index: u32) -> [u8; 4] {
    index.to_ne_bytes()
}

fn put(map: &Map, index: u32, cookie: u64, mode: UpdateMode) -> Result<(), Errno> {
    map.update_outside(&key(index), &cookie.to_ne_bytes(), mode)
}

#[test]
fn a_socket_that_closes_leaves_all_maps() {
    for kind in [MapKind::Sockmap, MapKind::Sockhash] {
        let runs = Arc::new(Runs::new(1));
        let (map, other) = (make(&runs, kind, 8), make(&runs, kind, 8));
        Socket::tcp(7, state::ESTABLISHED)
            .open(&runs)
            .expect("memory");
        Socket::tcp(8, state::ESTABLISHED)
            .open(&runs)
            .expect("memory");
        for (map, index, cookie) in [(&map, 1, 7), (&map, 2, 7), (&map, 3, 8), (&other, 1, 7)] {
            put(map, index, cookie, UpdateMode::Any).expect("room");
        }
        assert!(runs.owners().end(&runs, OwnerKind::Socket, 7));
        assert_eq!((map.len(), other.len()), (1, 0));
        assert_eq!(map.lookup_outside(&key(3)), Ok(8u64.to_ne_bytes().to_vec()));
        assert_eq!(map.lookup_outside(&key(1)), Err(Errno::ENOENT));
    }
}

/// Who may be put where, as Linux answers.
#[test]
fn not_every_socket_is_taken() {
    let runs = Arc::new(Runs::new(1));
    let unix = |cookie, kind, state| Socket {
        family: family::UNIX,
        kind,
        protocol: 0,
        ..Socket::tcp(cookie, state)
    };
    let shared = |socket| Socket {
        reuseport: Some(1),
        ..socket
    };
    let sockets = [
        Socket::tcp(1, state::ESTABLISHED),
        Socket::tcp(2, state::LISTEN),
        Socket::tcp(3, state::CLOSE),
        Socket::udp(4, 53),
        unix(5, kind::STREAM, state::ESTABLISHED),
        unix(6, kind::STREAM, state::CLOSE),
        unix(7, kind::DATAGRAM, state::CLOSE),
        unix(8, kind::SEQPACKET, state::ESTABLISHED),
        shared(Socket::udp(9, 53)),
        shared(Socket::tcp(10, state::LISTEN)),
        shared(Socket::tcp(11, state::CLOSE)),
        shared(Socket::udp(12, 0)),
    ];
    for socket in sockets {
        socket.open(&runs).expect("memory");
    }
    let (map, array) = (
        make(&runs, MapKind::Sockmap, 16),
        make(&runs, MapKind::ReuseportSockarray, 16),
    );
    let ok = Ok(());
    let no = Err(Errno::EOPNOTSUPP);
    let outcomes: Vec<_> = (1..=8)
        .map(|cookie| put(&map, cookie as u32, cookie, UpdateMode::Any))
        .collect();
    assert_eq!(outcomes, [ok, ok, no, ok, ok, no, ok, no]);
    assert_eq!(put(&map, 9, 12, UpdateMode::Any), no);
    let outcomes: Vec<_> = (1..=12)
        .map(|cookie| put(&array, cookie as u32, cookie, UpdateMode::Any))
        .collect();
    let (lone, other) = (Err(Errno::EINVAL), Err(Errno::ENOTSUPP));
    assert_eq!(
        outcomes,
        [
            lone, lone, lone, lone, other, other, other, other, ok, ok, lone, lone
        ]
    );
    assert_eq!(put(&array, 1, 9, UpdateMode::Any), Err(Errno::EBUSY));
    assert_eq!(put(&array, 16, 9, UpdateMode::Any), Err(Errno::E2BIG));
    assert_eq!(put(&map, 16, 1, UpdateMode::Any), Err(Errno::E2BIG));
    assert_eq!(put(&map, 0, 99, UpdateMode::Any), Err(Errno::EBADF));
    assert_eq!(put(&map, 0, 1 << 31, UpdateMode::Any), Err(Errno::EINVAL));
    assert_eq!(map.delete_outside(&key(16)), Err(Errno::EINVAL));
    assert_eq!(array.delete_outside(&key(16)), Err(Errno::E2BIG));
    assert_eq!(array.delete_outside(&key(0)), Err(Errno::ENOENT));
}

#[test]
fn values_of_four_bytes_cannot_be_read() {
    let runs = Arc::new(Runs::new(1));
    let spec = MapSpec::new("m", MapKind::Sockhash, 4, 4, 4);
    let map = Map::create(&spec, &runs).unwrap();
    assert_eq!(map.lookup_outside(&key(0)), Err(Errno::ENOSPC));
}

#[test]
fn sockets_close_while_others_put_them_into_maps() {
    const ROUNDS: u64 = if cfg!(miri) { 20 } else { 10_000 };
    let runs = Arc::new(Runs::new(2));
    let map = make(&runs, MapKind::Sockhash, 64);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for cpu in 0..2 {
            let (runs, map, stop) = (&runs, &map, &stop);
            scope.spawn(move || {
                for round in 0u32.. {
                    if stop.load(Relaxed) {
                        break;
                    }
                    let _run = runs.enter(cpu);
                    let cookie = 1 + u64::from(round % 5);
                    let _ = put(map, round % 9, cookie, UpdateMode::Any);
                    if round % 4 == 0 {
                        let _ = map.delete_outside(&key((round + 3) % 9));
                    }
                    if let Some(socket) = map.sockets().expect("it is one").socket(&key(1)) {
                        assert!((1..=5).contains(&socket.lock().cookie));
                    }
                }
            });
        }
        for round in 0..ROUNDS {
            let cookie = 1 + round % 5;
            runs.owners().end(&runs, OwnerKind::Socket, cookie);
            Socket::udp(cookie, 53).open(&runs).expect("memory");
        }
        stop.store(true, Relaxed);
    });
    for cookie in 1..=5 {
        runs.owners().end(&runs, OwnerKind::Socket, cookie);
    }
    assert!(map.is_empty() && runs.heap().is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    Open(u64),
    Close(u64),
    Put(u32, u64, u8),
    Delete(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let cookie = 1..5u64;
    prop_oneof![
        cookie.clone().prop_map(Step::Open),
        cookie.clone().prop_map(Step::Close),
        (0..6u32, cookie, 0..3u8).prop_map(|(key, cookie, mode)| Step::Put(key, cookie, mode)),
        (0..6u32).prop_map(Step::Delete),
    ]
}

proptest! {
    #[test]
    fn a_sockhash_is_a_table_of_open_sockets(steps in prop::collection::vec(step(), 1..150)) {
        const ENTRIES: usize = 4;
        let runs = Arc::new(Runs::new(1));
        let map = make(&runs, MapKind::Sockhash, ENTRIES as u32);
        let mut open: BTreeMap<u64, ()> = BTreeMap::new();
        let mut model: BTreeMap<u32, u64> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Open(cookie) => {
                    if open.insert(cookie, ()).is_none() {
                        Socket::udp(cookie, 53).open(&runs).expect("memory");
                    }
                }
                Step::Close(cookie) => {
                    let closed = runs.owners().end(&runs, OwnerKind::Socket, cookie);
                    prop_assert_eq!(closed, open.remove(&cookie).is_some());
                    model.retain(|_, known| *known != cookie);
                }
                Step::Put(index, cookie, mode) => {
                    let mode = [UpdateMode::Any, UpdateMode::NoExist, UpdateMode::Exist][mode as usize];
                    let expected = match (model.contains_key(&index), mode) {
                        _ if !open.contains_key(&cookie) => Err(Errno::EBADF),
                        (true, UpdateMode::NoExist) => Err(Errno::EEXIST),
                        (false, UpdateMode::Exist) => Err(Errno::ENOENT),
                        (false, _) if model.len() == ENTRIES => Err(Errno::E2BIG),
                        _ => {
                            model.insert(index, cookie);
                            Ok(())
                        }
                    };
                    prop_assert_eq!(put(&map, index, cookie, mode), expected);
                }
                Step::Delete(index) => {
                    let expected = model.remove(&index).map(drop).ok_or(Errno::ENOENT);
                    prop_assert_eq!(map.delete_outside(&key(index)), expected);
                }
            }
            for index in 0..6 {
                let expected = model.get(&index).map(|cookie| cookie.to_ne_bytes().to_vec());
                prop_assert_eq!(map.lookup_outside(&key(index)).ok(), expected);
            }
        }
    }
}
