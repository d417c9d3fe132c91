//! Arrays, hashes and tries by the application's own types.

use std::marker::PhantomData;
use std::sync::Arc;

use osmia_program::{Errno, HostMap, UpdateMode};
use osmia_user::UserMap;
use osmia_vm::map as vm;

use super::{Module, Plain, misuse};
use crate::{Error, codes};

/// A map that programs and the application share. Both see each other's changes at once; a value of
/// more than eight bytes may be seen half changed, as on Linux.
#[derive(Clone)]
pub struct Map<K, V> {
    map: Arc<vm::Map>,
    /// A use of the map, which ends with the handle, and what else must live on.
    _held: (UserMap, Module),
    types: PhantomData<fn(K) -> V>,
}

impl<K: Plain, V: Plain> Map<K, V> {
    pub(super) fn new(module: &Module, map: &UserMap) -> Self {
        Self {
            map: Arc::clone(map.map()),
            _held: (map.clone(), module.clone()),
            types: PhantomData,
        }
    }

    /// The value of a key. Nothing is allocated; to least-recently-used hashes it counts as a use.
    pub fn get(&self, key: &K) -> Option<V> {
        let mut value = V::new_zeroed();
        // While a run is counted no value that was found goes to another key.
        let _running = self.map.runs().enter(0);
        let element = self.map.lookup_element(key.as_bytes(), 0)?;
        let values = self.map.values()?;
        values.read(element.index(), 0, value.as_mut_bytes());
        Some(value)
    }

    /// Sets the value of a key, whether there is one or not.
    ///
    /// # Errors
    /// If the map is full, the key is not one of an array, or the map may not be written.
    pub fn set(&self, key: &K, value: &V) -> Result<(), Error> {
        self.update(key, value, UpdateMode::Any)
    }

    /// Sets the value of a key if there is none (`NoExist`), if there is one (`Exist`), or always.
    ///
    /// # Errors
    /// As [`Map::set`], and if there is a value or none.
    pub fn update(&self, key: &K, value: &V, mode: UpdateMode) -> Result<(), Error> {
        let done = (self.map).update_outside(key.as_bytes(), value.as_bytes(), mode);
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

    /// Keys and values, in no order that means anything. What is added or removed meanwhile may be met
    /// or not.
    pub fn iter(&self) -> Entries<'_, K, V> {
        Entries {
            map: self,
            key: None,
        }
    }

    /// How many entries there are; of an array, all.
    pub fn len(&self) -> usize {
        self.map.len() as usize
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most entries there can be.
    pub fn capacity(&self) -> usize {
        self.map.spec().max_entries as usize
    }
}

impl<K, V> std::fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Map({})", self._held.0.spec().name)
    }
}

/// Goes over the entries of a [`Map`].
#[derive(Debug)]
pub struct Entries<'a, K, V> {
    map: &'a Map<K, V>,
    key: Option<Vec<u8>>,
}

impl<K: Plain, V: Plain> Iterator for Entries<'_, K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        loop {
            let next = self.map.map.next_key_outside(self.key.as_deref()).ok()?;
            let key = K::read_from_bytes(&next).ok()?;
            self.key = Some(next);
            if let Some(value) = self.map.get(&key) {
                return Some((key, value));
            }
        }
    }
}

impl<'a, K: Plain, V: Plain> IntoIterator for &'a Map<K, V> {
    type Item = (K, V);
    type IntoIter = Entries<'a, K, V>;

    fn into_iter(self) -> Entries<'a, K, V> {
        self.iter()
    }
}

/// A change that a map does not take.
pub(super) fn refused(map: &vm::Map, errno: Errno) -> Error {
    let (name, kind) = (&map.spec().name, map.spec().kind);
    let message = format!("map `{name}` ({kind}) does not take the change: {errno}");
    misuse(codes::EMBED_MAP, message)
}
