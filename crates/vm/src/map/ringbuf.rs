//! `ringbuf`: records of any size in the order they were reserved, seen by readers once submitted.
//!
//! Layout and arithmetic are the kernel's ABI: every record begins with eight bytes, the payload's
//! length (with [`BUSY`] and [`DISCARD`] on top) and its page; positions only grow. The kernel maps
//! the data twice in a row, so that a record that crosses the end lies in one piece; here the memory
//! behind the end is real and the record simply lies there, since nobody looks for it at the start.
//!
//! The memory is laid out as the kernel's mapping, so that a consumer who knows that can be shown it:
//! a page with the consumer's position, a page with the producer's, the data. What such a consumer
//! writes there is distrusted (`kernel/bpf/ringbuf.c`, read in 6.18).

use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

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
/// Pages of the kernel's own before the data, which the header's page number counts.
const PAGES_BEFORE: u64 = 3;

/// Where the data begins.
const DATA: u64 = 2 * limits::PAGE_BYTES as u64;

/// `BPF_RB_NO_WAKEUP`
const NO_WAKEUP: u64 = 1;
/// `BPF_RB_FORCE_WAKEUP`
const FORCE_WAKEUP: u64 = 2;

/// A ring buffer.
#[derive(Debug)]
pub struct Ringbuf {
    memory: Arc<Block>,
    size: u64,
    /// Held while a place is taken, so that headers and positions grow together: the position of the
    /// oldest record that may still be written.
    producing: Mutex<u64>,
    /// Held by the one reader; its buffer.
    consuming: Mutex<Vec<u8>>,
    dropped: AtomicU64,
    /// Readers that sleep, or are about to.
    sleeping: AtomicU32,
    /// Counts how often readers that sleep were woken.
    woken: Mutex<u64>,
    wake: Condvar,
}

/// A place in the ring that one program may fill. It blocks readers until it is submitted or
/// discarded, as in the kernel.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a reservation that is neither submitted nor discarded blocks the ring"]
pub struct Reservation {
    offset: u32,
    len: u32,
}

impl Reservation {
    /// Where the payload begins, in bytes from the start of element 0 of [`Ringbuf::memory`].
    pub fn offset(&self) -> usize {
        self.offset as usize
    }

    /// Bytes of the payload.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// True for a record without payload.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Ringbuf {
    pub(super) fn new(spec: &MapSpec) -> Result<Self, BrokenRule> {
        let size = u64::from(spec.max_entries);
        Ok(Self {
            memory: Arc::new(block(1, DATA + 2 * size)?),
            size,
            producing: Mutex::default(),
            consuming: Mutex::default(),
            dropped: AtomicU64::new(0),
            sleeping: AtomicU32::new(0),
            woken: Mutex::default(),
            wake: Condvar::new(),
        })
    }

    /// The kernel's mapping as one element: both positions, then the records.
    pub fn memory(&self) -> &Arc<Block> {
        &self.memory
    }

    fn consumer(&self) -> &AtomicU64 {
        &self.memory.words(0)[0]
    }

    fn producer(&self) -> &AtomicU64 {
        &self.memory.words(0)[limits::PAGE_BYTES as usize / 8]
    }

    /// Takes a place for a payload; fails with `EINVAL` for flags and sizes no ring takes, with
    /// `EAGAIN` if there is no room (which counts as a drop).
    pub fn reserve(&self, payload_bytes: u64, flags: u64) -> Result<Reservation, Errno> {
        if flags != 0 || payload_bytes > limits::RINGBUF_RECORD_BYTES_MAX {
            return Err(Errno::EINVAL);
        }
        let record = (payload_bytes + HEADER_BYTES).next_multiple_of(8);
        let mut pending = self
            .producing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let start = self.producer().load(Relaxed);
        let end = start.wrapping_add(record);
        while *pending != start {
            let header = self.header(*pending);
            if header & BUSY != 0 {
                break;
            }
            *pending = pending.wrapping_add(record_bytes(header));
        }
        // A full ring would look like an empty one, so one byte always stays free. A consumer who
        // claims to be further than records are written gains nothing by it.
        let behind = |position: u64| end.wrapping_sub(position) > self.size - 1;
        if behind(self.consumer().load(Acquire)) || behind(*pending) {
            self.dropped.fetch_add(1, Relaxed);
            return Err(Errno::EAGAIN);
        }
        let offset = DATA + (start & (self.size - 1)) + HEADER_BYTES;
        let reservation = Reservation {
            offset: offset as u32,
            len: payload_bytes as u32,
        };
        self.set_header(&reservation, BUSY);
        self.producer().store(end, Release);
        Ok(reservation)
    }

    /// Makes a record visible to readers, and wakes them as the flags say.
    pub fn submit(&self, reservation: Reservation, flags: u64) {
        self.finish(&reservation, 0, flags);
    }

    /// Gives a record up: readers skip it, and are woken as the flags say.
    pub fn discard(&self, reservation: Reservation, flags: u64) {
        self.finish(&reservation, DISCARD, flags);
    }

    fn finish(&self, reservation: &Reservation, bits: u32, flags: u64) {
        self.set_header(reservation, bits);
        // A reader who is not that far yet meets the record anyway.
        let record = u64::from(reservation.offset) - HEADER_BYTES - DATA;
        let reader = self.consumer().load(Acquire) & (self.size - 1);
        let wanted = reader == record && flags & NO_WAKEUP == 0;
        if (wanted || flags & FORCE_WAKEUP != 0) && self.sleeping.load(SeqCst) != 0 {
            *self.woken.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            self.wake.notify_all();
        }
    }

    /// Sleeps until there is something to read and a program wants it read, at most so long; true if
    /// there is something.
    pub fn wait(&self, timeout: Duration) -> bool {
        // Counted before the look: who submits after it sees that somebody sleeps.
        self.sleeping.fetch_add(1, SeqCst);
        let woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *woken;
        let ready = self.is_ready();
        if !ready {
            let asleep = |now: &mut u64| *now == before;
            drop(self.wake.wait_timeout_while(woken, timeout, asleep));
        }
        self.sleeping.fetch_sub(1, SeqCst);
        ready || self.is_ready()
    }

    /// True while a reader sleeps.
    #[cfg(test)]
    pub(super) fn has_sleepers(&self) -> bool {
        self.sleeping.load(SeqCst) != 0
    }

    /// True if a reader would find a record, or one that was given up.
    fn is_ready(&self) -> bool {
        let position = self.consumer().load(Acquire);
        position != self.producer().load(SeqCst) && self.header(position) & BUSY == 0
    }

    /// Reserves, fills and submits in one go.
    pub fn output(&self, payload: &[u8], flags: u64) -> Result<(), Errno> {
        if flags & !(NO_WAKEUP | FORCE_WAKEUP) != 0 {
            return Err(Errno::EINVAL);
        }
        let reservation = match self.reserve(payload.len() as u64, 0) {
            Ok(reservation) => reservation,
            Err(_) => return Err(Errno::EAGAIN),
        };
        self.memory.write(0, reservation.offset(), payload);
        self.submit(reservation, flags);
        Ok(())
    }

    /// `bpf_ringbuf_query`: bytes not read yet, size, reader's and writer's position; 0 for others.
    pub fn query(&self, what: u64) -> u64 {
        let (consumer, producer) = (self.consumer().load(Acquire), self.producer().load(Acquire));
        match what {
            0 => producer.wrapping_sub(consumer),
            1 => self.size,
            2 => consumer,
            3 => producer,
            _ => 0,
        }
    }

    /// Hands over what was submitted, up to the first record still being written; returns how many
    /// there were. The sink must not consume from the same ring.
    pub fn consume(&self, sink: &mut dyn FnMut(&[u8])) -> u64 {
        let mut buffer = self
            .consuming
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut position = self.consumer().load(Relaxed);
        let end = self.producer().load(Acquire);
        let mut records = 0;
        // Where an outside consumer set a position that makes no sense there is nothing to read.
        while position != end && end.wrapping_sub(position) <= self.size {
            let header = self.header(position);
            let len = u64::from(header & !(BUSY | DISCARD));
            if header & BUSY != 0 || len > self.size || !position.is_multiple_of(8) {
                break;
            }
            if header & DISCARD == 0 {
                buffer.resize(len as usize, 0);
                let payload = DATA + (position & (self.size - 1)) + HEADER_BYTES;
                self.memory.read(0, payload as usize, &mut buffer);
                sink(&buffer);
                records += 1;
            }
            position = position.wrapping_add(record_bytes(header));
            self.consumer().store(position, Release);
        }
        records
    }

    /// Records refused because the ring was full, since it was made.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// Records refused since the last time somebody asked.
    pub fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Relaxed)
    }

    fn set_header(&self, reservation: &Reservation, bits: u32) {
        let at = u64::from(reservation.offset) - HEADER_BYTES;
        let page = ((at - DATA) / u64::from(limits::PAGE_BYTES) + PAGES_BEFORE) as u32;
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&(reservation.len | bits).to_ne_bytes());
        bytes[4..].copy_from_slice(&page.to_ne_bytes());
        // Ordered before the look for sleeping readers.
        self.memory.words(0)[at as usize / 8].swap(u64::from_ne_bytes(bytes), SeqCst);
    }

    /// The header of the record at a position.
    fn header(&self, position: u64) -> u32 {
        let at = DATA + (position & (self.size - 1));
        let [a, b, c, d, ..] = self.memory.words(0)[at as usize / 8]
            .load(Acquire)
            .to_ne_bytes();
        u32::from_ne_bytes([a, b, c, d])
    }
}

/// Bytes of a record with this header.
fn record_bytes(header: u32) -> u64 {
    (u64::from(header & !(BUSY | DISCARD)) + HEADER_BYTES).next_multiple_of(8)
}
