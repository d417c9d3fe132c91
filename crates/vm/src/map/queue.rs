//! `queue` and `stack`: values without keys, first or last in, first out.
//!
//! Adding and removing take a lock, looking does not. A place is written again only after its value was
//! removed, and every removal is counted before that: who looks copies the next value, and looks again
//! if one was removed meanwhile. So nobody waits for a writer that is held up.

use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

use osmia_program::{Errno, MapKind, MapSpec};

use super::error::BrokenRule;
use super::lanes::block;
use crate::memory::{Block, Spin};

/// A queue or a stack: a ring of slots.
#[derive(Debug)]
pub(super) struct Queue {
    slots: Block,
    is_stack: bool,
    /// Which slots are in use, as [`Used::word`] says it.
    used: AtomicU64,
    /// How many values were removed.
    removed: AtomicU64,
    /// Who has it changes the above.
    writer: Spin<()>,
}

/// The slots in use: so many from `head` on.
#[derive(Copy, Clone, Debug)]
struct Used {
    head: u32,
    len: u32,
}

impl Used {
    #[inline]
    fn word(self) -> u64 {
        u64::from(self.head) << 32 | u64::from(self.len)
    }

    #[inline]
    fn of_word(word: u64) -> Self {
        Self {
            head: (word >> 32) as u32,
            len: word as u32,
        }
    }
}

impl Queue {
    pub(super) fn new(spec: &MapSpec) -> Result<Self, BrokenRule> {
        Ok(Self {
            slots: block(u64::from(spec.max_entries), u64::from(spec.value_size))?,
            is_stack: spec.kind == MapKind::Stack,
            used: AtomicU64::new(0),
            removed: AtomicU64::new(0),
            writer: Spin::default(),
        })
    }

    pub(super) fn len(&self) -> u32 {
        self.used().len
    }

    /// Adds a value; with `BPF_EXIST` a full one loses its oldest.
    #[inline]
    pub(super) fn push(&self, value: &[u8], flags: u64) -> Result<(), Errno> {
        let replace = match flags {
            0 => false,
            2 => true,
            _ => return Err(Errno::EINVAL),
        };
        if value.len() != self.slots.window() {
            return Err(Errno::EINVAL);
        }
        let _writer = self.writer.lock();
        let mut used = self.used();
        if used.len as usize == self.slots.count() {
            if !replace {
                return Err(Errno::E2BIG);
            }
            used = self.leave(self.without_oldest(used));
        }
        self.slots.write(self.place(used, used.len), 0, value);
        used.len += 1;
        self.used.store(used.word(), Release);
        Ok(())
    }

    /// Copies the next value out; `ENOENT` leaves zeroes.
    #[inline]
    pub(super) fn peek(&self, value: &mut [u8]) -> Result<(), Errno> {
        self.without_removals(|used| self.copy_next(used, value))
    }

    /// Removes the next value; `ENOENT` leaves zeroes.
    #[inline]
    pub(super) fn pop(&self, value: &mut [u8]) -> Result<(), Errno> {
        let _writer = self.writer.lock();
        let used = self.used();
        self.copy_next(used, value)?;
        let left = match self.is_stack {
            true => Used {
                len: used.len - 1,
                ..used
            },
            false => self.without_oldest(used),
        };
        self.leave(left);
        Ok(())
    }

    /// Every value, the next one first.
    pub(super) fn values(&self) -> Vec<Vec<u8>> {
        self.without_removals(|used| {
            let one = |place| {
                let mut value = vec![0; self.slots.window()];
                self.copy(used, place, &mut value);
                value
            };
            (0..used.len).map(one).collect()
        })
    }

    /// Reads what is in use at one moment.
    #[inline]
    fn without_removals<T>(&self, mut read: impl FnMut(Used) -> T) -> T {
        loop {
            // Whoever sees a removal counted sees what it left, too.
            let removed = self.removed.load(Acquire);
            let result = read(self.used());
            // What was read of a place that is written again comes with the count of its removal.
            fence(Acquire);
            if self.removed.load(Relaxed) == removed {
                return result;
            }
        }
    }

    #[inline]
    fn used(&self) -> Used {
        Used::of_word(self.used.load(Acquire))
    }

    /// What is in use without its oldest value.
    #[inline]
    fn without_oldest(&self, used: Used) -> Used {
        Used {
            head: self.place(used, 1) as u32,
            len: used.len - 1,
        }
    }

    /// Removes a value: what is left of those in use.
    #[inline]
    fn leave(&self, left: Used) -> Used {
        self.used.store(left.word(), Release);
        let removed = self.removed.load(Relaxed);
        self.removed.store(removed + 1, Release);
        // Nothing is written to the place before.
        fence(Release);
        left
    }

    #[inline]
    fn copy_next(&self, used: Used, value: &mut [u8]) -> Result<(), Errno> {
        if value.len() != self.slots.window() {
            return Err(Errno::EINVAL);
        }
        if used.len == 0 {
            value.fill(0);
            return Err(Errno::ENOENT);
        }
        self.copy(used, 0, value);
        Ok(())
    }

    /// Copies a value out, counted from the next one.
    #[inline]
    fn copy(&self, used: Used, number: u32, value: &mut [u8]) {
        let place = match self.is_stack {
            true => used.len - 1 - number,
            false => number,
        };
        self.slots.read(self.place(used, place), 0, value);
    }

    /// The slot so many places behind the first one in use, less than a round.
    #[inline]
    fn place(&self, used: Used, places: u32) -> usize {
        let place = used.head as usize + places as usize;
        match place.checked_sub(self.slots.count()) {
            Some(place) => place,
            None => place,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_looks_does_not_wait_for_who_changes() {
        for kind in [MapKind::Queue, MapKind::Stack] {
            let queue = Queue::new(&MapSpec::new("m", kind, 0, 8, 2)).unwrap();
            queue.push(&[4; 8], 0).unwrap();
            let _changing = queue.writer.lock();
            let mut value = [0; 8];
            assert_eq!(queue.peek(&mut value), Ok(()));
            assert_eq!((value, queue.values()), ([4; 8], vec![vec![4; 8]]));
        }
    }
}
