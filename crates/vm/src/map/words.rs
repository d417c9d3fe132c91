//! A few words for each key, where they are no map's values but say where what it keeps lies. They are
//! read without a lock, all words of a key as they were at one moment.

use std::array;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use osmia_program::{Errno, MapFlags, MapKind, MapSpec, UpdateMode};

use super::error::BrokenRule;
use super::hash::Hash;
use super::lanes::Write;
use super::runs::Runs;

/// `N` words for each of some keys.
#[derive(Debug)]
pub(super) struct Words<const N: usize> {
    hash: Box<Hash>,
    runs: Arc<Runs>,
}

impl<const N: usize> Words<N> {
    /// For so many keys of so many bytes.
    pub(super) fn new(key_bytes: u32, keys: u32, runs: &Arc<Runs>) -> Result<Self, BrokenRule> {
        let value_bytes = (size_of::<u64>() * N) as u32;
        let mut spec = MapSpec::new("words", MapKind::Hash, key_bytes, value_bytes, keys);
        spec.flags = MapFlags(MapFlags::NO_PREALLOC);
        Ok(Self {
            hash: Box::new(Hash::new(&spec, runs)?),
            runs: Arc::clone(runs),
        })
    }

    /// The words of a key.
    pub(super) fn at(&self, key: &[u8]) -> Option<[u64; N]> {
        // During a run no element is reused, so the words are the key's.
        let _run = self.runs.enter(0);
        let element = self.hash.lookup(key, 0)?;
        let words = self.hash.values().words(element.index());
        Some(array::from_fn(|at| words[at].load(Relaxed)))
    }

    /// Sets the words of a key.
    ///
    /// # Errors
    /// As the mode says, `E2BIG` if there are too many keys, `ENOMEM`.
    pub(super) fn set(&self, key: &[u8], words: [u64; N], mode: UpdateMode) -> Result<(), Errno> {
        let bytes = words.map(u64::to_ne_bytes);
        self.hash
            .update(key, Write::Outside(bytes.as_flattened()), mode)
    }

    /// Forgets a key; what it had, if nobody else changes it meanwhile. `ENOENT` if it had nothing.
    pub(super) fn remove(&self, key: &[u8]) -> Result<[u64; N], Errno> {
        let words = self.at(key);
        self.hash.delete(key)?;
        words.ok_or(Errno::ENOENT)
    }

    /// The key after this one; the first for none or an unknown key.
    pub(super) fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        self.hash.next_key(key)
    }

    /// Every key that is there from the first call to the last, with its words.
    pub(super) fn all(&self) -> impl Iterator<Item = (Vec<u8>, [u64; N])> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let _run = self.runs.enter(0);
            let mut key = Vec::new();
            let (entry, element) = self.hash.walk(from, 0, &mut key)?;
            from = entry + 1;
            let words = self.hash.values().words(element.index());
            Some((key, array::from_fn(|at| words[at].load(Relaxed))))
        })
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> u32 {
        self.hash.len()
    }
}
