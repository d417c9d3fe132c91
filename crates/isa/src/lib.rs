//! The instruction sets: one table; decode, encode, assemble and disassemble derive from it.
//!
//! [`Slot`] is the eight bytes, [`Insn`] what they mean. This crate knows instructions one at a
//! time; it does not know programs, maps or helpers (names for them come from the caller).

mod asm;
pub mod classic;
pub mod codes;
mod decode;
mod diagnose;
mod disasm;
mod encode;
mod insn;
mod layout;
pub mod limits;
mod names;
mod slot;
pub mod table;

pub use asm::{AsmError, AsmErrorKind, Assembly, assemble};
pub use decode::{DecodeError, Field, decode};
pub use disasm::{Shown, Spelling, listing, listing_as};
pub use encode::{encode, encode_onto};
pub use insn::{AluOp, AtomicOp, Callee, Cond, EndOp, Imm64, Insn, Operand, Reg, Size, Width};
pub use layout::{LayoutError, check_layout};
pub use names::{MapRef, Names, NoNames, Resolve};
pub use slot::{Endian, RaggedBytes, Slot, read_slots, write_slots};
pub use table::table;
