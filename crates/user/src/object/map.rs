//! What the registry knows about a map, and who uses it from outside programs.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};

use osmia_program::{Errno, MapSpec, ProgramKind};
use osmia_vm::Identity;
use osmia_vm::map::{Map, MapError, Runs};

use super::{BtfObject, Digest, Table};
use crate::attach::SocketPrograms;
use crate::bpf::ObjectName;

/// What is said about a map when it is made, besides its specification.
#[derive(Debug, Default)]
pub(crate) struct MapAbout {
    /// Its name.
    pub(crate) name: ObjectName,
    /// The types that `key_type` and `value_type` count in.
    pub(crate) btf: Option<Arc<BtfObject>>,
    pub(crate) key_type: u32,
    pub(crate) value_type: u32,
    pub(crate) vmlinux_value_type: u32,
    /// The digest of the only program that may use it.
    pub(crate) exclusive: Option<Digest>,
}

/// The programs a map takes, fixed by the first (`struct bpf_map_owner`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) kind: ProgramKind,
    /// Whether XDP programs know of fragments.
    pub(crate) fragments: bool,
    /// The expected attach type.
    pub(crate) attach: u32,
}

/// What the registry knows about a map; its identity.
#[derive(Debug)]
pub(crate) struct MapRecord {
    id: OnceLock<u32>,
    table: Arc<Table<Map>>,
    /// Descriptors, pins and handles: holders that are neither programs nor maps.
    uses: AtomicU64,
    pub(crate) about: MapAbout,
    owner: OnceLock<Owner>,
    /// Of maps of sockets.
    pub(crate) socket_programs: SocketPrograms,
}

impl MapRecord {
    /// Makes a map and registers it.
    pub(crate) fn create(
        table: &Arc<Table<Map>>,
        spec: &MapSpec,
        runs: &Arc<Runs>,
        about: MapAbout,
    ) -> Result<MapUse, MapRefused> {
        let map = Map::create(spec, runs).map_err(MapRefused::Rule)?;
        let map = Arc::new(map.known_as(Box::new(Self {
            id: OnceLock::new(),
            table: Arc::clone(table),
            uses: AtomicU64::new(0),
            about,
            owner: OnceLock::new(),
            socket_programs: SocketPrograms::default(),
        })));
        let used = MapUse::of(map);
        let record = Self::of(&used);
        let keep = |id| record.id.set(id).expect("nobody else gives it one");
        table.add(used.map(), keep).map_err(MapRefused::Errno)?;
        Ok(used)
    }

    /// What is known about a map of a registry.
    pub(crate) fn of(map: &Map) -> &Self {
        map.identity()
            .expect("every map of a registry has a record")
    }

    /// Whether a program may be in it or use it; the first one decides about the others.
    pub(crate) fn admits(&self, program: Owner) -> bool {
        *self.owner.get_or_init(|| program) == program
    }
}

impl Identity for MapRecord {
    fn id(&self) -> u32 {
        self.id.get().copied().unwrap_or(0)
    }
}

impl Drop for MapRecord {
    fn drop(&mut self) {
        self.table.remove(self.id());
    }
}

/// Why there is no map.
#[derive(Debug)]
pub(crate) enum MapRefused {
    /// It breaks a rule of its kind.
    Rule(MapError),
    /// Ids or memory ran out.
    Errno(Errno),
}

impl MapRefused {
    /// What the kernel answers.
    pub(crate) fn errno(&self) -> Errno {
        match self {
            Self::Rule(error) => error.errno(),
            Self::Errno(errno) => *errno,
        }
    }
}

/// A use of a map by somebody who is neither a program nor a map (the kernel's `usercnt`). With the
/// last one a program array is emptied: a program that jumps to itself would never go away.
#[derive(Debug)]
pub(crate) struct MapUse(Arc<Map>);

impl MapUse {
    /// One more use.
    pub(crate) fn of(map: Arc<Map>) -> Self {
        MapRecord::of(&map).uses.fetch_add(1, SeqCst);
        Self(map)
    }

    /// The map, to be held by programs or maps.
    pub(crate) fn map(&self) -> &Arc<Map> {
        &self.0
    }
}

impl Clone for MapUse {
    fn clone(&self) -> Self {
        Self::of(Arc::clone(&self.0))
    }
}

impl Drop for MapUse {
    fn drop(&mut self) {
        if MapRecord::of(&self.0).uses.fetch_sub(1, SeqCst) == 1 {
            self.0.clear_slots();
            MapRecord::of(&self.0).socket_programs.clear();
        }
    }
}

impl std::ops::Deref for MapUse {
    type Target = Map;

    fn deref(&self) -> &Map {
        &self.0
    }
}
