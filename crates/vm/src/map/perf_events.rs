//! `perf_event_array`: events by CPU, in bounded queues that count what they lose.
//!
//! A reader opens an event for each CPU and puts it into the array; whoever holds the map reads what
//! they were given. An event that was deleted takes no more records; what it has can still be read.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use osmia_program::{Errno, MapSpec};

use crate::limits;

/// `BPF_F_INDEX_MASK`: which CPU's event an output goes to; all ones for the current one.
const INDEX_MASK: u64 = u32::MAX as u64;
/// Bytes an event counts for besides its payload, so that empty ones are bounded too.
const EVENT_OVERHEAD_BYTES: usize = 64;

/// A perf event array.
#[derive(Debug)]
pub struct PerfEvents {
    slots: u32,
    queues: Box<[Mutex<Queue>]>,
    /// Orders the events of all CPUs.
    order: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    /// The CPU of the event in this slot, if there is one.
    cpu: Option<u32>,
    events: VecDeque<Event>,
    bytes: usize,
    /// Lost since the last event that was kept.
    lost: u64,
    /// When the first of those was lost.
    lost_order: u64,
}

/// An event, or (without payload) the news that some were lost after the last one.
#[derive(Debug)]
pub(super) struct Event {
    order: u64,
    pub(super) cpu: u32,
    pub(super) bytes: Vec<u8>,
    pub(super) lost: u64,
}

impl PerfEvents {
    pub(super) fn new(spec: &MapSpec, cpus: u32) -> Self {
        Self {
            slots: spec.max_entries,
            queues: (0..cpus).map(|_| Mutex::default()).collect(),
            order: AtomicU64::new(0),
        }
    }

    pub(super) fn slots(&self) -> u32 {
        self.slots
    }

    /// `bpf_perf_event_output` on this CPU, without a context's bytes. `ENOSPC` means it was lost
    /// and counted.
    pub fn output(&self, cpu: u32, flags: u64, payload: &[u8]) -> Result<(), Errno> {
        if flags & !INDEX_MASK != 0 {
            return Err(Errno::EINVAL);
        }
        let index = if flags == INDEX_MASK {
            cpu
        } else {
            flags as u32
        };
        if index >= self.slots {
            return Err(Errno::E2BIG);
        }
        let queue = self.queues.get(index as usize).ok_or(Errno::ENOENT)?;
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.cpu {
            None => return Err(Errno::ENOENT),
            Some(own) if own != cpu => return Err(Errno::EOPNOTSUPP),
            Some(_) => {}
        }
        if payload.len() > limits::PERF_RECORD_BYTES_MAX {
            return Err(Errno::E2BIG);
        }
        let order = self.order.fetch_add(1, Relaxed);
        let bytes = queue.bytes + payload.len() + EVENT_OVERHEAD_BYTES;
        if bytes > limits::PERF_QUEUE_BYTES_MAX {
            if queue.lost == 0 {
                queue.lost_order = order;
            }
            queue.lost += 1;
            return Err(Errno::ENOSPC);
        }
        queue.bytes = bytes;
        let lost = std::mem::take(&mut queue.lost);
        queue.events.push_back(Event {
            order,
            cpu,
            bytes: payload.to_vec(),
            lost,
        });
        Ok(())
    }

    /// Takes the event out of a slot; `ENOENT` if there is none.
    pub(super) fn close(&self, index: u32) -> Result<(), Errno> {
        if index >= self.slots {
            return Err(Errno::E2BIG);
        }
        let queue = self.queues.get(index as usize).ok_or(Errno::ENOENT)?;
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.cpu.take().map(|_| ()).ok_or(Errno::ENOENT)
    }

    /// Puts an event of a CPU into a slot.
    pub fn open(&self, index: u32, cpu: u32) -> Result<(), Errno> {
        if index >= self.slots {
            return Err(Errno::E2BIG);
        }
        // There are no events of CPUs that do not exist.
        let queue = self.queues.get(index as usize).ok_or(Errno::EINVAL)?;
        queue.lock().unwrap_or_else(PoisonError::into_inner).cpu = Some(cpu);
        Ok(())
    }

    /// Puts the event of every CPU that has a slot into it.
    pub fn open_all(&self) {
        for cpu in 0..self.slots.min(self.queues.len() as u32) {
            self.open(cpu, cpu).expect("a slot and its CPU");
        }
    }

    /// Everything since the last call, oldest first.
    pub(super) fn take(&self) -> Vec<Event> {
        let mut all = Vec::new();
        for (cpu, queue) in (0..).zip(&self.queues) {
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(queue.events.drain(..));
            queue.bytes = 0;
            if queue.lost != 0 {
                all.push(Event {
                    order: queue.lost_order,
                    cpu,
                    bytes: Vec::new(),
                    lost: std::mem::take(&mut queue.lost),
                });
            }
        }
        all.sort_by_key(|event| event.order);
        all
    }
}
