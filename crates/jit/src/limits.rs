//! Limits of the compiler, in one place.

/// Runs after which a program is hot.
pub const HOT_RUNS: u32 = 1_000;
/// Runs that are measured in each tier before a program stays with one.
pub const TRIAL_RUNS: usize = 32;
/// Runs after which it stays with tier 2, measured or not.
pub const TRIAL_TURNS_MAX: u32 = 1_000;
/// Operations of a program that tier 2 takes: some 7 ms for each thousand of them.
pub const OPTIMISED_LINES_MAX: usize = 8_000;
/// Jumps of a program that tier 2 takes: allocating registers takes more than linear time in blocks.
pub const OPTIMISED_JUMPS_MAX: usize = 2_000;
/// Operations of a function that its callers take in.
pub const INLINED_LINES_MAX: usize = 64;
/// Operations of all that one function takes in.
pub const INLINED_TOTAL_MAX: usize = 1_000;
/// Operations of a loop of which several turns are taken at once.
pub const COPIED_LINES_MAX: usize = 16;
/// Operations of one function that are copied.
pub const COPIED_TOTAL_MAX: usize = 500;
/// Operations behind a jump back that are copied to where it comes from.
pub const TAIL_LINES_MAX: usize = 5;
/// Bounds of loops that a function keeps in registers.
pub const HIDDEN_BOUNDS_MAX: usize = 4;
