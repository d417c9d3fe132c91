//! Commands on maps and their elements.

use osmia_program::Errno;

use super::{Fd, ObjectName};

/// `BPF_MAP_CREATE`. The answer is a descriptor.
#[derive(Copy, Clone, Debug, Default)]
pub struct MapCreate<'a> {
    /// `map_type`.
    pub kind: u32,
    /// `key_size`.
    pub key_size: u32,
    /// `value_size`.
    pub value_size: u32,
    /// `max_entries`.
    pub max_entries: u32,
    /// `map_flags`.
    pub flags: u32,
    /// `inner_map_fd`: what inner maps of a map of maps are shaped like.
    pub inner_map_fd: Fd,
    /// `numa_node`; it counts with `BPF_F_NUMA_NODE` only.
    pub numa_node: u32,
    /// `map_name`.
    pub name: ObjectName,
    /// `map_ifindex`: the device to hold it.
    pub ifindex: u32,
    /// `btf_fd`.
    pub btf_fd: Fd,
    /// `btf_key_type_id`.
    pub btf_key_type_id: u32,
    /// `btf_value_type_id`.
    pub btf_value_type_id: u32,
    /// `btf_vmlinux_value_type_id`: the structure of a `struct_ops`.
    pub btf_vmlinux_value_type_id: u32,
    /// `map_extra`.
    pub map_extra: u64,
    /// `value_type_btf_obj_fd`; it counts with `BPF_F_VTYPE_BTF_OBJ_FD` only.
    pub value_type_btf_obj_fd: Fd,
    /// `map_token_fd`; it counts with `BPF_F_TOKEN_FD` only.
    pub token_fd: Fd,
    /// `excl_prog_hash`: the only program that may use it, by the digest of its instructions.
    pub excl_prog_hash: Option<&'a [u8]>,
    /// `excl_prog_hash_size`.
    pub excl_prog_hash_size: u32,
}

/// `BPF_MAP_LOOKUP_ELEM`, `_UPDATE_ELEM`, `_DELETE_ELEM`, `_GET_NEXT_KEY`,
/// `_LOOKUP_AND_DELETE_ELEM`: one element of a map.
#[derive(Copy, Clone, Debug, Default)]
pub struct Element<'a> {
    /// `map_fd`.
    pub map_fd: Fd,
    /// `key`; null for kinds without keys, and for the first key of a walk.
    pub key: Option<&'a [u8]>,
    /// `value`: of an update, and what a Bloom filter is asked for.
    pub value: Option<&'a [u8]>,
    /// `flags`.
    pub flags: u64,
}

/// `BPF_MAP_FREEZE`.
#[derive(Copy, Clone, Debug, Default)]
pub struct MapFreeze {
    /// `map_fd`.
    pub map_fd: Fd,
}

/// `BPF_MAP_LOOKUP_BATCH`, `_LOOKUP_AND_DELETE_BATCH`, `_UPDATE_BATCH`, `_DELETE_BATCH`.
#[derive(Copy, Clone, Debug, Default)]
pub struct Batch<'a> {
    /// `in_batch`: where to go on; null for the start.
    pub in_batch: Option<&'a [u8]>,
    /// `keys`, of updates and deletions.
    pub keys: Option<&'a [u8]>,
    /// `values`, of updates.
    pub values: Option<&'a [u8]>,
    /// `count`: as many elements at most.
    pub count: u32,
    /// `map_fd`.
    pub map_fd: Fd,
    /// `elem_flags`.
    pub elem_flags: u64,
    /// `flags`.
    pub flags: u64,
}

/// What a batch came to. A batch that ends early still has done what `count` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchAnswer {
    /// `count`: elements handed over, stored or removed; `None` if nothing is written back.
    pub count: Option<u32>,
    /// Keys of a lookup, one behind the other.
    pub keys: Vec<u8>,
    /// Values of a lookup, one behind the other.
    pub values: Vec<u8>,
    /// `out_batch` of a lookup: where the next one goes on. Empty if it is not written.
    pub out_batch: Vec<u8>,
    /// What the call returns.
    pub error: Option<Errno>,
}

/// How many bytes the elements of a map have as the kernel copies them.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct MapSizes {
    /// Bytes of a key; 0 for kinds without keys.
    pub key: usize,
    /// Bytes of a value; every CPU's, padded, for per-CPU kinds.
    pub value: usize,
    /// Bytes of `in_batch` and `out_batch`.
    pub batch: usize,
}
