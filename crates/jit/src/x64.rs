//! x86-64 machine code: registers, a table of encodings, an assembler over it.
//!
//! Nothing here knows eBPF.

mod assembler;
mod reg;
mod table;

pub(crate) use assembler::{Assembler, Label, Place, ShiftTo};
pub(crate) use reg::Gpr;
pub(crate) use table::{Condition, Op, op};
