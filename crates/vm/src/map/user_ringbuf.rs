//! `user_ringbuf`: samples from a process to programs.
//!
//! The memory is laid out as the kernel's mapping: a page with the consumer's position, a page with
//! the producer's, the data. The kernel maps the data twice in a row so that a sample that crosses
//! the end lies in one piece; here such a sample is copied. Whatever a process writes there is
//! distrusted: see [`UserRingbuf::peek`] (`kernel/bpf/ringbuf.c`, read in 6.18).

use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{AcqRel, Acquire, Release},
};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use osmia_program::{Errno, MapSpec};

use super::error::BrokenRule;
use super::lanes::block;
use crate::limits;
use crate::memory::Block;

/// Header bit: reserved, not yet submitted (`BPF_RINGBUF_BUSY_BIT`).
const BUSY: u32 = 1 << 31;
/// Header bit: given up, readers skip it (`BPF_RINGBUF_DISCARD_BIT`).
const DISCARD: u32 = 1 << 30;
/// Bytes before a payload (`BPF_RINGBUF_HDR_SZ`).
const HEADER_BYTES: u64 = 8;
/// `BPF_RB_NO_WAKEUP`
const NO_WAKEUP: u64 = 1;
/// `BPF_RB_FORCE_WAKEUP`
const FORCE_WAKEUP: u64 = 2;
/// Where the data begins.
const DATA: u64 = 2 * limits::PAGE_BYTES as u64;

/// A ring buffer that a process fills.
#[derive(Debug)]
pub struct UserRingbuf {
    memory: Arc<Block>,
    size: u64,
    /// A program drains it.
    draining: AtomicBool,
    /// Counts how often producers that wait were woken.
    woken: Mutex<u64>,
    wake: Condvar,
}

/// A place for a sample that the process may fill. Programs wait for it until it is submitted or
/// discarded.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a place that is neither submitted nor discarded holds up all later samples"]
pub struct Place {
    /// Position of its header.
    at: u64,
    len: u32,
}

/// A sample that a program may look at.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Offset of its first byte in the data.
    start: u64,
    /// Bytes.
    pub len: u32,
    total: u64,
}

/// What a look at the ring found.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Peek {
    /// A sample.
    Sample(Sample),
    /// One that was given up; it is skipped.
    Discarded,
    /// Nothing, or nothing ready.
    Nothing,
}

/// A drain in progress; there is one at most.
#[derive(Debug)]
pub struct Drain<'a>(&'a UserRingbuf);

impl Drop for Drain<'_> {
    fn drop(&mut self) {
        self.0.draining.store(false, Release);
    }
}

impl UserRingbuf {
    pub(super) fn new(spec: &MapSpec) -> Result<Self, BrokenRule> {
        let size = u64::from(spec.max_entries);
        Ok(Self {
            memory: Arc::new(block(1, DATA + size)?),
            size,
            draining: AtomicBool::new(false),
            woken: Mutex::new(0),
            wake: Condvar::new(),
        })
    }

    /// What a process maps, with the data once: one element.
    pub fn memory(&self) -> &Arc<Block> {
        &self.memory
    }

    /// For the process: takes a place for a sample; `E2BIG` for one that never fits, `ENOSPC` for one
    /// that does not fit now.
    pub fn reserve(&self, bytes: u32) -> Result<Place, Errno> {
        let total = total(bytes);
        if bytes & (BUSY | DISCARD) != 0 || total > self.size {
            return Err(Errno::E2BIG);
        }
        let consumer = self.consumer().load(Acquire);
        let at = self.producer().load(Acquire);
        if self.size - at.wrapping_sub(consumer).min(self.size) < total {
            return Err(Errno::ENOSPC);
        }
        self.set_header(at, bytes | BUSY);
        self.producer().store(at.wrapping_add(total), Release);
        Ok(Place { at, len: bytes })
    }

    /// The same, but waits until programs made room; `ENOSPC` if they did not in time.
    pub fn reserve_within(&self, bytes: u32, time: Duration) -> Result<Place, Errno> {
        let end = Instant::now() + time;
        loop {
            let woken = *self.woken.lock().unwrap_or_else(PoisonError::into_inner);
            match self.reserve(bytes) {
                Err(Errno::ENOSPC) => {}
                result => return result,
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Errno::ENOSPC);
            }
            let now = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = self.wake.wait_timeout_while(now, left, |now| *now == woken);
            drop(waited);
        }
    }

    /// For the process: fills part of a place. Panics outside of it.
    pub fn fill(&self, place: &Place, offset: u32, bytes: &[u8]) {
        let end = u64::from(offset) + bytes.len() as u64;
        assert!(end <= u64::from(place.len), "outside of the place");
        let start = place.at.wrapping_add(HEADER_BYTES + u64::from(offset)) & self.mask();
        let (first, second) = bytes.split_at(bytes.len().min((self.size - start) as usize));
        self.memory.write(0, (DATA + start) as usize, first);
        self.memory.write(0, DATA as usize, second);
    }

    /// For the process: programs may look at the sample.
    pub fn submit(&self, place: Place) {
        self.set_header(place.at, place.len);
    }

    /// For the process: programs skip the sample.
    pub fn discard(&self, place: Place) {
        self.set_header(place.at, place.len | DISCARD);
    }

    /// For programs: begins to drain; `EBUSY` if somebody does.
    pub fn drain(&self) -> Result<Drain<'_>, Errno> {
        match self.draining.swap(true, AcqRel) {
            true => Err(Errno::EBUSY),
            false => Ok(Drain(self)),
        }
    }

    /// Wakes producers that wait, as the flags of a drain of so many samples ask for.
    pub fn wake(&self, flags: u64, samples: u64) {
        let wanted = flags & FORCE_WAKEUP != 0 || (flags & NO_WAKEUP == 0 && samples > 0);
        if wanted {
            *self.woken.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            self.wake.notify_all();
        }
    }

    fn mask(&self) -> u64 {
        self.size - 1
    }

    fn consumer(&self) -> &AtomicU64 {
        &self.memory.words(0)[0]
    }

    fn producer(&self) -> &AtomicU64 {
        &self.memory.words(0)[limits::PAGE_BYTES as usize / 8]
    }

    fn header(&self, position: u64) -> &AtomicU64 {
        let at = DATA + (position & self.mask());
        &self.memory.words(0)[at as usize / 8]
    }

    fn set_header(&self, position: u64, len: u32) {
        let [a, b, c, d] = len.to_ne_bytes();
        let word = u64::from_ne_bytes([a, b, c, d, 0, 0, 0, 0]);
        self.header(position).store(word, Release);
    }
}

impl Drain<'_> {
    /// Looks at the next sample. A process that wrote nonsense gets `EINVAL` (positions that are no
    /// multiples of 8, a sample behind the producer) or `E2BIG` (a sample longer than the ring, or
    /// than a dynptr spans).
    pub fn peek(&self) -> Result<Peek, Errno> {
        let ring = self.0;
        let producer = ring.producer().load(Acquire);
        if !producer.is_multiple_of(8) {
            return Err(Errno::EINVAL);
        }
        let consumer = ring.consumer().load(Acquire);
        if consumer >= producer {
            return Ok(Peek::Nothing);
        }
        let [a, b, c, d, ..] = ring.header(consumer).load(Acquire).to_ne_bytes();
        let header = u32::from_ne_bytes([a, b, c, d]);
        let len = header & !(BUSY | DISCARD);
        let total = total(len);
        if total > producer - consumer {
            return Err(Errno::EINVAL);
        }
        if total > ring.size || len > limits::DYNPTR_BYTES_MAX {
            return Err(Errno::E2BIG);
        }
        let sample = Sample {
            start: (consumer + HEADER_BYTES) & ring.mask(),
            len,
            total,
        };
        if header & DISCARD != 0 {
            self.release(sample);
            return Ok(Peek::Discarded);
        }
        if header & BUSY != 0 {
            return Ok(Peek::Nothing);
        }
        Ok(Peek::Sample(sample))
    }

    /// The memory of a sample and its offset there: the ring's, or a copy if it crosses the end.
    /// `None` if there is no memory for that.
    pub fn memory(&self, sample: Sample) -> Option<(Arc<Block>, usize)> {
        let ring = self.0;
        let len = sample.len as usize;
        let first = len.min((ring.size - sample.start) as usize);
        let start = (DATA + sample.start) as usize;
        if first == len {
            return Some((Arc::clone(&ring.memory), start));
        }
        let copy = Block::new(1, len)?;
        let mut bytes = vec![0; len];
        ring.memory.read(0, start, &mut bytes[..first]);
        ring.memory.read(0, DATA as usize, &mut bytes[first..]);
        copy.write(0, 0, &bytes);
        Some((Arc::new(copy), 0))
    }

    /// The sample was looked at: its place is the process' again.
    pub fn release(&self, sample: Sample) {
        let consumer = self.0.consumer();
        let position = consumer.load(Acquire);
        consumer.store(position + sample.total, Release);
    }
}

/// Bytes that a sample takes in the ring.
fn total(len: u32) -> u64 {
    (u64::from(len) + HEADER_BYTES).next_multiple_of(8)
}
