//! User ring buffers: what a process puts in, what it may write there to no good, and waiting.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use osmia_program::{Errno, MapKind, MapSpec};

use crate::map::{Map, Peek, Runs, UserRingbuf};

const SIZE: u32 = 4096;
const PRODUCER: usize = 4096;
const DATA: usize = 8192;

fn make() -> Map {
    let spec = MapSpec::new("m", MapKind::UserRingbuf, 0, 0, SIZE);
    Map::create(&spec, &Arc::new(Runs::new(1))).expect("a right specification")
}

fn put(ring: &UserRingbuf, bytes: &[u8]) {
    let place = ring.reserve(bytes.len() as u32).expect("room");
    ring.fill(&place, 0, bytes);
    ring.submit(place);
}

/// Everything that is ready.
fn drain(ring: &UserRingbuf) -> Result<Vec<Vec<u8>>, Errno> {
    let drain = ring.drain()?;
    let mut samples = Vec::new();
    loop {
        match drain.peek()? {
            Peek::Nothing => return Ok(samples),
            Peek::Discarded => {}
            Peek::Sample(sample) => {
                let (memory, start) = drain.memory(sample).expect("memory");
                let mut bytes = vec![0; sample.len as usize];
                memory.read(0, start, &mut bytes);
                samples.push(bytes);
                drain.release(sample);
            }
        }
    }
}

#[test]
fn samples_come_out_as_they_went_in_also_over_the_end() {
    let map = make();
    let ring = map.user_ringbuf().expect("it is one");
    for round in 0..100u32 {
        let samples: Vec<Vec<u8>> = (0..3)
            .map(|index| vec![(round + index) as u8; (round * 37 + index * 11) as usize % 900])
            .collect();
        for sample in &samples {
            put(ring, sample);
        }
        assert_eq!(drain(ring), Ok(samples));
    }
}

#[test]
fn a_place_holds_later_samples_up_and_a_discarded_one_is_skipped() {
    let map = make();
    let ring = map.user_ringbuf().expect("it is one");
    let first = ring.reserve(8).expect("room");
    let second = ring.reserve(8).expect("room");
    put(ring, b"third");
    ring.discard(second);
    assert_eq!(drain(ring), Ok(vec![]));
    ring.fill(&first, 4, b"ab");
    ring.submit(first);
    let expected = vec![b"\0\0\0\0ab\0\0".to_vec(), b"third".to_vec()];
    assert_eq!(drain(ring), Ok(expected));
}

#[test]
fn what_never_fits_is_told_from_what_does_not_fit_now() {
    let map = make();
    let ring = map.user_ringbuf().expect("it is one");
    assert_eq!(ring.reserve(SIZE).err(), Some(Errno::E2BIG));
    assert_eq!(ring.reserve(1 << 31).err(), Some(Errno::E2BIG));
    put(ring, &vec![1; SIZE as usize - 8]);
    assert_eq!(ring.reserve(0).err(), Some(Errno::ENOSPC));
    assert_eq!(drain(ring).map(|samples| samples.len()), Ok(1));
    put(ring, b"again");
}

#[test]
fn one_drains_at_a_time() {
    let map = make();
    let ring = map.user_ringbuf().expect("it is one");
    let first = ring.drain().expect("nobody does");
    assert_eq!(ring.drain().err(), Some(Errno::EBUSY));
    drop(first);
    assert!(ring.drain().is_ok());
}

/// What a process may write into its pages, and what programs are told then.
#[test]
#[rustfmt::skip]
fn nonsense_is_refused() {
    for (producer, header, expected) in [
        (7,      0u32,     Err(Errno::EINVAL)),
        (16,     100,      Err(Errno::EINVAL)),
        (8192,   4096,     Err(Errno::E2BIG)),
        (1 << 33, 1 << 29, Err(Errno::E2BIG)),
        (16,     1 << 31,  Ok(vec![])),
        (8,      1 << 30,  Ok(vec![])),
        (8,      3 << 30,  Ok(vec![])),
        (16,     8,        Ok(vec![vec![0; 8]])),
    ] {
        let map = make();
        let ring = map.user_ringbuf().expect("it is one");
        let memory = ring.memory();
        memory.write(0, PRODUCER, &u64::to_ne_bytes(producer));
        memory.write(0, DATA, &header.to_ne_bytes());
        assert_eq!(drain(ring), expected, "{producer} {header:#x}");
    }
}

#[test]
fn a_producer_waits_for_room() {
    let map = make();
    let ring = map.user_ringbuf().expect("it is one");
    put(ring, &vec![1; SIZE as usize - 8]);
    let nobody = ring.reserve_within(8, Duration::from_millis(1));
    assert_eq!(nobody.err(), Some(Errno::ENOSPC));
    thread::scope(|scope| {
        let producer = scope.spawn(|| ring.reserve_within(8, Duration::from_secs(60)));
        assert_eq!(drain(ring).map(|samples| samples.len()), Ok(1));
        ring.wake(0, 1);
        let place = producer.join().expect("it ends").expect("room");
        ring.submit(place);
    });
}

#[test]
fn nothing_is_lost_between_two_threads() {
    const SAMPLES: u32 = 20_000;
    let map = make();
    let ring = map.user_ringbuf().expect("it is one");
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..SAMPLES {
                let place = ring.reserve_within(4 + number % 100, Duration::from_secs(60));
                let place = place.expect("the other one drains");
                ring.fill(&place, 0, &number.to_ne_bytes());
                if number % 7 == 3 {
                    ring.discard(place);
                } else {
                    ring.submit(place);
                }
            }
        });
        let mut next = 0;
        while next < SAMPLES {
            let samples = drain(ring).expect("all is well");
            for sample in &samples {
                next += u32::from(next % 7 == 3);
                assert_eq!(sample.len() as u32, 4 + next % 100);
                assert_eq!(sample[..4], next.to_ne_bytes());
                next += 1;
            }
            ring.wake(0, samples.len() as u64);
            thread::yield_now();
            if SAMPLES - next == 1 && next % 7 == 3 {
                next += 1;
            }
        }
    });
}
