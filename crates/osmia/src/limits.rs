//! Named limits of the facade.

/// Most bytes of an object file that is read.
pub const OBJECT_BYTES_MAX: u64 = 1 << 30;
/// Most bytes of a kernel configuration.
pub const KCONFIG_BYTES_MAX: u64 = 4 << 20;
/// Most bytes of a packet or context given as a file.
pub const INPUT_BYTES_MAX: u64 = 16 << 20;
/// Most rows of the table of verdicts; the rest share one.
pub const VERDICT_ROWS_MAX: usize = 64;
/// Most entries of one map that a report shows.
pub const MAP_ENTRIES_SHOWN_MAX: usize = 4096;
/// Most elements of one array that a report looks at.
pub const ARRAY_ELEMENTS_READ_MAX: u64 = 1 << 20;
/// Most bytes of a value without a type that text shows.
pub const RAW_BYTES_SHOWN_MAX: usize = 256;
/// Bytes from which a value is also rendered with a line for each field.
pub const LINE_BYTES: usize = 66;
/// Most bytes of a description.
pub const DESCRIPTION_BYTES_MAX: u64 = 16 << 20;
/// Most complaints about one description.
pub const DESCRIPTION_PROBLEMS_MAX: usize = 50;
/// Most places that redirections are counted for.
pub const REDIRECT_ROWS_MAX: usize = 64;
/// Most packets of a capture that a description names.
pub const DESCRIBED_PACKETS_MAX: usize = 65_536;
/// Most bytes of a verifier's log.
pub const LOG_BYTES_MAX: u64 = 64 << 20;
/// Most files of the kernel's pins that are looked at to say where an object is pinned.
pub const PINS_LOOKED_AT_MAX: usize = 1 << 16;
/// Most parts of one value of a map that are told one by one.
pub const TYPED_PARTS_MAX: usize = 1 << 16;
/// Most types inside of each other that are spelled.
pub const TYPE_DEPTH_MAX: usize = 32;
/// Most bytes of a program or a library whose functions are looked for.
pub const BINARY_BYTES_MAX: u64 = 2 << 30;
