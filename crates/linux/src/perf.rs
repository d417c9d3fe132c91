//! Reading a perf event array of the kernel: a buffer for every CPU.
//!
//! Each is a page with two positions, then the data, which wraps around. The kernel moves the head; the
//! tail is ours.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};
use osmia_program::{Record, RecordSource};

use crate::sys::{EventAttr, MapFd, Whose, perf_event};

/// Where the positions lie on the first page.
const HEAD: usize = 1024;
const TAIL: usize = 1032;
/// `PERF_RECORD_LOST`: an id, then how many.
const LOST: u32 = 2;
/// `PERF_RECORD_SAMPLE`: here a length, then that many bytes.
const SAMPLE: u32 = 9;
/// Type, misc and length of a record.
const HEADER_BYTES: u64 = 8;
/// Pages of data of each CPU.
const DATA_PAGES: usize = 64;

/// The open buffers of a perf event array.
#[derive(Debug)]
pub(crate) struct PerfBuffers {
    source: RecordSource,
    cpus: Vec<Buffer>,
}

impl PerfBuffers {
    /// Opens a buffer for every CPU that is online and puts it into the map.
    pub(crate) fn open(map: &MapFd, name: &str, cpus: u32) -> std::io::Result<PerfBuffers> {
        let mut buffers = Vec::new();
        for cpu in 0..cpus {
            let event = match output_event(cpu) {
                Ok(event) => event,
                // The CPU is not there now.
                Err(error) if error.raw_os_error() == Some(libc::ENODEV) => continue,
                Err(error) => return Err(error),
            };
            let set = map.update(&cpu.to_ne_bytes(), &event.as_raw_fd().to_ne_bytes(), 0);
            set.map_err(|errno| std::io::Error::from_raw_os_error(errno.0))?;
            buffers.push(Buffer::map(cpu, event)?);
        }
        Ok(PerfBuffers {
            source: RecordSource::PerfEvent(Arc::from(name)),
            cpus: buffers,
        })
    }

    /// Hands over what came since the last time, CPU by CPU.
    pub(crate) fn drain(&mut self, sink: &mut dyn FnMut(Record)) {
        for buffer in &mut self.cpus {
            buffer.drain(&self.source, sink);
        }
    }
}

#[derive(Debug)]
struct Buffer {
    cpu: u32,
    pages: MmapRaw,
    page: usize,
    /// Lost before the next record that comes through.
    lost: u64,
}

impl Buffer {
    fn map(cpu: u32, event: OwnedFd) -> std::io::Result<Buffer> {
        let page = rustix::param::page_size();
        let file = std::fs::File::from(event);
        let pages = MmapOptions::new()
            .len(page * (1 + DATA_PAGES))
            .map_raw(&file)?;
        Ok(Buffer {
            cpu,
            pages,
            page,
            lost: 0,
        })
    }

    fn position(&self, offset: usize) -> &AtomicU64 {
        let place = self.pages.as_mut_ptr().wrapping_add(offset);
        // SAFETY: both positions lie on the first page at multiples of eight, and the mapping lives as long
        // as this borrow; the kernel treats them as atomic numbers, too.
        unsafe { AtomicU64::from_ptr(place.cast()) }
    }

    fn drain(&mut self, source: &RecordSource, sink: &mut dyn FnMut(Record)) {
        let head = self.position(HEAD).load(Ordering::Acquire);
        let mut tail = self.position(TAIL).load(Ordering::Relaxed);
        while tail < head {
            let header = self.copy(tail, HEADER_BYTES);
            let kind = word(&header, 0);
            let bytes = u64::from(word(&header, 4) >> 16);
            let body = self.copy(tail + HEADER_BYTES, bytes.saturating_sub(HEADER_BYTES));
            match kind {
                LOST => self.lost += u64::from(word(&body, 8)) | u64::from(word(&body, 12)) << 32,
                SAMPLE => {
                    let end = (4 + word(&body, 0) as usize).min(body.len());
                    sink(Record {
                        source: source.clone(),
                        cpu: self.cpu,
                        time_ns: 0,
                        bytes: body[4.min(end)..end].to_vec(),
                        lost: std::mem::take(&mut self.lost),
                    });
                }
                _ => {}
            }
            tail += bytes.max(HEADER_BYTES);
        }
        self.position(TAIL).store(tail, Ordering::Release);
    }

    /// Bytes from so far after the very first record, around the end if need be.
    fn copy(&self, at: u64, bytes: u64) -> Vec<u8> {
        let size = self.page * DATA_PAGES;
        let mut copy = Vec::with_capacity(bytes as usize);
        for offset in at..at + bytes {
            let place = self
                .pages
                .as_mut_ptr()
                .wrapping_add(self.page + offset as usize % size);
            // SAFETY: the place is in the data behind the first page; the kernel does not write between
            // tail and head, where this is.
            copy.push(unsafe { place.read_volatile() });
        }
        copy
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
    u32::from_ne_bytes(word.unwrap_or_default())
}

/// The software event that `bpf_perf_event_output` writes to, on one CPU.
fn output_event(cpu: u32) -> std::io::Result<OwnedFd> {
    const SOFTWARE: u32 = 1;
    const BPF_OUTPUT: u64 = 10;
    const RAW: u64 = 1 << 10;
    let asked = EventAttr {
        kind: SOFTWARE,
        config: BPF_OUTPUT,
        // A record for every call.
        period: 1,
        sample: RAW,
        wakeup: 1,
        ..EventAttr::default()
    };
    let cpu = i32::try_from(cpu).unwrap_or(i32::MAX);
    perf_event(&asked, Whose { process: -1, cpu })
}
