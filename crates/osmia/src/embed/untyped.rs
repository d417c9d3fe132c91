//! Maps by bytes, for callers whose types are not Rust's.

use osmia_program::{Errno, HostMap, UpdateMode};
use osmia_user::UserMap;

use super::Module;
use super::map::refused;
use crate::Error;

/// A map of any kind whose keys and values are bytes. A per-CPU map's value is every CPU's, each padded
/// to eight bytes.
#[derive(Clone, Debug)]
pub struct UntypedMap {
    map: UserMap,
    _module: Module,
}

impl UntypedMap {
    pub(super) fn new(module: &Module, map: &UserMap) -> Self {
        Self {
            map: map.clone(),
            _module: module.clone(),
        }
    }

    /// Bytes of a key.
    pub fn key_bytes(&self) -> usize {
        self.map.spec().key_size as usize
    }

    /// Bytes of a value, as it is read and written.
    pub fn value_bytes(&self) -> usize {
        let spec = self.map.spec();
        let bytes = spec.value_size as usize;
        match spec.kind.is_per_cpu() {
            true => bytes.next_multiple_of(8) * self.map.map().runs().cpus() as usize,
            false => bytes,
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.map.lookup(key).ok()
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// As [`Map::update`](super::Map::update).
    pub fn update(&self, key: &[u8], value: &[u8], mode: UpdateMode) -> Result<(), Error> {
        let done = self.map.update(key, value, mode);
        done.map_err(|errno| refused(self.map.map(), errno))
    }

    /// Removes a key; false if it was not there.
    ///
    /// # Errors
    /// If keys of this map cannot be removed.
    pub fn remove(&self, key: &[u8]) -> Result<bool, Error> {
        match self.map.delete(key) {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(refused(self.map.map(), errno)),
        }
    }

    /// The key after this one, the first for `None`.
    pub fn next_key(&self, key: Option<&[u8]>) -> Option<Vec<u8>> {
        self.map.next_key(key).ok()
    }
}
