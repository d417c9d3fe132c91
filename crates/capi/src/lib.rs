//! Osmia for C: load, verify and run programs, share their maps.
//!
//! `include/osmia.h` is made of [`interface`] by `cargo xtask header`; `examples/count.c` shows how to
//! use it. Everything here is a thin form of `osmia::embed`: handles are pointers, errors are values.

mod failure;
pub mod interface;
