//! The machine: an interpreter that trusts nothing, the memory it checks, maps and helpers.
//!
//! This crate does not know object files, packets' origins or Linux system calls.

pub mod codes;
pub mod map;
pub mod memory;
