//! A row of cache lines that is replaced by a longer one when it gets too short.
//!
//! Where the row lies and how long it is are one word, so that readers need no lock and one load. Rows
//! that were replaced stay: readers may still be in them, and all together they weigh no more than the
//! newest.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{
    AtomicPtr, AtomicU32, AtomicU64,
    Ordering::{Acquire, Release},
};
use std::sync::{Mutex, PoisonError};

use super::Block;

/// A cache line: two words, and twelve halves of one.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Line {
    /// The words.
    pub words: [AtomicU64; 2],
    /// The halves.
    pub halves: [AtomicU32; 12],
}

/// The row in use, and those before it.
#[derive(Debug)]
pub struct Lines {
    /// The first line of the row in use; in the bits that an aligned address has to spare, log2 of its
    /// length.
    current: AtomicPtr<Line>,
    rows: Mutex<Vec<Block>>,
}

/// A row as it was in use at some moment.
#[derive(Copy, Clone, Debug)]
pub struct Row<'a> {
    first: NonNull<Line>,
    mask: usize,
    lines: PhantomData<&'a [Line]>,
}

/// Bits of an address that are none: lines are aligned to their size.
const LENGTH_BITS: usize = size_of::<Line>() - 1;

impl Lines {
    /// A row of zeroed lines, as many as two to the power of `bits`. `None` if memory is short.
    pub fn new(bits: u32) -> Option<Self> {
        let row = Self::row(bits)?;
        Some(Self {
            current: AtomicPtr::new(tagged(&row, bits)),
            rows: Mutex::new(vec![row]),
        })
    }

    fn row(bits: u32) -> Option<Block> {
        let lines = 1_usize.checked_shl(bits)?;
        let row = Block::in_lines(lines, size_of::<Line>())?;
        row.expect_use(lines);
        Some(row)
    }

    /// The row in use.
    #[inline(always)]
    pub fn current(&self) -> Row<'_> {
        let tagged = self.current.load(Acquire);
        let bits = tagged.addr() & LENGTH_BITS;
        let first = tagged.map_addr(|address| address & !LENGTH_BITS);
        Row {
            // SAFETY: `tagged` made it from the address of a block.
            first: unsafe { NonNull::new_unchecked(first) },
            mask: (1 << bits) - 1,
            lines: PhantomData,
        }
    }

    /// True if this row is still the one in use.
    #[inline(always)]
    pub fn is_current(&self, row: Row<'_>) -> bool {
        self.current().first == row.first
    }

    /// Replaces the row by one twice as long, once `fill` has been through it. `None`, and nothing
    /// happened, if memory is short. Whoever calls it is the only one to do so.
    pub fn grow(&self, fill: impl FnOnce(Row<'_>)) -> Option<()> {
        let bits = self.current().bits() + 1;
        let block = Self::row(bits)?;
        let new = tagged(&block, bits);
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.push(block);
        fill(Row {
            first: NonNull::new(new.map_addr(|address| address & !LENGTH_BITS))?,
            mask: (1 << bits) - 1,
            lines: PhantomData,
        });
        self.current.store(new, Release);
        Some(())
    }
}

/// The word that tells where a row of so many lines lies.
fn tagged(row: &Block, bits: u32) -> *mut Line {
    let first = row.base().as_ptr().cast::<Line>();
    assert!(first.addr() & LENGTH_BITS == 0, "a row on cache lines");
    assert!(row.count() == 1 << bits && row.stride() == size_of::<Line>());
    first.map_addr(|address| address | bits as usize)
}

impl<'a> Row<'a> {
    /// How many lines it has.
    #[inline]
    pub fn count(self) -> usize {
        self.mask + 1
    }

    fn bits(self) -> u32 {
        self.count().trailing_zeros()
    }

    /// A line by its number; behind the last comes the first again.
    #[inline(always)]
    pub fn line(self, number: usize) -> &'a Line {
        // SAFETY: the row has `mask + 1` lines, aligned (both asserted when its word was made); its
        // block is kept as long as the `Lines` that are borrowed, and only touched through atomics.
        unsafe { self.first.add(number & self.mask).as_ref() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::Lines;

    #[test]
    fn a_row_that_was_replaced_stays() {
        let lines = Lines::new(1).unwrap();
        let short = lines.current();
        short.line(1).halves[11].store(5, Relaxed);
        for _ in 0..3 {
            assert!(
                lines
                    .grow(|row| row.line(0).words[0].store(6, Relaxed))
                    .is_some()
            );
        }
        assert_eq!((short.count(), lines.current().count()), (2, 16));
        assert!(lines.is_current(lines.current()) && !lines.is_current(short));
        assert_eq!(short.line(3).halves[11].load(Relaxed), 5);
        assert_eq!(lines.current().line(16).words[0].load(Relaxed), 6);
    }
}
