//! `bloom_filter`: values that were certainly not, or probably, added.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::Ordering::Relaxed;

use osmia_program::{Errno, MapFlags, MapSpec};

use super::error::BrokenRule;
use super::lanes::block;
use super::lookup3;
use crate::memory::Block;

/// Hash functions unless `map_extra` says otherwise.
const FUNCTIONS: u64 = 5;

/// A Bloom filter of the kernel's size.
#[derive(Debug)]
pub(super) struct Bloom {
    words: Block,
    mask: u32,
    functions: u32,
    seed: u32,
    value_bytes: usize,
}

impl Bloom {
    pub(super) fn new(spec: &MapSpec) -> Result<Self, BrokenRule> {
        let functions = match spec.extra {
            0 => FUNCTIONS,
            functions => functions,
        };
        // As many bits as give the fewest mistakes: functions times entries over the logarithm of 2.
        let bits = u64::from(spec.max_entries) * functions / 5 * 7;
        let bits = bits.next_power_of_two().clamp(64, 1 << 32);
        let seeded = !spec.flags.has(MapFlags::ZERO_SEED);
        Ok(Self {
            words: block(bits / 64, 8)?,
            mask: (bits - 1) as u32,
            functions: functions as u32,
            seed: if seeded {
                RandomState::new().hash_one(0) as u32
            } else {
                0
            },
            value_bytes: spec.value_size as usize,
        })
    }

    pub(super) fn push(&self, value: &[u8], flags: u64) -> Result<(), Errno> {
        if value.len() != self.value_bytes || flags != 0 {
            return Err(Errno::EINVAL);
        }
        for bit in self.bits(value) {
            self.words.words(bit as usize / 64)[0].fetch_or(1 << (bit % 64), Relaxed);
        }
        Ok(())
    }

    /// `ENOENT` if the value was certainly not added.
    pub(super) fn peek(&self, value: &[u8]) -> Result<(), Errno> {
        if value.len() != self.value_bytes {
            return Err(Errno::EINVAL);
        }
        let known = |bit: u32| {
            let word = self.words.words(bit as usize / 64)[0].load(Relaxed);
            word >> (bit % 64) & 1 != 0
        };
        if self.bits(value).all(known) {
            Ok(())
        } else {
            Err(Errno::ENOENT)
        }
    }

    fn bits(&self, value: &[u8]) -> impl Iterator<Item = u32> {
        let words: Vec<u32> = (value.chunks(4))
            .map(|chunk| {
                let mut word = [0; 4];
                word[..chunk.len()].copy_from_slice(chunk);
                u32::from_ne_bytes(word)
            })
            .collect();
        let (seed, mask) = (self.seed, self.mask);
        (0..self.functions)
            .map(move |function| lookup3::words(&words, seed.wrapping_add(function)) & mask)
    }
}
