//! The user-space host: programs, maps and packets in an ordinary process, no privileges.
//!
//! This crate does not know object files or command lines.

pub mod bpf;
pub mod capture;
pub mod codes;
mod host;
pub mod limits;
pub mod network;
mod options;

pub use host::{UserHost, UserMap, UserProgram};
pub use options::{KERNEL, UserOptions};
