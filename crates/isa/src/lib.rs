//! The instruction sets: one table; decode, encode, assemble and disassemble derive from it.
//!
//! [`Slot`] is the eight bytes, [`Insn`] what they mean. This crate knows instructions one at a
//! time; it does not know programs, maps or helpers (names for them come from the caller).

mod insn;
mod slot;

pub use insn::{AluOp, AtomicOp, Callee, Cond, EndOp, Imm64, Insn, Operand, Reg, Size, Width};
pub use slot::{Endian, Slot};
