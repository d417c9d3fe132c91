//! What runs later: timers and work. Programs start it, a machine calls what is due between runs.
//!
//! A timer belongs to a map's value; its number is in the memory of the field. It holds the program
//! whose function it calls, until it is cancelled or the value, or the last handle to the map from
//! outside, goes.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use osmia_program::Errno;
use rustc_hash::FxHashMap;

use crate::map::{Element, Map};

/// What kind of thing runs later.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum DeferredKind {
    /// At some time.
    Timer,
    /// Soon.
    Work,
}

/// A function of a program.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    /// The program, as the machine knows it.
    pub(crate) code: Arc<dyn Any + Send + Sync>,
    /// The address of the function.
    pub(crate) function: u64,
}

/// Everything of a host that runs later.
#[derive(Debug, Default)]
pub(crate) struct Deferred(Mutex<All>);

#[derive(Debug, Default)]
struct All {
    last: u64,
    entries: FxHashMap<u64, Entry>,
    /// By time; what is to run at the same time runs in the order it was started.
    due: BTreeSet<(u64, u64, u64)>,
    started: u64,
}

#[derive(Debug)]
struct Entry {
    kind: DeferredKind,
    map: Weak<Map>,
    element: Element,
    callback: Option<Callback>,
    /// The key in `due`, while it waits.
    waits: Option<(u64, u64)>,
    running: bool,
}

/// Something to call now.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) number: u64,
    pub(crate) map: Arc<Map>,
    pub(crate) element: Element,
    pub(crate) callback: Callback,
}

impl Deferred {
    /// A new one for a map's value; its number is the caller's to keep.
    pub(crate) fn make(&self, kind: DeferredKind, map: &Arc<Map>, element: Element) -> u64 {
        let mut all = self.lock();
        all.last += 1;
        let number = all.last;
        let entry = Entry {
            kind,
            map: Arc::downgrade(map),
            element,
            callback: None,
            waits: None,
            running: false,
        };
        all.entries.insert(number, entry);
        number
    }

    /// True if there is one of this number and kind.
    pub(crate) fn exists(&self, number: u64, kind: DeferredKind) -> bool {
        let all = self.lock();
        all.entries
            .get(&number)
            .is_some_and(|entry| entry.kind == kind)
    }

    /// True if it is to run.
    pub(crate) fn is_waiting(&self, number: u64) -> bool {
        let all = self.lock();
        all.entries
            .get(&number)
            .is_some_and(|entry| entry.waits.is_some())
    }

    /// Says what to call; `EINVAL` if there is none of this number.
    pub(crate) fn set_callback(&self, number: u64, callback: Callback) -> Result<(), Errno> {
        let mut all = self.lock();
        let entry = all.entries.get_mut(&number).ok_or(Errno::EINVAL)?;
        // The old one may be the last handle to a program: dropped after the lock.
        let old = entry.callback.replace(callback);
        drop(all);
        drop(old);
        Ok(())
    }

    /// Lets it run at a time, instead of when it was to run before; `EINVAL` without a callback.
    pub(crate) fn start(&self, number: u64, time: u64) -> Result<(), Errno> {
        let mut all = self.lock();
        let all = &mut *all;
        let entry = (all.entries.get_mut(&number))
            .filter(|entry| entry.callback.is_some())
            .ok_or(Errno::EINVAL)?;
        if let Some((time, order)) = entry.waits {
            if entry.kind == DeferredKind::Work {
                return Ok(());
            }
            all.due.remove(&(time, order, number));
        }
        all.started += 1;
        entry.waits = Some((time, all.started));
        all.due.insert((time, all.started, number));
        Ok(())
    }

    /// Cancels it: it has no callback then. True if it was to run; `EDEADLK` from its own callback,
    /// `EINVAL` if there is none of this number.
    pub(crate) fn cancel(&self, number: u64) -> Result<bool, Errno> {
        let mut all = self.lock();
        let all = &mut *all;
        let entry = all.entries.get_mut(&number).ok_or(Errno::EINVAL)?;
        if entry.running {
            return Err(Errno::EDEADLK);
        }
        entry.callback = None;
        match entry.waits.take() {
            Some((time, order)) => Ok(all.due.remove(&(time, order, number))),
            None => Ok(false),
        }
    }

    /// Cancels it, and there is none of this number any more.
    pub(crate) fn forget(&self, number: u64) {
        if number == 0 {
            return;
        }
        let mut all = self.lock();
        let entry = all.entries.remove(&number);
        if let Some((time, order)) = entry.as_ref().and_then(|entry| entry.waits) {
            all.due.remove(&(time, order, number));
        }
        drop(all);
        // With it may go the last handle to a program and its maps, which come back here.
        drop(entry);
    }

    /// Forgets everything of a map.
    pub(crate) fn forget_map(&self, map: &Map) {
        let numbers: Vec<u64> = (self.lock().entries.iter())
            .filter(|(_, entry)| std::ptr::eq(entry.map.as_ptr(), map))
            .map(|(number, _)| *number)
            .collect();
        for number in numbers {
            self.forget(number);
        }
    }

    /// When the next one is to run.
    pub(crate) fn next(&self) -> Option<u64> {
        self.lock().due.first().map(|(time, ..)| *time)
    }

    /// Takes what is to run first, if its time has come. It is the caller's to say when it has run.
    pub(crate) fn take_due(&self, now: u64) -> Option<Due> {
        let mut all = self.lock();
        let all = &mut *all;
        loop {
            let &(time, order, number) = all.due.first().filter(|(time, ..)| *time <= now)?;
            all.due.remove(&(time, order, number));
            let Some(entry) = all.entries.get_mut(&number) else {
                continue;
            };
            entry.waits = None;
            let Some((map, callback)) = entry.map.upgrade().zip(entry.callback.clone()) else {
                continue;
            };
            entry.running = true;
            return Some(Due {
                number,
                map,
                element: entry.element,
                callback,
            });
        }
    }

    /// It has run.
    pub(crate) fn ran(&self, number: u64) {
        if let Some(entry) = self.lock().entries.get_mut(&number) {
            entry.running = false;
        }
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
