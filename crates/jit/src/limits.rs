//! Limits of the compiler, in one place.

/// Runs after which a program is hot.
pub const HOT_RUNS: u32 = 1_000;
/// Operations of a program that tier 2 takes: some 7 ms for each thousand of them.
pub const OPTIMISED_LINES_MAX: usize = 8_000;
/// Jumps of a program that tier 2 takes: allocating registers takes more than linear time in blocks.
pub const OPTIMISED_JUMPS_MAX: usize = 2_000;
/// Operations of a function that its callers take in.
pub const INLINED_LINES_MAX: usize = 64;
/// Operations of all that one function takes in.
pub const INLINED_TOTAL_MAX: usize = 1_000;
