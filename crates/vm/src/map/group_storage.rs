//! `cgroup_storage` and `percpu_cgroup_storage`: a value for each control group a program of the map
//! is attached to (and for each way of attaching, if keys say it).
//!
//! Values come with an attachment and go with it; from outside they are only looked up and changed.
//! They are objects of the heap, which programs find without a lock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use osmia_program::{Errno, MapKind, MapSpec, UpdateMode};

use super::Map;
use super::error::BrokenRule;
use super::runs::Runs;
use super::words::Words;
use crate::heap::{ObjectAccess, Tag};
use crate::limits;

/// An attachment to a control group: what a key says.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey {
    /// Id of the control group.
    pub group: u64,
    /// Number of the attach type.
    pub attach: u32,
}

/// A program attached to a control group, as far as one of its maps is concerned: the map has a value
/// for it as long as this lives.
#[derive(Debug)]
pub struct GroupAttachment {
    map: Arc<Map>,
    key: GroupKey,
}

impl GroupAttachment {
    /// Attaches; `None` if the map is no cgroup storage.
    ///
    /// # Errors
    /// `ENOMEM`
    pub fn of(map: &Arc<Map>, key: GroupKey) -> Result<Option<Self>, Errno> {
        let Some(storage) = map.group_storage() else {
            return Ok(None);
        };
        storage.attach(key)?;
        Ok(Some(Self {
            map: Arc::clone(map),
            key,
        }))
    }
}

impl Drop for GroupAttachment {
    fn drop(&mut self) {
        if let Some(storage) = self.map.group_storage() {
            storage.detach(self.key);
        }
    }
}

/// Values by attachment.
#[derive(Debug)]
pub struct GroupStorage {
    runs: Arc<Runs>,
    tag: Tag,
    key_bytes: usize,
    value_bytes: usize,
    /// Values of one attachment: one, or one a CPU.
    lanes: u32,
    /// Addresses of values by attachment and CPU.
    addresses: Words<1>,
    /// Who has them changes the above, too.
    values: Mutex<BTreeMap<GroupKey, Value>>,
}

/// The value of an attachment.
#[derive(Debug)]
struct Value {
    lanes: Vec<u64>,
    attachments: u32,
}

impl GroupStorage {
    pub(super) fn new(spec: &MapSpec, runs: &Arc<Runs>) -> Result<Self, BrokenRule> {
        Ok(Self {
            runs: Arc::clone(runs),
            tag: Tag::named(format!("value of map {}", spec.name)),
            key_bytes: spec.key_size as usize,
            value_bytes: spec.value_size as usize,
            lanes: match spec.kind {
                MapKind::PercpuCgroupStorage => runs.cpus(),
                _ => 1,
            },
            addresses: Words::new(KEY_BYTES as u32, limits::OWNED_VALUES_MAX, runs)?,
            values: Mutex::default(),
        })
    }

    /// The address of an attachment's value on a CPU.
    pub fn find(&self, key: GroupKey, cpu: u32) -> Option<u64> {
        let place = place(self.normal(key), cpu % self.lanes);
        self.addresses.at(&place).map(|[address]| address)
    }

    /// Makes a value of zeroes that belongs to no attachment: the caller frees it.
    pub fn make_lane(&self) -> Option<u64> {
        let (heap, tag) = (self.runs.heap(), self.tag.clone());
        heap.allocate(&self.runs, self.value_bytes, ObjectAccess::ReadWrite, tag)
    }

    /// A program of the map was attached; the value is made of zeroes unless there is one.
    pub fn attach(&self, key: GroupKey) -> Result<(), Errno> {
        let key = self.normal(key);
        let mut values = self.lock();
        if let Some(value) = values.get_mut(&key) {
            value.attachments += 1;
            return Ok(());
        }
        let value = self.make().ok_or(Errno::ENOMEM)?;
        for (lane, address) in (0..).zip(&value.lanes) {
            let set = (self.addresses).set(&place(key, lane), [*address], UpdateMode::Any);
            if set.is_err() {
                self.free(key, Some(value));
                return Err(Errno::ENOMEM);
            }
        }
        values.insert(key, value);
        Ok(())
    }

    /// A program of the map was detached; with the last one the value goes.
    pub fn detach(&self, key: GroupKey) {
        let key = self.normal(key);
        let mut values = self.lock();
        let Some(value) = values.get_mut(&key) else {
            return;
        };
        value.attachments -= 1;
        if value.attachments == 0 {
            let value = values.remove(&key);
            self.free(key, value);
        }
    }

    pub(super) fn len(&self) -> u32 {
        self.lock().len() as u32
    }

    pub(super) fn read(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let key = self.key(key)?;
        // What is given up meanwhile can be read for as long as this lasts.
        let _run = self.runs.enter(0);
        let padded = self.value_bytes.next_multiple_of(8);
        let mut bytes = Vec::new();
        for lane in 0..self.lanes {
            let address = self.find(key, lane).ok_or(Errno::ENOENT)?;
            let start = lane as usize * padded;
            bytes.resize(start + self.value_bytes, 0);
            self.runs.heap().read(address, &mut bytes[start..]);
        }
        if self.lanes > 1 {
            bytes.resize(padded * self.lanes as usize, 0);
        }
        Ok(bytes)
    }

    pub(super) fn update(&self, key: &[u8], bytes: &[u8], mode: UpdateMode) -> Result<(), Errno> {
        let key = self.key(key)?;
        if mode == UpdateMode::NoExist {
            return Err(Errno::EINVAL);
        }
        let padded = self.value_bytes.next_multiple_of(8);
        let wanted = match self.lanes {
            1 => self.value_bytes,
            lanes => padded * lanes as usize,
        };
        if bytes.len() != wanted {
            return Err(Errno::EINVAL);
        }
        let values = self.lock();
        let value = values.get(&key).ok_or(Errno::ENOENT)?;
        for (part, address) in bytes.chunks(padded).zip(&value.lanes) {
            let object = self.runs.heap().object(*address).ok_or(Errno::ENOENT)?;
            object.write(0, &part[..self.value_bytes]);
        }
        Ok(())
    }

    pub(super) fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        let after = key.map(|key| self.key(key)).transpose()?;
        let values = self.lock();
        if after.is_some_and(|after| !values.contains_key(&after)) {
            return Err(Errno::ENOENT);
        }
        let next = values
            .keys()
            .find(|key| after.is_none_or(|after| **key > after));
        let next = next.ok_or(Errno::ENOENT)?;
        let mut bytes = next.group.to_ne_bytes().to_vec();
        if self.key_bytes == KEY_BYTES {
            bytes.extend_from_slice(&next.attach.to_ne_bytes());
            bytes.resize(KEY_BYTES, 0);
        }
        Ok(bytes)
    }

    fn key(&self, bytes: &[u8]) -> Result<GroupKey, Errno> {
        if bytes.len() != self.key_bytes {
            return Err(Errno::EINVAL);
        }
        let (group, rest) = bytes.split_at(8);
        let attach = rest.get(..4).map_or(0, |attach| {
            u32::from_ne_bytes(attach.try_into().expect("four"))
        });
        Ok(GroupKey {
            group: u64::from_ne_bytes(group.try_into().expect("eight")),
            attach,
        })
    }

    /// The key as the map tells attachments apart.
    fn normal(&self, key: GroupKey) -> GroupKey {
        let shared = self.key_bytes != KEY_BYTES;
        GroupKey {
            attach: if shared { 0 } else { key.attach },
            ..key
        }
    }

    fn make(&self) -> Option<Value> {
        let mut value = Value {
            lanes: Vec::new(),
            attachments: 1,
        };
        for _ in 0..self.lanes {
            match self.make_lane() {
                Some(address) => value.lanes.push(address),
                None => {
                    self.free_lanes(value);
                    return None;
                }
            }
        }
        Some(value)
    }

    fn free(&self, key: GroupKey, value: Option<Value>) {
        for lane in 0..self.lanes {
            let _ = self.addresses.remove(&place(key, lane));
        }
        value.into_iter().for_each(|value| self.free_lanes(value));
    }

    fn free_lanes(&self, value: Value) {
        for address in value.lanes {
            self.runs.heap().free(&self.runs, address);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<GroupKey, Value>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes of `struct bpf_cgroup_storage_key`.
const KEY_BYTES: usize = 16;

/// An attachment on a CPU.
fn place(key: GroupKey, lane: u32) -> [u8; KEY_BYTES] {
    let mut place = [0; KEY_BYTES];
    place[..8].copy_from_slice(&key.group.to_ne_bytes());
    place[8..12].copy_from_slice(&key.attach.to_ne_bytes());
    place[12..].copy_from_slice(&lane.to_ne_bytes());
    place
}

impl Drop for GroupStorage {
    fn drop(&mut self) {
        for (_, value) in std::mem::take(&mut *self.lock()) {
            self.free_lanes(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_looks_does_not_wait_for_who_changes() {
        for (kind, values) in [
            (MapKind::CgroupStorage, vec![0; 4]),
            (MapKind::PercpuCgroupStorage, vec![0; 16]),
        ] {
            let runs = Arc::new(Runs::new(2));
            let storage = GroupStorage::new(&MapSpec::new("m", kind, 8, 4, 0), &runs).unwrap();
            let key = GroupKey {
                group: 5,
                attach: 1,
            };
            storage.attach(key).unwrap();
            let _changing = storage.lock();
            assert!(storage.find(key, 0).is_some() && storage.find(key, 1).is_some());
            assert_eq!(storage.read(&5_u64.to_ne_bytes()), Ok(values));
        }
    }
}
