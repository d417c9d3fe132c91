//! From the hash of a key to the number of its slot: a table of cache lines, twelve places each.
//!
//! A line begins with tags, a byte of the hash for each place, by which a search knows where to look
//! without trying one after the other; in the places are slots. What finds its line full goes to one
//! further on, and the lines it passes count that, so that a search knows when to end, and nothing is
//! left behind by what is removed.
//!
//! A table starts small and grows with what is stored, so that a big map with few elements stays in
//! the cache. Readers take no lock: a table that was outgrown stays as it was, and a reader that found
//! nothing looks again if the table was replaced meanwhile. Writers are one at a time, by the shard's
//! lock. Whether something is there is said by its place alone, in one store: its tag is there before
//! it and goes after it.
//!
//! Of a hash only the upper half is used here: shards are chosen by the lower.

use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

use crate::memory::{Line, Lines, Row};

/// log2 of the lines of the first table.
const BITS_MIN: u32 = 1;
/// Elements of a line, on average, at which a table is outgrown: of twelve places.
const FULL: u64 = 9;
/// Elements of a line, on average, with which a table works for want of memory.
const CROWDED: u64 = 11;

/// In a place: nothing is there. Otherwise it is a slot's number and one.
const EMPTY: u32 = 0;
/// Lowest bits of all tags of the first word, and of those of the second.
const FIRST: u64 = 0x0101_0101_0101_0101;
const SECOND: u64 = 0x0000_0000_0101_0101;
/// In the second word: one that had no room in the line, and went further.
const PASSED: u64 = 1 << 56;
/// So many that are counted no more.
const PASSED_MAX: u64 = 0xff;

/// The index of a hash.
#[derive(Debug)]
pub(super) struct Index {
    lines: Lines,
    /// Slots in it; written by writers only.
    live: AtomicU64,
}

/// Where a slot was found. Stays right as long as its finder keeps other writers out.
#[derive(Copy, Clone, Debug)]
pub(super) struct Found {
    pub(super) slot: u32,
    /// How far from the first line of its search.
    step: usize,
    place: usize,
}

impl Index {
    /// Bytes of an empty one.
    pub(super) const BYTES_MIN: u64 = (size_of::<Line>() as u64) << BITS_MIN;

    /// An empty one; `None` if memory is short.
    pub(super) fn new() -> Option<Self> {
        Some(Self {
            lines: Lines::new(BITS_MIN)?,
            live: AtomicU64::new(0),
        })
    }

    /// How many slots are in it.
    pub(super) fn len(&self) -> u32 {
        self.live.load(Relaxed) as u32
    }

    /// The slot with this hash of which `check` is true.
    #[inline(always)]
    pub(super) fn find(&self, hash: u64, check: impl Fn(u32) -> bool) -> Option<Found> {
        loop {
            let row = self.lines.current();
            if let Some(found) = find_in(row, hash, &check) {
                return Some(found);
            }
            fence(Acquire);
            if self.lines.is_current(row) {
                return None;
            }
        }
    }

    /// Adds a slot that is not there; false if memory is short. All that are there have a hash.
    pub(super) fn insert(&self, hash: u64, slot: u32, hash_of: impl Fn(u32) -> u64) -> bool {
        let live = self.live.load(Relaxed);
        let lines = self.lines.current().count() as u64;
        if live >= lines * FULL && self.grow(hash_of).is_none() && live >= lines * CROWDED {
            return false;
        }
        put(self.lines.current(), hash, slot);
        self.live.store(live + 1, Relaxed);
        true
    }

    /// Makes another slot the one of a key.
    #[inline]
    pub(super) fn replace(&self, hash: u64, found: Found, new: u32) {
        let line = self.lines.current().line(home(hash) + found.step);
        line.halves[found.place].store(new + 1, Release);
    }

    /// Removes a slot.
    pub(super) fn remove(&self, hash: u64, found: Found) {
        let row = self.lines.current();
        let line = row.line(home(hash) + found.step);
        line.halves[found.place].store(EMPTY, Release);
        let (word, shift) = tag_of(line, found.place);
        word.store(word.load(Relaxed) & !(0xff << shift), Release);
        for step in 0..found.step {
            let word = &row.line(home(hash) + step).words[1];
            let old = word.load(Relaxed);
            if old >> 56 != PASSED_MAX {
                word.store(old - PASSED, Release);
            }
        }
        self.live.store(self.live.load(Relaxed) - 1, Relaxed);
    }

    /// Moves everything into a table twice as large.
    fn grow(&self, hash_of: impl Fn(u32) -> u64) -> Option<()> {
        let old = self.lines.current();
        self.lines.grow(|new| {
            let places = (0..old.count()).flat_map(|at| &old.line(at).halves);
            let slots = places.filter_map(|place| place.load(Relaxed).checked_sub(1));
            slots.for_each(|slot| put(new, hash_of(slot), slot));
        })
    }
}

/// The number of the line where a search begins.
#[inline(always)]
fn home(hash: u64) -> usize {
    (hash >> 32) as usize
}

/// The tag of a hash: not the bits that lines are chosen by, and never zero.
#[inline(always)]
fn tag(hash: u64) -> u64 {
    (hash >> 56).max(1)
}

/// The word with the tag of a place, and where in it that is.
#[inline]
fn tag_of(line: &Line, place: usize) -> (&AtomicU64, usize) {
    (&line.words[place / 8], place % 8 * 8)
}

/// A bit for each of a line's tags that is this one, and for no other. Those of the first word are the
/// lowest of each byte, those of the second are beside them.
#[inline(always)]
fn places(first: u64, second: u64, tag: u64) -> u64 {
    const LOW: u64 = !(FIRST << 7);
    let zeroes = |bytes: u64| !(((bytes & LOW) + LOW) | bytes | LOW) >> 7;
    zeroes(first ^ (tag * FIRST)) | (zeroes(second ^ (tag * SECOND)) & SECOND) << 1
}

/// The place of the lowest of these bits.
#[inline(always)]
fn lowest(places: u64) -> usize {
    let bit = places.trailing_zeros() as usize;
    bit / 8 + bit % 8 * 8
}

#[inline(always)]
fn find_in(row: Row<'_>, hash: u64, check: impl Fn(u32) -> bool) -> Option<Found> {
    let tag = tag(hash);
    let mut step = 0;
    loop {
        let line = row.line(home(hash) + step);
        let [first, second] = line.words.each_ref().map(|word| word.load(Acquire));
        let mut candidates = places(first, second, tag);
        while candidates != 0 {
            let place = lowest(candidates);
            if let Some(slot) = line.halves[place].load(Acquire).checked_sub(1)
                && check(slot)
            {
                return Some(Found { slot, step, place });
            }
            candidates &= candidates - 1;
        }
        step += 1;
        if second < PASSED || step == row.count() {
            return None;
        }
    }
}

/// Stores a slot in the first free place of its search.
fn put(row: Row<'_>, hash: u64, slot: u32) {
    for step in 0..row.count() {
        let line = row.line(home(hash) + step);
        let [first, second] = line.words.each_ref().map(|word| word.load(Relaxed));
        let free = places(first, second, 0);
        if free != 0 {
            let place = lowest(free);
            let (word, shift) = tag_of(line, place);
            word.store(word.load(Relaxed) | tag(hash) << shift, Release);
            line.halves[place].store(slot + 1, Release);
            return;
        }
        if second >> 56 != PASSED_MAX {
            line.words[1].store(second + PASSED, Release);
        }
    }
    unreachable!("a twelfth of the places is free")
}

#[cfg(test)]
mod tests {
    use super::{Index, PASSED_MAX, lowest, places};

    #[test]
    fn tags_are_told_from_others_beside_them() {
        let (first, second) = (0xff02_0302_7f80_0102, 0x0302_0202_0002_0202);
        let mut found = places(first, second, 2);
        let mut all = Vec::new();
        while found != 0 {
            all.push(lowest(found));
            found &= found - 1;
        }
        all.sort_unstable();
        assert_eq!(all, [0, 4, 6, 8, 9, 10]);
        assert_eq!(lowest(places(!0, 0xff00_0000_00ff_ffff, 0)), 11);
        assert_eq!(places(!0, 0xff00_0000_ffff_ffff, 0), 0);
    }

    /// Everything in a few lines, as long as they have room: what has not passes them, and is found.
    #[test]
    fn what_found_no_room_is_found_and_leaves_nothing_behind() {
        let index = Index::new().unwrap();
        let hash = |number: u32| 0xab00_0001_0000_0000 | u64::from(number % 3) << 40;
        let numbers = || 0..3 * PASSED_MAX as u32;
        for number in numbers() {
            assert!(index.insert(hash(number), number, hash));
        }
        for number in numbers() {
            let found = index.find(hash(number), |slot| slot == number);
            assert_eq!(found.map(|found| found.slot), Some(number));
        }
        assert!(index.find(hash(0), |slot| slot == u32::MAX).is_none());
        for number in numbers() {
            let is = |slot| slot == number;
            index.remove(hash(number), index.find(hash(number), is).unwrap());
            assert!(index.find(hash(number), is).is_none());
        }
    }
}
