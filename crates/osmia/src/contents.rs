//! What maps and globals hold, typed by BTF.

use osmia_btf::{Btf, TypeId};
use osmia_program::{Errno, Host, HostMap, MapFlags, MapKind, MapOrigin, MapSpec};
use serde::Serialize;

use crate::{Error, Loaded, Shown, limits, record_type};

/// A global variable and its value.
#[derive(Clone, Debug, Serialize)]
pub struct GlobalValue {
    /// Its name in the source.
    pub name: String,
    /// The section it lies in.
    pub section: String,
    /// Its value.
    pub value: Shown,
}

/// A map and what is in it.
#[derive(Clone, Debug, Serialize)]
pub struct MapContents {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// Most elements.
    pub max_entries: u32,
    /// What it holds; array elements that are all zero are left out.
    pub entries: Vec<MapEntry>,
    /// Array elements that are all zero.
    #[serde(skip_serializing_if = "is_zero")]
    pub zero_entries: u64,
    /// Entries beyond the limit of a report.
    #[serde(skip_serializing_if = "is_zero")]
    pub entries_not_shown: u64,
    /// Why what it holds cannot be listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_listed: Option<&'static str>,
    /// Elements of a large array that were not looked at.
    #[serde(skip_serializing_if = "is_zero")]
    pub elements_not_read: u64,
}

/// One element of a map.
#[derive(Clone, Debug, Serialize)]
pub struct MapEntry {
    /// Its key.
    pub key: Shown,
    /// Its value; per-CPU maps have `values` instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Shown>,
    /// Its value on each CPU.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Shown>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl<H: Host> Loaded<'_, H> {
    /// The object's variables that may have changed.
    pub fn globals(&self) -> Result<Vec<GlobalValue>, Error> {
        let mut values = Vec::new();
        for (index, map) in self.maps() {
            let spec = map.spec();
            if spec.origin != MapOrigin::Data || spec.kind != MapKind::Array || spec.frozen {
                continue;
            }
            let bytes = map
                .lookup(&0_u32.to_ne_bytes())
                .map_err(|errno| Error::map(&spec.name, errno))?;
            for global in &self.set().globals {
                let range = global.offset as usize..(global.offset as usize + global.size as usize);
                let (true, Some(value)) = (global.map == index, bytes.get(range)) else {
                    continue;
                };
                values.push(GlobalValue {
                    name: global.name.clone(),
                    section: spec.name.clone(),
                    value: show(self.set().btf.as_deref(), global.type_id, value),
                });
            }
        }
        Ok(values)
    }

    /// The maps the author defined, with what is in them; those that are streams of records are not
    /// among them.
    pub fn map_contents(&self) -> Result<Vec<MapContents>, Error> {
        let mut contents = Vec::new();
        for (_, map) in self.maps() {
            let spec = map.spec();
            let is_users = !matches!(spec.origin, MapOrigin::Data | MapOrigin::Kconfig);
            if !is_users || spec.flags.has(MapFlags::WRONLY) {
                continue;
            }
            let found = match Listing::of(spec.kind) {
                Listing::Keys => contents_of(map),
                Listing::Values => values_of(map),
                Listing::Owners(owner) => owned_values_of(map, owner),
                Listing::None(why) => Ok(MapContents {
                    not_listed: Some(why),
                    ..MapContents::empty(spec)
                }),
                Listing::Elsewhere => continue,
            };
            contents.push(match found {
                // A kernel shows no more than the next value, or asks for the owner first.
                Err(Errno::EINVAL) => MapContents {
                    not_listed: Some("this host does not list it"),
                    ..MapContents::empty(spec)
                },
                found => found.map_err(|errno| Error::map(&spec.name, errno))?,
            });
        }
        Ok(contents)
    }

    pub(crate) fn show_record(&self, map: &str, bytes: &[u8]) -> Shown {
        let known = self
            .set()
            .map(map)
            .and_then(|(_, spec)| record_type::of(spec));
        match known {
            Some((btf, type_id)) => show(Some(btf), Some(type_id), bytes),
            None => Shown::raw(bytes),
        }
    }
}

/// How what a map holds is found.
enum Listing {
    /// Key by key.
    Keys,
    /// Value by value.
    Values,
    /// Object by object, of this kind.
    Owners(&'static str),
    /// Not at all.
    None(&'static str),
    /// It is no store: its records are told as they come, its slots are the program's.
    Elsewhere,
}

impl Listing {
    fn of(kind: MapKind) -> Self {
        match kind {
            MapKind::Queue | MapKind::Stack => Listing::Values,
            MapKind::BloomFilter => Listing::None("a Bloom filter does not know its values"),
            MapKind::SkStorage => Listing::Owners("socket"),
            MapKind::TaskStorage => Listing::Owners("task"),
            MapKind::InodeStorage => Listing::Owners("inode"),
            MapKind::CgrpStorage => Listing::Owners("cgroup"),
            MapKind::Arena => Listing::None("an arena is memory of the program's own"),
            MapKind::Hash
            | MapKind::PercpuHash
            | MapKind::LruHash
            | MapKind::LruPercpuHash
            | MapKind::Array
            | MapKind::PercpuArray
            | MapKind::LpmTrie
            | MapKind::StackTrace
            | MapKind::ArrayOfMaps
            | MapKind::HashOfMaps
            | MapKind::CgroupStorage
            | MapKind::PercpuCgroupStorage => Listing::Keys,
            _ => Listing::Elsewhere,
        }
    }
}

impl MapContents {
    /// Of a map of which nothing is known yet.
    fn empty(spec: &MapSpec) -> Self {
        Self {
            name: spec.name.clone(),
            kind: spec.kind.name(),
            key_size: spec.key_size,
            value_size: spec.value_size,
            max_entries: spec.max_entries,
            entries: Vec::new(),
            zero_entries: 0,
            entries_not_shown: 0,
            not_listed: None,
            elements_not_read: 0,
        }
    }
}

/// What a map without keys holds: the keys shown are positions, 0 the next one out.
fn values_of<M: HostMap>(map: &M) -> Result<MapContents, Errno> {
    let spec = map.spec();
    let mut contents = MapContents::empty(spec);
    let values = map.values()?;
    let shown = values.len().min(limits::MAP_ENTRIES_SHOWN_MAX);
    contents.entries_not_shown = (values.len() - shown) as u64;
    let btf = spec.btf.as_ref();
    contents.entries = values[..shown]
        .iter()
        .enumerate()
        .map(|(position, value)| MapEntry {
            key: Shown::number(position as u64),
            value: Some(show(
                btf.map(|types| types.btf.as_ref()),
                btf.and_then(|types| types.value),
                value,
            )),
            values: Vec::new(),
        })
        .collect();
    Ok(contents)
}

/// What a map keeps for objects: the keys shown are those of their numbers.
fn owned_values_of<M: HostMap>(map: &M, owner: &str) -> Result<MapContents, Errno> {
    let spec = map.spec();
    let mut contents = MapContents::empty(spec);
    let values = map.owned()?;
    let shown = values.len().min(limits::MAP_ENTRIES_SHOWN_MAX);
    contents.entries_not_shown = (values.len() - shown) as u64;
    let types = spec.btf.as_ref();
    let entries = values[..shown].iter().map(|(number, value)| MapEntry {
        key: Shown::words(format!("{owner} {number}"), false),
        value: Some(show(
            types.map(|types| types.btf.as_ref()),
            types.and_then(|types| types.value),
            value,
        )),
        values: Vec::new(),
    });
    contents.entries = entries.collect();
    Ok(contents)
}

fn contents_of<M: HostMap>(map: &M) -> Result<MapContents, Errno> {
    let spec = map.spec();
    let mut contents = MapContents::empty(spec);
    let is_array = matches!(spec.kind, MapKind::Array | MapKind::PercpuArray);
    let mut key: Option<Vec<u8>> = None;
    let mut reads = u64::from(spec.max_entries);
    if is_array && reads > limits::ARRAY_ELEMENTS_READ_MAX {
        contents.elements_not_read = reads - limits::ARRAY_ELEMENTS_READ_MAX;
        reads = limits::ARRAY_ELEMENTS_READ_MAX;
    }
    // Bounded although other CPUs may go on adding while we read.
    for _ in 0..reads {
        let next = match map.next_key(key.as_deref()) {
            Ok(next) => next,
            Err(Errno::ENOENT) => break,
            Err(error) => return Err(error),
        };
        match map.lookup(&next) {
            Ok(value) if is_array && value.iter().all(|byte| *byte == 0) => {
                contents.zero_entries += 1;
            }
            Ok(_) if contents.entries.len() >= limits::MAP_ENTRIES_SHOWN_MAX => {
                contents.entries_not_shown += 1;
            }
            Ok(value) => contents.entries.push(entry(spec, &next, &value)),
            Err(Errno::ENOENT) => {}
            Err(error) => return Err(error),
        }
        key = Some(next);
    }
    if !is_array {
        // The order of a hash means nothing; sorted keys make two runs comparable.
        contents
            .entries
            .sort_by(|a, b| compare_json(&a.key.json, &b.key.json));
    }
    Ok(contents)
}

fn entry(spec: &MapSpec, key: &[u8], value: &[u8]) -> MapEntry {
    let types = spec.btf.as_ref();
    let btf = types.map(|types| types.btf.as_ref());
    let key_type = types.and_then(|types| types.key);
    let value_type = types.and_then(|types| types.value);
    let indexed = matches!(
        spec.kind,
        MapKind::Array | MapKind::ArrayOfMaps | MapKind::StackTrace
    );
    let shown_key = if key_type.is_none() && indexed {
        show_index(key)
    } else {
        show(btf, key_type, key)
    };
    let is_nested = matches!(spec.kind, MapKind::ArrayOfMaps | MapKind::HashOfMaps);
    let (value, values) = if let (true, Ok(id)) = (is_nested, <[u8; 4]>::try_from(value)) {
        let text = format!("map {}", u32::from_ne_bytes(id));
        (Some(Shown::words(text, false)), Vec::new())
    } else if spec.kind.is_per_cpu() {
        let size = spec.value_size as usize;
        let stride = size.next_multiple_of(8).max(8);
        let values = value
            .chunks(stride)
            .map(|slot| show(btf, value_type, slot.get(..size).unwrap_or(slot)))
            .collect();
        (None, values)
    } else {
        (Some(show(btf, value_type, value)), Vec::new())
    };
    MapEntry {
        key: shown_key,
        value,
        values,
    }
}

fn show_index(key: &[u8]) -> Shown {
    match <[u8; 4]>::try_from(key) {
        Ok(bytes) => {
            let index = u32::from_ne_bytes(bytes);
            Shown {
                text: index.to_string(),
                lines: None,
                json: index.into(),
                is_zero: index == 0,
            }
        }
        Err(_) => Shown::raw(key),
    }
}

/// Numbers by value, everything else by its text.
fn compare_json(a: &serde_json::Value, b: &serde_json::Value) -> std::cmp::Ordering {
    let number = |value: &serde_json::Value| {
        value
            .as_i64()
            .map(i128::from)
            .or(value.as_u64().map(i128::from))
    };
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.to_string().cmp(&b.to_string()),
    }
}

/// Bytes by their type, as hexadecimal if there is none.
pub(crate) fn show(btf: Option<&Btf>, type_id: Option<TypeId>, bytes: &[u8]) -> Shown {
    match (btf, type_id) {
        (Some(btf), Some(type_id)) => Shown::typed(btf, type_id, bytes),
        _ => Shown::raw(bytes),
    }
}
