//! The user-space host: programs, maps and packets in an ordinary process, no privileges.
//!
//! This crate does not know object files or command lines.

mod attach;
pub mod bpf;
pub mod capture;
pub mod codes;
mod host;
mod iterate;
mod kernel;
pub mod limits;
mod link;
mod machines;
mod native;
pub mod network;
mod object;
mod options;
mod perf_event;
pub mod pin;
mod process;
mod proof;
mod repeats;
mod syscall;
mod verdict;

pub use host::{UserHost, UserMap, UserProgram};
pub use kernel::Kernel;
pub use object::program_tag;
pub use options::{KERNEL, UserOptions};
pub use osmia_vm::Clock;
pub use process::{Credentials, Process};
pub use proof::Proof;
pub use repeats::Loads;
pub use syscall::{UserMemory, bpf};
