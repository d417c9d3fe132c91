//! Everything a map holds, read key by key as bpftool reads it.
//!
//! A map may change meanwhile. A key that goes away between finding and reading it is an entry that says so; if the key
//! that the walk stands on goes away, the kernel starts at the first key again, so the walk ends after as many
//! steps as the map may have elements.

use std::sync::Arc;

use osmia_btf::{Btf, TypeId};
use osmia_program::{Errno, MapKind};
use serde_json::{Map, Value as Json, json};

use super::map::kind_of;
use super::{Elements, Handle, Refused, typed};
use crate::Error;

/// What a map holds.
#[derive(Clone, Debug)]
pub struct DumpedMap {
    /// Its entries in the order of the walk.
    pub entries: Vec<Entry>,
    /// The types of keys and values, if known.
    pub types: Option<Types>,
}

/// How to read a map's bytes.
#[derive(Clone, Debug)]
pub struct Types {
    btf: Arc<Btf>,
    key: Option<TypeId>,
    value: TypeId,
}

/// A key and what lies there.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Vec<u8>,
    /// What lies there, or why it could not be read.
    pub value: Result<Value, Errno>,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// One for all.
    One(Vec<u8>),
    /// Of each CPU.
    PerCpu(Vec<Vec<u8>>),
}

impl Handle {
    /// How a map's bytes are read, if its types are known.
    pub fn map_types(&self) -> Result<Option<Types>, Error> {
        let info = self.info()?;
        let value = TypeId(info.u32("btf_value_type_id"));
        let key = TypeId(info.u32("btf_key_type_id"));
        if info.u32("btf_id") == 0 || value.0 == 0 {
            return Ok(None);
        }
        let btf = self.live().btf(info.u32("btf_id"))?;
        Ok(Some(Types {
            btf,
            key: (key.0 != 0).then_some(key),
            value,
        }))
    }

    /// Everything it holds.
    ///
    /// # Errors
    /// If it cannot be walked.
    pub fn dump(&self) -> Result<DumpedMap, Error> {
        let elements = self.elements()?;
        let kind = kind_of(elements.info());
        let mut dumped = DumpedMap {
            entries: Vec::new(),
            types: self.map_types()?,
        };
        let is_of_objects = matches!(
            kind,
            MapKind::ProgArray | MapKind::ArrayOfMaps | MapKind::HashOfMaps
        );
        let mut key: Option<Vec<u8>> = None;
        for _ in 0..elements.info().u32("max_entries") {
            let next = match elements.next_key(key.as_deref()) {
                Ok(next) => next,
                Err(Errno::ENOENT) => break,
                // Kinds that are no stores of elements: there is nothing to walk.
                Err(_) if key.is_none() => break,
                Err(errno) => return Err(self.refused("next key", errno).into()),
            };
            let value = elements
                .lookup(&next, 0)
                .map(|bytes| elements.value(&bytes));
            // An empty slot of such a map is nothing.
            if !(is_of_objects && value == Err(Errno::ENOENT)) {
                dumped.entries.push(Entry {
                    key: next.clone(),
                    value,
                });
            }
            key = Some(next);
        }
        Ok(dumped)
    }
}

impl Elements<'_> {
    /// A value as it was read.
    pub fn value(&self, bytes: &[u8]) -> Value {
        if !self.is_per_cpu() {
            return Value::One(bytes.to_vec());
        }
        let size = self.info().u32("value_size") as usize;
        let slots = bytes.chunks(size.next_multiple_of(8).max(8));
        Value::PerCpu(
            slots
                .map(|slot| slot[..size.min(slot.len())].to_vec())
                .collect(),
        )
    }

    /// An entry with its value, for those who look one up.
    ///
    /// # Errors
    /// If the host says no; a key that is not there is an entry of which that is told.
    pub fn entry(&self, key: &[u8], bytes: Result<Vec<u8>, Errno>) -> Result<Entry, Refused> {
        let value = match bytes {
            Ok(bytes) => Ok(self.value(&bytes)),
            Err(Errno::ENOENT) => Err(Errno::ENOENT),
            Err(errno) => return Err(self.map().refused("lookup", errno)),
        };
        Ok(Entry {
            key: key.to_vec(),
            value,
        })
    }
}

impl Entry {
    /// With bpftool's keys: bytes, and what they mean where types are known.
    pub fn to_json(&self, types: Option<&Types>) -> Json {
        let mut object = Map::new();
        object.insert("key".to_owned(), bytes_json(&self.key));
        match &self.value {
            Ok(Value::One(bytes)) => object.insert("value".to_owned(), bytes_json(bytes)),
            Ok(Value::PerCpu(slots)) => {
                let slots = slots.iter().map(|slot| bytes_json(slot));
                object.insert("values".to_owned(), per_cpu(slots))
            }
            Err(errno) => object.insert("value".to_owned(), json!({ "error": said(*errno) })),
        };
        if let (Some(formatted), true) = (self.formatted(types), self.value.is_ok()) {
            object.insert("formatted".to_owned(), formatted);
        }
        Json::Object(object)
    }

    /// What the bytes mean.
    pub fn formatted(&self, types: Option<&Types>) -> Option<Json> {
        let types = types?;
        let mut object = Map::new();
        if let Some(key) = types.key {
            object.insert("key".to_owned(), typed::json(&types.btf, key, &self.key));
        }
        let show = |bytes: &[u8]| typed::json(&types.btf, types.value, bytes);
        match self.value.as_ref().ok()? {
            Value::One(bytes) => object.insert("value".to_owned(), show(bytes)),
            Value::PerCpu(slots) => {
                let slots = slots.iter().map(|slot| show(slot));
                object.insert("values".to_owned(), per_cpu(slots))
            }
        };
        Some(Json::Object(object))
    }
}

/// What the kernel said, in the C library's words as far as scripts compare them.
pub(super) fn said(errno: Errno) -> String {
    match errno.name() {
        Some(_) => {
            let meaning = std::io::Error::from_raw_os_error(errno.0).to_string();
            let end = meaning.find(" (os error").unwrap_or(meaning.len());
            meaning[..end].to_owned()
        }
        None => format!("Unknown error {}", errno.0),
    }
}

fn per_cpu(slots: impl Iterator<Item = Json>) -> Json {
    let slots = slots.enumerate();
    slots
        .map(|(cpu, value)| json!({ "cpu": cpu, "value": value }))
        .collect()
}

/// `["0x0a","0xff"]`.
pub(super) fn bytes_json(bytes: &[u8]) -> Json {
    bytes
        .iter()
        .map(|byte| Json::from(format!("0x{byte:02x}")))
        .collect()
}
