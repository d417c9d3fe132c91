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
/// Longest packet that helpers make of a socket buffer (Linux: `SKB_MAX_ALLOC`).
pub const SOCKET_BUFFER_BYTES_MAX: usize = (16 << 10) - PACKET_TAIL_BYTES;
/// Longest context taken.
pub const CONTEXT_BYTES_MAX: usize = 65_536;
/// Longest metadata in front of a packet.
pub const PACKET_META_BYTES_MAX: usize = 255;
/// Instructions the interpreter executes before it looks whether to stop.
pub const INSNS_BETWEEN_LOOKS: u64 = 1 << 20;
/// Memory regions of one run: reservations, packet generations, inner maps.
pub const REGIONS_MAX: usize = 4096;
/// Smallest object of the heap.
pub const OBJECT_BYTES_MIN: usize = 16;
/// Largest object of the heap.
pub const OBJECT_BYTES_MAX: usize = 4 << 20;
/// Bytes of a kernel object that nobody described.
pub const PLAIN_OBJECT_BYTES: usize = 64;
/// Rows of objects in the heap.
pub const HEAP_SLABS_MAX: usize = 256;
/// Bytes of the first row of a size; each further one is twice as long.
pub const HEAP_SLAB_BYTES: usize = 64 << 10;
/// Signals kept for a host; Linux, too, sends no more than its queue of work takes.
pub const SIGNALS_MAX: usize = 64;
/// Most that a decoder of infrared signals tells the input device in one run.
pub const REMOTE_EVENTS_MAX: usize = 4096;
/// Copies of one packet that helpers may send elsewhere.
pub const COPIES_MAX: usize = 64;
/// Records kept until somebody drains them; later ones are counted as lost.
pub const RECORDS_MAX: usize = 65_536;
/// Longest line of a formatting helper.
pub const PRINT_BYTES_MAX: usize = 1024;
/// Most bytes that programs print about one object of an iterator (Linux: eight pages).
pub const SEQUENCE_BYTES_MAX: usize = 8 * 4096;
/// Longest key a helper takes.
pub const KEY_BYTES_MAX: usize = 512;

/// Longest string that kernel functions look at (Linux: `XATTR_SIZE_MAX`).
pub const STRING_BYTES_MAX: usize = 65_536;
/// Most bytes of an object that every CPU has one of (Linux: `BPF_GLOBAL_PERCPU_MA_MAX_SIZE`).
pub const PERCPU_OBJECT_BYTES_MAX: usize = 512;
/// How long a run waits for a lock that another has before it is told so (Linux: a quarter second).
pub const LOCK_MILLISECONDS_MAX: u64 = 250;
/// Timers and work run one after the other before somebody else is asked again.
pub const DEFERRED_RUNS_MAX: u64 = 1_000_000;
/// Most words a bit iterator takes (Linux: `BITS_ITER_NR_WORDS_MAX`).
pub const BITS_WORDS_MAX: usize = 511;

// Maps. Where Linux has a limit, it is Linux's.

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
/// Most bytes of an LPM trie's value: what is left beside the prefix and the node.
pub const LPM_VALUE_BYTES_MAX: u64 = ALLOCATION_BYTES_MAX - 256 - 24;
/// Bytes of a page: ring buffers are made of them.
pub const PAGE_BYTES: u32 = 4096;
/// Most payload bytes of a ring buffer record (`RINGBUF_MAX_RECORD_SZ`).
pub const RINGBUF_RECORD_BYTES_MAX: u64 = (u32::MAX / 4) as u64;
/// Most bytes one event of a perf event array carries: the kernel's record size has 16 bits.
pub const PERF_RECORD_BYTES_MAX: usize = u16::MAX as usize;
/// Bytes of events a CPU's queue of a perf event array holds before it loses new ones.
pub const PERF_QUEUE_BYTES_MAX: usize = 1 << 20;
/// Fewest value slots that hashes and tries keep beyond their elements, for what runs still hold.
pub const SPARE_SLOTS_MIN: u64 = 256;
/// Most such slots: updates and deletions of one run before an update fails with `ENOMEM`.
pub const SPARE_SLOTS_MAX: u64 = 1 << 22;
/// Most bytes such slots take, unless the least number of them needs more.
pub const SPARE_BYTES_MAX: u64 = 16 << 20;
/// Most parts of a hash that are locked apart.
pub const HASH_SHARDS_MAX: u32 = 64;
/// Most values of a local storage, of which each CPU's counts, and most sockets of a map. Miri zeroes the
/// room for all of them.
pub const OWNED_VALUES_MAX: u32 = if cfg!(miri) { 64 } else { 1 << 20 };
/// Most used entries an eviction from an LRU passes over.
pub const EVICTION_SPARED_MAX: u32 = 128;
/// Most elements evicted together.
pub const EVICTED_TOGETHER_MAX: usize = 8;
/// Most entries an eviction looks at: others may hold those it meets.
pub const EVICTION_STEPS_MAX: u32 = 1024;
/// Most frames of a kept stack (Linux: `kernel.perf_event_max_stack` as it comes).
pub const STACK_FRAMES_MAX: u32 = 127;
/// Most slots of a `cpumap` (Linux: `NR_CPUS` as distributions set it).
pub const CPUMAP_ENTRIES_MAX: u32 = 8192;
/// Longest queue of a CPU in a `cpumap`.
pub const CPUMAP_QUEUE_MAX: u32 = 16384;
/// Most bytes of a value of a local storage (Linux: 65535 without the kernel's own 128).
pub const STORAGE_VALUE_BYTES_MAX: u64 = 65_407;
/// Longest key of a `sockhash`.
pub const SOCKHASH_KEY_BYTES_MAX: u64 = 512;
/// Most elements of a `sockhash`: its buckets are counted in bytes by 32 bits.
pub const SOCKHASH_ENTRIES_MAX: u64 = 1 << 27;
/// Most pages of an arena: 4 GB.
pub const ARENA_PAGES_MAX: u64 = 1 << 20;
/// Most bytes that a dynptr can span, and a sample of a user ring buffer has.
pub const DYNPTR_BYTES_MAX: u32 = (1 << 24) - 1;
/// Most samples that one drain of a user ring buffer looks at (Linux: `BPF_MAX_USER_RINGBUF_SAMPLES`).
pub const DRAIN_SAMPLES_MAX: u64 = 128 * 1024;
