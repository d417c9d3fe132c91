//! `array_of_maps` and `hash_of_maps`: maps by key.
//!
//! Programs only look inner maps up; what goes in comes from outside and must be shaped like the
//! inner map that was declared.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use osmia_program::{Errno, MapFlags, MapKind, MapSpec, UpdateMode};

use super::Map;
use super::array::{index_of, next_index};
use super::error::BrokenRule;
use super::slots::Slots;

/// A map of maps.
#[derive(Debug)]
pub(super) struct Nested {
    inner: MapSpec,
    by: By,
}

#[derive(Debug)]
enum By {
    Index(Slots<Arc<Map>>),
    Key {
        maps: RwLock<BTreeMap<Vec<u8>, Arc<Map>>>,
        key_bytes: usize,
        count_max: usize,
    },
}

impl Nested {
    pub(super) fn new(spec: &MapSpec) -> Result<Self, BrokenRule> {
        let inner = spec.inner.as_deref().ok_or(BrokenRule::NoInner)?;
        // The kernel nests one level only, and program arrays belong to one kind of program.
        if inner.kind.is_map_in_map() || inner.kind == MapKind::ProgArray {
            return Err(BrokenRule::InnerKind { inner: inner.kind });
        }
        let by = match spec.kind {
            MapKind::ArrayOfMaps => By::Index(Slots::new(spec)?),
            _ => By::Key {
                maps: RwLock::default(),
                key_bytes: spec.key_size as usize,
                count_max: spec.max_entries as usize,
            },
        };
        Ok(Self {
            inner: inner.clone(),
            by,
        })
    }

    pub(super) fn at(&self, key: &[u8]) -> Option<Arc<Map>> {
        match &self.by {
            By::Index(slots) => slots.at(index_of(key).ok()?),
            By::Key { maps, .. } => maps
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .get(key)
                .cloned(),
        }
    }

    pub(super) fn set(&self, key: &[u8], map: Arc<Map>, mode: UpdateMode) -> Result<(), Errno> {
        if !self.takes(map.spec()) {
            return Err(Errno::EINVAL);
        }
        let (maps, key_bytes, count_max) = match &self.by {
            By::Index(_) if mode != UpdateMode::Any => return Err(Errno::EINVAL),
            By::Index(slots) => return slots.set(index_of(key)?, map),
            By::Key {
                maps,
                key_bytes,
                count_max,
            } => (maps, *key_bytes, *count_max),
        };
        if key.len() != key_bytes {
            return Err(Errno::EINVAL);
        }
        let mut maps = maps.write().unwrap_or_else(PoisonError::into_inner);
        let full = maps.len() == count_max;
        match maps.get_mut(key) {
            Some(_) if mode == UpdateMode::NoExist => Err(Errno::EEXIST),
            Some(old) => {
                *old = map;
                Ok(())
            }
            None if mode == UpdateMode::Exist => Err(Errno::ENOENT),
            None if full => Err(Errno::E2BIG),
            None => {
                maps.insert(key.to_vec(), map);
                Ok(())
            }
        }
    }

    pub(super) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        match &self.by {
            By::Index(slots) => slots.clear(index_of(key)?),
            By::Key { key_bytes, .. } if key.len() != *key_bytes => Err(Errno::EINVAL),
            By::Key { maps, .. } => {
                let mut maps = maps.write().unwrap_or_else(PoisonError::into_inner);
                maps.remove(key).map(drop).ok_or(Errno::ENOENT)
            }
        }
    }

    pub(super) fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        match &self.by {
            By::Index(slots) => next_index(key, slots.count()),
            By::Key { key_bytes, .. } if key.is_some_and(|key| key.len() != *key_bytes) => {
                Err(Errno::EINVAL)
            }
            By::Key { maps, .. } => {
                let maps = maps.read().unwrap_or_else(PoisonError::into_inner);
                let next = match key.filter(|key| maps.contains_key(*key)) {
                    Some(key) => maps
                        .range::<[u8], _>((Bound::Excluded(key), Bound::Unbounded))
                        .next(),
                    None => maps.iter().next(),
                };
                next.map(|(key, _)| key.clone()).ok_or(Errno::ENOENT)
            }
        }
    }

    pub(super) fn len(&self) -> u32 {
        match &self.by {
            By::Index(slots) => slots.len(),
            By::Key { maps, .. } => {
                maps.read().unwrap_or_else(PoisonError::into_inner).len() as u32
            }
        }
    }

    /// True if a map is shaped like the declared one. Arrays must agree in `max_entries`, which
    /// programs may have been checked against, unless `BPF_F_INNER_MAP` says they need not.
    fn takes(&self, map: &MapSpec) -> bool {
        let inner = &self.inner;
        let same_count = inner.max_entries == map.max_entries
            || inner.flags.has(MapFlags::INNER_MAP)
            || !matches!(inner.kind, MapKind::Array | MapKind::PercpuArray);
        (inner.kind, inner.key_size, inner.value_size, inner.flags)
            == (map.kind, map.key_size, map.value_size, map.flags)
            && same_count
    }
}
