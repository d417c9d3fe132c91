//! What a map should be. Inert: a specification, not a map.

use std::sync::Arc;

use osmia_btf::{Btf, TypeId};

use crate::MapKind;

/// Position of a map in its [`crate::ProgramSet`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MapIndex(u32);

impl MapIndex {
    /// From a position in `ProgramSet::maps`.
    pub fn from_usize(position: usize) -> Self {
        Self(u32::try_from(position).expect("map counts are bounded by the reader"))
    }

    /// As a position in `ProgramSet::maps`.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Map creation flags (`BPF_F_…`), the kernel's bits.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MapFlags(pub u32);

#[allow(missing_docs)]
impl MapFlags {
    pub const NO_PREALLOC: u32 = 1 << 0;
    pub const NO_COMMON_LRU: u32 = 1 << 1;
    pub const NUMA_NODE: u32 = 1 << 2;
    pub const RDONLY: u32 = 1 << 3;
    pub const WRONLY: u32 = 1 << 4;
    pub const STACK_BUILD_ID: u32 = 1 << 5;
    pub const ZERO_SEED: u32 = 1 << 6;
    pub const RDONLY_PROG: u32 = 1 << 7;
    pub const WRONLY_PROG: u32 = 1 << 8;
    pub const CLONE: u32 = 1 << 9;
    pub const MMAPABLE: u32 = 1 << 10;
    pub const PRESERVE_ELEMS: u32 = 1 << 11;
    pub const INNER_MAP: u32 = 1 << 12;
    pub const LINK: u32 = 1 << 13;
    pub const PATH_FD: u32 = 1 << 14;
    pub const VTYPE_BTF_OBJ_FD: u32 = 1 << 15;
    pub const TOKEN_FD: u32 = 1 << 16;
    pub const SEGV_ON_FAULT: u32 = 1 << 17;
    pub const NO_USER_CONV: u32 = 1 << 18;

    /// True if every bit of `bits` is set.
    pub const fn has(self, bits: u32) -> bool {
        self.0 & bits == bits
    }
}

/// Whether the author asked for the map to be pinned.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Pinning {
    /// Not pinned.
    #[default]
    None,
    /// Under its name (`LIBBPF_PIN_BY_NAME`).
    ByName,
}

/// Where the specification came from.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum MapOrigin {
    /// BTF-defined in `.maps`.
    Btf,
    /// `SEC("maps")` with a `struct bpf_map_def` or iproute2's.
    Legacy,
    /// Made by the loader for a data section.
    Data,
    /// Made by the loader for `.kconfig`.
    Kconfig,
    /// Made by the loader for a `.struct_ops` variable.
    StructOps,
    /// Not from an object.
    Api,
}

/// What one slot of a map of maps or a program array is initialised with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlotContent {
    /// A map of the same set.
    Map(MapIndex),
    /// A program of the same set, by name.
    Program(String),
}

/// What the map holds before the first program runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Initial {
    /// Nothing (arrays: zeroes).
    #[default]
    Empty,
    /// The bytes of the only value: data sections.
    Value(Vec<u8>),
    /// Slots by index: maps of maps, program arrays.
    Slots(Vec<(u32, SlotContent)>),
    /// A table of kernel operations: its bytes as the target lays them out, and the programs of
    /// the same set that its function pointers stand for, by offset.
    Operations {
        /// The value, function pointers 0.
        value: Vec<u8>,
        /// Offset of a function pointer and the program's name.
        programs: Vec<(u32, String)>,
    },
}

/// The types of key and value.
#[derive(Clone, Debug)]
pub struct MapBtf {
    /// The BTF the ids count in.
    pub btf: Arc<Btf>,
    /// Type of the key.
    pub key: Option<TypeId>,
    /// Type of the value.
    pub value: Option<TypeId>,
}

/// A map as an author specified it.
#[derive(Clone, Debug)]
pub struct MapSpec {
    /// Its name, full; hosts cut it to what they keep.
    pub name: String,
    /// Map type.
    pub kind: MapKind,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// Most elements; 0 where the host chooses (perf event arrays: the number of CPUs).
    pub max_entries: u32,
    /// Creation flags.
    pub flags: MapFlags,
    /// `map_extra`.
    pub extra: u64,
    /// NUMA node, if asked for.
    pub numa_node: Option<u32>,
    /// Pinning, if asked for.
    pub pinning: Pinning,
    /// Shape of the inner maps of a map of maps.
    pub inner: Option<Box<MapSpec>>,
    /// Types of key and value.
    pub btf: Option<MapBtf>,
    /// Contents at start.
    pub initial: Initial,
    /// True if nobody may write once it is filled (`.rodata`).
    pub frozen: bool,
    /// Whether hosts should create it (libbpf's autocreate).
    pub autocreate: bool,
    /// Where it came from.
    pub origin: MapOrigin,
}

impl MapSpec {
    /// A map with these sizes and nothing else said.
    pub fn new(
        name: impl Into<String>,
        kind: MapKind,
        key_size: u32,
        value_size: u32,
        max_entries: u32,
    ) -> Self {
        Self {
            name: name.into(),
            kind,
            key_size,
            value_size,
            max_entries,
            flags: MapFlags::default(),
            extra: 0,
            numa_node: None,
            pinning: Pinning::None,
            inner: None,
            btf: None,
            initial: Initial::Empty,
            frozen: false,
            autocreate: true,
            origin: MapOrigin::Api,
        }
    }
}
