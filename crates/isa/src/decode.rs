//! From slots to instructions, as strictly as Linux: a field without meaning must be zero.
//!
//! Two encodings decode although encoding gives another: `exit` with an offset (Linux ignores it)
//! and the `callx` of older clang, whose register number is in the immediate.

use crate::table::{self, CalleeKind, Form, Opcode, Pseudo, Selector, Source};
use crate::{Callee, Imm64, Insn, Operand, Reg, Slot};

/// A field of a slot, for error messages.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The opcode byte.
    Code,
    /// Destination register.
    Dst,
    /// Source register.
    Src,
    /// Offset.
    Off,
    /// Immediate.
    Imm,
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Field::Code => "opcode",
            Field::Dst => "destination register",
            Field::Src => "source register",
            Field::Off => "offset",
            Field::Imm => "immediate",
        })
    }
}

/// Why slots are not an instruction.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The position is not inside the slots.
    #[error("instruction {at} is past the end of {count} slots")]
    OutOfRange {
        /// Position asked for.
        at: usize,
        /// How many slots there are.
        count: usize,
    },
    /// No instruction has this opcode byte.
    #[error("unknown opcode {code:#04x}")]
    UnknownOpcode {
        /// The byte.
        code: u8,
    },
    /// The byte is known, but not with this value in the field that selects the operation.
    #[error("opcode {code:#04x} has no operation with {field} {value}")]
    UnknownOperation {
        /// The opcode byte.
        code: u8,
        /// The field that selects.
        field: Field,
        /// Its value.
        value: i32,
    },
    /// A field this instruction does not use is not zero.
    #[error("opcode {code:#04x} does not use the {field}, which must be 0 and is {value}")]
    Reserved {
        /// The opcode byte.
        code: u8,
        /// The field.
        field: Field,
        /// Its value.
        value: i32,
    },
    /// A register field above 10.
    #[error("there is no register r{number} ({field} of opcode {code:#04x})")]
    Register {
        /// The opcode byte.
        code: u8,
        /// The field.
        field: Field,
        /// What it says.
        number: i32,
    },
    /// `ld_imm64` is the last slot.
    #[error("the second half of the 64-bit immediate is missing")]
    MissingSecondSlot,
    /// The second slot of `ld_imm64` has more than an immediate.
    #[error(
        "the second slot of a 64-bit immediate must hold only an immediate, its {field} is {value}"
    )]
    SecondSlot {
        /// The field that is not zero.
        field: Field,
        /// Its value.
        value: i32,
    },
}

/// Decodes the instruction at slot `at`. `ld_imm64` takes two slots ([`Insn::slots`]).
///
/// ```
/// use osmia_isa::{Endian, decode, read_slots};
/// let slots = read_slots(&[0x61, 0x10, 4, 0, 0, 0, 0, 0], Endian::Little).unwrap();
/// assert_eq!(decode(&slots, 0).unwrap().to_string(), "r0 = *(u32 *)(r1 + 4)");
/// ```
///
/// # Errors
/// If the slots there are not an instruction; never panics, whatever the slots say.
pub fn decode(slots: &[Slot], at: usize) -> Result<Insn, DecodeError> {
    let Some(slot) = slots.get(at).copied() else {
        let count = slots.len();
        return Err(DecodeError::OutOfRange { at, count });
    };
    let row = select(slot)?;
    let fields = Fields { slot };
    match row.form {
        Form::Alu { op, width, source } => {
            if row.selector == Selector::None {
                fields.zero_off()?;
            }
            let dst = fields.dst()?;
            let src = fields.operand(source)?;
            Ok(Insn::Alu {
                op,
                width,
                dst,
                src,
            })
        }
        Form::Neg { width } => {
            fields.zero_src()?;
            fields.zero_off()?;
            fields.zero_imm()?;
            let dst = fields.dst()?;
            Ok(Insn::Neg { width, dst })
        }
        Form::MovSx { width, from } => {
            fields.zero_imm()?;
            let (dst, src) = (fields.dst()?, fields.src()?);
            Ok(Insn::MovSx {
                width,
                dst,
                src,
                from,
            })
        }
        Form::AddrSpaceCast => Ok(Insn::AddrSpaceCast {
            dst: fields.dst()?,
            src: fields.src()?,
            to: (slot.imm as u32 >> 16) as u16,
            from: slot.imm as u16,
        }),
        Form::End { op, size } => {
            fields.zero_src()?;
            fields.zero_off()?;
            let dst = fields.dst()?;
            Ok(Insn::End { op, dst, size })
        }
        Form::LoadImm64(pseudo) => {
            fields.zero_off()?;
            let dst = fields.dst()?;
            let high = second_half(slots.get(at + 1))?;
            let value = imm64(pseudo, slot.imm, high)?;
            Ok(Insn::LoadImm64 { dst, value })
        }
        Form::Load { size, sign_extend } => {
            fields.zero_imm()?;
            Ok(Insn::Load {
                size,
                sign_extend,
                dst: fields.dst()?,
                base: fields.src()?,
                off: slot.off,
            })
        }
        Form::Store { size, source } => Ok(Insn::Store {
            size,
            base: fields.dst()?,
            off: slot.off,
            src: fields.operand(source)?,
        }),
        Form::Atomic { op, size } => Ok(Insn::Atomic {
            op,
            size,
            base: fields.dst()?,
            off: slot.off,
            src: fields.src()?,
        }),
        Form::LoadAcquire { size } => Ok(Insn::LoadAcquire {
            size,
            dst: fields.dst()?,
            base: fields.src()?,
            off: slot.off,
        }),
        Form::StoreRelease { size } => Ok(Insn::StoreRelease {
            size,
            base: fields.dst()?,
            off: slot.off,
            src: fields.src()?,
        }),
        Form::LoadPacket { size, indexed } => {
            fields.zero_dst()?;
            fields.zero_off()?;
            let index = if indexed {
                Some(fields.src()?)
            } else {
                fields.zero_src()?;
                None
            };
            Ok(Insn::LoadPacket {
                size,
                index,
                off: slot.imm,
            })
        }
        Form::Jump { long } => {
            fields.zero_dst()?;
            fields.zero_src()?;
            let off = if long {
                fields.zero_off()?;
                slot.imm
            } else {
                fields.zero_imm()?;
                i32::from(slot.off)
            };
            Ok(Insn::Jump { off, long })
        }
        Form::JumpIf {
            cond,
            width,
            source,
        } => Ok(Insn::JumpIf {
            cond,
            width,
            dst: fields.dst()?,
            src: fields.operand(source)?,
            off: slot.off,
        }),
        Form::MayGoto => {
            fields.zero_dst()?;
            fields.zero_imm()?;
            Ok(Insn::MayGoto { off: slot.off })
        }
        Form::Call(kind) => {
            fields.zero_dst()?;
            if kind != CalleeKind::Kfunc {
                fields.zero_off()?;
            }
            Ok(Insn::Call(match kind {
                CalleeKind::Helper => Callee::Helper(slot.imm),
                CalleeKind::Local => Callee::Local(slot.imm),
                CalleeKind::Kfunc => Callee::Kfunc {
                    id: slot.imm,
                    module: slot.off,
                },
            }))
        }
        Form::CallReg => {
            fields.zero_src()?;
            fields.zero_off()?;
            if slot.dst != 0 {
                fields.zero_imm()?;
                return Ok(Insn::CallReg(fields.dst()?));
            }
            let number = u8::try_from(slot.imm).ok().and_then(Reg::new);
            number.map(Insn::CallReg).ok_or(DecodeError::Register {
                code: slot.code,
                field: Field::Imm,
                number: slot.imm,
            })
        }
        Form::Exit => {
            fields.zero_dst()?;
            fields.zero_src()?;
            fields.zero_imm()?;
            Ok(Insn::Exit)
        }
    }
}

/// The row of the table that a slot's opcode byte and selecting field name.
fn select(slot: Slot) -> Result<&'static Opcode, DecodeError> {
    let code = slot.code;
    let rows = table::rows(code);
    let first = rows.first().ok_or(DecodeError::UnknownOpcode { code })?;
    let applies = |row: &&Opcode| match row.selector {
        Selector::None => true,
        Selector::Off(off) => slot.off == off,
        Selector::Imm(imm) => slot.imm == imm,
        Selector::Src(src) => slot.src == src,
    };
    rows.iter().find(applies).ok_or_else(|| {
        let (field, value) = match first.selector {
            Selector::None => (Field::Code, i32::from(code)),
            Selector::Off(_) => (Field::Off, i32::from(slot.off)),
            Selector::Imm(_) => (Field::Imm, slot.imm),
            Selector::Src(_) => (Field::Src, i32::from(slot.src)),
        };
        DecodeError::UnknownOperation { code, field, value }
    })
}

fn second_half(slot: Option<&Slot>) -> Result<i32, DecodeError> {
    let slot = slot.ok_or(DecodeError::MissingSecondSlot)?;
    let fields = [
        (Field::Code, i32::from(slot.code)),
        (Field::Dst, i32::from(slot.dst)),
        (Field::Src, i32::from(slot.src)),
        (Field::Off, i32::from(slot.off)),
    ];
    match fields.into_iter().find(|&(_, value)| value != 0) {
        Some((field, value)) => Err(DecodeError::SecondSlot { field, value }),
        None => Ok(slot.imm),
    }
}

fn imm64(pseudo: Pseudo, low: i32, high: i32) -> Result<Imm64, DecodeError> {
    let off = high as u32;
    if matches!(pseudo, Pseudo::MapFd | Pseudo::MapIdx | Pseudo::Func) && high != 0 {
        return Err(DecodeError::SecondSlot {
            field: Field::Imm,
            value: high,
        });
    }
    Ok(match pseudo {
        Pseudo::Value => Imm64::Value(u64::from(low as u32) | u64::from(off) << 32),
        Pseudo::MapFd => Imm64::MapFd(low),
        Pseudo::MapValue => Imm64::MapValue { fd: low, off },
        Pseudo::BtfId => Imm64::BtfId { id: low, fd: high },
        Pseudo::Func => Imm64::Func(low),
        Pseudo::MapIdx => Imm64::MapIdx(low),
        Pseudo::MapIdxValue => Imm64::MapIdxValue { idx: low, off },
    })
}

struct Fields {
    slot: Slot,
}

impl Fields {
    fn register(&self, field: Field, number: u8) -> Result<Reg, DecodeError> {
        Reg::new(number).ok_or(DecodeError::Register {
            code: self.slot.code,
            field,
            number: i32::from(number),
        })
    }

    fn dst(&self) -> Result<Reg, DecodeError> {
        self.register(Field::Dst, self.slot.dst)
    }

    fn src(&self) -> Result<Reg, DecodeError> {
        self.register(Field::Src, self.slot.src)
    }

    fn operand(&self, source: Source) -> Result<Operand, DecodeError> {
        match source {
            Source::Reg => {
                self.zero_imm()?;
                Ok(Operand::Reg(self.src()?))
            }
            Source::Imm => {
                self.zero_src()?;
                Ok(Operand::Imm(self.slot.imm))
            }
        }
    }

    fn zero(&self, field: Field, value: i32) -> Result<(), DecodeError> {
        if value == 0 {
            return Ok(());
        }
        Err(DecodeError::Reserved {
            code: self.slot.code,
            field,
            value,
        })
    }

    fn zero_dst(&self) -> Result<(), DecodeError> {
        self.zero(Field::Dst, i32::from(self.slot.dst))
    }

    fn zero_src(&self) -> Result<(), DecodeError> {
        self.zero(Field::Src, i32::from(self.slot.src))
    }

    fn zero_off(&self) -> Result<(), DecodeError> {
        self.zero(Field::Off, i32::from(self.slot.off))
    }

    fn zero_imm(&self) -> Result<(), DecodeError> {
        self.zero(Field::Imm, self.slot.imm)
    }
}
