//! What this crate accepts at most; exceeding a limit is an error that names it.

/// Bytes of one assembly text.
pub const TEXT_BYTES_MAX: usize = 64 << 20;

/// Errors collected from one assembly text before giving up on the rest.
pub const ASM_ERRORS_MAX: usize = 50;

/// Instructions of one classic program, as in Linux (`BPF_MAXINSNS`).
pub const CLASSIC_INSNS_MAX: usize = 4096;
