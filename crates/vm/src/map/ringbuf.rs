//! `ringbuf`: records of any size in the order they were reserved, seen by readers once submitted.
//!
//! Layout and arithmetic are the kernel's ABI: every record begins with eight bytes, the payload's
//! length (with [`BUSY`] and [`DISCARD`] on top) and its page; positions only grow. The kernel maps
//! the data twice in a row, so that a record that crosses the end lies in one piece; here the memory
//! behind the end is real and the record simply lies there, since nobody looks for it at the start.
//!
//! Nobody sleeps on a ring here, so wake-up flags are checked and otherwise mean nothing.

use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Arc, Mutex, PoisonError};

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

/// `BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP`.
const OUTPUT_FLAGS: u64 = 3;

/// A ring buffer.
#[derive(Debug)]
pub struct Ringbuf {
    data: Arc<Block>,
    size: u64,
    /// Held while a place is taken, so that headers and positions grow together.
    producing: Mutex<()>,
    producer: AtomicU64,
    consumer: AtomicU64,
    /// Held by the one reader; its buffer.
    consuming: Mutex<Vec<u8>>,
    dropped: AtomicU64,
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
    /// Where the payload begins, in bytes from the start of element 0 of [`Ringbuf::data`].
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
            data: Arc::new(block(1, 2 * size)?),
            size,
            producing: Mutex::new(()),
            producer: AtomicU64::new(0),
            consumer: AtomicU64::new(0),
            consuming: Mutex::default(),
            dropped: AtomicU64::new(0),
        })
    }

    /// The memory of the records: one element.
    pub fn data(&self) -> &Arc<Block> {
        &self.data
    }

    /// Takes a place for a payload; fails with `EINVAL` for flags and sizes no ring takes, with
    /// `EAGAIN` if there is no room (which counts as a drop).
    pub fn reserve(&self, payload_bytes: u64, flags: u64) -> Result<Reservation, Errno> {
        if flags != 0 || payload_bytes > limits::RINGBUF_RECORD_BYTES_MAX {
            return Err(Errno::EINVAL);
        }
        let record = (payload_bytes + HEADER_BYTES).next_multiple_of(8);
        let _producing = self
            .producing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let start = self.producer.load(Relaxed);
        let end = start + record;
        // A full ring would look like an empty one, so one byte always stays free. What is reserved
        // but not submitted holds the consumer back, so its position bounds pending records too.
        if end - self.consumer.load(Acquire) > self.size - 1 {
            self.dropped.fetch_add(1, Relaxed);
            return Err(Errno::EAGAIN);
        }
        let at = start & (self.size - 1);
        let len = payload_bytes as u32;
        self.set_header(at, len | BUSY);
        self.producer.store(end, Release);
        let offset = (at + HEADER_BYTES) as u32;
        Ok(Reservation { offset, len })
    }

    /// Makes a record visible to readers.
    pub fn submit(&self, reservation: Reservation) {
        self.set_header(
            u64::from(reservation.offset) - HEADER_BYTES,
            reservation.len,
        );
    }

    /// Gives a record up: readers skip it.
    pub fn discard(&self, reservation: Reservation) {
        self.set_header(
            u64::from(reservation.offset) - HEADER_BYTES,
            reservation.len | DISCARD,
        );
    }

    /// Reserves, fills and submits in one go.
    pub fn output(&self, payload: &[u8], flags: u64) -> Result<(), Errno> {
        if flags & !OUTPUT_FLAGS != 0 {
            return Err(Errno::EINVAL);
        }
        let reservation = match self.reserve(payload.len() as u64, 0) {
            Ok(reservation) => reservation,
            Err(_) => return Err(Errno::EAGAIN),
        };
        self.data.write(0, reservation.offset(), payload);
        self.submit(reservation);
        Ok(())
    }

    /// `bpf_ringbuf_query`: bytes not read yet, size, reader's and writer's position; 0 for others.
    pub fn query(&self, what: u64) -> u64 {
        let (consumer, producer) = (self.consumer.load(Acquire), self.producer.load(Acquire));
        match what {
            0 => producer - consumer,
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
        let mut position = self.consumer.load(Relaxed);
        let end = self.producer.load(Acquire);
        let mut records = 0;
        while position < end {
            let at = position & (self.size - 1);
            let header = self.header(at);
            if header & BUSY != 0 {
                break;
            }
            let len = u64::from(header & !(BUSY | DISCARD));
            if header & DISCARD == 0 {
                buffer.resize(len as usize, 0);
                self.data.read(0, (at + HEADER_BYTES) as usize, &mut buffer);
                sink(&buffer);
                records += 1;
            }
            position += (len + HEADER_BYTES).next_multiple_of(8);
            self.consumer.store(position, Release);
        }
        records
    }

    /// Records refused because the ring was full, since it was made.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    pub(super) fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Relaxed)
    }

    fn set_header(&self, at: u64, len: u32) {
        let page = (at / u64::from(limits::PAGE_BYTES) + PAGES_BEFORE) as u32;
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&len.to_ne_bytes());
        bytes[4..].copy_from_slice(&page.to_ne_bytes());
        self.data.words(0)[at as usize / 8].store(u64::from_ne_bytes(bytes), Release);
    }

    fn header(&self, at: u64) -> u32 {
        let [a, b, c, d, ..] = self.data.words(0)[at as usize / 8]
            .load(Acquire)
            .to_ne_bytes();
        u32::from_ne_bytes([a, b, c, d])
    }
}
