//! `queue` and `stack`: values without keys, first or last in, first out.

use osmia_program::{Errno, MapKind, MapSpec};

use super::error::BrokenRule;
use super::lanes::block;
use crate::memory::{Block, Spin};

/// A queue or a stack: a ring of slots in use from `head` on.
#[derive(Debug)]
pub(super) struct Queue {
    slots: Block,
    is_stack: bool,
    used: Spin<Used>,
}

#[derive(Debug, Default)]
struct Used {
    head: usize,
    len: usize,
}

impl Queue {
    pub(super) fn new(spec: &MapSpec) -> Result<Self, BrokenRule> {
        Ok(Self {
            slots: block(u64::from(spec.max_entries), u64::from(spec.value_size))?,
            is_stack: spec.kind == MapKind::Stack,
            used: Spin::default(),
        })
    }

    pub(super) fn len(&self) -> u32 {
        self.used.lock().len as u32
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
        let mut used = self.used.lock();
        if used.len == self.slots.count() {
            if !replace {
                return Err(Errno::E2BIG);
            }
            used.head = self.wrapped(used.head + 1);
            used.len -= 1;
        }
        let at = self.wrapped(used.head + used.len);
        self.slots.write(at, 0, value);
        used.len += 1;
        Ok(())
    }

    /// Copies the next value out; `ENOENT` leaves zeroes.
    #[inline]
    pub(super) fn peek(&self, value: &mut [u8]) -> Result<(), Errno> {
        self.copy_next(&self.used.lock(), value)
    }

    /// Removes the next value; `ENOENT` leaves zeroes.
    #[inline]
    pub(super) fn pop(&self, value: &mut [u8]) -> Result<(), Errno> {
        let mut used = self.used.lock();
        self.copy_next(&used, value)?;
        if !self.is_stack {
            used.head = self.wrapped(used.head + 1);
        }
        used.len -= 1;
        Ok(())
    }

    /// Every value, the next one first.
    pub(super) fn values(&self) -> Vec<Vec<u8>> {
        let used = self.used.lock();
        let one = |place: usize| {
            let offset = if self.is_stack {
                used.len - 1 - place
            } else {
                place
            };
            let mut value = vec![0; self.slots.window()];
            let at = self.wrapped(used.head + offset);
            self.slots.read(at, 0, &mut value);
            value
        };
        (0..used.len).map(one).collect()
    }

    #[inline]
    fn copy_next(&self, used: &Used, value: &mut [u8]) -> Result<(), Errno> {
        if value.len() != self.slots.window() {
            return Err(Errno::EINVAL);
        }
        if used.len == 0 {
            value.fill(0);
            return Err(Errno::ENOENT);
        }
        let offset = if self.is_stack { used.len - 1 } else { 0 };
        let at = self.wrapped(used.head + offset);
        self.slots.read(at, 0, value);
        Ok(())
    }

    /// A place less than a round behind the last one, in the ring.
    #[inline]
    fn wrapped(&self, place: usize) -> usize {
        match place.checked_sub(self.slots.count()) {
            Some(place) => place,
            None => place,
        }
    }
}
