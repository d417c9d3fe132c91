//! arm64 machine code: registers, a table of encodings, an assembler over it.
//!
//! Nothing here knows eBPF.

mod assembler;
mod features;
mod immediate;
mod reg;
mod table;

pub(crate) use assembler::{Assembler, Place};
pub(crate) use features::Features;
pub(crate) use reg::Gpr;
pub(crate) use table::{Access, Condition, Indexed, op};
