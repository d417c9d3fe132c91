//! Commands on links.

use super::Fd;

/// `BPF_LINK_CREATE`. The answer is a descriptor.
#[derive(Clone, Debug, Default)]
pub struct LinkCreate<'a> {
    /// `prog_fd`, or `map_fd` of a `struct_ops`.
    pub prog_fd: Fd,
    /// `target_fd` or `target_ifindex`.
    pub target: u32,
    /// `attach_type`.
    pub attach_type: u32,
    /// `flags`.
    pub flags: u32,
    /// The union behind them, read as [`LinkFamily`] says; another family counts as zeroes.
    pub detail: LinkDetail<'a>,
}

/// Which member of the union in `link_create` a program's links use.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum LinkFamily {
    /// No member is looked at: `struct_ops`, XDP, network namespaces, sockets' maps.
    None,
    /// `target_btf_id`: extension programs and other tracing.
    Tracing,
    /// `iter_info`, `iter_info_len`.
    Iter,
    PerfEvent,
    KprobeMulti,
    UprobeMulti,
    Netfilter,
    /// `tcx`, `netkit`, `cgroup`: a place among others.
    Ordered,
}

/// The union of `link_create`.
#[derive(Clone, Debug, Default)]
pub enum LinkDetail<'a> {
    /// All zeroes.
    #[default]
    None,
    /// `tracing`, or `target_btf_id` alone, which lies at the same place.
    Tracing {
        /// `target_btf_id`.
        target_btf_id: u32,
        /// `cookie`.
        cookie: u64,
    },
    /// `iter_info`.
    Iter {
        /// `union bpf_iter_link_info`.
        info: Option<&'a [u8]>,
        /// `iter_info_len`.
        info_bytes: u32,
    },
    /// `perf_event`.
    PerfEvent {
        /// `bpf_cookie`.
        cookie: u64,
    },
    /// `kprobe_multi`.
    KprobeMulti(KprobeMulti<'a>),
    /// `uprobe_multi`.
    UprobeMulti(UprobeMulti<'a>),
    /// `netfilter`.
    Netfilter(NetfilterHook),
    /// `tcx`, `netkit` or `cgroup`.
    Ordered(Relative),
}

/// `kprobe_multi` of `link_create`.
#[derive(Clone, Debug, Default)]
pub struct KprobeMulti<'a> {
    /// `flags`.
    pub flags: u32,
    /// `cnt`.
    pub count: u32,
    /// The names `syms` points to.
    pub symbols: Option<Vec<&'a [u8]>>,
    /// `addrs`: eight bytes each.
    pub addrs: Option<&'a [u8]>,
    /// `cookies`: eight bytes each.
    pub cookies: Option<&'a [u8]>,
}

/// `uprobe_multi` of `link_create`.
#[derive(Clone, Debug, Default)]
pub struct UprobeMulti<'a> {
    /// `path`, without the final zero; `None` if memory ends before that.
    pub path: Option<&'a [u8]>,
    /// True if `path` is not null.
    pub has_path: bool,
    /// `offsets`: eight bytes each.
    pub offsets: Option<&'a [u8]>,
    /// `ref_ctr_offsets`: eight bytes each.
    pub ref_ctr_offsets: Option<&'a [u8]>,
    /// `cookies`: eight bytes each.
    pub cookies: Option<&'a [u8]>,
    /// `cnt`.
    pub count: u32,
    /// `flags`.
    pub flags: u32,
    /// `pid`.
    pub pid: u32,
}

/// `netfilter` of `link_create`.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct NetfilterHook {
    pub pf: u32,
    pub hooknum: u32,
    pub priority: i32,
    pub flags: u32,
}

/// A place among the programs of a hook that runs several.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Relative {
    /// `relative_fd` or `relative_id`, as flags say.
    pub relative: u32,
    /// `expected_revision`; 0 for any.
    pub expected_revision: u64,
}

/// `BPF_LINK_UPDATE`.
#[derive(Copy, Clone, Debug, Default)]
pub struct LinkUpdate {
    /// `link_fd`.
    pub link_fd: Fd,
    /// `new_prog_fd` or `new_map_fd`.
    pub new_fd: Fd,
    /// `flags`.
    pub flags: u32,
    /// `old_prog_fd` or `old_map_fd`; it counts with `BPF_F_REPLACE` only and must be 0 otherwise.
    pub old_fd: Fd,
}

/// `BPF_LINK_DETACH`.
#[derive(Copy, Clone, Debug, Default)]
pub struct LinkDetach {
    /// `link_fd`.
    pub link_fd: Fd,
}

/// `BPF_ITER_CREATE`. The answer is a descriptor to read from.
#[derive(Copy, Clone, Debug, Default)]
pub struct IterCreate {
    /// `link_fd`.
    pub link_fd: Fd,
    /// `flags`.
    pub flags: u32,
}

/// `BPF_RAW_TRACEPOINT_OPEN`. The answer is a link's descriptor.
#[derive(Copy, Clone, Debug, Default)]
pub struct RawTracepointOpen<'a> {
    /// `name`, without the final zero.
    pub name: Option<&'a [u8]>,
    /// `prog_fd`.
    pub prog_fd: Fd,
    /// `cookie`.
    pub cookie: u64,
}
