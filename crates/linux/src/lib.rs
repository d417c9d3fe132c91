//! The Linux host: the running kernel as a place programs are loaded.
//!
//! What the linker made goes to the kernel through bpf(2): maps filled, instructions with descriptors
//! in the place of positions, types and source lines beside them. Runs are the kernel's own test runs.
//! Nothing is attached and nothing is pinned: what was made is gone with its last handle, and with the
//! process in any case.
#![cfg(target_os = "linux")]

pub mod codes;
mod host;
mod image;
pub mod limits;
mod map;
mod perf;
mod program;
mod reader;
mod refusal;
mod ring;
mod sys;
mod target;

pub use host::LinuxHost;
pub use map::LinuxMap;
pub use program::LinuxProgram;
pub use target::running_kernel;
