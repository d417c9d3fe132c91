//! Maps: what `map show` tells, and making one.

use osmia_program::attr::{self, CallMemory, Request};
use osmia_program::{Errno, MapKind};
use serde::Serialize;

use super::info::Info;
use super::{Handle, Live, ObjectKind, Refused};

/// What `map show` tells of a map, with bpftool's keys.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the keys are bpftool's")]
pub struct MapRow {
    pub id: u32,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub flags: u32,
    pub bytes_key: u32,
    pub bytes_value: u32,
    pub max_entries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_memlock: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_prog_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_jited: Option<bool>,
    pub frozen: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub btf_id: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pinned: Vec<String>,
}

impl MapRow {
    /// Of a map, pinned at these paths.
    ///
    /// # Errors
    /// If the host does not tell.
    pub fn of(map: &Handle, pinned: Vec<String>) -> Result<Self, Refused> {
        let info = map.info()?;
        let status = |name| map.status(name).and_then(|text| text.parse::<u64>().ok());
        let is_owned = MapKind::from_number(info.u32("type")) == Some(MapKind::ProgArray);
        let owner = status("owner_prog_type").filter(|_| is_owned);
        Ok(Self {
            id: info.u32("id"),
            kind: kind_name(info.u32("type")),
            name: info.text("name"),
            flags: info.u32("map_flags"),
            bytes_key: info.u32("key_size"),
            bytes_value: info.u32("value_size"),
            max_entries: info.u32("max_entries"),
            bytes_memlock: status("memlock"),
            owner_prog_type: owner.map(|kind| super::program::kind_name(kind as u32)),
            owner_jited: status("owner_jited")
                .filter(|_| is_owned)
                .map(|jited| jited != 0),
            frozen: status("frozen").unwrap_or_default() as u32,
            btf_id: Some(info.u32("btf_id")).filter(|id| *id != 0),
            pinned,
        })
    }
}

fn kind_name(number: u32) -> String {
    match MapKind::from_number(number) {
        Some(kind) => kind.name().to_owned(),
        None => number.to_string(),
    }
}

/// The kind of a map, as far as it is known here.
pub(super) fn kind_of(info: &Info) -> MapKind {
    MapKind::from_number(info.u32("type")).unwrap_or(MapKind::Unspec)
}

/// A map to be made.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are the kernel's")]
pub struct MapCreation {
    pub kind: MapKind,
    pub key_size: u32,
    pub value_size: u32,
    pub max_entries: u32,
    pub name: String,
    pub flags: u32,
    /// The map that those inside are like.
    pub inner: Option<i32>,
}

impl Live {
    /// Makes a map.
    ///
    /// # Errors
    /// If the host does not make it.
    pub fn create_map(&self, asked: &MapCreation) -> Result<Handle, Refused> {
        let mut map_name = [0; 16];
        for (to, byte) in map_name[..15].iter_mut().zip(asked.name.bytes()) {
            *to = byte;
        }
        let mut request = Request::MapCreate(attr::MapCreate {
            map_type: asked.kind.number(),
            key_size: asked.key_size,
            value_size: asked.value_size,
            max_entries: asked.max_entries,
            map_flags: asked.flags,
            inner_map_fd: asked.inner.unwrap_or_default(),
            map_name,
            ..attr::MapCreate::default()
        });
        let made = self.bpf.call(&mut request, &mut CallMemory::default());
        let what = format!("map of type {}", asked.kind.name());
        // The kernel says so of a kind it does not have.
        let fd = made.map_err(|errno: Errno| Refused::new(what, errno))?;
        Ok(self.handle(fd, ObjectKind::Map))
    }
}
