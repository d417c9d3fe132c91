//! Machine code, appended: labels are bound and jumped to in any order.
//!
//! Conditional jumps reach one megabyte. Those whose label is not bound by then are led on by a jump of
//! their own, in a row of such ([`Assembly::keep_in_reach`]); plain jumps reach 128 megabytes.

use super::features::Features;
use super::immediate::{halves, logical, twelve_bits};
use super::reg::Gpr;
use super::table::{
    Access, Atomic, Condition, Field, Four, Half, Indexed, Logical, Pair, Sum, Three, To, Two, op,
    word,
};
use crate::asm::{Assembly, Label, Labels};

/// An operand in memory.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At a distance from an address, one that [`Place::at`] found to fit.
    At(Gpr, Distance),
    /// At the sum of two registers.
    Sum(Gpr, Gpr),
}

/// A distance in one of the two forms that accesses have.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Distance {
    /// Twelve bits, in units of what is accessed.
    Scaled(u16),
    /// Nine bits with a sign.
    Bytes(i16),
}

impl Place {
    /// A place at a distance, if an access can hold that.
    pub(crate) fn at(access: Access, base: Gpr, distance: i32) -> Option<Place> {
        let scale = access.scale();
        let units = distance >> scale;
        let distance = match (units << scale == distance, units, distance) {
            (true, 0..=0xfff, _) => Distance::Scaled(units as u16),
            (_, _, -256..=255) => Distance::Bytes(distance as i16),
            _ => return None,
        };
        Some(Place::At(base, distance))
    }
}

/// Bits of the distance of a conditional jump, and of a plain one, in words.
const NEAR_BITS: u32 = 19;
const FAR_BITS: u32 = 26;
/// Words of a jump forward that a conditional one reaches.
const NEAR_WORDS: usize = 1 << (NEAR_BITS - 1);
/// Words that come between two looks whether jumps still reach, with room to spare.
const WORDS_BETWEEN: usize = 1024;

/// The lowest bit of a half of 16 bits.
const HALF_AT: u32 = 5;

/// 64 bits, where the highest one says so.
const WIDE: u32 = 1 << 31;

/// The code so far.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    words: Vec<u32>,
    labels: Labels,
    /// Conditional jumps to labels that were not bound yet: which words.
    near: Vec<(usize, Label)>,
    /// Plain jumps and calls, likewise.
    far: Vec<(usize, Label)>,
}

impl Assembly for Assembler {
    type Features = Features;

    fn with_capacity(bytes: usize) -> Self {
        Self {
            words: Vec::with_capacity(bytes / 4),
            ..Self::default()
        }
    }

    fn here(&self) -> usize {
        self.words.len() * 4
    }

    fn label(&mut self) -> Label {
        self.labels.make()
    }

    fn bind(&mut self, label: Label) {
        self.labels.bind(label, self.here());
    }

    fn patch(code: &mut [u8], at: usize, address: u64) {
        // A half in each of the instructions of `address`.
        let words = code[at..at + 16].chunks_exact_mut(4);
        for (bytes, half) in words.zip(halves(address)) {
            let field = u32::from(half) << HALF_AT;
            let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            let word = word & !(0xffff << HALF_AT) | field;
            bytes.copy_from_slice(&word.to_le_bytes());
        }
    }

    fn keep_in_reach(&mut self) {
        let Some((first, _)) = self.near.first() else {
            return;
        };
        let behind_row = self.words.len() + self.near.len() + WORDS_BETWEEN;
        if behind_row - first < NEAR_WORDS {
            return;
        }
        let over = self.label();
        self.jump(over);
        for (at, label) in std::mem::take(&mut self.near) {
            let to = match self.labels.found(label) {
                Some(place) => place / 4,
                None => {
                    self.jump(label);
                    self.words.len() - 1
                }
            };
            self.set_distance(at, to, NEAR_BITS, 5);
        }
        self.bind(over);
    }

    fn finish(mut self, wanted: &[Label]) -> (Vec<u8>, Vec<usize>) {
        for (at, label) in std::mem::take(&mut self.near) {
            self.set_distance(at, self.labels.place(label) / 4, NEAR_BITS, 5);
        }
        for (at, label) in std::mem::take(&mut self.far) {
            self.set_distance(at, self.labels.place(label) / 4, FAR_BITS, 0);
        }
        let bytes = self.words.iter().flat_map(|word| word.to_le_bytes());
        let places = wanted.iter().map(|label| self.labels.place(*label));
        (bytes.collect(), places.collect())
    }
}

impl Assembler {
    fn emit(&mut self, word: u32) {
        self.words.push(word);
    }

    /// Puts the distance from one word to another into a field of the former.
    fn set_distance(&mut self, at: usize, to: usize, bits: u32, low: u32) {
        let field = distance(at, to, bits).expect("code is shorter than jumps reach");
        self.words[at] |= field << low;
    }

    pub(crate) fn three(&mut self, op: Three, wide: bool, dst: Gpr, first: Gpr, second: Gpr) {
        self.emit(op.0 | sized(wide) | second.at(16) | first.at(5) | dst.at(0));
    }

    /// As [`Self::three`], the second operand shifted left: sums and logical operations only.
    pub(crate) fn three_shifted(&mut self, op: Three, dst: Gpr, first: Gpr, second: Gpr, by: u32) {
        debug_assert!(by < 64 && op.0 >> 24 & 0x1f < 0x10);
        self.emit(op.0 | WIDE | by << 10 | second.at(16) | first.at(5) | dst.at(0));
    }

    pub(crate) fn four(&mut self, op: Four, wide: bool, dst: Gpr, factors: (Gpr, Gpr), last: Gpr) {
        let (first, second) = factors;
        self.emit(op.0 | sized(wide) | second.at(16) | last.at(10) | first.at(5) | dst.at(0));
    }

    pub(crate) fn two(&mut self, op: Two, dst: Gpr, src: Gpr) {
        self.emit(op.0 | src.at(5) | dst.at(0));
    }

    /// A register to another, neither of them the stack pointer.
    pub(crate) fn copy(&mut self, wide: bool, dst: Gpr, src: Gpr) {
        self.three(op::OR, wide, dst, Gpr::ZERO, src);
    }

    /// With an immediate, if it fits.
    #[must_use]
    pub(crate) fn sum(&mut self, op: Sum, wide: bool, dst: Gpr, src: Gpr, imm: u64) -> bool {
        let field = twelve_bits(imm);
        if let Some(field) = field {
            self.emit(op.0 | sized(wide) | field << 10 | src.at(5) | dst.at(0));
        }
        field.is_some()
    }

    /// Moves the stack pointer, by less than a page.
    pub(crate) fn move_stack(&mut self, op: Sum, bytes: u32) {
        let fits = self.sum(op, true, Gpr::SP, Gpr::SP, bytes.into());
        debug_assert!(fits && bytes.is_multiple_of(16));
    }

    /// Copies from or to the stack pointer.
    pub(crate) fn copy_stack(&mut self, dst: Gpr, src: Gpr) {
        self.emit(op::ADD_I.0 | WIDE | src.at(5) | dst.at(0));
    }

    /// With an immediate, if it fits.
    #[must_use]
    pub(crate) fn logical(
        &mut self,
        op: Logical,
        wide: bool,
        dst: Gpr,
        src: Gpr,
        imm: u64,
    ) -> bool {
        let fields = logical(imm, wide);
        if let Some(fields) = fields {
            self.emit(op.0 | sized(wide) | fields << 10 | src.at(5) | dst.at(0));
        }
        fields.is_some()
    }

    /// Bits `first` to `last` become the lowest ones; if `last` comes before `first`, the lowest bits up to
    /// `last` go to where as many bits as are missing from `first` on lie below them.
    pub(crate) fn field(&mut self, op: Field, wide: bool, dst: Gpr, src: Gpr, bits: (u32, u32)) {
        let (first, last) = bits;
        // Fields of 64 bits have a second bit that says so.
        let sized = sized(wide) | u32::from(wide) << 22;
        self.emit(op.0 | sized | first << 16 | last << 10 | src.at(5) | dst.at(0));
    }

    pub(crate) fn shift_left(&mut self, wide: bool, dst: Gpr, src: Gpr, count: u32) {
        let bits = if wide { 64 } else { 32 };
        let field = ((bits - count) % bits, bits - 1 - count);
        self.field(op::UNSIGNED, wide, dst, src, field);
    }

    fn half(&mut self, op: Half, wide: bool, dst: Gpr, half: u16, number: usize) {
        let field = (number as u32) << 21 | u32::from(half) << HALF_AT;
        self.emit(op.0 | sized(wide) | field | dst.at(0));
    }

    /// A number in as few instructions as it allows.
    pub(crate) fn constant(&mut self, dst: Gpr, value: u64) {
        let halves = halves(value);
        let other_than = |common: u16| halves.iter().filter(|half| **half != common).count();
        let (zeros, ones) = (other_than(0), other_than(0xffff));
        if zeros.min(ones) > 1 && self.logical(op::OR_I, true, dst, Gpr::ZERO, value) {
            return;
        }
        // Of 32 bits whose lower ones are nearly all set, the upper half is cleared by the way.
        if value >> 32 == 0 && zeros == 2 && (halves[0] == 0xffff || halves[1] == 0xffff) {
            let number = usize::from(halves[0] == 0xffff);
            self.half(op::MOV_NOT, false, dst, !halves[number], number);
            return;
        }
        let common = if ones < zeros { 0xffff } else { 0 };
        let mut rest = (0..4).filter(|number| halves[*number] != common);
        let first = rest.next().unwrap_or(0);
        match common {
            0 => self.half(op::MOV_ZERO, true, dst, halves[first], first),
            _ => self.half(op::MOV_NOT, true, dst, !halves[first], first),
        }
        for number in rest {
            self.half(op::MOV_KEEP, true, dst, halves[number], number);
        }
    }

    /// An address, in as many instructions whatever it is: [`Assembly::patch`] puts others in.
    pub(crate) fn address(&mut self, dst: Gpr, value: u64) {
        let ops = [op::MOV_ZERO, op::MOV_KEEP, op::MOV_KEEP, op::MOV_KEEP];
        for (number, (op, half)) in ops.into_iter().zip(halves(value)).enumerate() {
            self.half(op, true, dst, half, number);
        }
    }

    pub(crate) fn access(&mut self, access: Access, reg: Gpr, place: Place) {
        let (base, rest) = match place {
            Place::At(base, Distance::Scaled(units)) => {
                (base, 0x3900_0000 | u32::from(units) << 10)
            }
            Place::At(base, Distance::Bytes(bytes)) => {
                (base, 0x3800_0000 | (bytes as u32 & 0x1ff) << 12)
            }
            Place::Sum(base, index) => (base, 0x3820_6800 | index.at(16)),
        };
        self.emit(access.0 | rest | base.at(5) | reg.at(0));
    }

    /// Two registers, at a multiple of eight bytes less than 512 away.
    pub(crate) fn pair(&mut self, op: Pair, regs: (Gpr, Gpr), base: Gpr, by: i32, how: Indexed) {
        debug_assert!(by % 8 == 0 && (-512..512).contains(&by));
        let how = match how {
            Indexed::After => 1 << 23,
            Indexed::No => 1 << 24,
            Indexed::Before => 3 << 23,
        };
        let units = (by as u32 >> 3 & 0x7f) << 15;
        self.emit(op.0 | how | units | regs.1.at(10) | base.at(5) | regs.0.at(0));
    }

    pub(crate) fn atomic(&mut self, op: Atomic, wide: bool, first: Gpr, reg: Gpr, base: Gpr) {
        self.emit(op.0 | u32::from(wide) << 30 | first.at(16) | base.at(5) | reg.at(0));
    }

    /// Orders everything before it before everything behind it.
    pub(crate) fn barrier(&mut self) {
        self.emit(word::BARRIER);
    }

    /// The first if the condition holds, the second otherwise.
    pub(crate) fn select(
        &mut self,
        condition: Condition,
        wide: bool,
        dst: Gpr,
        values: (Gpr, Gpr),
    ) {
        let (first, second) = values;
        let word = word::SELECT | sized(wide) | (condition as u32) << 12;
        self.emit(word | second.at(16) | first.at(5) | dst.at(0));
    }

    /// What is never reached.
    pub(crate) fn trap(&mut self) {
        self.emit(word::TRAP);
    }

    pub(crate) fn to(&mut self, op: To, reg: Gpr) {
        self.emit(op.0 | reg.at(5));
    }

    pub(crate) fn ret(&mut self) {
        self.to(op::RETURN_TO, Gpr::LINK);
    }

    pub(crate) fn jump(&mut self, to: Label) {
        self.leap(word::JUMP, to);
    }

    /// A jump to what lies behind it, until somebody says how far it goes.
    #[cfg(feature = "tier2")]
    pub(crate) fn jump_on(&mut self) {
        self.emit(word::JUMP | 1);
    }

    pub(crate) fn call(&mut self, to: Label) {
        self.leap(word::CALL, to);
    }

    fn leap(&mut self, word: u32, to: Label) {
        self.far.push((self.words.len(), to));
        self.emit(word);
    }

    pub(crate) fn jump_if(&mut self, condition: Condition, to: Label) {
        // The lowest bit of a condition turns it round.
        self.hop(word::JUMP_IF | condition as u32, 1, to);
    }

    /// If a register is zero, or is not.
    pub(crate) fn jump_if_zero(&mut self, is: bool, wide: bool, reg: Gpr, to: Label) {
        let turned = 1 << 24;
        let word = word::JUMP_IF_ZERO | sized(wide) | reg.at(0);
        self.hop(if is { word } else { word | turned }, turned, to);
    }

    /// A conditional jump. Backwards, out of its reach, the opposite one leads over a plain jump.
    fn hop(&mut self, word: u32, turned: u32, to: Label) {
        let at = self.words.len();
        let Some(place) = self.labels.found(to) else {
            self.near.push((at, to));
            self.emit(word);
            return;
        };
        match distance(at, place / 4, NEAR_BITS) {
            Some(field) => self.emit(word | field << 5),
            None => {
                self.emit(word ^ turned | 2 << 5);
                self.jump(to);
            }
        }
    }
}

fn sized(wide: bool) -> u32 {
    u32::from(wide) << 31
}

/// The distance between two words as a number of so many bits, if it is one.
fn distance(at: usize, to: usize, bits: u32) -> Option<u32> {
    let distance = to as i64 - at as i64;
    let half = 1_i64 << (bits - 1);
    (-half..half)
        .contains(&distance)
        .then_some(distance as u32 & ((1 << bits) - 1))
}

#[cfg(test)]
mod tests;
