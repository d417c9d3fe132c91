//! What the fuzz targets do with hostile bytes, as plain functions.
//!
//! `fuzz/` hands them what libFuzzer invents; `cargo test` hands them the corpus under
//! `tests/corpus` and mutations of it from a fixed seed ([`Mutator`]). A target may refuse its input
//! but never panics, and never holds more memory than [`Target::memory_limit`] allows. Where two
//! ways to the same answer exist, the target asserts that they agree.

pub mod agreement;
mod chance;
pub mod generate;
mod mutate;
mod programs;
pub mod soundness;
mod targets;
mod verify;

pub use chance::Chance;
pub use mutate::Mutator;
pub use programs::{elf, run};
pub use targets::{btf, classic, insns, pcap};
pub use verify::verify;

/// Bytes any target may hold, however small its input.
pub const MEMORY_BYTES_FREE: usize = 4 << 20;
/// Bytes a reader may hold for each byte of its input, above [`MEMORY_BYTES_FREE`].
pub const MEMORY_BYTES_PER_BYTE: usize = 64;
/// Bytes that verifying a program may hold: states.
pub const VERIFY_BYTES_FREE: usize = 64 << 20;
/// Bytes that running a program may hold beside its maps: its packet, stacks, records.
pub const RUN_BYTES_FREE: usize = 16 << 20;
/// Bytes that the maps of a program may ask for; inputs that ask for more are not run.
pub const RUN_MAP_BYTES_MAX: u64 = 16 << 20;
/// Instructions one program may execute.
pub const RUN_INSNS_MAX: u64 = 20_000;

/// A fuzz target.
pub struct Target {
    /// Its name: that of the folder of its corpus and of the target under `fuzz/`.
    pub name: &'static str,
    /// What it does with an input.
    pub run: fn(&[u8]),
    /// Bytes it may hold, however small its input.
    pub memory_bytes_free: usize,
}

impl Target {
    /// Bytes this target may hold at once for an input of this length.
    pub fn memory_limit(&self, input_bytes: usize) -> usize {
        self.memory_bytes_free + input_bytes * MEMORY_BYTES_PER_BYTE
    }
}

/// Every target.
pub const TARGETS: &[Target] = &[
    reader("elf", elf),
    reader("btf", btf),
    reader("insns", insns),
    reader("classic", classic),
    reader("pcap", pcap),
    Target {
        name: "verify",
        run: verify,
        memory_bytes_free: VERIFY_BYTES_FREE,
    },
    Target {
        name: "run",
        run,
        memory_bytes_free: RUN_BYTES_FREE + 4 * RUN_MAP_BYTES_MAX as usize,
    },
];

const fn reader(name: &'static str, run: fn(&[u8])) -> Target {
    Target {
        name,
        run,
        memory_bytes_free: MEMORY_BYTES_FREE,
    }
}
