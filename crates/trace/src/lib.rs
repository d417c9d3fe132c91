//! Processes as an event source: a command with its children and threads, stopped where somebody looks.
//!
//! A filter of the kernel (seccomp) picks the system calls that stop a thread; everything else runs at
//! full speed. What happened is a [`Happening`]; the thread waits until the next one is asked for, so
//! whoever looks sees its memory and registers as they were. Nothing here knows programs.
//!
//! Registers are known on x86-64 alone: elsewhere [`Tree::spawn`] says so.
#![cfg(target_os = "linux")]

pub mod calls;
pub mod codes;
mod filter;
mod happening;
mod memory;
#[cfg(target_arch = "x86_64")]
mod registers;
#[cfg(not(target_arch = "x86_64"))]
#[path = "registers/absent.rs"]
mod registers;
mod spawn;
mod sys;
mod task;
mod tree;
mod wanted;

pub use happening::{Ended, Happening, What};
pub use memory::TracedMemory;
pub use registers::Registers;
pub use task::TaskFacts;
pub use tree::{Tree, TreeOptions};
pub use wanted::{Sides, Wanted};
