//! The entries of a hash: a state word, a word aside, the key, in one cache line for small keys.
//!
//! The state word is `generation << 32 | slot + 1`, with 0 below for a dead entry. A reader takes
//! the word, compares the key and takes the word again: as long as the generation is the same, the
//! key it compared is the key of that value, so entry numbers can be reused at once.
//!
//! The word aside has the LRU's mark in its lowest bit; the others link free entries. A reader may
//! mark an entry that has just died, so neither part is ever written together with the other.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

use osmia_program::Errno;

use crate::memory::Block;

/// Words before the key: the state and the word aside.
const HEADER_WORDS: usize = 2;
/// Bytes before the key.
pub(super) const HEADER_BYTES: usize = 8 * HEADER_WORDS;
/// In the word aside: an LRU's entry was used since the hand last passed it.
const USED: u64 = 1;

/// The entries, and how their keys are hashed and compared.
#[derive(Debug)]
pub(super) struct Keys {
    block: Block,
    key_bytes: usize,
    seed: u64,
}

impl Keys {
    /// Dead entries. Keys come from packets: unless `seeded` is off, nobody can choose collisions.
    pub(super) fn new(block: Block, key_bytes: usize, seeded: bool) -> Self {
        let seed = if seeded {
            RandomState::new().hash_one(key_bytes)
        } else {
            0
        };
        Self {
            block,
            key_bytes,
            seed,
        }
    }

    pub(super) fn key_bytes(&self) -> usize {
        self.key_bytes
    }

    pub(super) fn check(&self, key: &[u8]) -> Result<(), Errno> {
        if key.len() == self.key_bytes {
            Ok(())
        } else {
            Err(Errno::EINVAL)
        }
    }

    fn state(&self, entry: u32) -> &AtomicU64 {
        &self.block.words(entry as usize)[0]
    }

    fn aside(&self, entry: u32) -> &AtomicU64 {
        &self.block.words(entry as usize)[1]
    }

    /// Notes that an entry of an LRU was used.
    #[inline]
    pub(super) fn mark(&self, entry: u32) {
        let aside = self.aside(entry);
        // Read first: a store would take the line away from other CPUs.
        if aside.load(Relaxed) & USED == 0 {
            aside.fetch_or(USED, Relaxed);
        }
    }

    /// Forgets that an entry was used; true if it was.
    pub(super) fn unmark(&self, entry: u32) -> bool {
        let aside = self.aside(entry);
        aside.load(Relaxed) & USED != 0 && aside.fetch_and(!USED, Relaxed) & USED != 0
    }

    /// What a free entry is linked to.
    pub(super) fn link(&self, entry: u32) -> u32 {
        (self.aside(entry).load(Relaxed) >> 1) as u32
    }

    /// Links a free entry.
    pub(super) fn set_link(&self, entry: u32, to: u32) {
        self.aside(entry).store(u64::from(to) << 1, Relaxed);
    }

    /// The key of an entry; the last word is filled up with zeroes.
    fn key_words(&self, entry: u32) -> &[AtomicU64] {
        &self.block.words(entry as usize)[HEADER_WORDS..]
    }

    /// Hash of a key: one multiplication for keys of four and eight bytes.
    #[inline]
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        match key.len() {
            4 | 8 => mix(self.seed, word_of(key)),
            _ => key
                .chunks(8)
                .fold(self.seed, |hash, part| mix(hash, word_of(part))),
        }
    }

    /// The generation of a live entry and the hash of its key.
    pub(super) fn identity(&self, entry: u32) -> Option<(u32, u64)> {
        let state = self.state(entry);
        let before = state.load(Acquire);
        slot_of(before)?;
        let words = self.key_words(entry).iter();
        let hash = words.fold(self.seed, |hash, word| mix(hash, word.load(Relaxed)));
        fence(Acquire);
        let same = before >> 32 == state.load(Relaxed) >> 32;
        same.then_some(((before >> 32) as u32, hash))
    }

    /// The slot of an entry that is live in this generation.
    pub(super) fn slot_in(&self, entry: u32, generation: u32) -> Option<u32> {
        let state = self.state(entry).load(Acquire);
        slot_of(state).filter(|_| (state >> 32) as u32 == generation)
    }

    /// The slot of an entry if it is live and has this key.
    #[inline]
    pub(super) fn matches(&self, entry: u32, key: &[u8]) -> Option<u32> {
        let words = self.block.words(entry as usize);
        consistently(&words[0], || match key.len() {
            4 | 8 => words[HEADER_WORDS].load(Relaxed) == word_of(key),
            16 => {
                let (low, high) = key.split_at(8);
                words[HEADER_WORDS].load(Relaxed) == word_of(low)
                    && words[HEADER_WORDS + 1].load(Relaxed) == word_of(high)
            }
            _ => (words[HEADER_WORDS..].iter().zip(key.chunks(8)))
                .all(|(word, part)| word.load(Relaxed) == word_of(part)),
        })
    }

    /// The slot of a live entry, and a copy of its key.
    pub(super) fn snapshot(&self, entry: u32, key: &mut [u8]) -> Option<u32> {
        consistently(self.state(entry), || {
            self.read(entry, key);
            true
        })
    }

    pub(super) fn read(&self, entry: u32, key: &mut [u8]) {
        self.block.read(entry as usize, HEADER_BYTES, key);
    }

    /// Makes a dead entry live. Writers only, one at a time.
    pub(super) fn give_birth(&self, entry: u32, key: &[u8], slot: u32) {
        // Who sees a byte of the new key sees that the old entry is dead.
        fence(Release);
        for (word, part) in self.key_words(entry).iter().zip(key.chunks(8)) {
            word.store(word_of(part), Relaxed);
        }
        self.set_slot(entry, slot);
    }

    /// Points an entry at another slot, whose bytes are written. Writers only.
    pub(super) fn set_slot(&self, entry: u32, slot: u32) {
        let state = self.state(entry);
        let generation = state.load(Relaxed) >> 32;
        state.store(generation << 32 | u64::from(slot + 1), Release);
    }

    /// Makes a live entry dead. Writers only.
    pub(super) fn end(&self, entry: u32) {
        let state = self.state(entry);
        let generation = (state.load(Relaxed) >> 32) as u32;
        state.store(u64::from(generation.wrapping_add(1)) << 32, Release);
    }
}

/// The slot of a live entry with this state word of which `holds` is true, all at one moment.
#[inline]
fn consistently(state: &AtomicU64, holds: impl FnOnce() -> bool) -> Option<u32> {
    let before = state.load(Acquire);
    slot_of(before)?;
    if !holds() {
        return None;
    }
    fence(Acquire);
    let after = state.load(Acquire);
    if before >> 32 == after >> 32 {
        slot_of(after)
    } else {
        None
    }
}

#[inline]
fn slot_of(state: u64) -> Option<u32> {
    (state as u32).checked_sub(1)
}

/// Up to eight bytes as a word, the rest zero; the order of the bytes in memory.
#[inline]
fn word_of(part: &[u8]) -> u64 {
    match part.len() {
        8 => u64::from_ne_bytes(part.try_into().expect("eight")),
        4 => {
            let [a, b, c, d] = *part else {
                unreachable!("four")
            };
            u64::from_ne_bytes([a, b, c, d, 0, 0, 0, 0])
        }
        len => {
            let mut bytes = [0; 8];
            bytes[..len].copy_from_slice(part);
            u64::from_ne_bytes(bytes)
        }
    }
}

/// Folded multiplication: every bit of the word reaches every bit of the hash.
#[inline]
fn mix(hash: u64, word: u64) -> u64 {
    // Digits of pi; without a seed the first keeps the word 0 from staying 0.
    const FIRST: u64 = 0x243f_6a88_85a3_08d3;
    const SECOND: u64 = 0x1319_8a2e_0370_7345;
    let product = u128::from(hash ^ word ^ FIRST) * u128::from(SECOND);
    product as u64 ^ (product >> 64) as u64
}
