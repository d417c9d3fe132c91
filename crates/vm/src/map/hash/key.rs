//! The keys of a hash: each in front of its value, in one cache line if both are small. A slot begins
//! with half a word that says which entry it belongs to. A key of up to four bytes is the other half, a
//! longer one follows.
//!
//! A slot is written before readers can find it and stays as it is until no run can hold it, so keys
//! are compared without further ado; per-CPU values have their keys apart.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use osmia_program::Errno;

use crate::memory::Block;

/// Bits of a slot's first word below a short key.
const KEY_SHIFT: u32 = 32;
/// Bytes of a key that has room in a slot's first word.
const SHORT_BYTES: usize = 4;

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
        match key_bytes as usize {
            0..=SHORT_BYTES => 8,
            _ => 8 + u64::from(key_bytes).next_multiple_of(8),
        }
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

    #[inline]
    pub(super) fn key_bytes(&self) -> usize {
        self.key_bytes
    }

    #[inline]
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
    #[inline]
    pub(super) fn entry(&self, slot: u32) -> u32 {
        self.words(slot)[0].load(Relaxed) as u32
    }

    /// Writes the key of a slot that nobody can find, and the entry it belongs to.
    #[inline(always)]
    pub(super) fn set(&self, slot: u32, entry: u32, key: impl Key) {
        key.set(self.words(slot), u64::from(entry));
    }

    /// Hash of a key.
    #[inline(always)]
    pub(super) fn hash(&self, key: impl Key) -> u64 {
        key.hash(self.seed)
    }

    /// Hash of the key of a slot.
    #[inline]
    pub(super) fn hash_of(&self, slot: u32) -> u64 {
        self.key_words(slot).fold(self.seed, mix)
    }

    /// True if this is the key of a slot.
    #[inline(always)]
    pub(super) fn is(&self, slot: u32, key: impl Key) -> bool {
        key.is(self.words(slot))
    }

    /// Copies the key of a slot out.
    pub(super) fn read(&self, slot: u32, key: &mut [u8]) {
        for (part, word) in key.chunks_mut(8).zip(self.key_words(slot)) {
            let bytes = word.to_ne_bytes();
            part.copy_from_slice(&bytes[..part.len()]);
        }
    }

    /// The key of a slot in words.
    #[inline]
    fn key_words(&self, slot: u32) -> impl Iterator<Item = u64> {
        let words = self.words(slot);
        let (from, shift) = match self.key_bytes {
            0..=SHORT_BYTES => (0, KEY_SHIFT),
            _ => (1, 0),
        };
        (words[from..].iter()).map(move |word| word.load(Relaxed) >> shift)
    }
}

/// A key as it is hashed and compared, which is in words.
pub(super) trait Key: Copy {
    /// Its hash with this seed.
    fn hash(self, seed: u64) -> u64;
    /// True if it is the key of the slot with these words.
    fn is(self, slot: &[AtomicU64]) -> bool;
    /// Makes it the key of the slot with these words, and of an entry.
    fn set(self, slot: &[AtomicU64], entry: u64);
}

/// A key of up to [`SHORT_BYTES`].
#[derive(Copy, Clone)]
pub(super) struct Short(pub(super) u64);

impl Key for Short {
    #[inline(always)]
    fn hash(self, seed: u64) -> u64 {
        mix(seed, self.0)
    }

    #[inline(always)]
    fn is(self, slot: &[AtomicU64]) -> bool {
        slot[0].load(Relaxed) >> KEY_SHIFT == self.0
    }

    #[inline(always)]
    fn set(self, slot: &[AtomicU64], entry: u64) {
        slot[0].store(self.0 << KEY_SHIFT | entry, Relaxed);
    }
}

impl<const N: usize> Key for [u64; N] {
    #[inline(always)]
    fn hash(self, seed: u64) -> u64 {
        self.into_iter().fold(seed, mix)
    }

    #[inline(always)]
    fn is(self, slot: &[AtomicU64]) -> bool {
        slot[1..].first_chunk::<N>().is_some_and(|words| {
            let differing = |(own, word): (u64, &AtomicU64)| own ^ word.load(Relaxed);
            let all = self.into_iter().zip(words).map(differing);
            all.fold(0, |all, one| all | one) == 0
        })
    }

    #[inline(always)]
    fn set(self, slot: &[AtomicU64], entry: u64) {
        set_words(slot, entry, self.into_iter());
    }
}

/// A key longer than [`SHORT_BYTES`].
impl Key for &[u8] {
    fn hash(self, seed: u64) -> u64 {
        self.chunks(8).map(word_of).fold(seed, mix)
    }

    fn is(self, slot: &[AtomicU64]) -> bool {
        let mut parts = slot[1..].iter().zip(self.chunks(8));
        parts.all(|(word, part)| word.load(Relaxed) == word_of(part))
    }

    fn set(self, slot: &[AtomicU64], entry: u64) {
        set_words(slot, entry, self.chunks(8).map(word_of));
    }
}

/// Fills the words of a slot with an entry and a key that follows it.
#[inline(always)]
fn set_words(slot: &[AtomicU64], entry: u64, key: impl Iterator<Item = u64>) {
    let all = std::iter::once(entry).chain(key);
    slot.iter()
        .zip(all)
        .for_each(|(word, value)| word.store(value, Relaxed));
}

/// Evaluates something with a key in words where it has one of the usual lengths, so that there is
/// code without loops for each of them.
macro_rules! in_words {
    ($key:ident => $body:expr) => {{
        use $crate::map::hash::key::{Short, word_of};
        match *$key {
            [a, b, c, d] => {
                let $key = Short(word_of(&[a, b, c, d]));
                $body
            }
            [] | [_] | [_, _] | [_, _, _] => {
                let $key = Short(word_of($key));
                $body
            }
            _ if $key.len() == 8 => {
                let $key = [word_of($key)];
                $body
            }
            _ if $key.len() == 16 => {
                let $key = [word_of(&$key[..8]), word_of(&$key[8..])];
                $body
            }
            _ => $body,
        }
    }};
}
pub(super) use in_words;

/// Up to eight bytes as a word, the rest zero; the order of the bytes in memory.
#[inline(always)]
pub(super) fn word_of(part: &[u8]) -> u64 {
    if let Some(eight) = part.first_chunk::<8>() {
        return u64::from_ne_bytes(*eight);
    }
    if let [a, b, c, d] = *part {
        return u64::from_ne_bytes([a, b, c, d, 0, 0, 0, 0]);
    }
    let mut bytes = [0; 8];
    bytes[..part.len()].copy_from_slice(part);
    u64::from_ne_bytes(bytes)
}

/// Folded multiplication: every bit of the word reaches every bit of the hash.
#[inline(always)]
fn mix(hash: u64, word: u64) -> u64 {
    // Digits of pi; without a seed the first keeps the word 0 from staying 0.
    const FIRST: u64 = 0x243f_6a88_85a3_08d3;
    const SECOND: u64 = 0x1319_8a2e_0370_7345;
    let product = u128::from(hash ^ word ^ FIRST) * u128::from(SECOND);
    product as u64 ^ (product >> 64) as u64
}
