//! Writing a resolution into its instruction, as libbpf does.

use osmia_diag::{Code, Diagnostic};
use osmia_isa::Slot;

use crate::codes;
use crate::core::{Outcome, Poison, Resolution};

/// The helper number that poisoned instructions call: `0xbad2310`, "bad relo".
pub const POISON_HELPER: i32 = 0xbad_2310;

const CLASS_MASK: u8 = 0x07;
const LD: u8 = 0x00;
const LDX: u8 = 0x01;
const ST: u8 = 0x02;
const STX: u8 = 0x03;
const ALU: u8 = 0x04;
const ALU64: u8 = 0x07;
const SOURCE_REGISTER: u8 = 0x08;
const SIZE_MASK: u8 = 0x18;
const LD_IMM64: u8 = 0x18;
const CALL: u8 = 0x85;

/// What happened to the instruction.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Patched<'r> {
    /// It holds the target's number now.
    Value,
    /// It may never run, for this reason.
    Poisoned(&'r Poison),
}

/// Why an instruction cannot take its resolution.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// There is no such instruction.
    #[error("the relocation is for instruction {at}, the program has {len}")]
    OutOfRange {
        /// Slot.
        at: usize,
        /// Number of slots.
        len: usize,
    },
    /// Instructions of this form never carry relocations.
    #[error("an instruction with opcode {code:#04x} cannot take a CO-RE relocation")]
    Form {
        /// Its opcode byte.
        code: u8,
    },
    /// The compiler's number is not the object's answer.
    #[error("the instruction holds {found}, expected {expected} as the object's own types say")]
    Unexpected {
        /// In the instruction.
        found: i64,
        /// The object's answer.
        expected: u64,
    },
    /// The offset does not fit.
    #[error("offset {value} does not fit the instruction's 16 bits")]
    TooFar {
        /// The target's answer.
        value: u64,
    },
    /// The load's size is not the field's, or becomes none that a load can have.
    #[error(
        "the instruction accesses {found} bytes of a field of {orig} bytes, {new} in the target"
    )]
    AccessSize {
        /// Bytes the instruction accesses.
        found: u64,
        /// Bytes of the field in the object.
        orig: u64,
        /// Bytes of the field in the target.
        new: u64,
    },
}

impl PatchError {
    /// The error for a person. The caller adds file, program and instruction.
    pub fn to_diagnostic(&self) -> Diagnostic {
        let code: Code = codes::CORE_INSN;
        Diagnostic::error(code, self.to_string()).help(
            "build the object again; instruction and relocation record do not belong together",
        )
    }
}

/// Writes `resolution` into the instruction at slot `at`.
pub fn patch<'r>(
    slots: &mut [Slot],
    at: usize,
    resolution: &'r Resolution,
) -> Result<Patched<'r>, PatchError> {
    let len = slots.len();
    let Some((insn, rest)) = slots.get_mut(at..).and_then(<[Slot]>::split_first_mut) else {
        return Err(PatchError::OutOfRange { at, len });
    };
    let next = rest.first_mut();
    let (orig, new) = match &resolution.outcome {
        Outcome::Value { orig, new } => (*orig, *new),
        Outcome::Poison(poison) => {
            poison_slots(insn, next);
            return Ok(Patched::Poisoned(poison));
        }
    };
    let expect = |found: i64| {
        if resolution.validate && found as u64 != orig {
            return Err(PatchError::Unexpected {
                found,
                expected: orig,
            });
        }
        Ok(())
    };
    match insn.code & CLASS_MASK {
        ALU | ALU64 if insn.code & SOURCE_REGISTER == 0 => {
            expect(i64::from(insn.imm))?;
            insn.imm = new as i32;
        }
        LDX | ST | STX => {
            expect(i64::from(insn.off))?;
            let off = i16::try_from(new).map_err(|_| PatchError::TooFar { value: new })?;
            if let Some(resize) = &resolution.resize {
                if let Some(poison) = &resize.refused {
                    poison_slots(insn, next);
                    return Ok(Patched::Poisoned(poison));
                }
                let found = access_bytes(insn.code);
                let size = size_bits(resize.new_bytes);
                match size {
                    Some(size) if found == resize.orig_bytes => {
                        insn.code = insn.code & !SIZE_MASK | size;
                    }
                    _ => {
                        return Err(PatchError::AccessSize {
                            found,
                            orig: resize.orig_bytes,
                            new: resize.new_bytes,
                        });
                    }
                }
            }
            insn.off = off;
        }
        LD => {
            let whole = insn.code == LD_IMM64 && insn.src == 0 && insn.off == 0;
            match next {
                Some(high)
                    if whole && (high.code, high.dst, high.src, high.off) == (0, 0, 0, 0) =>
                {
                    let found = u64::from(insn.imm as u32) | u64::from(high.imm as u32) << 32;
                    expect(found as i64)?;
                    insn.imm = new as i32;
                    high.imm = (new >> 32) as i32;
                }
                _ => return Err(PatchError::Form { code: insn.code }),
            }
        }
        _ => return Err(PatchError::Form { code: insn.code }),
    }
    Ok(Patched::Value)
}

fn poison_slots(insn: &mut Slot, next: Option<&mut Slot>) {
    let poison = Slot {
        code: CALL,
        dst: 0,
        src: 0,
        off: 0,
        imm: POISON_HELPER,
    };
    // Both halves, or the verifier would complain about the second one first.
    if insn.code == LD_IMM64
        && let Some(next) = next
    {
        *next = poison;
    }
    *insn = poison;
}

fn access_bytes(code: u8) -> u64 {
    match code & SIZE_MASK {
        0x00 => 4,
        0x08 => 2,
        0x10 => 1,
        _ => 8,
    }
}

fn size_bits(bytes: u64) -> Option<u8> {
    match bytes {
        4 => Some(0x00),
        2 => Some(0x08),
        1 => Some(0x10),
        8 => Some(0x18),
        _ => None,
    }
}
