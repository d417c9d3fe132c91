//! Spin locks: a word that is 1 while somebody has it. Programs, machines on other threads and copies
//! from outside (`BPF_F_LOCK`) exclude each other by it.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::memory::Block;

/// Takes a lock if it is free.
pub(crate) fn try_lock(block: &Block, element: usize, offset: usize) -> bool {
    let word = block.word32(element, offset);
    word.compare_exchange(0, 1, Acquire, Relaxed).is_ok()
}

/// Gives a lock back.
pub(crate) fn unlock(block: &Block, element: usize, offset: usize) {
    block.word32(element, offset).store(0, Release);
}

/// A lock held for the time of a copy.
pub(crate) struct Locked<'b> {
    block: &'b Block,
    element: usize,
    offset: usize,
}

impl<'b> Locked<'b> {
    /// Waits for the lock. Runs that have it end, or are ended, and give it back.
    pub(crate) fn new(block: &'b Block, element: usize, offset: usize) -> Self {
        while !try_lock(block, element, offset) {
            std::thread::yield_now();
        }
        Self {
            block,
            element,
            offset,
        }
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        unlock(self.block, self.element, self.offset);
    }
}
