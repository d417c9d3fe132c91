//! `array` and `percpu_array`: a fixed row of values, all of which always exist.

use std::sync::Arc;

use osmia_program::{Errno, MapSpec, UpdateMode};

use super::error::BrokenRule;
use super::lanes::{Element, Lanes, Write};
use super::runs::Runs;
use crate::memory::Block;

/// The live part of an array.
#[derive(Debug)]
pub(super) struct Array {
    lanes: Lanes,
    runs: Arc<Runs>,
}

impl Array {
    pub(super) fn new(spec: &MapSpec, runs: &Arc<Runs>) -> Result<Self, BrokenRule> {
        let lanes = Lanes::new(spec, u64::from(spec.max_entries), runs.cpus())?;
        Ok(Self {
            lanes,
            runs: Arc::clone(runs),
        })
    }

    pub(super) fn lanes(&self) -> &Lanes {
        &self.lanes
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

    #[inline]
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
        // What fields held goes with the old value.
        self.lanes.free_fields(index, &self.runs);
        Ok(())
    }

    /// The same while holding the lock of the value.
    pub(super) fn update_locked(
        &self,
        key: &[u8],
        write: Write<'_>,
        mode: UpdateMode,
    ) -> Result<(), Errno> {
        let index = index_of(key)?;
        let locked = match mode {
            UpdateMode::Any | UpdateMode::Exist if index < self.count() => {
                Some(self.lanes.lock(index)?)
            }
            _ => None,
        };
        self.lanes.check(write)?;
        if locked.is_none() {
            return self.update(key, write, mode);
        }
        self.lanes.write(index, write, false);
        drop(locked);
        self.lanes.free_fields(index, &self.runs);
        Ok(())
    }

    /// A copy made while holding the lock of the value.
    pub(super) fn read_locked(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let index = index_of(key)?;
        if index >= self.count() {
            return Err(Errno::ENOENT);
        }
        let _locked = self.lanes.lock(index)?;
        Ok(self.lanes.read(index))
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
