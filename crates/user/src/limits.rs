//! Named limits of the user-space host.

/// Programs whose verdicts and machine code are kept for another load.
pub const REPEATED_PROGRAMS_MAX: usize = 64;
/// Instructions of all of them.
pub const REPEATED_INSNS_MAX: usize = 65_536;
/// Most bytes of one packet, as in libpcap (`MAXIMUM_SNAPLEN`).
pub const PACKET_BYTES_MAX: u32 = 262_144;
/// Most interfaces described in one section of a pcapng file.
pub const CAPTURE_INTERFACES_MAX: usize = 65_536;
/// Most bytes of one interface description in a pcapng file, options included.
pub const INTERFACE_BLOCK_BYTES_MAX: u32 = 1 << 20;
/// Bytes of an object's name, the final zero included (`BPF_OBJ_NAME_LEN`).
pub const OBJECT_NAME_BYTES: usize = 16;
/// Most descriptors of a process (Linux: `fs.nr_open` as it comes).
pub const DESCRIPTORS_MAX: usize = 1 << 20;
/// Bytes of the digest of a program's instructions (SHA-256).
pub const DIGEST_BYTES: usize = 32;
/// Most bytes of BTF (`BTF_MAX_SIZE`).
pub const BTF_BYTES_MAX: u32 = 16 << 20;
/// The greatest type number (`BTF_MAX_TYPE`).
pub const TYPE_ID_MAX: u32 = 0xf_ffff;
/// Bytes of a licence that are kept.
pub const LICENSE_BYTES_MAX: usize = 127;
/// Most bytes of a path, the final zero included (`PATH_MAX`).
pub const PATH_BYTES_MAX: usize = 4096;
/// Most bytes of a name in a directory (`NAME_MAX`).
pub const NAME_BYTES_MAX: usize = 255;
/// Most symbolic links on the way (`MAXSYMLINKS`).
pub const SYMLINKS_MAX: u32 = 40;
/// Most programs attached to a control group at one hook (`BPF_CGROUP_MAX_PROGS`).
pub const CGROUP_PROGRAMS_MAX: usize = 64;
/// Most programs one behind the other at an interface (`BPF_MPROG_MAX`).
pub const ORDERED_PROGRAMS_MAX: usize = 64;
/// Most socket lookups of a network namespace (`MAX_BPF_NETNS_…` leaves it open; this is ours).
pub const SK_LOOKUP_PROGRAMS_MAX: usize = 64;
/// Most programs at one function (`BPF_MAX_TRAMP_LINKS`).
pub const FUNCTION_PROGRAMS_MAX: usize = 38;
/// Most programs at one event (`BPF_TRACE_MAX_PROGS`).
pub const EVENT_PROGRAMS_MAX: usize = 64;
/// Bytes of a tracepoint's name that are read.
pub const TRACEPOINT_NAME_BYTES_MAX: usize = 127;
/// Most descriptors of a load's array that are looked at.
pub const FD_ARRAY_MAX: usize = 1024;
/// Most bytes of a record of functions, lines or relocations (`MAX_FUNCINFO_REC_SIZE` and relatives).
pub const RECORD_BYTES_MAX: usize = 4096;
/// Most bytes of a test run's data or context that are copied in.
pub const TEST_DATA_BYTES_MAX: usize = 1 << 20;
/// Most bytes of `union bpf_iter_link_info` that are copied in: a page, as of all attributes.
pub const ITER_INFO_BYTES_MAX: usize = 4096;
/// Most probes of one link (`MAX_KPROBE_MULTI_CNT`).
pub const MULTI_PROBES_MAX: usize = 1 << 20;
/// Bytes of a kernel symbol's name (`KSYM_NAME_LEN`).
pub const SYMBOL_BYTES_MAX: usize = 512;
/// Bytes that an iterator prints ahead of its reader (eight pages).
pub const ITERATOR_BUFFER_BYTES: usize = 8 * 4096;
/// Timers and work run at the end of everything, before the rest is left undone.
pub const SETTLE_RUNS_MAX: u64 = 1_000;
/// How long is waited for timers at the end of everything, where the clock is the real one.
pub const SETTLE_MILLISECONDS_MAX: u64 = 1_000;
