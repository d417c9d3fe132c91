//! Reading a ring buffer of the kernel: two positions and the data, mapped.
//!
//! The data lies there twice in a row, so that no record is cut in two. The kernel moves the producer's
//! position; the consumer's is ours, on a page that is mapped apart because it is the only one we may
//! write.
#![allow(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};
use osmia_program::{Record, RecordSource};

use crate::sys::MapFd;

/// The record is not finished.
const BUSY: u32 = 1 << 31;
/// The record was given up.
const DISCARDED: u32 = 1 << 30;
/// Length, and a place that only the kernel uses.
const HEADER_BYTES: u64 = 8;

/// An open ring buffer.
#[derive(Debug)]
pub(crate) struct Ring {
    source: RecordSource,
    consumer: MmapRaw,
    /// The producer's page, then the data twice.
    producer: MmapRaw,
    page: usize,
    bytes: u64,
}

impl Ring {
    /// Maps the ring buffer of this name and size in bytes.
    pub(crate) fn open(map: &MapFd, name: &str, bytes: u32) -> std::io::Result<Ring> {
        let page = rustix::param::page_size();
        let file = std::fs::File::from(map.as_fd().try_clone_to_owned()?);
        let consumer = MmapOptions::new().len(page).map_raw(&file)?;
        let behind = MmapOptions::new()
            .offset(page as u64)
            .len(page + 2 * bytes as usize)
            .map_raw_read_only(&file)?;
        Ok(Ring {
            source: RecordSource::Ringbuf(Arc::from(name)),
            consumer,
            producer: behind,
            page,
            bytes: u64::from(bytes),
        })
    }

    /// Hands over what has been finished since the last time.
    pub(crate) fn drain(&mut self, sink: &mut dyn FnMut(Record)) {
        let mut at = self.consumer_position().load(Ordering::Relaxed);
        while at < self.producer_position().load(Ordering::Acquire) {
            let header = self.header(at).load(Ordering::Acquire);
            if header & BUSY != 0 {
                break;
            }
            let bytes = u64::from(header & !DISCARDED);
            if header & DISCARDED == 0 {
                sink(Record {
                    source: self.source.clone(),
                    cpu: 0,
                    time_ns: 0,
                    bytes: self.copy(at + HEADER_BYTES, bytes),
                    lost: 0,
                });
            }
            at += (HEADER_BYTES + bytes).next_multiple_of(8);
            self.consumer_position().store(at, Ordering::Release);
        }
    }

    fn consumer_position(&self) -> &AtomicU64 {
        // SAFETY: the mapping is a page, begins at its start, and lives as long as this borrow; the kernel
        // reads this place as an atomic number, too.
        unsafe { AtomicU64::from_ptr(self.consumer.as_mut_ptr().cast()) }
    }

    fn producer_position(&self) -> &AtomicU64 {
        // SAFETY: as above; it is only loaded from, which memory that may be read allows for numbers of a
        // word.
        unsafe { AtomicU64::from_ptr(self.producer.as_mut_ptr().cast()) }
    }

    /// Where something lies that begins so many bytes after the very first record.
    fn place(&self, position: u64, bytes: u64) -> *mut u8 {
        let offset = position % self.bytes;
        assert!(bytes <= self.bytes, "no record is larger than its buffer");
        self.producer
            .as_mut_ptr()
            .wrapping_add(self.page + offset as usize)
    }

    fn header(&self, at: u64) -> &AtomicU32 {
        let place = self.place(at, HEADER_BYTES);
        // SAFETY: offsets below the size of the data, whose second copy lies behind the first, are in the
        // mapping with as many bytes as the data has; records begin at multiples of eight.
        unsafe { AtomicU32::from_ptr(place.cast()) }
    }

    fn copy(&self, at: u64, bytes: u64) -> Vec<u8> {
        let place = self.place(at, bytes);
        let mut copy = vec![0; bytes as usize];
        // SAFETY: as above for the source; the kernel does not write to a finished record before the
        // consumer's position has passed it.
        unsafe { std::ptr::copy_nonoverlapping(place, copy.as_mut_ptr(), copy.len()) };
        copy
    }
}
