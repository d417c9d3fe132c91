//! The entries of a hash: numbers that elements keep as long as they live, by which walks go.
//!
//! An entry is half a word: the slot of its element or, while it is free, a link to another free one.
//! Entries lie in a row for each CPU, so that CPUs do not wait for each other; who finds its own row
//! used up takes from another's, but for an LRU with `BPF_F_NO_COMMON_LRU`. Taking and giving are one compare-and-swap on the top of a row's stack, whose
//! tag keeps an entry that came back from being mistaken for one that never left.

use std::ops::Range;
use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

use crate::limits;
use crate::map::error::BrokenRule;
use crate::map::lanes::block;
use crate::memory::Block;

/// In an entry: the rest is a slot, not a link.
const LIVE: u32 = 1 << 31;
/// Fewest entries of a CPU's row where CPUs may take from each other's.
const ROW_ENTRIES_MIN: u32 = 64;

/// The entries, in rows.
#[derive(Debug)]
pub(super) struct Entries {
    /// One element, four bytes an entry.
    words: Block,
    rows: Box<[Row]>,
    /// Of every row; the last one may have more.
    row_entries: u32,
    /// Of all rows.
    entries: u32,
    /// A CPU has its own row, and no others.
    apart: bool,
}

/// On a cache line of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Row {
    entries: Range<u32>,
    /// Entries below this have been in use.
    born: AtomicU32,
    /// Top of the stack of freed entries: `tag << 32 | entry + 1`.
    freed: AtomicU64,
    /// Where the search for an entry to evict goes on.
    hand: AtomicU32,
}

impl Entries {
    /// So many entries for so many CPUs; every CPU may use its own only if they are to be kept apart.
    pub(super) fn new(entries: u32, cpus: u32, apart: bool) -> Result<Self, BrokenRule> {
        // A few are one row: a CPU would soon need another's.
        let rows = if apart || entries / cpus >= ROW_ENTRIES_MIN {
            cpus
        } else {
            1
        };
        let row_entries = entries / rows;
        let entries = if apart { row_entries * rows } else { entries };
        // Slots and links are below the mark, since a map's memory is limited.
        const { assert!(limits::MAP_BYTES_MAX / 8 < LIVE as u64) };
        let row = |row: u32| Row {
            entries: row * row_entries..if row + 1 == rows {
                entries
            } else {
                (row + 1) * row_entries
            },
            born: AtomicU32::new(row * row_entries),
            freed: AtomicU64::new(0),
            hand: AtomicU32::new(row * row_entries),
        };
        Ok(Self {
            words: block(1, u64::from(entries) * 4)?,
            rows: (0..rows).map(row).collect(),
            row_entries,
            entries,
            apart,
        })
    }

    #[inline(always)]
    fn word(&self, entry: u32) -> &AtomicU32 {
        self.words.word32(0, entry as usize * 4)
    }

    /// The slot of a live entry.
    #[inline]
    pub(super) fn slot(&self, entry: u32) -> Option<u32> {
        let word = self.word(entry).load(Acquire);
        (word & LIVE != 0).then_some(word & !LIVE)
    }

    /// Makes an entry live, or its element lie in another slot.
    #[inline]
    pub(super) fn set(&self, entry: u32, slot: u32) {
        self.word(entry).store(LIVE | slot, Release);
    }

    /// Makes a live entry neither live nor free.
    #[inline]
    pub(super) fn clear(&self, entry: u32) {
        self.word(entry).store(0, Release);
    }

    /// Takes an entry for a CPU. If there is none, then at some moment of the call none was free.
    #[inline]
    pub(super) fn take(&self, cpu: u32) -> Option<u32> {
        let own = self.take_from(self.row(cpu));
        own.or_else(|| match self.apart {
            true => None,
            false => self.take_from_any(),
        })
    }

    fn take_from_any(&self) -> Option<u32> {
        loop {
            let before = self.changes();
            let found = self.rows.iter().find_map(|row| self.take_from(row));
            // A row that was seen empty may have been given an entry while another lost its last one.
            if found.is_some() || self.changes() == before {
                return found;
            }
        }
    }

    /// A number that is another one whenever an entry was given back.
    fn changes(&self) -> u64 {
        let tags = self.rows.iter().map(|row| row.freed.load(Acquire) >> 32);
        tags.sum()
    }

    #[inline]
    fn take_from(&self, row: &Row) -> Option<u32> {
        let mut top = row.freed.load(Acquire);
        while let Some(entry) = (top as u32).checked_sub(1) {
            let next = next_tag(top) | u64::from(self.word(entry).load(Relaxed));
            match row.freed.compare_exchange_weak(top, next, AcqRel, Acquire) {
                Ok(_) => return Some(entry),
                Err(now) => top = now,
            }
        }
        row.never_used()
    }

    /// Gives an entry back to its row.
    #[inline]
    pub(super) fn give(&self, entry: u32) {
        let row = (entry / self.row_entries) as usize;
        let row = &self.rows[row.min(self.rows.len() - 1)];
        let mut top = row.freed.load(Relaxed);
        loop {
            self.word(entry).store(top as u32, Relaxed);
            let next = next_tag(top) | u64::from(entry + 1);
            match row.freed.compare_exchange_weak(top, next, AcqRel, Relaxed) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }

    /// The hand that passes over the entries a CPU may evict, where it was left. CPUs begin far from
    /// each other.
    pub(super) fn hand(&self, cpu: u32) -> Hand<'_> {
        let row = self.row(cpu);
        Hand {
            kept: &row.hand,
            at: row.hand.load(Relaxed),
            over: match self.apart {
                true => row.entries.clone(),
                false => 0..self.entries,
            },
        }
    }

    /// The entries from this one on that have been in use.
    pub(super) fn born(&self, from: u32) -> impl Iterator<Item = u32> {
        self.rows
            .iter()
            .flat_map(move |row| from.max(row.entries.start)..row.born.load(Acquire))
    }

    fn row(&self, cpu: u32) -> &Row {
        &self.rows[cpu as usize % self.rows.len()]
    }
}

/// Passes over entries again and again; where it stands is kept when it is dropped. Two on a row may
/// pass over the same ones.
#[derive(Debug)]
pub(super) struct Hand<'a> {
    kept: &'a AtomicU32,
    at: u32,
    over: Range<u32>,
}

impl Hand<'_> {
    /// The next entry.
    #[inline]
    pub(super) fn next(&mut self) -> u32 {
        let entry = self.at;
        self.at = match entry + 1 {
            next if next < self.over.end => next,
            _ => self.over.start,
        };
        entry
    }
}

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        self.kept.store(self.at, Relaxed);
    }
}

impl Row {
    fn never_used(&self) -> Option<u32> {
        if self.born.load(Relaxed) == self.entries.end {
            return None;
        }
        let more = |born| (born < self.entries.end).then_some(born + 1);
        self.born.fetch_update(AcqRel, Relaxed, more).ok()
    }
}

/// The tag of the next top, in place.
fn next_tag(top: u64) -> u64 {
    ((top >> 32) + 1) << 32
}
