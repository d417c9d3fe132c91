//! Limits of the Linux host.

/// Bytes of the log the kernel may fill when it rejects a program. It keeps the end of a longer one.
pub const LOG_BYTES: usize = 16 << 20;

/// Bytes a program may add to a packet before the kernel has no room to hand it back.
pub const PACKET_GROWTH_BYTES: usize = 64 << 10;

/// Bytes of configuration that are read.
pub const KCONFIG_BYTES_MAX: u64 = 16 << 20;
