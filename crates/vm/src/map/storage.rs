//! The local storages: a value for each socket, task, inode or control group that a program or
//! somebody outside gave one.
//!
//! Values are objects of the heap, so they stay where they are and are readable until the last run
//! that may hold them has ended. A value goes with its owner ([`Follower`]) and with its map.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use osmia_program::{Errno, MapSpec, UpdateMode};
use rustc_hash::FxHashMap;

use super::array::index_of;
use super::runs::Runs;
use crate::heap::{Follower, Object, ObjectAccess, Tag};
use crate::owner::OwnerKind;

/// A local storage.
#[derive(Debug)]
pub struct Storage {
    kind: OwnerKind,
    tag: Tag,
    value_bytes: usize,
    runs: Arc<Runs>,
    /// Addresses of values by those of their owners.
    values: RwLock<FxHashMap<u64, u64>>,
}

impl Storage {
    pub(super) fn new(spec: &MapSpec, kind: OwnerKind, runs: &Arc<Runs>) -> Arc<Self> {
        Arc::new(Self {
            kind,
            tag: Tag::named(format!("value of map {}", spec.name)),
            value_bytes: spec.value_size as usize,
            runs: Arc::clone(runs),
            values: RwLock::default(),
        })
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
        self.read().get(&owner).copied()
    }

    /// The address of an owner's value; makes one of `initial` (or zeroes) if there is none. `None`
    /// if there is no such owner or no memory.
    pub fn find_or_make(self: &Arc<Self>, owner: u64, initial: Option<&[u8]>) -> Option<u64> {
        let mut values = self.write();
        if let Some(value) = values.get(&owner) {
            return Some(*value);
        }
        let value = self.make(owner, initial).ok()?;
        values.insert(owner, value);
        Some(value)
    }

    /// Removes an owner's value.
    pub fn delete(self: &Arc<Self>, owner: u64) -> Result<(), Errno> {
        let mut values = self.write();
        let value = values.remove(&owner).ok_or(Errno::ENOENT)?;
        // Still under the lock: nobody else follows the owner for a new value meanwhile.
        self.runs.heap().unfollow(owner, Arc::as_ptr(self));
        self.free(value);
        Ok(())
    }

    /// From outside: values by the numbers of their owners, least first.
    pub fn values(&self) -> Vec<(u64, Vec<u8>)> {
        let owners = self.runs.owners();
        let values = self.read();
        let known = values.iter().filter_map(|(owner, value)| {
            let mut bytes = vec![0; self.value_bytes];
            self.object(*value).read(0, &mut bytes);
            Some((owners.number(self.kind, *owner)?, bytes))
        });
        let mut known: Vec<_> = known.collect();
        known.sort_unstable();
        known
    }

    pub(super) fn len(&self) -> u32 {
        self.read().len() as u32
    }

    /// From outside: the value of the owner that a key names.
    pub(super) fn value_of(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let owner = self.owner(key)?;
        // Under the lock the value is not given up.
        let values = self.read();
        let value = values.get(&owner).ok_or(Errno::ENOENT)?;
        let mut bytes = vec![0; self.value_bytes];
        self.object(*value).read(0, &mut bytes);
        Ok(bytes)
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
        let mut values = self.write();
        match (values.get(&owner), mode) {
            (Some(_), UpdateMode::NoExist) => Err(Errno::EEXIST),
            (None, UpdateMode::Exist) => Err(Errno::ENOENT),
            // Programs that hold the old value keep it, so the new one is another object.
            (Some(old), _) => {
                let old = *old;
                let value = self.allocate(Some(bytes)).ok_or(Errno::ENOMEM)?;
                values.insert(owner, value);
                self.free(old);
                Ok(())
            }
            (None, _) => {
                let value = self.make(owner, Some(bytes))?;
                values.insert(owner, value);
                Ok(())
            }
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

    /// A value that goes with its owner; `EINVAL` if there is no such owner.
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
        Ok(value)
    }

    fn allocate(&self, initial: Option<&[u8]>) -> Option<u64> {
        let (heap, tag) = (self.runs.heap(), self.tag.clone());
        let value = heap.allocate(&self.runs, self.value_bytes, ObjectAccess::ReadWrite, tag)?;
        if let Some(bytes) = initial {
            self.object(value).write(0, bytes);
        }
        Some(value)
    }

    fn free(&self, value: u64) {
        self.runs.heap().free(&self.runs, value);
    }

    fn object(&self, value: u64) -> Object {
        let object = self.runs.heap().object(value);
        object.expect("a value lives as long as it is in the table")
    }

    fn read(&self) -> RwLockReadGuard<'_, FxHashMap<u64, u64>> {
        self.values.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, FxHashMap<u64, u64>> {
        self.values.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Follower for Storage {
    fn gone(&self, owner: u64) {
        let value = self.write().remove(&owner);
        if let Some(value) = value {
            self.free(value);
        }
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        let this: *const Self = self;
        let heap = self.runs.heap();
        for (owner, value) in std::mem::take(&mut *self.write()) {
            heap.unfollow(owner, this);
            heap.free(&self.runs, value);
        }
    }
}
