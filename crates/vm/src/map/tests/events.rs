//! Ring buffers and perf event arrays: order, bounds, losses, layout.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use osmia_program::{Errno, MapKind, Record};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{CPUS, make};
use crate::map::Map;

/// Where the records begin: behind a page for each position.
const DATA: usize = 2 * 4096;
const CURRENT_CPU: u64 = u32::MAX as u64;

fn drained(map: &Map) -> Vec<(u32, Vec<u8>, u64)> {
    let mut records = Vec::new();
    map.drain(&mut |Record {
                        cpu, bytes, lost, ..
                    }| records.push((cpu, bytes, lost)));
    records
}

#[test]
fn a_record_lies_in_the_ring_as_the_kernel_lays_it() {
    let map = make(MapKind::Ringbuf, 0, 0, 4096);
    let ring = map.ringbuf().unwrap();
    let reservation = ring.reserve(5, 0).unwrap();
    assert_eq!((reservation.offset(), reservation.len()), (DATA + 8, 5));
    let mut header = [0; 8];
    ring.memory().read(0, DATA, &mut header);
    assert_eq!(header[..4], (5u32 | 1 << 31).to_ne_bytes());
    assert_eq!(header[4..], 3u32.to_ne_bytes());
    ring.memory().write(0, reservation.offset(), b"hello");
    assert_eq!(ring.consume(&mut |_| panic!("still busy")), 0);
    ring.submit(reservation, 0);
    ring.memory().read(0, DATA, &mut header);
    assert_eq!(header[..4], 5u32.to_ne_bytes());
    let positions: Vec<u64> = (0..5).map(|what| ring.query(what)).collect();
    assert_eq!(positions, [16, 4096, 0, 16, 0]);
    assert_eq!(drained(&map), [(0, b"hello".to_vec(), 0)]);
    assert_eq!(ring.query(0), 0);
}

#[test]
fn a_pending_record_holds_later_ones_back_and_a_discarded_one_is_skipped() {
    let map = make(MapKind::Ringbuf, 0, 0, 4096);
    let ring = map.ringbuf().unwrap();
    let first = ring.reserve(8, 0).unwrap();
    let second = ring.reserve(8, 0).unwrap();
    ring.output(b"third", 0).unwrap();
    ring.discard(second, 0);
    assert_eq!(drained(&map), []);
    ring.submit(first, 0);
    assert_eq!(
        drained(&map),
        [(0, vec![0; 8], 0), (0, b"third".to_vec(), 0)]
    );
}

#[test]
fn a_consumer_who_knows_the_mapping_reads_as_libbpf_does() {
    let map = make(MapKind::Ringbuf, 0, 0, 4096);
    let ring = map.ringbuf().unwrap();
    let (consumer, producer) = (0, 4096);
    let word = |at| {
        let mut bytes = [0; 8];
        ring.memory().read(0, at, &mut bytes);
        u64::from_ne_bytes(bytes)
    };
    let mut position = 0;
    for round in 0..100_u8 {
        let payload = vec![round; 100 + usize::from(round)];
        ring.output(&payload, 0).unwrap();
        assert_ne!(word(producer), position);
        let at = DATA + position as usize % 4096;
        let len = word(at) as u32 as usize;
        let mut seen = vec![0; len];
        ring.memory().read(0, at + 8, &mut seen);
        assert_eq!(seen, payload, "in one piece, also across the end");
        position += (len as u64 + 8).next_multiple_of(8);
        ring.memory().write(0, consumer, &position.to_ne_bytes());
    }
    assert_eq!(ring.query(0), 0);
    assert_eq!(ring.consume(&mut |_| panic!("all was read")), 0);
}

#[test]
fn a_consumer_who_lies_gets_nothing_by_it() {
    let map = make(MapKind::Ringbuf, 0, 0, 4096);
    let ring = map.ringbuf().unwrap();
    let held = ring.reserve(4000, 0).unwrap();
    for position in [1, 4096, 1 << 40, u64::MAX] {
        ring.memory().write(0, 0, &position.to_ne_bytes());
        assert_eq!(ring.output(&[0; 200], 0), Err(Errno::EAGAIN), "{position}");
        assert_eq!(ring.consume(&mut |_| panic!("nothing is ready")), 0);
    }
    ring.submit(held, 0);
}

#[test]
fn flags_say_whether_a_sleeping_reader_wakes() {
    const NO_WAKEUP: u64 = 1;
    const FORCE_WAKEUP: u64 = 2;
    let map = make(MapKind::Ringbuf, 0, 0, 4096);
    let ring = map.ringbuf().unwrap();
    assert!(!ring.wait(Duration::ZERO));
    let asleep = |wakes: &dyn Fn()| {
        thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let start = Instant::now();
                let ready = ring.wait(Duration::from_secs(20));
                (ready, start.elapsed())
            });
            while !ring.has_sleepers() {
                thread::yield_now();
            }
            wakes();
            reader.join().unwrap()
        })
    };
    let (ready, took) = asleep(&|| ring.output(b"1", 0).unwrap());
    assert!(ready && took < Duration::from_secs(10));
    // Nobody is woken by the first; by the second, although it is not the one to read next. A reader that is
    // only about to sleep looks once more, so it may take more than one try to see one asleep.
    let slept_on = (0..20).any(|_| {
        ring.consume(&mut |_| {});
        let (ready, took) = asleep(&|| {
            ring.output(b"2", NO_WAKEUP).unwrap();
            thread::sleep(Duration::from_millis(20));
            ring.output(b"3", FORCE_WAKEUP).unwrap();
        });
        assert!(ready);
        took >= Duration::from_millis(20)
    });
    assert!(slept_on);
    assert!(ring.wait(Duration::ZERO), "there still is something");
}

#[test]
fn a_full_ring_refuses_and_counts() {
    let map = make(MapKind::Ringbuf, 0, 0, 4096);
    let ring = map.ringbuf().unwrap();
    assert_eq!(ring.output(&[0; 4088], 0), Err(Errno::EAGAIN));
    assert_eq!(ring.output(&[7; 4080], 0), Ok(()));
    assert_eq!(ring.output(&[], 0), Err(Errno::EAGAIN));
    assert_eq!(ring.reserve(u64::MAX, 0), Err(Errno::EINVAL));
    assert_eq!(ring.output(&[], 4), Err(Errno::EINVAL));
    assert_eq!(ring.dropped(), 2);
    assert_eq!(drained(&map), [(0, vec![7; 4080], 0), (0, vec![], 2)]);
    assert_eq!(drained(&map), []);
}

#[test]
fn producers_on_several_threads_lose_nothing_but_what_they_are_told() {
    const EACH: u32 = 20_000;
    let map = make(MapKind::Ringbuf, 0, 0, 4096);
    let ring = map.ringbuf().unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let producers: Vec<_> = (0..2u32)
            .map(|producer| {
                scope.spawn(move || {
                    let mut sent = Vec::new();
                    for number in 0..EACH {
                        let record = [producer, number].map(u32::to_ne_bytes).concat();
                        // Sizes differ, so that records cross the end in every way.
                        let padded = record.repeat(1 + number as usize % 9);
                        if ring.output(&padded, 0).is_ok() {
                            sent.push((producer, number));
                        } else {
                            thread::yield_now();
                        }
                    }
                    sent
                })
            })
            .collect();
        let consumer = scope.spawn(|| {
            let mut seen = Vec::new();
            loop {
                let last = stop.load(Relaxed);
                ring.consume(&mut |bytes| {
                    let (head, _) = bytes.split_at(8);
                    assert_eq!(bytes, head.repeat(bytes.len() / 8));
                    let word = |at: usize| u32::from_ne_bytes(head[at..at + 4].try_into().unwrap());
                    seen.push((word(0), word(4)));
                });
                if last {
                    return seen;
                }
            }
        });
        let sent: Vec<_> = producers
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect();
        stop.store(true, Relaxed);
        let mut seen = consumer.join().unwrap();
        seen.sort_by_key(|&(producer, _)| producer);
        assert_eq!(seen, sent, "in order by producer");
        assert_eq!(ring.dropped() + sent.len() as u64, 2 * u64::from(EACH));
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_ring_is_a_queue_of_bounded_bytes(ops in vec((0..3u8, 0..1500usize, any::<u8>()), 1..60)) {
        let map = make(MapKind::Ringbuf, 0, 0, 4096);
        let ring = map.ringbuf().unwrap();
        let mut model: VecDeque<Vec<u8>> = VecDeque::new();
        let mut used = 0;
        for (op, len, fill) in ops {
            if op == 0 {
                ring.consume(&mut |bytes| {
                    assert_eq!(bytes, model.pop_front().expect("only what was sent"));
                });
                prop_assert!(model.is_empty());
                used = 0;
                continue;
            }
            let record = (len + 8).next_multiple_of(8);
            let fits = used + record < 4096;
            prop_assert_eq!(ring.output(&vec![fill; len], 0).is_ok(), fits);
            if fits {
                used += record;
                model.push_back(vec![fill; len]);
            }
            prop_assert_eq!(ring.query(0), used as u64);
        }
    }
}

#[test]
fn perf_events_go_to_the_own_cpu_and_come_back_in_order() {
    let map = make(MapKind::PerfEventArray, 4, 4, 8);
    let events = map.perf_events().unwrap();
    events.open_all();
    assert_eq!(events.output(1, CURRENT_CPU, b"a"), Ok(()));
    assert_eq!(events.output(0, CURRENT_CPU, b"b"), Ok(()));
    assert_eq!(events.output(1, 1, b"c"), Ok(()));
    assert_eq!(events.output(1, 0, b"d"), Err(Errno::EOPNOTSUPP));
    assert_eq!(events.output(1, u64::from(CPUS), b"d"), Err(Errno::ENOENT));
    assert_eq!(events.output(1, 8, b"d"), Err(Errno::E2BIG));
    assert_eq!(events.output(1, 1 << 32, b"d"), Err(Errno::EINVAL));
    assert_eq!(
        drained(&map),
        [
            (1, b"a".to_vec(), 0),
            (0, b"b".to_vec(), 0),
            (1, b"c".to_vec(), 0)
        ]
    );
    assert_eq!(drained(&map), []);
}

#[test]
fn a_full_perf_queue_counts_what_it_loses() {
    let map = make(MapKind::PerfEventArray, 4, 4, 0);
    let events = map.perf_events().unwrap();
    events.open_all();
    let mut kept = 0;
    while events.output(0, CURRENT_CPU, &[0; 60_000]).is_ok() {
        kept += 1;
    }
    assert!(kept > 10);
    assert_eq!(
        events.output(0, CURRENT_CPU, &[0; 60_000]),
        Err(Errno::ENOSPC)
    );
    // A small one still fits and tells.
    assert_eq!(events.output(0, CURRENT_CPU, b"x"), Ok(()));
    assert_eq!(drained(&map).last(), Some(&(0, b"x".to_vec(), 2)));
    while events.output(2, CURRENT_CPU, &[0; 1_000]).is_ok() {}
    assert_eq!(drained(&map).last(), Some(&(2, vec![], 1)));
}
