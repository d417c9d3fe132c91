//! The encodings that are used, one row each: a word with nothing in the places of its operands.
//!
//! Rows of one kind have their operands in the same places, and the assembler has one method for each kind.
//! Most work on 32 bits, and on 64 if the highest bit is set.

/// Two registers give a third.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Three(pub(super) u32);

/// Three registers give a fourth.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Four(pub(super) u32);

/// One register gives another.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Two(pub(super) u32);

/// A register and twelve bits.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Sum(pub(super) u32);

/// A register and a pattern of ones.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Logical(pub(super) u32);

/// A field of bits.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Field(pub(super) u32);

/// Sixteen bits.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Half(pub(super) u32);

/// A load or a store; how many bytes are its highest two bits, as a power of two.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Access(pub(super) u32);

/// A load or a store of two registers of eight bytes.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Pair(pub(super) u32);

/// What becomes of the base of a pair.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Indexed {
    /// Nothing.
    No,
    /// It grows by the distance first.
    Before,
    /// It grows by the distance afterwards.
    After,
}

/// An atomic: a register, another one, a base; four bytes, or eight if bit 30 is set.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Atomic(pub(super) u32);

/// A jump to a register.
#[derive(Copy, Clone, Debug)]
pub(crate) struct To(pub(super) u32);

impl Access {
    /// How many bytes, as a power of two.
    pub(super) const fn scale(self) -> u32 {
        self.0 >> 30
    }
}

/// The rows by name.
#[rustfmt::skip]
pub(crate) mod op {
    use super::{Access, Atomic, Field, Four, Half, Logical, Pair, Sum, Three, To, Two};

    pub(crate) const ADD: Three = Three(0x0b00_0000);
    pub(crate) const SUB: Three = Three(0x4b00_0000);
    /// Sets the flags, as do `ANDS` and what is named `_I` like them.
    pub(crate) const SUBS: Three = Three(0x6b00_0000);
    pub(crate) const AND: Three = Three(0x0a00_0000);
    pub(crate) const OR: Three = Three(0x2a00_0000);
    /// The second one turned round.
    pub(crate) const OR_NOT: Three = Three(0x2a20_0000);
    pub(crate) const XOR: Three = Three(0x4a00_0000);
    pub(crate) const ANDS: Three = Three(0x6a00_0000);
    pub(crate) const MUL: Three = Three(0x1b00_7c00);
    pub(crate) const UDIV: Three = Three(0x1ac0_0800);
    pub(crate) const SDIV: Three = Three(0x1ac0_0c00);
    pub(crate) const LSL: Three = Three(0x1ac0_2000);
    pub(crate) const LSR: Three = Three(0x1ac0_2400);
    pub(crate) const ASR: Three = Three(0x1ac0_2800);

    /// The fourth plus the product of the others, and less it.
    pub(crate) const MADD: Four = Four(0x1b00_0000);
    pub(crate) const MSUB: Four = Four(0x1b00_8000);

    /// Bytes of each half of 16 bits turned round; of 32 bits; of 64.
    pub(crate) const REV16: Two = Two(0x5ac0_0400);
    pub(crate) const REV32: Two = Two(0x5ac0_0800);
    pub(crate) const REV64: Two = Two(0xdac0_0c00);

    pub(crate) const ADD_I: Sum = Sum(0x1100_0000);
    pub(crate) const ADDS_I: Sum = Sum(0x3100_0000);
    pub(crate) const SUB_I: Sum = Sum(0x5100_0000);
    pub(crate) const SUBS_I: Sum = Sum(0x7100_0000);

    pub(crate) const AND_I: Logical = Logical(0x1200_0000);
    pub(crate) const OR_I: Logical = Logical(0x3200_0000);
    pub(crate) const XOR_I: Logical = Logical(0x5200_0000);
    pub(crate) const ANDS_I: Logical = Logical(0x7200_0000);

    /// Moves a field, with its sign, and with zeros.
    pub(crate) const SIGNED: Field = Field(0x1300_0000);
    pub(crate) const UNSIGNED: Field = Field(0x5300_0000);

    /// Ones but for a half; zeros but for a half; everything else as it was.
    pub(crate) const MOV_NOT: Half = Half(0x1280_0000);
    pub(crate) const MOV_ZERO: Half = Half(0x5280_0000);
    pub(crate) const MOV_KEEP: Half = Half(0x7280_0000);

    pub(crate) const LOAD8: Access = Access(0x0040_0000);
    pub(crate) const LOAD16: Access = Access(0x4040_0000);
    pub(crate) const LOAD32: Access = Access(0x8040_0000);
    pub(crate) const LOAD64: Access = Access(0xc040_0000);
    /// To 64 bits.
    pub(crate) const LOAD_SX8: Access = Access(0x0080_0000);
    pub(crate) const LOAD_SX16: Access = Access(0x4080_0000);
    pub(crate) const LOAD_SX32: Access = Access(0x8080_0000);
    pub(crate) const STORE8: Access = Access(0x0000_0000);
    pub(crate) const STORE16: Access = Access(0x4000_0000);
    pub(crate) const STORE32: Access = Access(0x8000_0000);
    pub(crate) const STORE64: Access = Access(0xc000_0000);

    pub(crate) const STORE_PAIR: Pair = Pair(0xa800_0000);
    pub(crate) const LOAD_PAIR: Pair = Pair(0xa840_0000);
    /// Of vector registers, their lower halves.
    pub(crate) const STORE_PAIR_D: Pair = Pair(0x6c00_0000);
    pub(crate) const LOAD_PAIR_D: Pair = Pair(0x6c40_0000);

    /// All of them order what is around them, but for those that give nothing to `ZERO`.
    pub(crate) const LD_ADD: Atomic = Atomic(0xb8e0_0000);
    /// Clears the bits that are set in the operand.
    pub(crate) const LD_CLEAR: Atomic = Atomic(0xb8e0_1000);
    pub(crate) const LD_XOR: Atomic = Atomic(0xb8e0_2000);
    pub(crate) const LD_OR: Atomic = Atomic(0xb8e0_3000);
    pub(crate) const SWAP: Atomic = Atomic(0xb8e0_8000);
    /// The first register is what is compared, and gets what was there.
    pub(crate) const COMPARE_SWAP: Atomic = Atomic(0x88e0_fc00);
    /// The first register is not used.
    pub(crate) const LOAD_LINKED: Atomic = Atomic(0x885f_fc00);
    /// The first register becomes zero if nobody came between.
    pub(crate) const STORE_LINKED: Atomic = Atomic(0x8800_fc00);

    pub(crate) const JUMP_TO: To = To(0xd61f_0000);
    pub(crate) const CALL_TO: To = To(0xd63f_0000);
    pub(crate) const RETURN_TO: To = To(0xd65f_0000);
}

/// Words without operands, and those whose operand is a distance.
pub(super) mod word {
    pub(in super::super) const TRAP: u32 = 0x0000_0000;
    pub(in super::super) const BARRIER: u32 = 0xd503_3bbf;
    pub(in super::super) const JUMP: u32 = 0x1400_0000;
    pub(in super::super) const CALL: u32 = 0x9400_0000;
    pub(in super::super) const JUMP_IF: u32 = 0x5400_0000;
    pub(in super::super) const JUMP_IF_ZERO: u32 = 0x3400_0000;
    pub(in super::super) const SELECT: u32 = 0x1a80_0000;
}

/// Conditions, by their number in encodings.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Condition {
    Equal = 0,
    NotEqual = 1,
    AboveOrEqual = 2,
    Below = 3,
    Above = 8,
    BelowOrEqual = 9,
    GreaterOrEqual = 10,
    Less = 11,
    Greater = 12,
    LessOrEqual = 13,
}
