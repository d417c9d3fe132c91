//! Maps that have a value for each CPU.

use std::marker::PhantomData;
use std::sync::Arc;

use osmia_program::{Errno, HostMap, UpdateMode};
use osmia_user::UserMap;
use osmia_vm::map as vm;

use super::map::refused;
use super::{Module, Plain};
use crate::Error;

/// A map of which every worker has its own values: nothing is shared while programs run.
#[derive(Clone)]
pub struct PerCpuMap<K, V> {
    map: Arc<vm::Map>,
    _held: (UserMap, Module),
    types: PhantomData<fn(K) -> V>,
}

/// Bytes from one CPU's value to the next.
fn stride<V>() -> usize {
    size_of::<V>().next_multiple_of(8)
}

impl<K: Plain, V: Plain> PerCpuMap<K, V> {
    pub(super) fn new(module: &Module, map: &UserMap) -> Self {
        Self {
            map: Arc::clone(map.map()),
            _held: (map.clone(), module.clone()),
            types: PhantomData,
        }
    }

    /// The values of a key, by CPU.
    pub fn get(&self, key: &K) -> Option<Vec<V>> {
        let bytes = self.map.lookup_outside(key.as_bytes()).ok()?;
        let values = bytes.chunks_exact(stride::<V>());
        let value = |chunk: &[u8]| V::read_from_prefix(chunk).ok().map(|(value, _)| value);
        values.map(value).collect()
    }

    /// Sets the values of a key: one for each CPU, zeroes where there are fewer.
    ///
    /// # Errors
    /// If the map is full, the key is not one of an array, or the map may not be written.
    pub fn set(&self, key: &K, values: &[V]) -> Result<(), Error> {
        let mut bytes = vec![0; stride::<V>() * self.map.runs().cpus() as usize];
        for (chunk, value) in bytes.chunks_exact_mut(stride::<V>()).zip(values) {
            chunk[..size_of::<V>()].copy_from_slice(value.as_bytes());
        }
        let done = (self.map).update_outside(key.as_bytes(), &bytes, UpdateMode::Any);
        done.map_err(|errno| refused(&self.map, errno))
    }

    /// Removes a key; false if it was not there.
    ///
    /// # Errors
    /// If keys of this map cannot be removed.
    pub fn remove(&self, key: &K) -> Result<bool, Error> {
        match self.map.delete_outside(key.as_bytes()) {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(refused(&self.map, errno)),
        }
    }

    /// The keys, in no order that means anything.
    pub fn keys(&self) -> impl Iterator<Item = K> {
        let next = |key: Option<&[u8]>| self.map.next_key_outside(key).ok();
        let keys = std::iter::successors(next(None), move |key| next(Some(key)));
        keys.filter_map(|key| K::read_from_bytes(&key).ok())
    }
}

impl<K, V> std::fmt::Debug for PerCpuMap<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PerCpuMap({})", self._held.0.spec().name)
    }
}
