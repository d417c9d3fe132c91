//! From instructions to slots.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::table::{CalleeKind, Form, Opcode, Pseudo, Selector, Source, table};
use crate::{Callee, Imm64, Insn, Operand, Slot};

static BY_FORM: LazyLock<FxHashMap<Form, &'static Opcode>> =
    LazyLock::new(|| table().iter().map(|row| (row.form, row)).collect());

/// The slot of an instruction, and its second one if it is `ld_imm64`.
///
/// # Panics
/// If no opcode exists for the instruction, such as a sign-extending 8-byte load or an atomic on
/// one byte ([`Insn::opcode`] is `None`). Neither [`crate::decode`] nor the assembler makes one.
pub fn encode(insn: &Insn) -> (Slot, Option<Slot>) {
    let Some(row) = insn.opcode() else {
        panic!("no opcode for {insn:?}");
    };
    let mut slot = operands(insn);
    slot.code = row.code;
    match row.selector {
        Selector::None => {}
        Selector::Off(off) => slot.off = off,
        Selector::Imm(imm) => slot.imm = imm,
        Selector::Src(src) => slot.src = src,
    }
    let second = match insn {
        Insn::LoadImm64 { value, .. } => Some(Slot {
            imm: high_half(value),
            ..Slot::default()
        }),
        _ => None,
    };
    (slot, second)
}

/// Encodes an instruction at the end of a program.
///
/// # Panics
/// As [`encode`].
pub fn encode_onto(slots: &mut Vec<Slot>, insn: &Insn) {
    let (slot, second) = encode(insn);
    slots.push(slot);
    slots.extend(second);
}

/// Everything but the opcode byte and the field that selects within it.
fn operands(insn: &Insn) -> Slot {
    let mut slot = Slot::default();
    let second = |slot: &mut Slot, operand: Operand| match operand {
        Operand::Reg(src) => slot.src = src.number(),
        Operand::Imm(imm) => slot.imm = imm,
    };
    match *insn {
        Insn::Alu { dst, src, .. } => {
            slot.dst = dst.number();
            second(&mut slot, src);
        }
        Insn::Neg { dst, .. } | Insn::End { dst, .. } => slot.dst = dst.number(),
        Insn::MovSx { dst, src, .. } => {
            slot.dst = dst.number();
            slot.src = src.number();
        }
        Insn::AddrSpaceCast { dst, src, to, from } => {
            slot.dst = dst.number();
            slot.src = src.number();
            slot.imm = (u32::from(to) << 16 | u32::from(from)) as i32;
        }
        Insn::LoadImm64 { dst, value } => {
            slot.dst = dst.number();
            slot.imm = low_half(&value);
        }
        Insn::Load { dst, base, off, .. } | Insn::LoadAcquire { dst, base, off, .. } => {
            slot.dst = dst.number();
            slot.src = base.number();
            slot.off = off;
        }
        Insn::Store { base, off, src, .. } => {
            slot.dst = base.number();
            slot.off = off;
            second(&mut slot, src);
        }
        Insn::Atomic { base, off, src, .. } | Insn::StoreRelease { base, off, src, .. } => {
            slot.dst = base.number();
            slot.src = src.number();
            slot.off = off;
        }
        Insn::LoadPacket { index, off, .. } => {
            slot.src = index.map_or(0, |index| index.number());
            slot.imm = off;
        }
        Insn::Jump { off, long } => {
            if long {
                slot.imm = off;
            } else {
                slot.off = i16::try_from(off).expect("a short jump's distance fits 16 bits");
            }
        }
        Insn::JumpIf { dst, src, off, .. } => {
            slot.dst = dst.number();
            slot.off = off;
            second(&mut slot, src);
        }
        Insn::MayGoto { off } => slot.off = off,
        Insn::Call(callee) => match callee {
            Callee::Helper(imm) | Callee::Local(imm) => slot.imm = imm,
            Callee::Kfunc { id, module } => {
                slot.imm = id;
                slot.off = module;
            }
        },
        Insn::CallReg(reg) => slot.dst = reg.number(),
        Insn::Exit => {}
    }
    slot
}

fn low_half(value: &Imm64) -> i32 {
    match *value {
        Imm64::Value(number) => number as i32,
        Imm64::MapFd(low)
        | Imm64::MapValue { fd: low, .. }
        | Imm64::BtfId { id: low, .. }
        | Imm64::Func(low)
        | Imm64::MapIdx(low)
        | Imm64::MapIdxValue { idx: low, .. } => low,
    }
}

fn high_half(value: &Imm64) -> i32 {
    match *value {
        Imm64::Value(number) => (number >> 32) as i32,
        Imm64::MapValue { off, .. } | Imm64::MapIdxValue { off, .. } => off as i32,
        Imm64::BtfId { fd, .. } => fd,
        Imm64::MapFd(_) | Imm64::Func(_) | Imm64::MapIdx(_) => 0,
    }
}

impl Insn {
    /// Its row in the table; `None` if the value describes an instruction that does not exist.
    pub fn opcode(&self) -> Option<&'static Opcode> {
        if let Insn::Jump { off, long: false } = *self {
            i16::try_from(off).ok()?;
        }
        BY_FORM.get(&self.form()).copied()
    }

    /// Its shape: itself without registers and numbers.
    pub fn form(&self) -> Form {
        let source = |operand: Operand| match operand {
            Operand::Reg(_) => Source::Reg,
            Operand::Imm(_) => Source::Imm,
        };
        match *self {
            Insn::Alu { op, width, src, .. } => Form::Alu {
                op,
                width,
                source: source(src),
            },
            Insn::Neg { width, .. } => Form::Neg { width },
            Insn::MovSx { width, from, .. } => Form::MovSx { width, from },
            Insn::End { op, size, .. } => Form::End { op, size },
            Insn::LoadImm64 { value, .. } => Form::LoadImm64(match value {
                Imm64::Value(_) => Pseudo::Value,
                Imm64::MapFd(_) => Pseudo::MapFd,
                Imm64::MapValue { .. } => Pseudo::MapValue,
                Imm64::BtfId { .. } => Pseudo::BtfId,
                Imm64::Func(_) => Pseudo::Func,
                Imm64::MapIdx(_) => Pseudo::MapIdx,
                Imm64::MapIdxValue { .. } => Pseudo::MapIdxValue,
            }),
            Insn::Load {
                size, sign_extend, ..
            } => Form::Load { size, sign_extend },
            Insn::Store { size, src, .. } => Form::Store {
                size,
                source: source(src),
            },
            Insn::Atomic { op, size, .. } => Form::Atomic { op, size },
            Insn::LoadAcquire { size, .. } => Form::LoadAcquire { size },
            Insn::StoreRelease { size, .. } => Form::StoreRelease { size },
            Insn::LoadPacket { size, index, .. } => Form::LoadPacket {
                size,
                indexed: index.is_some(),
            },
            Insn::Jump { long, .. } => Form::Jump { long },
            Insn::JumpIf {
                cond, width, src, ..
            } => Form::JumpIf {
                cond,
                width,
                source: source(src),
            },
            Insn::MayGoto { .. } => Form::MayGoto,
            Insn::Call(Callee::Helper(_)) => Form::Call(CalleeKind::Helper),
            Insn::Call(Callee::Local(_)) => Form::Call(CalleeKind::Local),
            Insn::Call(Callee::Kfunc { .. }) => Form::Call(CalleeKind::Kfunc),
            Insn::CallReg(_) => Form::CallReg,
            Insn::Exit => Form::Exit,
            Insn::AddrSpaceCast { .. } => Form::AddrSpaceCast,
        }
    }
}
