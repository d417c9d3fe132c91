//! Machine code, appended: labels are bound and jumped to in any order.

use super::features::Features;
use super::reg::Gpr;
use super::table::{Condition, Op};
use crate::asm::{Assembly, Label, Labels};

/// The operand that is a register or memory.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Reg(Gpr),
    /// At a distance from an address.
    Mem(Gpr, i32),
    /// At a distance from the sum of two registers.
    Sum(Gpr, Gpr, i32),
}

/// A shift by a register that sets another one, by its prefix in encodings.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ShiftTo {
    Left = 1,
    Arithmetic = 2,
    Right = 3,
}

impl From<Gpr> for Place {
    fn from(reg: Gpr) -> Self {
        Place::Reg(reg)
    }
}

/// The code so far.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    bytes: Vec<u8>,
    labels: Labels,
    /// Distances to labels that were not bound yet: where the four bytes are.
    open: Vec<(u32, Label)>,
}

impl Assembly for Assembler {
    type Features = Features;

    fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            ..Self::default()
        }
    }

    fn here(&self) -> usize {
        self.bytes.len()
    }

    fn label(&mut self) -> Label {
        self.labels.make()
    }

    fn bind(&mut self, label: Label) {
        self.labels.bind(label, self.bytes.len());
    }

    fn patch(code: &mut [u8], at: usize, address: u64) {
        // Behind the two bytes that `address` begins with.
        code[at + 2..at + 10].copy_from_slice(&address.to_le_bytes());
    }

    fn finish(mut self, wanted: &[Label]) -> (Vec<u8>, Vec<usize>) {
        for (at, label) in self.open {
            let distance = self.labels.place(label) as i64 - (i64::from(at) + 4);
            let distance = i32::try_from(distance).expect("code is shorter than two gigabytes");
            self.bytes[at as usize..][..4].copy_from_slice(&distance.to_le_bytes());
        }
        let places = wanted.iter().map(|label| self.labels.place(*label));
        (self.bytes, places.collect())
    }
}

impl Assembler {
    /// A register and a register or memory, or only the latter if the row has a digit: then the
    /// register is ignored.
    pub(crate) fn emit(&mut self, op: Op, wide: bool, reg: Gpr, place: impl Into<Place>) {
        debug_assert_eq!(op.imm_bytes, 0);
        self.emit_imm(op, wide, reg, place, 0);
    }

    /// An operation on one operand.
    pub(crate) fn emit_one(&mut self, op: Op, wide: bool, place: impl Into<Place>) {
        debug_assert!(op.digit.is_some());
        self.emit_imm(op, wide, Gpr::Rax, place, 0);
    }

    /// An operation on one operand and an immediate, of which as many bytes are taken as the row has.
    pub(crate) fn emit_with(&mut self, op: Op, wide: bool, place: impl Into<Place>, imm: i32) {
        debug_assert!(op.digit.is_some());
        self.emit_imm(op, wide, Gpr::Rax, place, imm);
    }

    /// A register, a register or memory, and an immediate.
    pub(crate) fn emit_imm(
        &mut self,
        op: Op,
        wide: bool,
        reg: Gpr,
        place: impl Into<Place>,
        imm: i32,
    ) {
        let place = place.into();
        let is_byte_of = |reg: Gpr| op.low_byte && matches!(reg as u8, 4..8);
        let (base, index_high, is_high_byte) = match place {
            Place::Reg(rm) => (rm, false, is_byte_of(rm)),
            Place::Mem(base, _) => (base, false, false),
            Place::Sum(base, index, _) => (base, index.high(), false),
        };
        let (field, field_high) = match op.digit {
            Some(digit) => (digit, false),
            None => (reg.low(), reg.high()),
        };
        let needs_rex = is_high_byte || (op.digit.is_none() && is_byte_of(reg));
        self.bytes.extend(op.prefix);
        let rex = 0x40
            | u8::from(wide || op.always_wide) << 3
            | u8::from(field_high) << 2
            | u8::from(index_high) << 1
            | u8::from(base.high());
        if rex != 0x40 || needs_rex {
            self.bytes.push(rex);
        }
        for byte in op.opcode {
            self.bytes.push(*byte);
        }
        match place {
            Place::Reg(rm) => self.bytes.push(0xc0 | field << 3 | rm.low()),
            Place::Mem(base, distance) => self.memory(field, base, None, distance),
            Place::Sum(base, index, distance) => self.memory(field, base, Some(index), distance),
        }
        self.number(imm, op.imm_bytes);
    }

    /// The lower bytes of a number.
    fn number(&mut self, number: i32, bytes: u8) {
        // A copy of fixed length takes no call.
        let end = self.bytes.len() + usize::from(bytes);
        self.bytes.extend_from_slice(&number.to_le_bytes());
        self.bytes.truncate(end);
    }

    fn memory(&mut self, field: u8, base: Gpr, index: Option<Gpr>, distance: i32) {
        debug_assert_ne!(index, Some(Gpr::Rsp), "the number stands for no index");
        // Without a distance this base would mean something else.
        let (mode, bytes) = match i8::try_from(distance) {
            Ok(0) if base.low() != Gpr::Rbp.low() => (0x00, 0),
            Ok(_) => (0x40, 1),
            Err(_) => (0x80, 4),
        };
        let behind = Gpr::Rsp.low();
        match index {
            Some(index) => {
                let pair = index.low() << 3 | base.low();
                self.bytes.extend([mode | field << 3 | behind, pair]);
            }
            // This base takes one byte more: no index.
            None if base.low() == behind => {
                self.bytes.extend([mode | field << 3 | behind, 0x24]);
            }
            None => self.bytes.push(mode | field << 3 | base.low()),
        }
        self.number(distance, bytes);
    }

    /// `shlx`, `sarx` or `shrx`.
    pub(crate) fn shift_to(&mut self, shift: ShiftTo, wide: bool, dst: Gpr, src: Gpr, count: Gpr) {
        // High bits are the other way round in this prefix.
        let highs = u8::from(!dst.high()) << 7 | 0x40 | u8::from(!src.high()) << 5;
        let third = u8::from(wide) << 7 | (!(count as u8) & 15) << 3 | shift as u8;
        let operands = 0xc0 | dst.low() << 3 | src.low();
        self.bytes.extend([0xc4, highs | 2, third, 0xf7, operands]);
    }

    /// Instructions that do nothing, as few as are needed to come to a multiple of a power of two.
    pub(crate) fn align(&mut self, alignment: usize) {
        const LONGEST: usize = 9;
        let mut missing = self.bytes.len().wrapping_neg() % alignment;
        while missing > 0 {
            let one: &[u8] = match missing.min(LONGEST) {
                1 => &[0x90],
                2 => &[0x66, 0x90],
                3 => &[0x0f, 0x1f, 0x00],
                4 => &[0x0f, 0x1f, 0x40, 0],
                5 => &[0x0f, 0x1f, 0x44, 0, 0],
                6 => &[0x66, 0x0f, 0x1f, 0x44, 0, 0],
                7 => &[0x0f, 0x1f, 0x80, 0, 0, 0, 0],
                8 => &[0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
                _ => &[0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
            };
            self.bytes.extend(one);
            missing -= one.len();
        }
    }

    /// `mov reg, value` in as few bytes as the value allows.
    pub(crate) fn constant(&mut self, reg: Gpr, value: u64) {
        if value == 0 {
            self.emit(super::op::XOR_TO, false, reg, reg);
        } else if let Ok(short) = u32::try_from(value) {
            if reg.high() {
                self.bytes.push(0x41);
            }
            self.bytes.push(0xb8 | reg.low());
            self.bytes.extend(short.to_le_bytes());
        } else if let Ok(signed) = i32::try_from(value as i64) {
            self.emit_with(super::op::MOV_I32, true, reg, signed);
        } else {
            self.address(reg, value);
        }
    }

    /// `mov reg, value` in ten bytes whatever the value is: addresses differ from run to run, listings
    /// should not.
    pub(crate) fn address(&mut self, reg: Gpr, value: u64) {
        self.bytes.push(0x48 | u8::from(reg.high()));
        self.bytes.push(0xb8 | reg.low());
        self.bytes.extend(value.to_le_bytes());
    }

    /// `bswap`
    pub(crate) fn swap(&mut self, wide: bool, reg: Gpr) {
        let rex = 0x40 | u8::from(wide) << 3 | u8::from(reg.high());
        if rex != 0x40 {
            self.bytes.push(rex);
        }
        self.bytes.extend([0x0f, 0xc8 | reg.low()]);
    }

    pub(crate) fn push(&mut self, reg: Gpr) {
        self.stack_op(0x50, reg);
    }

    pub(crate) fn pop(&mut self, reg: Gpr) {
        self.stack_op(0x58, reg);
    }

    fn stack_op(&mut self, opcode: u8, reg: Gpr) {
        if reg.high() {
            self.bytes.push(0x41);
        }
        self.bytes.push(opcode | reg.low());
    }

    /// Sign-extends `rax` into `rdx`: `cqo`, or `cdq` for 32 bits.
    pub(crate) fn extend_rax(&mut self, wide: bool) {
        if wide {
            self.bytes.push(0x48);
        }
        self.bytes.push(0x99);
    }

    pub(crate) fn ret(&mut self) {
        self.bytes.push(0xc3);
    }

    /// What is never reached.
    pub(crate) fn trap(&mut self) {
        self.bytes.extend([0x0f, 0x0b]);
    }

    pub(crate) fn jump(&mut self, to: Label) {
        self.leap(Some(0xeb), &[0xe9], to);
    }

    /// A jump to what lies behind it, until somebody changes its last four bytes.
    #[cfg(feature = "tier2")]
    pub(crate) fn jump_on(&mut self) {
        self.bytes.extend([0xe9, 0, 0, 0, 0]);
    }

    pub(crate) fn jump_if(&mut self, condition: Condition, to: Label) {
        let condition = condition as u8;
        self.leap(Some(0x70 | condition), &[0x0f, 0x80 | condition], to);
    }

    /// `cmov` if the condition does not hold; of 32 bits it clears the upper half even if it does.
    pub(crate) fn move_unless(&mut self, condition: Condition, wide: bool, dst: Gpr, src: Gpr) {
        let rex = 0x40 | u8::from(wide) << 3 | u8::from(dst.high()) << 2 | u8::from(src.high());
        // The lowest bit of a condition turns it round.
        let opposite = condition as u8 ^ 1;
        let operands = 0xc0 | dst.low() << 3 | src.low();
        self.bytes.extend([rex, 0x0f, 0x40 | opposite, operands]);
    }

    pub(crate) fn call(&mut self, to: Label) {
        self.leap(None, &[0xe8], to);
    }

    /// Backwards in one byte where that is enough; forwards, where the distance is not known yet, in
    /// four: one pass, whatever the program is.
    fn leap(&mut self, short: Option<u8>, long: &[u8], to: Label) {
        if let Some(target) = self.labels.found(to)
            && let Some(short) = short
        {
            let distance = target as i64 - (self.bytes.len() as i64 + 2);
            if let Ok(distance) = i8::try_from(distance) {
                self.bytes.extend([short, distance as u8]);
                return;
            }
        }
        self.bytes.extend(long);
        self.open.push((self.bytes.len() as u32, to));
        self.bytes.extend([0; 4]);
    }
}

#[cfg(test)]
mod tests;
