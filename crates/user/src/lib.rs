//! The user-space host: programs, maps and packets in an ordinary process, no privileges.
//!
//! This crate does not know object files or command lines.

pub mod capture;
pub mod codes;
pub mod limits;
