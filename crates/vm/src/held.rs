//! What a run holds at a moment and has to give back before it ends.
//!
//! The kernel's verifier sees to that before a program runs; here it is found out while it runs. A run
//! that ends in a trap gives everything back, so that the next one is not held up by it.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::fields::{release, unlock};
use crate::map::Runs;
use crate::memory::Block;

/// What a run holds.
#[derive(Debug, Default)]
pub struct Held {
    /// RCU read sections entered.
    pub(crate) rcu: u32,
    /// Sections without preemption entered.
    pub(crate) preempt: u32,
    /// Where the flags of interrupts were saved, last one last.
    pub(crate) interrupts: Vec<u64>,
    /// Locks, last one taken last.
    locks: Vec<Lock>,
    /// References to objects of the heap, by address.
    references: FxHashMap<u64, u32>,
}

/// A lock that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Lock {
    pub(crate) block: Arc<Block>,
    pub(crate) element: usize,
    pub(crate) offset: usize,
}

impl Lock {
    fn is_in(&self, block: &Arc<Block>, element: usize) -> bool {
        Arc::ptr_eq(&self.block, block) && self.element == element
    }

    fn is(&self, other: &Self) -> bool {
        self.is_in(&other.block, other.element) && self.offset == other.offset
    }
}

impl Held {
    /// Takes a reference to an object.
    pub(crate) fn acquire(&mut self, address: u64) {
        *self.references.entry(address).or_insert(0) += 1;
    }

    /// Gives a reference up; false if the run has none.
    pub(crate) fn release(&mut self, address: u64) -> bool {
        let Some(count) = self.references.get_mut(&address) else {
            return false;
        };
        *count -= 1;
        if *count == 0 {
            self.references.remove(&address);
        }
        true
    }

    /// True while a lock is held: few calls are possible then.
    #[inline]
    pub(crate) fn locks(&self) -> bool {
        !self.locks.is_empty()
    }

    /// True if the run has this lock.
    pub(crate) fn has(&self, lock: &Lock) -> bool {
        self.locks.iter().any(|held| held.is(lock))
    }

    /// True if the run has a lock that lies beside what it protects.
    pub(crate) fn protects(&self, block: &Arc<Block>, element: usize) -> bool {
        self.locks.iter().any(|held| held.is_in(block, element))
    }

    /// A lock was taken.
    pub(crate) fn locked(&mut self, lock: Lock) {
        self.locks.push(lock);
    }

    /// Gives the lock taken last back; false if that is another one.
    pub(crate) fn unlocked(&mut self, lock: &Lock) -> bool {
        match self.locks.pop_if(|held| held.is(lock)) {
            Some(held) => {
                unlock(&held.block, held.element, held.offset);
                true
            }
            None => false,
        }
    }

    /// What the run holds, as a phrase that follows "the program ended while it"; `None` if nothing.
    pub(crate) fn what(&self) -> Option<String> {
        Some(match self {
            _ if self.locks() => "held a lock".to_owned(),
            _ if self.rcu > 0 => "was in an RCU read section".to_owned(),
            _ if self.preempt > 0 => "had preemption disabled".to_owned(),
            _ if !self.interrupts.is_empty() => "had interrupts disabled".to_owned(),
            _ if !self.references.is_empty() => match self.references.len() {
                1 => "held a reference to an object".to_owned(),
                count => format!("held references to {count} objects"),
            },
            _ => return None,
        })
    }

    /// Gives everything back.
    #[inline]
    pub(crate) fn give_back(&mut self, runs: &Runs) {
        if !self.is_nothing() {
            self.give_all_back(runs);
        }
    }

    #[inline]
    fn is_nothing(&self) -> bool {
        let Self {
            rcu,
            preempt,
            interrupts,
            locks,
            references,
        } = self;
        *rcu | *preempt == 0 && interrupts.is_empty() && locks.is_empty() && references.is_empty()
    }

    fn give_all_back(&mut self, runs: &Runs) {
        self.rcu = 0;
        self.preempt = 0;
        self.interrupts.clear();
        while let Some(held) = self.locks.pop() {
            unlock(&held.block, held.element, held.offset);
        }
        for (address, count) in self.references.drain() {
            for _ in 0..count {
                release(runs, address);
            }
        }
    }
}
