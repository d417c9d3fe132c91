//! Named limits of maps. Where Linux has one, it is Linux's.

/// Most bytes of one kernel allocation (`KMALLOC_MAX_SIZE` on x86-64): bounds keys and values.
pub const ALLOCATION_BYTES_MAX: u64 = 4 << 20;
/// Bookkeeping bytes the kernel adds to a hash element (`sizeof(struct htab_elem)`).
pub const HASH_ELEMENT_OVERHEAD: u64 = 48;
/// Most bytes of a per-CPU value (`PCPU_MIN_UNIT_SIZE`).
pub const PERCPU_VALUE_BYTES_MAX: u64 = 32 << 10;
/// Most bytes of an array's value.
pub const ARRAY_VALUE_BYTES_MAX: u64 = i32::MAX as u64;
/// Most elements of a hash (its bucket count is a power of two that fits 32 bits).
pub const HASH_ENTRIES_MAX: u64 = 1 << 31;
/// Most bytes each part of a map may take here.
pub const MAP_BYTES_MAX: u64 = 4 << 30;
/// Bytes of a page: ring buffers are made of them.
pub const PAGE_BYTES: u32 = 4096;
/// Most payload bytes of a ring buffer record (`RINGBUF_MAX_RECORD_SZ`).
pub const RINGBUF_RECORD_BYTES_MAX: u64 = (u32::MAX / 4) as u64;
/// Most bytes one event of a perf event array carries: the kernel's record size has 16 bits.
pub const PERF_RECORD_BYTES_MAX: usize = u16::MAX as usize;
/// Bytes of events a CPU's queue of a perf event array holds before it loses new ones.
pub const PERF_QUEUE_BYTES_MAX: usize = 1 << 20;
/// Value slots a hash keeps beyond its elements, so that deleted ones need not be reused at once.
pub const SPARE_SLOTS_MIN: u64 = 64;
/// Most such slots.
pub const SPARE_SLOTS_MAX: u64 = 4096;
/// Most bytes such slots take, unless the least number of them needs more.
pub const SPARE_BYTES_MAX: u64 = 16 << 20;
