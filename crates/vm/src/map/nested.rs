//! `array_of_maps` and `hash_of_maps`: maps by key.
//!
//! Programs only look inner maps up; what goes in comes from outside and must be shaped like the
//! inner map that was declared.

use std::sync::Arc;

use osmia_program::{Errno, MapFlags, MapKind, MapSpec, UpdateMode};

use super::Map;
use super::array::{index_of, next_index};
use super::error::BrokenRule;
use super::keyed_maps::KeyedMaps;
use super::runs::Runs;
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
    Key(KeyedMaps),
}

impl Nested {
    pub(super) fn new(spec: &MapSpec, runs: &Arc<Runs>) -> Result<Self, BrokenRule> {
        let inner = spec.inner.as_deref().ok_or(BrokenRule::NoInner)?;
        // The kernel nests one level only, and program arrays belong to one kind of program.
        if inner.kind.is_map_in_map() || inner.kind == MapKind::ProgArray {
            return Err(BrokenRule::InnerKind { inner: inner.kind });
        }
        let by = match spec.kind {
            MapKind::ArrayOfMaps => By::Index(Slots::new(spec)?),
            _ => By::Key(KeyedMaps::new(spec, runs)?),
        };
        Ok(Self {
            inner: inner.clone(),
            by,
        })
    }

    pub(super) fn at(&self, key: &[u8]) -> Option<Arc<Map>> {
        match &self.by {
            By::Index(slots) => slots.at(index_of(key).ok()?),
            By::Key(maps) => maps.at(key),
        }
    }

    pub(super) fn set(&self, key: &[u8], map: Arc<Map>, mode: UpdateMode) -> Result<(), Errno> {
        if !self.takes(map.spec()) {
            return Err(Errno::EINVAL);
        }
        match &self.by {
            By::Index(_) if mode != UpdateMode::Any => Err(Errno::EINVAL),
            By::Index(slots) => slots.set(index_of(key)?, map),
            By::Key(maps) => maps.set(key, map, mode),
        }
    }

    pub(super) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        match &self.by {
            By::Index(slots) => slots.clear(index_of(key)?),
            By::Key(maps) => maps.delete(key),
        }
    }

    pub(super) fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        match &self.by {
            By::Index(slots) => next_index(key, slots.count()),
            By::Key(maps) => maps.next_key(key),
        }
    }

    pub(super) fn len(&self) -> u32 {
        match &self.by {
            By::Index(slots) => slots.len(),
            By::Key(maps) => maps.len(),
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
