//! The keys of a hash: each in front of its value, in one cache line if both are small, behind a word
//! that says which entry it belongs to and bears the LRU's mark.
//!
//! A slot is written before readers can find it and stays as it is until no run can hold it, so keys
//! are compared without further ado; per-CPU values have their keys apart.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use osmia_program::Errno;

use crate::memory::Block;

/// In the word before a key, above the entry's number: it was used since the LRU's hand last passed.
const USED: u64 = 1 << 32;

/// The keys of all slots, and how they are hashed and compared.
#[derive(Debug)]
pub(super) struct Keys {
    /// They are the headers of its elements.
    block: Arc<Block>,
    key_bytes: usize,
    seed: u64,
}

impl Keys {
    /// Bytes of memory for each slot.
    pub(super) fn slot_bytes(key_bytes: u32) -> u64 {
        8 + u64::from(key_bytes).next_multiple_of(8)
    }

    /// Keys come from packets: unless `seeded` is off, nobody can choose collisions.
    pub(super) fn new(block: Arc<Block>, key_bytes: usize, seeded: bool) -> Self {
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

    #[inline]
    fn words(&self, slot: u32) -> &[AtomicU64] {
        self.block.header_words(slot as usize)
    }

    /// The entry a slot belongs to.
    pub(super) fn entry(&self, slot: u32) -> u32 {
        self.words(slot)[0].load(Relaxed) as u32
    }

    /// Notes that an element of an LRU was used.
    #[inline]
    pub(super) fn mark(&self, slot: u32) {
        let word = &self.words(slot)[0];
        // Read first: a store would take the line away from other CPUs.
        if word.load(Relaxed) & USED == 0 {
            word.fetch_or(USED, Relaxed);
        }
    }

    /// Forgets that an element was used; true if it was.
    pub(super) fn unmark(&self, slot: u32) -> bool {
        let word = &self.words(slot)[0];
        word.load(Relaxed) & USED != 0 && word.fetch_and(!USED, Relaxed) & USED != 0
    }

    /// Writes the key of a slot that nobody can find.
    pub(super) fn set(&self, slot: u32, entry: u32, key: &[u8]) {
        let [first, words @ ..] = self.words(slot) else {
            unreachable!("every slot has a word before its key")
        };
        first.store(u64::from(entry), Relaxed);
        for (word, part) in words.iter().zip(key.chunks(8)) {
            word.store(word_of(part), Relaxed);
        }
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

    /// Hash of the key of a slot.
    pub(super) fn hash_of(&self, slot: u32) -> u64 {
        let words = self.words(slot)[1..].iter();
        words.fold(self.seed, |hash, word| mix(hash, word.load(Relaxed)))
    }

    /// True if this is the key of a slot.
    #[inline]
    pub(super) fn is(&self, slot: u32, key: &[u8]) -> bool {
        let words = &self.words(slot)[1..];
        match key.len() {
            4 | 8 => words[0].load(Relaxed) == word_of(key),
            16 => {
                let (low, high) = key.split_at(8);
                words[0].load(Relaxed) == word_of(low) && words[1].load(Relaxed) == word_of(high)
            }
            _ => (words.iter().zip(key.chunks(8)))
                .all(|(word, part)| word.load(Relaxed) == word_of(part)),
        }
    }

    /// Copies the key of a slot out.
    pub(super) fn read(&self, slot: u32, key: &mut [u8]) {
        for (part, word) in key.chunks_mut(8).zip(&self.words(slot)[1..]) {
            let bytes = word.load(Relaxed).to_ne_bytes();
            part.copy_from_slice(&bytes[..part.len()]);
        }
    }
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
