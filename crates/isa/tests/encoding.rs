//! Decode and encode are inverses over everything the table has, and refuse everything else.

use osmia_isa::table::{Form, Selector};
use osmia_isa::{DecodeError, Field, Insn, Reg, Slot, decode, encode, table};

/// A slot pair that the row of the table describes, with every free field zero.
fn plain(row: &osmia_isa::table::Opcode) -> [Slot; 2] {
    let mut slot = Slot {
        code: row.code,
        ..Slot::default()
    };
    match row.selector {
        Selector::None => {}
        Selector::Off(off) => slot.off = off,
        Selector::Imm(imm) => slot.imm = imm,
        Selector::Src(src) => slot.src = src,
    }
    [slot, Slot::default()]
}

#[test]
fn every_row_decodes_to_its_form_and_back() {
    for row in table() {
        let slots = plain(row);
        let insn = decode(&slots, 0).unwrap_or_else(|error| panic!("{row:?}: {error}"));
        assert_eq!(insn.form(), row.form);
        assert_eq!(insn.opcode(), Some(row));
        assert_eq!(encode(&insn).0, slots[0], "{row:?}");
    }
}

#[test]
fn no_two_rows_are_the_same_instruction() {
    for (i, a) in table().iter().enumerate() {
        for b in &table()[i + 1..] {
            assert_ne!(a.form, b.form);
            assert_ne!((a.code, a.selector), (b.code, b.selector));
        }
    }
}

/// Every opcode byte with each field in turn set to values that matter: what decodes encodes to
/// the same slots.
#[test]
fn what_decodes_encodes_to_the_same_slots() {
    let imms = [
        0, 1, 8, 16, 32, 64, 0x40, 0x41, 0xa0, 0xe1, 0xf1, 0x100, 0x110, -1,
    ];
    let mut accepted = 0_u32;
    for code in 0..=255 {
        for dst in [0, 1, 10, 11, 15] {
            for src in [0, 1, 2, 3, 4, 5, 6, 7, 10, 11] {
                for off in [0, 1, 8, 16, 32, -1] {
                    for imm in imms {
                        let slot = Slot {
                            code,
                            dst,
                            src,
                            off,
                            imm,
                        };
                        let Ok(insn) = decode(&[slot, Slot::default()], 0) else {
                            continue;
                        };
                        accepted += 1;
                        let mut expected = slot;
                        match insn.form() {
                            Form::Exit => expected.off = 0,
                            Form::CallReg if slot.dst == 0 => {
                                expected.dst = imm as u8;
                                expected.imm = 0;
                            }
                            _ => {}
                        }
                        assert_eq!(encode(&insn).0, expected, "{insn:?}");
                    }
                }
            }
        }
    }
    assert!(accepted > 10_000, "{accepted}");
}

#[test]
fn reserved_fields_are_refused_by_name() {
    let mov = Slot {
        code: 0xb7,
        src: 3,
        ..Slot::default()
    };
    assert_eq!(
        decode(&[mov], 0),
        Err(DecodeError::Reserved {
            code: 0xb7,
            field: Field::Src,
            value: 3
        })
    );
    let wide = Slot {
        code: 0x18,
        ..Slot::default()
    };
    assert_eq!(decode(&[wide], 0), Err(DecodeError::MissingSecondSlot));
    assert_eq!(
        decode(&[wide, mov], 0),
        Err(DecodeError::SecondSlot {
            field: Field::Code,
            value: 0xb7
        })
    );
    assert_eq!(
        decode(&[mov], 1),
        Err(DecodeError::OutOfRange { at: 1, count: 1 })
    );
}

#[test]
fn both_spellings_of_callx_decode() {
    let r3 = Reg::new(3).unwrap();
    let new = Slot {
        code: 0x8d,
        dst: 3,
        ..Slot::default()
    };
    let old = Slot {
        code: 0x8d,
        imm: 3,
        ..Slot::default()
    };
    assert_eq!(decode(&[new], 0), Ok(Insn::CallReg(r3)));
    assert_eq!(decode(&[old], 0), Ok(Insn::CallReg(r3)));
}
