//! Commands on objects of any kind: pins, ids, what is known about one.

use super::{Fd, ObjectName};

/// `BPF_OBJ_PIN`.
#[derive(Copy, Clone, Debug, Default)]
pub struct ObjPin<'a> {
    /// `pathname`, without the final zero.
    pub path: Option<&'a [u8]>,
    /// `bpf_fd`.
    pub bpf_fd: Fd,
    /// `file_flags`.
    pub file_flags: u32,
    /// `path_fd`: the directory a relative path starts from; counts with `BPF_F_PATH_FD` only.
    pub path_fd: Fd,
}

/// `BPF_OBJ_GET`. The answer is a descriptor.
#[derive(Copy, Clone, Debug, Default)]
pub struct ObjGet<'a> {
    /// `pathname`, without the final zero.
    pub path: Option<&'a [u8]>,
    /// `bpf_fd`, which must be 0.
    pub bpf_fd: Fd,
    /// `file_flags`.
    pub file_flags: u32,
    /// `path_fd`: the directory a relative path starts from; counts with `BPF_F_PATH_FD` only.
    pub path_fd: Fd,
}

/// `BPF_PROG_GET_NEXT_ID`, `BPF_MAP_…`, `BPF_BTF_…`, `BPF_LINK_GET_NEXT_ID`. The answer is an id.
#[derive(Copy, Clone, Debug, Default)]
pub struct NextId {
    /// `start_id`: the answer is greater.
    pub start_id: u32,
}

/// `BPF_PROG_GET_FD_BY_ID`, `BPF_MAP_…`, `BPF_BTF_…`, `BPF_LINK_GET_FD_BY_ID`. The answer is a
/// descriptor.
#[derive(Copy, Clone, Debug, Default)]
pub struct FdById {
    /// `prog_id`, `map_id`, `btf_id` or `link_id`.
    pub id: u32,
    /// `open_flags`.
    pub open_flags: u32,
    /// `fd_by_id_token_fd`; it counts with `BPF_F_TOKEN_FD` only.
    pub token_fd: Fd,
}

/// What `BPF_OBJ_GET_INFO_BY_FD` answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjInfo {
    /// Of a program.
    Program(Box<ProgInfo>),
    /// Of a map.
    Map(MapInfo),
    /// Of a BTF object.
    Btf(BtfInfo),
    /// Of a link.
    Link(LinkInfo),
}

/// `struct bpf_prog_info`. Nothing is compiled here: everything `jited` is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgInfo {
    /// `type`.
    pub kind: u32,
    /// `id`.
    pub id: u32,
    /// `tag`.
    pub tag: [u8; 8],
    /// `xlated_prog_insns`: the instructions, map references as ids and with no address in them.
    pub xlated: Vec<u8>,
    /// `load_time`: nanoseconds since boot.
    pub load_time: u64,
    /// `created_by_uid`.
    pub created_by_uid: u32,
    /// `map_ids`.
    pub map_ids: Vec<u32>,
    /// `name`.
    pub name: ObjectName,
    /// `gpl_compatible`.
    pub gpl_compatible: bool,
    /// `btf_id`; 0 for none.
    pub btf_id: u32,
    /// `func_info`: records of `func_info_rec_size` bytes.
    pub func_info: Vec<u8>,
    /// `func_info_rec_size`.
    pub func_info_rec_size: u32,
    /// `line_info`: records of `line_info_rec_size` bytes.
    pub line_info: Vec<u8>,
    /// `line_info_rec_size`.
    pub line_info_rec_size: u32,
    /// `prog_tags`: of each function.
    pub prog_tags: Vec<[u8; 8]>,
    /// `run_time_ns`, while somebody counts.
    pub run_time_ns: u64,
    /// `run_cnt`, while somebody counts.
    pub run_cnt: u64,
    /// `recursion_misses`.
    pub recursion_misses: u64,
    /// `verified_insns`.
    pub verified_insns: u32,
    /// `attach_btf_obj_id`.
    pub attach_btf_obj_id: u32,
    /// `attach_btf_id`.
    pub attach_btf_id: u32,
}

/// `struct bpf_map_info`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapInfo {
    /// `type`.
    pub kind: u32,
    /// `id`.
    pub id: u32,
    /// `key_size`.
    pub key_size: u32,
    /// `value_size`.
    pub value_size: u32,
    /// `max_entries`.
    pub max_entries: u32,
    /// `map_flags`.
    pub flags: u32,
    /// `name`.
    pub name: ObjectName,
    /// `btf_vmlinux_value_type_id`.
    pub btf_vmlinux_value_type_id: u32,
    /// `btf_id`; 0 for none.
    pub btf_id: u32,
    /// `btf_key_type_id`.
    pub btf_key_type_id: u32,
    /// `btf_value_type_id`.
    pub btf_value_type_id: u32,
    /// `btf_vmlinux_id`.
    pub btf_vmlinux_id: u32,
    /// `map_extra`.
    pub map_extra: u64,
    /// What `hash` may be filled with.
    pub hash: MapHash,
}

/// What is told of a map's contents.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum MapHash {
    /// Maps of this kind are not digested.
    #[default]
    Unknown,
    /// It is not frozen, so a digest would not last.
    Changing,
    /// SHA-256 of its values.
    Of([u8; 32]),
}

/// `struct bpf_btf_info`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BtfInfo {
    /// `btf`: its bytes.
    pub btf: Vec<u8>,
    /// `id`.
    pub id: u32,
    /// `name`: empty for what was loaded, `vmlinux` or a module for the kernel's.
    pub name: String,
    /// `kernel_btf`.
    pub kernel_btf: bool,
}

/// `struct bpf_link_info`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkInfo {
    /// `type`: `enum bpf_link_type`.
    pub kind: u32,
    /// `id`.
    pub id: u32,
    /// `prog_id`; 0 for a `struct_ops`.
    pub prog_id: u32,
    /// What depends on the type.
    pub detail: LinkInfoDetail,
}

/// The union of `struct bpf_link_info`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum LinkInfoDetail {
    RawTracepoint {
        name: String,
        cookie: u64,
    },
    Tracing {
        attach_type: u32,
        target_obj_id: u32,
        target_btf_id: u32,
        cookie: u64,
    },
    Cgroup {
        cgroup_id: u64,
        attach_type: u32,
    },
    Iter {
        target_name: String,
        target: IterTarget,
    },
    Netns {
        netns_ino: u32,
        attach_type: u32,
    },
    Xdp {
        ifindex: u32,
    },
    StructOps {
        map_id: u32,
    },
    Netfilter {
        pf: u32,
        hooknum: u32,
        priority: i32,
        flags: u32,
    },
    KprobeMulti {
        count: u32,
        flags: u32,
        missed: u64,
        addrs: Vec<u64>,
        cookies: Vec<u64>,
    },
    UprobeMulti {
        path: String,
        count: u32,
        flags: u32,
        pid: u32,
        offsets: Vec<u64>,
        ref_ctr_offsets: Vec<u64>,
        cookies: Vec<u64>,
    },
    PerfEvent(PerfEventInfo),
    Tcx {
        ifindex: u32,
        attach_type: u32,
    },
    Netkit {
        ifindex: u32,
        attach_type: u32,
    },
    Sockmap {
        map_id: u32,
        attach_type: u32,
    },
}

/// What an iterator walks.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum IterTarget {
    /// Everything of its kind.
    All,
    Map {
        map_id: u32,
    },
    Cgroup {
        cgroup_id: u64,
        order: u32,
    },
    Task {
        tid: u32,
        pid: u32,
    },
}

/// `perf_event` of `struct bpf_link_info`; `kind` there is `enum bpf_perf_event_type`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PerfEventInfo {
    Uprobe {
        return_probe: bool,
        file_name: String,
        offset: u32,
        cookie: u64,
        ref_ctr_offset: u64,
    },
    Kprobe {
        return_probe: bool,
        function: String,
        offset: u32,
        addr: u64,
        missed: u64,
        cookie: u64,
    },
    Tracepoint {
        name: String,
        cookie: u64,
    },
    Event {
        config: u64,
        kind: u32,
        cookie: u64,
    },
}
