//! Generators over the opcode table, shared by the tests of this crate.

use osmia_isa::table::{Opcode, Selector};
use osmia_isa::{DecodeError, Field, Insn, Slot, decode};

/// The instruction of a row with these values in the fields it uses, registers taken modulo 11.
pub(crate) fn insn_of(row: &Opcode, dst: u8, src: u8, off: i16, imm: i32, high: i32) -> Insn {
    let mut slot = Slot {
        code: row.code,
        dst: dst % 11,
        src: src % 11,
        off,
        imm,
    };
    match row.selector {
        Selector::None => {}
        Selector::Off(off) => slot.off = off,
        Selector::Imm(imm) => slot.imm = imm,
        Selector::Src(src) => slot.src = src,
    }
    let mut second = Slot {
        imm: high,
        ..Slot::default()
    };
    loop {
        match decode(&[slot, second], 0) {
            Ok(insn) => return insn,
            Err(DecodeError::Reserved { field, .. }) => match field {
                Field::Dst => slot.dst = 0,
                Field::Src => slot.src = 0,
                Field::Off => slot.off = 0,
                Field::Imm | Field::Code => slot.imm = 0,
            },
            Err(DecodeError::SecondSlot { .. }) => second.imm = 0,
            // The older `callx` has its register here.
            Err(DecodeError::Register {
                field: Field::Imm, ..
            }) => slot.imm = 0,
            Err(error) => panic!("{row:?} {slot:?}: {error}"),
        }
    }
}
