//! `array` and `percpu_array`: a fixed row of values, all of which always exist.

use std::sync::Arc;

use osmia_program::{Errno, MapSpec, UpdateMode};

use super::error::BrokenRule;
use super::lanes::{Element, Lanes, Write};
use crate::memory::Block;

/// The live part of an array.
#[derive(Debug)]
pub(super) struct Array {
    lanes: Lanes,
}

impl Array {
    pub(super) fn new(spec: &MapSpec, cpus: u32) -> Result<Self, BrokenRule> {
        let lanes = Lanes::new(spec, u64::from(spec.max_entries), cpus)?;
        Ok(Self { lanes })
    }

    pub(super) fn values(&self) -> &Arc<Block> {
        self.lanes.block()
    }

    /// Elements, which exist from the first.
    pub(super) fn count(&self) -> u32 {
        self.lanes.slots()
    }

    #[inline]
    pub(super) fn lookup(&self, key: &[u8], cpu: u32) -> Option<Element> {
        let index = index_of(key).ok()?;
        if index >= self.count() {
            return None;
        }
        self.lanes.element(index, cpu)
    }

    pub(super) fn read(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let index = index_of(key)?;
        if index >= self.count() {
            return Err(Errno::ENOENT);
        }
        Ok(self.lanes.read(index))
    }

    pub(super) fn update(
        &self,
        key: &[u8],
        write: Write<'_>,
        mode: UpdateMode,
    ) -> Result<(), Errno> {
        let index = index_of(key)?;
        self.lanes.check(write)?;
        if index >= self.count() {
            return Err(Errno::E2BIG);
        }
        if mode == UpdateMode::NoExist {
            return Err(Errno::EEXIST);
        }
        self.lanes.write(index, write, false);
        Ok(())
    }
}

/// An index as the four bytes of a key.
#[inline]
pub(super) fn index_of(key: &[u8]) -> Result<u32, Errno> {
    let bytes = key.try_into().map_err(|_| Errno::EINVAL)?;
    Ok(u32::from_ne_bytes(bytes))
}

/// The index after this key's in a row of `count`: the first for none or one outside of it.
pub(super) fn next_index(key: Option<&[u8]>, count: u32) -> Result<Vec<u8>, Errno> {
    let next = match key.map(index_of).transpose()? {
        Some(index) if index >= count => 0,
        Some(index) if index == count - 1 => return Err(Errno::ENOENT),
        Some(index) => index + 1,
        None => 0,
    };
    Ok(next.to_ne_bytes().to_vec())
}
