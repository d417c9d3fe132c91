//! From the hash of a key to the number of its slot: open addressing over words of tag and number.
//!
//! It starts small and grows with what is stored, so that a big map with few elements stays in the
//! cache. Readers take no lock: a table that was outgrown stays allocated (all of them together
//! weigh no more than the newest), and a reader that found nothing looks again if the table was
//! replaced meanwhile. Writers are one at a time, by the shard's lock.
//!
//! Of a hash only the upper half is used here: it is the tag, and its low bits are the place, so that
//! a table can be rebuilt without looking at any key.

use std::sync::OnceLock;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

/// log2 of the words of the first table.
const BITS_MIN: u32 = 4;
/// log2 of the words of the largest: twice as many as a hash may have elements.
const BITS_MAX: u32 = 32;

/// Nothing was ever here: a search ends.
const EMPTY: u64 = 0;
/// Something was here: a search goes on. No slot has the number `u32::MAX - 1`.
const GONE: u64 = u32::MAX as u64;

/// The index of a hash.
#[derive(Debug)]
pub(super) struct Index {
    /// Two tables of each size: one is rebuilt while readers may be in the other.
    tables: Box<[OnceLock<Box<[AtomicU64]>>]>,
    /// `generation << 8 | table`.
    current: AtomicU64,
    /// Words of the current table that are not empty. Writers only.
    used: AtomicU64,
    /// Those of them that name a slot. Writers only.
    live: AtomicU64,
}

impl Index {
    pub(super) fn new() -> Self {
        let tables: Box<[OnceLock<_>]> = (0..2 * (BITS_MAX - BITS_MIN + 1))
            .map(|_| OnceLock::new())
            .collect();
        let index = Self {
            tables,
            current: AtomicU64::new(0),
            used: AtomicU64::new(0),
            live: AtomicU64::new(0),
        };
        index.table(0);
        index
    }

    /// The slot with this hash of which `check` is true.
    #[inline]
    pub(super) fn find(&self, hash: u64, check: impl Fn(u32) -> bool) -> Option<u32> {
        loop {
            let current = self.current.load(Acquire);
            let table = self.table(current as usize & 0xff);
            if let Some(found) = probe(table, hash, &check) {
                return Some(found);
            }
            fence(Acquire);
            if self.current.load(Relaxed) == current {
                return None;
            }
        }
    }

    /// Adds a slot that is not there.
    pub(super) fn insert(&self, hash: u64, slot: u32) {
        let words = self.table(self.current.load(Relaxed) as usize & 0xff).len() as u64;
        let used = self.used.load(Relaxed);
        if (used + 1) * 8 > words * 5 {
            self.rebuild();
        }
        let table = self.table(self.current.load(Relaxed) as usize & 0xff);
        let was_empty = place(table, word(hash, slot));
        add(&self.used, u64::from(was_empty));
        add(&self.live, 1);
    }

    /// Makes another slot the one of a key; both have this hash.
    pub(super) fn replace(&self, hash: u64, old: u32, new: u32) {
        let table = self.table(self.current.load(Relaxed) as usize & 0xff);
        let at = position(table, hash, old).expect("only indexed slots are replaced");
        table[at].store(word(hash, new), Release);
    }

    /// Removes a slot; false if it is not there.
    pub(super) fn remove(&self, hash: u64, slot: u32) -> bool {
        let table = self.table(self.current.load(Relaxed) as usize & 0xff);
        let Some(at) = position(table, hash, slot) else {
            return false;
        };
        add(&self.live, u64::MAX);
        let mask = table.len() - 1;
        if table[(at + 1) & mask].load(Relaxed) != EMPTY {
            table[at].store(GONE, Release);
            return true;
        }
        // Before a gap no search needs to go on: the word, and what is gone before it, are gaps again.
        let mut at = at;
        loop {
            table[at].store(EMPTY, Release);
            add(&self.used, u64::MAX);
            at = at.wrapping_sub(1) & mask;
            if table[at].load(Relaxed) != GONE {
                return true;
            }
        }
    }

    /// Moves everything into another table, twice as large unless this one is full of gaps.
    fn rebuild(&self) {
        let current = self.current.load(Relaxed);
        let number = current as usize & 0xff;
        let old = self.table(number);
        let live = self.live.load(Relaxed);
        let full = live * 8 >= old.len() as u64 * 3;
        let next = if full { (number & !1) + 2 } else { number ^ 1 };
        let new = self.table(next);
        // A reader that strayed in here and sees a cleared word sees that the table was replaced.
        fence(Release);
        for word in new {
            word.store(EMPTY, Relaxed);
        }
        for word in old {
            let word = word.load(Relaxed);
            if slot_of(word).is_some() {
                place(new, word);
            }
        }
        self.used.store(live, Relaxed);
        let generation = (current >> 8) + 1;
        self.current.store(generation << 8 | next as u64, Release);
    }

    #[inline]
    fn table(&self, number: usize) -> &[AtomicU64] {
        self.tables[number].get_or_init(|| {
            let words = 1usize << (BITS_MIN as usize + number / 2);
            (0..words).map(|_| AtomicU64::new(EMPTY)).collect()
        })
    }
}

#[inline]
fn probe(table: &[AtomicU64], hash: u64, check: impl Fn(u32) -> bool) -> Option<u32> {
    let tag = hash & TAG;
    for at in positions(table, hash) {
        let word = table[at].load(Acquire);
        if word == EMPTY {
            return None;
        }
        if word & TAG == tag
            && let Some(slot) = slot_of(word)
            && check(slot)
        {
            return Some(slot);
        }
    }
    None
}

/// Stores a word in the first free place of its search; true if that was empty.
fn place(table: &[AtomicU64], word: u64) -> bool {
    for at in positions(table, word) {
        let old = table[at].load(Relaxed);
        if old == EMPTY || old == GONE {
            table[at].store(word, Release);
            return old == EMPTY;
        }
    }
    unreachable!("a third of the table is empty")
}

/// Adds to a count that only writers change.
fn add(count: &AtomicU64, more: u64) {
    count.store(count.load(Relaxed).wrapping_add(more), Relaxed);
}

/// Which bits of a word, and of a hash, are the tag.
const TAG: u64 = !(u32::MAX as u64);

#[inline]
fn positions(table: &[AtomicU64], hash: u64) -> impl Iterator<Item = usize> {
    let mask = table.len() - 1;
    let first = (hash >> 32) as usize;
    (0..table.len()).map(move |step| (first + step) & mask)
}

/// Where the word of a slot is.
fn position(table: &[AtomicU64], hash: u64, slot: u32) -> Option<usize> {
    let wanted = word(hash, slot);
    for at in positions(table, hash) {
        match table[at].load(Relaxed) {
            EMPTY => return None,
            word if word == wanted => return Some(at),
            _ => {}
        }
    }
    None
}

fn word(hash: u64, slot: u32) -> u64 {
    hash & TAG | u64::from(slot + 1)
}

#[inline]
fn slot_of(word: u64) -> Option<u32> {
    if word == GONE {
        None
    } else {
        (word as u32).checked_sub(1)
    }
}
