//! The first bits of all prefixes, without a search: a row with an entry for each beginning.
//!
//! Prefixes that end within these bits have a place each, by their length and bits, and a change of
//! one is one store there. An entry says where the trie of what goes on behind its bits begins, and
//! how long the longest prefix is that ends in front of it: a hint, kept right by writers around that
//! store, from which a reader goes on to shorter ones if the place turns out empty. The shortest
//! prefixes, which would be in very many entries, have no hint and are always looked for.
//!
//! How many bits these are depends on how many prefixes the map has room for.

use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use super::node::STRIDE;
use super::prefix::Prefix;
use crate::map::error::BrokenRule;
use crate::map::lanes::block;
use crate::memory::Block;

/// Most of the first bits. They are a multiple of a node's.
const BITS_MAX: u32 = 20;
/// A prefix is a hint in at most two to the power of this many entries.
const HINTED_BITS_MAX: u32 = 12;
/// There are about two to the power of this many times more entries than room for prefixes.
const SPACIOUS_BITS: u32 = 2;

/// In an entry, above the link: the length that is its hint; 0 is none.
const HINT_SHIFT: u32 = 32;

/// The row.
#[derive(Debug)]
pub(super) struct Root {
    bits: u32,
    /// The longest prefixes without a hint.
    unhinted: u32,
    entries: Block,
    /// Slots, and one, by length and bits: one element.
    ends: Block,
}

/// An entry as it was at some moment.
#[derive(Copy, Clone, Debug)]
pub(super) struct Entry(u64);

impl Entry {
    #[inline]
    pub(super) fn link(self) -> u32 {
        self.0 as u32
    }

    #[inline]
    fn hint(self) -> u32 {
        (self.0 >> HINT_SHIFT) as u32
    }
}

impl Root {
    /// For keys with so many bytes of bits, and so many prefixes.
    pub(super) fn new(bytes: usize, prefixes: u32) -> Result<Self, BrokenRule> {
        let wanted = prefixes.ilog2() + SPACIOUS_BITS;
        let nearest = (wanted + STRIDE / 2 - 1) / STRIDE * STRIDE;
        let bits = nearest.clamp(STRIDE, BITS_MAX.min(bytes as u32 * 8));
        let entries = block(1 << bits, 8)?;
        entries.expect_use(1 << bits);
        Ok(Self {
            bits,
            unhinted: bits.saturating_sub(HINTED_BITS_MAX + 1),
            entries,
            ends: block(1, (2 << bits) * 4)?,
        })
    }

    /// How many bits they are.
    #[inline]
    pub(super) fn bits(&self) -> u32 {
        self.bits
    }

    /// How many entries there are.
    pub(super) fn count(&self) -> usize {
        1 << self.bits
    }

    /// The entry of a prefix; the first of those that a short one is in.
    #[inline]
    pub(super) fn index(&self, prefix: Prefix<'_>) -> usize {
        (prefix.first >> (64 - self.bits)) as usize
    }

    #[inline]
    fn word(&self, index: usize) -> &AtomicU64 {
        &self.entries.all_words()[index]
    }

    #[inline]
    pub(super) fn entry(&self, index: usize) -> Entry {
        Entry(self.word(index).load(Acquire))
    }

    /// Leads an entry somewhere else.
    pub(super) fn set_link(&self, index: usize, link: u32) {
        let word = self.word(index);
        let hint = word.load(Relaxed) >> HINT_SHIFT << HINT_SHIFT;
        word.store(hint | u64::from(link), Release);
    }

    #[inline]
    fn place(&self, len: u32, index: usize) -> &AtomicU32 {
        let place = (1 << len) - 1 + (index >> (self.bits - len));
        self.ends.word32(0, place * 4)
    }

    /// The slot of a prefix that ends here.
    #[inline]
    pub(super) fn end(&self, len: u32, index: usize) -> Option<u32> {
        self.place(len, index).load(Acquire).checked_sub(1)
    }

    /// The slot of the longest prefix, up to a length, that ends in front of an entry.
    #[inline]
    pub(super) fn longest_end(&self, entry: Entry, index: usize, len_max: u32) -> Option<u32> {
        let len = entry.hint().max(self.unhinted).min(len_max);
        if let Some(slot) = self.end(len, index) {
            return Some(slot);
        }
        self.shorter(len, index).map(|(_, slot)| slot)
    }

    /// The longest one of those that are shorter than this, and its slot.
    fn shorter(&self, len: u32, index: usize) -> Option<(u32, u32)> {
        let mut lens = (0..len).rev();
        lens.find_map(|len| Some((len, self.end(len, index)?)))
    }

    /// Makes a slot the one of a prefix that ends here, and returns the one it was before.
    pub(super) fn set_end(&self, len: u32, index: usize, slot: u32) -> Option<u32> {
        let old = self.end(len, index);
        if old.is_none() {
            // First the hints: readers that find nothing there yet go on to shorter ones.
            self.hint(len, index, |hint| hint.max(len));
        }
        self.place(len, index).store(slot + 1, Release);
        old
    }

    /// Takes a prefix that ends here out, and returns its slot.
    pub(super) fn remove_end(&self, len: u32, index: usize) -> Option<u32> {
        let old = self.end(len, index)?;
        self.place(len, index).store(0, Release);
        let shorter = self.shorter(len, index).map_or(0, |(len, _)| len);
        self.hint(len, index, |hint| if hint == len { shorter } else { hint });
        Some(old)
    }

    /// Changes the hints of the entries behind a prefix.
    fn hint(&self, len: u32, index: usize, change: impl Fn(u32) -> u32) {
        if len <= self.unhinted {
            return;
        }
        let count = 1 << (self.bits - len);
        let first = index & !(count - 1);
        for index in first..first + count {
            let old = self.entry(index);
            let new = change(old.hint());
            if new != old.hint() {
                let word = u64::from(new) << HINT_SHIFT | u64::from(old.link());
                self.word(index).store(word, Release);
            }
        }
    }

    /// The slot of the first prefix after those of a length and more in the order of walks, among those
    /// that end with an entry.
    pub(super) fn last_ends(&self, len: u32, index: usize) -> Option<u32> {
        // One that ends with this entry is over with its last: the bits behind it are ones.
        let is_over = |len: u32| {
            let behind = (1_usize << (self.bits - len)) - 1;
            index & behind == behind
        };
        let mut lens = (0..len).rev().take_while(|len| is_over(*len));
        lens.find_map(|len| self.end(len, index))
    }
}
