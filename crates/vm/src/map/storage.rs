//! The local storages: a value for each socket, task, inode or control group that a program or
//! somebody outside gave one.
//!
//! Values are objects of the heap, so they stay where they are and are readable until the last run
//! that may hold them has ended. Finding one takes no lock. A value goes with its owner ([`Follower`])
//! and with its map.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use osmia_program::{Errno, MapSpec, UpdateMode};

use super::array::index_of;
use super::error::BrokenRule;
use super::runs::Runs;
use super::words::Words;
use crate::heap::{Follower, ObjectAccess, Tag};
use crate::limits;
use crate::owner::OwnerKind;

/// A local storage.
#[derive(Debug)]
pub struct Storage {
    kind: OwnerKind,
    tag: Tag,
    value_bytes: usize,
    runs: Arc<Runs>,
    /// Addresses of values by those of their owners.
    values: Words<1>,
    /// Who has it changes them.
    writer: Mutex<()>,
}

impl Storage {
    pub(super) fn new(
        spec: &MapSpec,
        kind: OwnerKind,
        runs: &Arc<Runs>,
    ) -> Result<Arc<Self>, BrokenRule> {
        const KEY_BYTES: u32 = size_of::<u64>() as u32;
        Ok(Arc::new(Self {
            kind,
            tag: Tag::named(format!("value of map {}", spec.name)),
            value_bytes: spec.value_size as usize,
            runs: Arc::clone(runs),
            values: Words::new(KEY_BYTES, limits::OWNED_VALUES_MAX, runs)?,
            writer: Mutex::default(),
        }))
    }

    /// Whom values belong to.
    pub fn owner_kind(&self) -> OwnerKind {
        self.kind
    }

    /// Bytes of a value.
    pub fn value_bytes(&self) -> usize {
        self.value_bytes
    }

    /// The address of an owner's value.
    pub fn find(&self, owner: u64) -> Option<u64> {
        self.values.at(&owner.to_ne_bytes()).map(|[value]| value)
    }

    /// The address of an owner's value; makes one of `initial` (or zeroes) if there is none. `None`
    /// if there is no such owner or no memory.
    pub fn find_or_make(self: &Arc<Self>, owner: u64, initial: Option<&[u8]>) -> Option<u64> {
        let _writer = self.writer();
        self.find(owner).or_else(|| self.make(owner, initial).ok())
    }

    /// Removes an owner's value.
    pub fn delete(self: &Arc<Self>, owner: u64) -> Result<(), Errno> {
        let _writer = self.writer();
        let [value] = self.values.remove(&owner.to_ne_bytes())?;
        // Still under the lock: nobody else follows the owner for a new value meanwhile.
        self.runs.heap().unfollow(owner, Arc::as_ptr(self));
        self.free(value);
        Ok(())
    }

    /// From outside: values by the numbers of their owners, least first.
    pub fn values(&self) -> Vec<(u64, Vec<u8>)> {
        let owners = self.runs.owners();
        // What is given up meanwhile can be read for as long as this lasts.
        let _run = self.runs.enter(0);
        let known = self.values.all().filter_map(|(owner, [value])| {
            let owner = u64::from_ne_bytes(owner.try_into().ok()?);
            Some((owners.number(self.kind, owner)?, self.bytes(value)))
        });
        let mut known: Vec<_> = known.collect();
        known.sort_unstable();
        known
    }

    pub(super) fn len(&self) -> u32 {
        self.values.len()
    }

    /// From outside: the value of the owner that a key names.
    pub(super) fn value_of(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let owner = self.owner(key)?;
        let _run = self.runs.enter(0);
        let value = self.find(owner).ok_or(Errno::ENOENT)?;
        Ok(self.bytes(value))
    }

    /// From outside: sets the value of the owner that a key names.
    pub(super) fn update(
        self: &Arc<Self>,
        key: &[u8],
        bytes: &[u8],
        mode: UpdateMode,
    ) -> Result<(), Errno> {
        if bytes.len() != self.value_bytes {
            return Err(Errno::EINVAL);
        }
        let owner = self.owner(key)?;
        let _writer = self.writer();
        match (self.find(owner), mode) {
            (Some(_), UpdateMode::NoExist) => Err(Errno::EEXIST),
            (None, UpdateMode::Exist) => Err(Errno::ENOENT),
            // Programs that hold the old value keep it, so the new one is another object.
            (Some(old), _) => {
                let value = self.allocate(Some(bytes)).ok_or(Errno::ENOMEM)?;
                self.set(owner, value)?;
                self.free(old);
                Ok(())
            }
            (None, _) => self.make(owner, Some(bytes)).map(drop),
        }
    }

    pub(super) fn delete_of(self: &Arc<Self>, key: &[u8]) -> Result<(), Errno> {
        self.delete(self.owner(key)?)
    }

    /// The owner whose number is the key, as file descriptors are in the kernel.
    pub(super) fn owner(&self, key: &[u8]) -> Result<u64, Errno> {
        let number = u64::from(index_of(key)?);
        (self.runs.owners())
            .find(self.kind, number)
            .ok_or(Errno::EBADF)
    }

    /// Makes an owner's value; `EINVAL` if there is no such owner.
    fn make(self: &Arc<Self>, owner: u64, initial: Option<&[u8]>) -> Result<u64, Errno> {
        let heap = self.runs.heap();
        let known = heap
            .object(owner)
            .is_some_and(|object| self.kind.is(&object));
        if !known {
            return Err(Errno::EINVAL);
        }
        let value = self.allocate(initial).ok_or(Errno::ENOMEM)?;
        let follower: Arc<dyn Follower> = Arc::clone(self) as _;
        if !heap.follow(owner, &follower) {
            self.free(value);
            return Err(Errno::EINVAL);
        }
        if let Err(errno) = self.set(owner, value) {
            heap.unfollow(owner, Arc::as_ptr(self));
            return Err(errno);
        }
        Ok(value)
    }

    /// Makes an object the value of an owner, or gives it up.
    fn set(&self, owner: u64, value: u64) -> Result<(), Errno> {
        let set = (self.values).set(&owner.to_ne_bytes(), [value], UpdateMode::Any);
        set.map_err(|_| {
            self.free(value);
            Errno::ENOMEM
        })
    }

    fn allocate(&self, initial: Option<&[u8]>) -> Option<u64> {
        let (heap, tag) = (self.runs.heap(), self.tag.clone());
        let value = heap.allocate(&self.runs, self.value_bytes, ObjectAccess::ReadWrite, tag)?;
        if let Some(bytes) = initial {
            heap.object(value)?.write(0, bytes);
        }
        Some(value)
    }

    fn free(&self, value: u64) {
        self.runs.heap().free(&self.runs, value);
    }

    /// What a value that was found during a run is.
    fn bytes(&self, value: u64) -> Vec<u8> {
        let mut bytes = vec![0; self.value_bytes];
        self.runs.heap().read(value, &mut bytes);
        bytes
    }

    fn writer(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Follower for Storage {
    fn gone(&self, owner: u64) {
        let writer = self.writer();
        let value = self.values.remove(&owner.to_ne_bytes());
        drop(writer);
        if let Ok([value]) = value {
            self.free(value);
        }
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        let this: *const Self = self;
        let heap = self.runs.heap();
        for (owner, [value]) in self.values.all() {
            let owner = owner.try_into().map_or(0, u64::from_ne_bytes);
            heap.unfollow(owner, this);
            heap.free(&self.runs, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use osmia_program::MapKind;

    use super::*;

    #[test]
    fn who_looks_does_not_wait_for_who_changes() {
        let runs = Arc::new(Runs::new(1));
        let spec = MapSpec::new("m", MapKind::TaskStorage, 4, 8, 0);
        let storage = Storage::new(&spec, OwnerKind::Task, &runs).unwrap();
        let owner = (runs.owners().find_or_make(&runs, OwnerKind::Task, 5)).unwrap();
        let value = storage.find_or_make(owner, Some(&[3; 8]));
        let _changing = storage.writer();
        assert_eq!(storage.find(owner), value);
        assert_eq!(storage.value_of(&5_u32.to_ne_bytes()), Ok(vec![3; 8]));
        assert_eq!(storage.values(), [(5, vec![3; 8])]);
    }
}
