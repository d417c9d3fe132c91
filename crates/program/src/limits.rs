//! Named limits of the waist.

/// Most instruction slots of one program, subprograms included (Linux: `BPF_COMPLEXITY_LIMIT_INSNS`).
pub const INSN_COUNT_MAX: usize = 1_000_000;
/// Most maps one program may use (Linux: `MAX_USED_MAPS`).
pub const PROGRAM_MAPS_MAX: usize = 64;
/// Stack bytes of one function frame.
pub const STACK_BYTES: usize = 512;
/// Nested function frames.
pub const CALL_FRAMES_MAX: usize = 8;
/// Chained tail calls (Linux: `MAX_TAIL_CALL_CNT`).
pub const TAIL_CALLS_MAX: u32 = 33;
