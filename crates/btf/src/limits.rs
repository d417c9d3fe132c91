//! Every limit of this crate. Exceeding one is an error that names it, never a panic.

/// Longest chain of types one inside the other: pointer to array of typedef of …, and structures
/// by value inside structures. Recursion over types is at most this deep for each BTF of a chain.
pub const NESTING_MAX: u16 = 256;

/// Largest BTF or .BTF.ext section read, in bytes. Kernels' are 5 to 30 MB.
pub const SECTION_BYTES_MAX: usize = 512 << 20;

/// Bytes of a string from which on BTF is refused, give or take as many. Strings may share bytes, so
/// a small section could otherwise name a million types by the same long one.
pub const STRING_BYTES_MAX: usize = 64 << 10;

/// Bytes of a name in a message; longer ones are cut.
pub const SHOWN_NAME_BYTES_MAX: usize = 128;

/// Bytes of one CO-RE access path as text: enough for [`ACCESS_PATH_MAX`] numbers.
pub const ACCESS_BYTES_MAX: usize = 1024;

/// Rounds of telling types apart, each as far as one more reference reaches. Kernels' take about 20;
/// types that need more are all taken as different.
pub const EQUAL_ROUNDS_MAX: usize = 64;

/// Elements of one CO-RE access path (`0:1:2`), as libbpf.
pub const ACCESS_PATH_MAX: usize = 64;

/// Depth to which CO-RE compares types one inside the other, as libbpf.
pub const COMPARE_DEPTH_MAX: u32 = 32;

/// Comparison steps that all CO-RE relocations of one object may take together. Objects with
/// hundreds of them take some hundred thousand.
pub const COMPARE_STEPS_MAX: u32 = 64_000_000;

/// Bytes of C that a dump may produce for each byte of BTF, above [`DUMP_BYTES_FREE`].
pub const DUMP_BYTES_PER_BYTE: usize = 32;

/// Bytes of C that any dump may produce.
pub const DUMP_BYTES_FREE: usize = 1 << 20;

/// Nodes of one decoded value.
pub const VALUE_NODES_MAX: usize = 1 << 20;

/// Depth of types one inside the other, through pointers too, that a C dump follows.
pub const DUMP_DEPTH_MAX: u32 = 400;

/// Bytes of a value's text as the kernel shows it.
pub const SHOWN_BYTES_MAX: usize = 16 << 20;
