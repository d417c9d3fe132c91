//! Named limits of the user-space host.

/// Most bytes of one packet, as in libpcap (`MAXIMUM_SNAPLEN`).
pub const PACKET_BYTES_MAX: u32 = 262_144;
/// Most interfaces described in one section of a pcapng file.
pub const CAPTURE_INTERFACES_MAX: usize = 65_536;
/// Most bytes of one interface description in a pcapng file, options included.
pub const INTERFACE_BLOCK_BYTES_MAX: u32 = 1 << 20;
/// Bytes of an object's name, the final zero included (`BPF_OBJ_NAME_LEN`).
pub const OBJECT_NAME_BYTES: usize = 16;
