//! Prefixes: the keys of a trie, as callers give them and as they are kept in front of the values.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use osmia_program::Errno;

use crate::memory::Block;

/// Bytes of the length a key begins with.
pub(super) const LENGTH_BYTES: usize = 4;
/// Bits of the words prefixes are compared in.
const WORD_BITS: u32 = 64;
/// Bytes of bits that have room in a slot's first word.
const SHORT_BYTES: usize = 4;
/// The length in a slot's first word.
const LENGTH: u64 = 0xffff_ffff;

/// A key: the length of the prefix, and its bits.
#[derive(Copy, Clone, Debug)]
pub(super) struct Prefix<'a> {
    pub(super) len: u32,
    bits: &'a [u8],
    /// The first word: all of it for IPv4.
    pub(super) first: u64,
}

impl<'a> Prefix<'a> {
    /// A key with so many bytes of bits; `EINVAL` if it has not, or is longer than it has bits.
    #[inline]
    pub(super) fn new(key: &'a [u8], bytes: usize) -> Result<Self, Errno> {
        let (len, bits) = key
            .split_first_chunk::<LENGTH_BYTES>()
            .ok_or(Errno::EINVAL)?;
        let len = u32::from_ne_bytes(*len);
        if bits.len() != bytes || len as usize > bytes * 8 {
            return Err(Errno::EINVAL);
        }
        let first = word_of(bits);
        Ok(Self { len, bits, first })
    }

    /// The 64 bits from `64 * at` on, the first on top; zero behind the end.
    #[inline]
    fn word(&self, at: u32) -> u64 {
        match at {
            0 => self.first,
            _ => word_of(self.bits.get(at as usize * 8..).unwrap_or_default()),
        }
    }

    /// The 32 bits from `32 * at` on.
    #[inline]
    pub(super) fn half(&self, at: u32) -> u32 {
        (self.word(at / 2) >> (32 * (1 - at % 2))) as u32
    }

    /// The four bits from `at`, a multiple of four, on.
    #[inline]
    pub(super) fn nibble(&self, at: u32) -> u32 {
        (self.word(at / WORD_BITS) >> (60 - at % WORD_BITS)) as u32 & 15
    }
}

/// Up to eight bytes as a number, the first on top.
#[inline]
fn word_of(bytes: &[u8]) -> u64 {
    if let Some(eight) = bytes.first_chunk::<8>() {
        return u64::from_be_bytes(*eight);
    }
    if let [a, b, c, d] = *bytes {
        return u64::from(u32::from_be_bytes([a, b, c, d])) << 32;
    }
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_be_bytes(word)
}

/// The prefix of each slot. The first word has its length and, if they are few, its bits on top;
/// more follow. Those behind the prefix stay as they came.
#[derive(Debug)]
pub(super) struct Prefixes {
    /// They are the headers of its elements.
    block: Arc<Block>,
    bytes: usize,
}

impl Prefixes {
    /// Bytes of memory for each slot, with so many bytes of bits.
    pub(super) fn slot_bytes(bytes: usize) -> u64 {
        match bytes {
            0..=SHORT_BYTES => 8,
            _ => 8 + bytes.next_multiple_of(8) as u64,
        }
    }

    pub(super) fn new(block: Arc<Block>, bytes: usize) -> Self {
        Self { block, bytes }
    }

    /// Bytes of bits.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    #[inline]
    fn words(&self, slot: u32) -> &[AtomicU64] {
        self.block.header_words(slot as usize)
    }

    /// Keeps the prefix of a slot that nobody can reach.
    pub(super) fn set(&self, slot: u32, prefix: Prefix<'_>) {
        let [first, words @ ..] = self.words(slot) else {
            unreachable!("every slot has a length")
        };
        let short = match words {
            [] => prefix.first,
            _ => 0,
        };
        first.store(short | u64::from(prefix.len), Relaxed);
        for (at, word) in (0..).zip(words) {
            word.store(prefix.word(at), Relaxed);
        }
    }

    #[inline]
    pub(super) fn len(&self, slot: u32) -> u32 {
        self.words(slot)[0].load(Relaxed) as u32
    }

    /// The 64 bits from `64 * at` on; zero behind the end.
    #[inline]
    fn word(words: &[AtomicU64], at: u32) -> u64 {
        match words {
            [first] if at == 0 => first.load(Relaxed) & !LENGTH,
            _ => (words.get(1 + at as usize)).map_or(0, |word| word.load(Relaxed)),
        }
    }

    /// The four bits from `at`, a multiple of four, on; zero behind the end.
    pub(super) fn nibble(&self, slot: u32, at: u32) -> u32 {
        let word = Self::word(self.words(slot), at / WORD_BITS);
        (word >> (60 - at % WORD_BITS)) as u32 & 15
    }

    /// True if this prefix begins with the slot's.
    #[inline]
    pub(super) fn is_begun_with(&self, slot: u32, prefix: Prefix<'_>) -> bool {
        let words = self.words(slot);
        if let [word] = words {
            let word = word.load(Relaxed);
            let (len, same) = (
                word as u32,
                ((word ^ prefix.first) | LENGTH).leading_zeros(),
            );
            return len <= prefix.len && len <= same;
        }
        let len = words[0].load(Relaxed) as u32;
        len <= prefix.len && Self::common_of(words, len, prefix) == len
    }

    /// Bits the prefixes have in common.
    #[inline]
    pub(super) fn common(&self, slot: u32, prefix: Prefix<'_>) -> u32 {
        let words = self.words(slot);
        let len = words[0].load(Relaxed) as u32;
        Self::common_of(words, len.min(prefix.len), prefix)
    }

    /// The same, up to so many.
    #[inline]
    fn common_of(words: &[AtomicU64], most: u32, prefix: Prefix<'_>) -> u32 {
        for at in 0..most.div_ceil(WORD_BITS) {
            let differing = Self::word(words, at) ^ prefix.word(at);
            if differing != 0 {
                return most.min(at * WORD_BITS + differing.leading_zeros());
            }
        }
        most
    }

    /// The key of a slot, as it was given.
    pub(super) fn key(&self, slot: u32) -> Vec<u8> {
        let mut key = self.len(slot).to_ne_bytes().to_vec();
        let words = self.words(slot);
        let bits = (0..self.bytes.div_ceil(8) as u32).map(|at| Self::word(words, at));
        key.extend(bits.flat_map(u64::to_be_bytes));
        key.truncate(LENGTH_BYTES + self.bytes);
        key
    }
}
