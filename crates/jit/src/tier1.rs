//! Tier 1: one pass over the lines, a few machine instructions for each.
//!
//! Registers of the program are registers of the machine, the same everywhere; nothing is
//! carried from line to line, so that time and memory are linear in the program whatever it looks
//! like. The pass ([`walk`]) is the same for all machines; what each of them makes of an operation
//! are [`templates`].

pub(crate) mod arm64;
mod frame;
mod fuse;
mod narrow;
mod processor;
mod slots;
mod templates;
mod walk;
pub(crate) mod x64;

use crate::lower::Lowered;
use crate::pages::Places;
use crate::symbols::{Symbol, Symbols};
#[cfg(feature = "tier2")]
pub(crate) use frame::Surroundings;
pub use processor::Isa;
pub(crate) use processor::Processor;
#[cfg(feature = "tier2")]
pub(crate) use templates::Ways;

/// Machine code that is not yet where it can run.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) bytes: Vec<u8>,
    /// Where the stubs that end a run from inside begin.
    pub(crate) ends: usize,
    /// The ways in.
    pub(crate) places: Places,
    /// Where the stubs begin.
    pub(crate) stubs: usize,
    /// Where each function begins.
    pub(crate) functions: Vec<usize>,
    /// Where each line begins.
    pub(crate) lines: Vec<u32>,
    /// Where addresses are loaded, and of what.
    named: Vec<(u32, Symbol)>,
    /// How another address is put there.
    patch: fn(&mut [u8], usize, u64),
}

impl Compiled {
    /// The code with these addresses.
    pub(crate) fn with_addresses(&self, of: impl Fn(Symbol) -> u64) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for (at, symbol) in &self.named {
            (self.patch)(&mut bytes, *at as usize, of(*symbol));
        }
        bytes
    }
}

/// Compiles a program for a processor, which need not be this one.
pub(crate) fn compile(lowered: &Lowered, symbols: &Symbols<'_>, processor: Processor) -> Compiled {
    match processor {
        Processor::X64(features) => {
            walk::compile::<crate::x64::Assembler>(lowered, symbols, features)
        }
        Processor::Arm64(features) => {
            walk::compile::<crate::arm64::Assembler>(lowered, symbols, features)
        }
    }
}
