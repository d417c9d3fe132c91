//! The Linux host: the running kernel as a place programs are loaded.
//!
//! What the linker made goes to the kernel through bpf(2): maps filled, instructions with descriptors
//! in the place of positions, types and source lines beside them. Runs are the kernel's own test runs.
//! What was made or attached ([`At`]) is gone with its last handle, and with the process unless it was pinned.
//! [`LinuxCalls`] is bpf(2) itself, for those who look at what others made.
#![cfg(target_os = "linux")]

mod attach;
mod calls;
pub mod codes;
mod event;
mod host;
mod image;
mod interface;
pub mod limits;
mod map;
mod perf;
mod program;
mod reader;
mod refusal;
mod ring;
mod sys;
mod target;

pub use attach::{At, LinuxLink};
pub use calls::LinuxCalls;
pub use event::Event;
pub use host::LinuxHost;
pub use interface::{interface, interfaces};
pub use map::LinuxMap;
pub use program::LinuxProgram;
pub use target::{possible_cpus, running_kernel};
