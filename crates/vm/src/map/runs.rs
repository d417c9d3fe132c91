//! Who is running, so that what a run may hold is not reused under it.
//!
//! A program may go on reading an element after somebody deleted it: the kernel promises that it
//! stays readable until the run ends (RCU). Here a run is counted in the current epoch while it
//! lasts, and memory retired in one epoch is free two epochs later; an epoch ends only when nobody is
//! left from the one before. Entering and leaving cost one atomic addition each, on a cache line of
//! that CPU; nobody ever waits.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::connection::Connections;
use crate::fields::{Deferred, Graphs};
use crate::heap::Heap;
use crate::owner::Owners;
use crate::variable::Variables;

/// The runs of one host, and the objects they share. Maps made in it hold on to it.
#[derive(Debug)]
pub struct Runs {
    epoch: Apart,
    cpus: Box<[Counts]>,
    heap: Heap,
    owners: Owners,
    variables: Variables,
    registered: Mutex<Registered>,
    graphs: Graphs,
    deferred: Deferred,
    connections: Connections,
}

/// Names of tables of operations that subsystems have, with the subsystem.
pub(super) type Registered = BTreeSet<(&'static str, Vec<u8>)>;

/// On a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart(AtomicU64);

/// Runs in progress on one CPU by parity of the epoch they began in.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Counts([AtomicU64; 2]);

/// A run in progress; ends when dropped. What it looked up stays readable until then.
#[derive(Debug)]
pub struct Running<'a> {
    count: &'a AtomicU64,
}

impl Runs {
    /// Nobody running, on this many CPUs (at least one).
    pub fn new(cpus: u32) -> Self {
        Self {
            epoch: Apart::default(),
            cpus: (0..cpus.max(1)).map(|_| Counts::default()).collect(),
            heap: Heap::default(),
            owners: Owners::default(),
            variables: Variables::default(),
            registered: Mutex::default(),
            graphs: Graphs::default(),
            deferred: Deferred::default(),
            connections: Connections::default(),
        }
    }

    /// CPUs of the machine.
    pub fn cpus(&self) -> u32 {
        u32::try_from(self.cpus.len()).expect("made from a u32")
    }

    /// The memory of kernel objects, which all runs share.
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// Its kernel objects by number.
    pub fn owners(&self) -> &Owners {
        &self.owners
    }

    /// Connections that are tracked.
    pub(crate) fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Variables of the kernel that programs name.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// Tables of operations that are registered.
    pub(super) fn registered(&self) -> MutexGuard<'_, Registered> {
        (self.registered.lock()).unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists and trees of objects.
    pub(crate) fn graphs(&self) -> &Graphs {
        &self.graphs
    }

    /// What runs later.
    pub(crate) fn deferred(&self) -> &Deferred {
        &self.deferred
    }

    /// Begins a run. Several may run on one CPU number at once.
    pub fn enter(&self, cpu: u32) -> Running<'_> {
        let counts = &self.cpus[cpu as usize % self.cpus.len()];
        // A stale epoch only delays its end: the count is then seen as one of the epoch before.
        let count = &counts.0[(self.epoch.0.load(SeqCst) & 1) as usize];
        count.fetch_add(1, SeqCst);
        // Nothing the run looks up may be read before it counts; on x86-64 the addition is itself
        // a full barrier.
        if !cfg!(target_arch = "x86_64") {
            fence(SeqCst);
        }
        Running { count }
    }

    /// The epoch in which something unlinked just now is retired.
    pub(crate) fn epoch(&self) -> u64 {
        // What was unlinked before must be seen as such by every run that is not counted yet.
        fence(SeqCst);
        self.epoch.0.load(SeqCst)
    }

    /// Ends the epoch if nobody is left from the one before, and returns the current one.
    pub(crate) fn advance(&self) -> u64 {
        let epoch = self.epoch();
        let before = ((epoch + 1) & 1) as usize;
        if self.cpus.iter().any(|cpu| cpu.0[before].load(SeqCst) != 0) {
            return epoch;
        }
        match self
            .epoch
            .0
            .compare_exchange(epoch, epoch + 1, SeqCst, SeqCst)
        {
            Ok(_) => epoch + 1,
            Err(now) => now,
        }
    }

    /// True if nobody who might hold something retired in `epoch` is still running.
    pub(crate) fn is_past(epoch: u64, now: u64) -> bool {
        now >= epoch + 2
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::Runs;

    #[test]
    fn what_is_retired_during_a_run_waits_for_its_end() {
        let runs = Runs::new(2);
        let run = runs.enter(1);
        let retired = runs.epoch();
        for _ in 0..5 {
            assert!(!Runs::is_past(retired, runs.advance()));
        }
        drop(run);
        runs.advance();
        assert!(Runs::is_past(retired, runs.advance()));
    }

    #[test]
    fn a_run_that_begins_later_does_not_hold_it_up_forever() {
        let runs = Runs::new(1);
        let first = runs.enter(0);
        let retired = runs.epoch();
        runs.advance();
        let second = runs.enter(0);
        drop(first);
        assert!(Runs::is_past(retired, runs.advance()));
        drop(second);
    }
}
