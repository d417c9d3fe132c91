//! Prefixes: the keys of a trie, as callers give them and as they are kept beside the values.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use osmia_program::Errno;

use crate::memory::Block;

/// Bytes of the length a key begins with.
pub(super) const LENGTH_BYTES: usize = 4;
/// Bits of the words prefixes are compared in.
const WORD_BITS: u32 = 64;

/// A key: the length of the prefix, and its bits.
#[derive(Copy, Clone, Debug)]
pub(super) struct Prefix<'a> {
    pub(super) len: u32,
    bits: &'a [u8],
    /// The first word: all of it for IPv4.
    first: u64,
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

/// The prefix of each slot: a word for its length, then its bits. Those behind the prefix stay as
/// they came.
#[derive(Debug)]
pub(super) struct Prefixes {
    block: Block,
    bytes: usize,
}

impl Prefixes {
    /// Bytes of memory for each slot, with so many bytes of bits.
    pub(super) fn slot_bytes(bytes: usize) -> u64 {
        8 + bytes.next_multiple_of(8) as u64
    }

    pub(super) fn new(block: Block, bytes: usize) -> Self {
        Self { block, bytes }
    }

    /// Bytes of bits.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    #[inline]
    fn words(&self, slot: u32) -> &[AtomicU64] {
        self.block.words(slot as usize)
    }

    /// Keeps the prefix of a slot that nobody can reach.
    pub(super) fn set(&self, slot: u32, prefix: Prefix<'_>) {
        let [len, words @ ..] = self.words(slot) else {
            unreachable!("every slot has a length")
        };
        len.store(u64::from(prefix.len), Relaxed);
        for (at, word) in (0..).zip(words) {
            word.store(prefix.word(at), Relaxed);
        }
    }

    #[inline]
    pub(super) fn len(&self, slot: u32) -> u32 {
        self.words(slot)[0].load(Relaxed) as u32
    }

    pub(super) fn nibble(&self, slot: u32, at: u32) -> u32 {
        let word = self.words(slot)[1 + (at / WORD_BITS) as usize].load(Relaxed);
        (word >> (60 - at % WORD_BITS)) as u32 & 15
    }

    /// True if this prefix begins with the slot's.
    #[inline]
    pub(super) fn is_begun_with(&self, slot: u32, prefix: Prefix<'_>) -> bool {
        let len = self.len(slot);
        len <= prefix.len && self.common(slot, prefix) == len
    }

    /// Bits the prefixes have in common.
    #[inline]
    pub(super) fn common(&self, slot: u32, prefix: Prefix<'_>) -> u32 {
        let most = self.len(slot).min(prefix.len);
        let words = &self.words(slot)[1..];
        for at in 0..most.div_ceil(WORD_BITS) {
            let differing = words[at as usize].load(Relaxed) ^ prefix.word(at);
            if differing != 0 {
                return most.min(at * WORD_BITS + differing.leading_zeros());
            }
        }
        most
    }

    /// The key of a slot, as it was given.
    pub(super) fn key(&self, slot: u32) -> Vec<u8> {
        let mut key = self.len(slot).to_ne_bytes().to_vec();
        let words = self.words(slot)[1..].iter();
        key.extend(words.flat_map(|word| word.load(Relaxed).to_be_bytes()));
        key.truncate(LENGTH_BYTES + self.bytes);
        key
    }
}
