//! The classic instruction set as data; decoder, checker and both text directions read it.

use crate::Size;

/// Second operand.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum ClassicSource {
    /// The number `k`.
    K,
    /// The index register.
    X,
}

/// Arithmetic on the accumulator, 32-bit and unsigned.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ClassicAlu {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Or,
    And,
    Xor,
    Lsh,
    Rsh,
}

/// Conditions, unsigned.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum ClassicCond {
    /// `A == k`
    Eq,
    /// `A > k`
    Gt,
    /// `A >= k`
    Ge,
    /// `A & k`
    Set,
}

/// What an instruction does.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum ClassicOp {
    /// `A = P[k]`
    LoadAbs(Size),
    /// `A = P[X + k]`
    LoadInd(Size),
    /// `A = k`
    LoadImm,
    /// `A = M[k]`
    LoadMem,
    /// `A = packet length`
    LoadLen,
    /// `X = k`
    LoadxImm,
    /// `X = M[k]`
    LoadxMem,
    /// `X = packet length`
    LoadxLen,
    /// `X = 4 * (P[k] & 0xf)`: the length of an IPv4 header
    LoadxMsh,
    /// `M[k] = A`
    Store,
    /// `M[k] = X`
    Storex,
    /// `A += X` and so on
    Alu(ClassicAlu, ClassicSource),
    /// `A = -A`
    Neg,
    /// Skips `k` instructions.
    Jump,
    /// Skips `jt` or `jf` instructions.
    JumpIf(ClassicCond, ClassicSource),
    /// Returns `k`.
    RetK,
    /// Returns A.
    RetA,
    /// `X = A`
    Tax,
    /// `A = X`
    Txa,
}

/// How the operand is written.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// Nothing.
    None,
    /// `#pktlen`
    Len,
    /// `#12`
    Decimal,
    /// `#0xc`
    Hex,
    /// `x`
    X,
    /// `[12]`
    Abs,
    /// `[x + 12]`
    Ind,
    /// `M[1]`
    Mem,
    /// `4*([14]&0xf)`
    Msh,
    /// The number of an instruction.
    Target,
}

pub(super) struct Row {
    pub(super) code: u16,
    pub(super) op: ClassicOp,
    pub(super) mnemonic: &'static str,
    pub(super) operand: Operand,
}

const fn new(code: u16, op: ClassicOp, mnemonic: &'static str, operand: Operand) -> Row {
    Row {
        code,
        op,
        mnemonic,
        operand,
    }
}

use ClassicAlu::{Add, And, Div, Lsh, Mod, Mul, Or, Rsh, Sub, Xor};
use ClassicOp::{Alu, JumpIf};
use ClassicSource::{K, X};

/// Every instruction Linux allows in a filter.
pub(super) const ROWS: [Row; 49] = [
    new(0x20, ClassicOp::LoadAbs(Size::W), "ld", Operand::Abs),
    new(0x28, ClassicOp::LoadAbs(Size::H), "ldh", Operand::Abs),
    new(0x30, ClassicOp::LoadAbs(Size::B), "ldb", Operand::Abs),
    new(0x40, ClassicOp::LoadInd(Size::W), "ld", Operand::Ind),
    new(0x48, ClassicOp::LoadInd(Size::H), "ldh", Operand::Ind),
    new(0x50, ClassicOp::LoadInd(Size::B), "ldb", Operand::Ind),
    new(0x00, ClassicOp::LoadImm, "ld", Operand::Hex),
    new(0x60, ClassicOp::LoadMem, "ld", Operand::Mem),
    new(0x80, ClassicOp::LoadLen, "ld", Operand::Len),
    new(0x01, ClassicOp::LoadxImm, "ldx", Operand::Hex),
    new(0x61, ClassicOp::LoadxMem, "ldx", Operand::Mem),
    new(0x81, ClassicOp::LoadxLen, "ldx", Operand::Len),
    new(0xb1, ClassicOp::LoadxMsh, "ldxb", Operand::Msh),
    new(0x02, ClassicOp::Store, "st", Operand::Mem),
    new(0x03, ClassicOp::Storex, "stx", Operand::Mem),
    new(0x04, Alu(Add, K), "add", Operand::Decimal),
    new(0x0c, Alu(Add, X), "add", Operand::X),
    new(0x14, Alu(Sub, K), "sub", Operand::Decimal),
    new(0x1c, Alu(Sub, X), "sub", Operand::X),
    new(0x24, Alu(Mul, K), "mul", Operand::Decimal),
    new(0x2c, Alu(Mul, X), "mul", Operand::X),
    new(0x34, Alu(Div, K), "div", Operand::Decimal),
    new(0x3c, Alu(Div, X), "div", Operand::X),
    new(0x94, Alu(Mod, K), "mod", Operand::Decimal),
    new(0x9c, Alu(Mod, X), "mod", Operand::X),
    new(0x44, Alu(Or, K), "or", Operand::Hex),
    new(0x4c, Alu(Or, X), "or", Operand::X),
    new(0x54, Alu(And, K), "and", Operand::Hex),
    new(0x5c, Alu(And, X), "and", Operand::X),
    new(0xa4, Alu(Xor, K), "xor", Operand::Hex),
    new(0xac, Alu(Xor, X), "xor", Operand::X),
    new(0x64, Alu(Lsh, K), "lsh", Operand::Decimal),
    new(0x6c, Alu(Lsh, X), "lsh", Operand::X),
    new(0x74, Alu(Rsh, K), "rsh", Operand::Decimal),
    new(0x7c, Alu(Rsh, X), "rsh", Operand::X),
    new(0x84, ClassicOp::Neg, "neg", Operand::None),
    new(0x05, ClassicOp::Jump, "ja", Operand::Target),
    new(0x15, JumpIf(ClassicCond::Eq, K), "jeq", Operand::Hex),
    new(0x1d, JumpIf(ClassicCond::Eq, X), "jeq", Operand::X),
    new(0x25, JumpIf(ClassicCond::Gt, K), "jgt", Operand::Hex),
    new(0x2d, JumpIf(ClassicCond::Gt, X), "jgt", Operand::X),
    new(0x35, JumpIf(ClassicCond::Ge, K), "jge", Operand::Hex),
    new(0x3d, JumpIf(ClassicCond::Ge, X), "jge", Operand::X),
    new(0x45, JumpIf(ClassicCond::Set, K), "jset", Operand::Hex),
    new(0x4d, JumpIf(ClassicCond::Set, X), "jset", Operand::X),
    new(0x06, ClassicOp::RetK, "ret", Operand::Decimal),
    new(0x16, ClassicOp::RetA, "ret", Operand::None),
    new(0x07, ClassicOp::Tax, "tax", Operand::None),
    new(0x87, ClassicOp::Txa, "txa", Operand::None),
];

pub(super) fn row(code: u16) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.code == code)
}
