//! Every limit of this crate. Exceeding one is an error that names it, never a panic.

/// Largest object file read, in bytes. Real ones stay below 20 MB.
pub const FILE_BYTES_MAX: usize = 256 << 20;

/// Bytes of section and symbol names for each byte of the file. Names may share bytes, so a small
/// file could otherwise name the same long string a million times.
pub const NAME_BYTES_PER_FILE_BYTE: usize = 2;

/// Bytes of one section, symbol or map name. Rust's mangled names have some hundred.
pub const NAME_BYTES_MAX: usize = 4096;

/// Bytes of a function's name as it is shown; what unmangling makes of a name is not bounded by it.
pub const SHOWN_NAME_BYTES_MAX: usize = 512;

/// Bytes of the section names of all entry functions, each counted anew: they may share one.
pub const PROGRAM_SECTION_BYTES_MAX: usize = 4 << 20;

/// Bytes of a licence that the kernel reads, its zero not counted.
pub const LICENSE_BYTES_MAX: usize = 127;

/// Decompressed bytes for each byte of a compressed section.
pub const INFLATED_BYTES_PER_BYTE: u64 = 64;

/// Decompressed bytes of all sections of a file.
pub const INFLATED_BYTES_MAX: u64 = 256 << 20;

/// Bytes a zstd frame may ask to look back.
pub const INFLATE_WINDOW_BYTES_MAX: u64 = 8 << 20;

/// Bytes of a section of variables that start at zero; the file holds none of them.
pub const ZERO_SECTION_BYTES_MAX: u64 = 1 << 30;

/// Instruction slots of all sections of a file.
pub const SLOTS_MAX: usize = 16 << 20;

/// Maps of one object, those for data sections included.
pub const MAPS_MAX: usize = 4096;

/// Members of the structure that defines a map.
pub const MAP_MEMBERS_MAX: usize = 64;

/// Slots of maps of maps that iproute2's definitions fill. Each inner map may be in every outer
/// one, so their number is not bounded by the file's size.
pub const NESTED_SLOTS_MAX: usize = 1 << 16;

/// Entry functions of one object.
pub const PROGRAMS_MAX: usize = 16_384;

/// Slots of a map of maps or a program array that a definition initialises.
pub const INITIAL_SLOTS_MAX: usize = 1 << 20;

/// Instruction slots that linking may produce for each slot of the file, above
/// [`LINKED_SLOTS_FREE`]: subprograms are copied into every program that calls them.
pub const LINKED_SLOTS_PER_SLOT: usize = 64;

/// Instruction slots that linking may produce in any case.
pub const LINKED_SLOTS_FREE: usize = 4 << 20;

/// Bytes of a target's table of operations; kernels' have a few hundred.
pub const OPERATIONS_BYTES_MAX: u32 = 1 << 20;

/// Errors kept about one object; the rest are not looked for.
pub const ERRORS_MAX: usize = 64;

/// Remarks kept about one object; the rest are counted.
pub const NOTES_MAX: usize = 64;

/// Failed CO-RE relocations told of one function.
pub const PROBLEMS_PER_FUNCTION: usize = 16;

/// Problems told of one linking; programs after that many are not looked at.
pub const PROBLEMS_MAX: usize = 256;
