//! What a run holds at a moment and has to give back before it ends.
//!
//! The kernel's verifier sees to that before a program runs; here it is found out while it runs. A run
//! that ends in a trap gives everything back, so that the next one is not held up by it.

use rustc_hash::FxHashMap;

/// What a run holds.
#[derive(Debug, Default)]
pub struct Held {
    /// RCU read sections entered.
    pub(crate) rcu: u32,
    /// Sections without preemption entered.
    pub(crate) preempt: u32,
    /// Where the flags of interrupts were saved, last one last.
    pub(crate) interrupts: Vec<u64>,
    /// References to objects of the heap, by address.
    references: FxHashMap<u64, u32>,
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

    /// What the run holds, as a phrase that follows "the program ended while it"; `None` if nothing.
    pub(crate) fn what(&self) -> Option<String> {
        Some(match self {
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
    pub(crate) fn give_back(&mut self) {
        self.rcu = 0;
        self.preempt = 0;
        self.interrupts.clear();
        self.references.clear();
    }
}
