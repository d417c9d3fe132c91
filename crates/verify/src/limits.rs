//! Named limits, Linux's where it has them.

/// Most instructions visited in one program (`BPF_COMPLEXITY_LIMIT_INSNS`).
pub const INSNS_VISITED_MAX: usize = 1_000_000;
/// Most instructions the checker walks over for one certificate, for each that may be visited. Its walks
/// are those of exploration, and begin again at each state, so they may take a little longer.
pub const CHECK_STEPS_PER_VISIT_MAX: usize = 2;
/// Most instructions of programs of those without `CAP_BPF` (`BPF_MAXINSNS`).
pub const UNPRIVILEGED_INSNS_MAX: usize = 4_096;
/// Most branches waiting to be explored (`BPF_COMPLEXITY_LIMIT_JMP_SEQ`).
pub const BRANCHES_WAITING_MAX: usize = 8_192;
/// Most branches waiting to be explored where states are merged: loops of more turns are gone through then.
pub const BRANCHES_WAITING_MERGED_MAX: usize = 65_536;
/// Most instructions of functions, once for every chain of calls and frame, of which is kept what they do to the stack:
/// a quarter of a gigabyte. Linux keeps as much and has no number of its own for it.
pub const STACK_FACTS_MAX: usize = 8 << 20;
/// Most functions of a program (`BPF_MAX_SUBPROGS`).
pub const FUNCTIONS_MAX: usize = 256;
/// Largest offset a pointer may have (`BPF_MAX_VAR_OFF`).
pub const OFFSET_MAX: i64 = 1 << 29;
/// Largest size of a variable-sized access (`BPF_MAX_VAR_SIZ`).
pub const SIZE_MAX: u64 = 1 << 29;
/// Largest offset in the packet.
pub const PACKET_OFFSET_MAX: i64 = 0xffff;
/// Most iterations of `bpf_loop` (`BPF_MAX_LOOPS`).
pub const LOOPS_MAX: u64 = 8 << 20;
/// Largest offset in a tracepoint buffer.
pub const TRACEPOINT_BUFFER_BYTES_MAX: i64 = 4096;
/// Most instructions of a path that an explanation looks at, the last ones.
pub const STEPS_EXPLAINED_MAX: usize = 1 << 16;
/// Most lines of a kernel's log that are read.
pub const LOG_LINES_MAX: usize = 4_000_000;
/// Most different things shown of one register where states are merged.
pub const SHOWN_VALUES_MAX: usize = 4;
/// Most bytes of a log in the kernel's style.
pub const LOG_BYTES_MAX: usize = 64 << 20;
