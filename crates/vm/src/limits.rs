//! Named limits of the machine.

/// Instructions one run may execute unless the caller says otherwise.
pub const INSNS_PER_RUN: u64 = 100_000_000;
/// How often all `may_goto` of a run go on before they jump (Linux: `BPF_MAX_LOOPS`).
pub const MAY_GOTO_BUDGET: u64 = 8 * 1024 * 1024;
/// Most iterations of one `bpf_loop` (Linux: `BPF_MAX_LOOPS`).
pub const LOOP_ITERATIONS_MAX: u64 = 8 * 1024 * 1024;
/// Bytes before the packet that XDP programs may grow into (Linux: `XDP_PACKET_HEADROOM`).
pub const PACKET_HEADROOM_BYTES: usize = 256;
/// Bytes of the headroom the kernel keeps for itself (`struct xdp_frame`).
pub const PACKET_FRAME_BYTES: usize = 40;
/// Bytes after the packet the kernel keeps for itself (`struct skb_shared_info`).
pub const PACKET_TAIL_BYTES: usize = 320;
/// Smallest buffer a packet lies in: a page.
pub const PACKET_BUFFER_BYTES_MIN: usize = 4096;
/// Longest packet taken: what an IPv4 header can say, an Ethernet header, two tags.
pub const PACKET_BYTES_MAX: usize = 65_535 + 14 + 8;
/// Longest context taken.
pub const CONTEXT_BYTES_MAX: usize = 65_536;
/// Longest metadata in front of a packet.
pub const PACKET_META_BYTES_MAX: usize = 255;
/// Memory regions of one run: reservations, packet generations, inner maps.
pub const REGIONS_MAX: usize = 4096;
/// Records kept until somebody drains them; later ones are counted as lost.
pub const RECORDS_MAX: usize = 65_536;
/// Longest line of a formatting helper.
pub const PRINT_BYTES_MAX: usize = 1024;
/// Longest key a helper takes.
pub const KEY_BYTES_MAX: usize = 512;
