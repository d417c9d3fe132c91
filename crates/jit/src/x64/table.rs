//! The encodings that are used, one row each.
//!
//! Every row has a ModRM byte. Its `reg` field holds a register operand or, if the row has a digit,
//! that digit; its `rm` field is the other operand, a register or memory.

/// One encoding.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Op {
    /// In front of everything else.
    pub(super) prefix: Option<u8>,
    pub(super) opcode: &'static [u8],
    /// What the `reg` field holds, if no register.
    pub(super) digit: Option<u8>,
    /// Bytes of the immediate behind.
    pub(super) imm_bytes: u8,
    /// Register operands are low bytes: from `rsp` to `rdi` that takes a prefix.
    pub(super) low_byte: bool,
    /// 64 bits without being asked.
    pub(super) always_wide: bool,
}

const fn row(opcode: &'static [u8]) -> Op {
    Op {
        prefix: None,
        opcode,
        digit: None,
        imm_bytes: 0,
        low_byte: false,
        always_wide: false,
    }
}

impl Op {
    const fn digit(mut self, digit: u8) -> Op {
        self.digit = Some(digit);
        self
    }

    const fn imm(mut self, bytes: u8) -> Op {
        self.imm_bytes = bytes;
        self
    }

    const fn prefix(mut self, prefix: u8) -> Op {
        self.prefix = Some(prefix);
        self
    }

    const fn low_byte(mut self) -> Op {
        self.low_byte = true;
        self
    }

    const fn always_wide(mut self) -> Op {
        self.always_wide = true;
        self
    }
}

/// Operand size 16.
const P16: u8 = 0x66;
/// Atomic.
const LOCK: u8 = 0xf0;

/// The rows by name. `_TO` ends those that work on `rm` with a register, `_I8` and `_I32` those that
/// work on `rm` with an immediate; in the others the register is the result, or `rm` is all there is.
#[rustfmt::skip]
pub(crate) mod op {
    use super::{LOCK, Op, P16, row};

    pub(crate) const ADD_TO: Op = row(&[0x01]);
    pub(crate) const OR_TO: Op = row(&[0x09]);
    pub(crate) const AND_TO: Op = row(&[0x21]);
    pub(crate) const SUB_TO: Op = row(&[0x29]);
    pub(crate) const XOR_TO: Op = row(&[0x31]);
    pub(crate) const CMP_TO: Op = row(&[0x39]);
    pub(crate) const TEST_TO: Op = row(&[0x85]);
    pub(crate) const MOV_TO: Op = row(&[0x89]);

    pub(crate) const ADD_I8: Op = row(&[0x83]).digit(0).imm(1);
    pub(crate) const OR_I8: Op = row(&[0x83]).digit(1).imm(1);
    pub(crate) const AND_I8: Op = row(&[0x83]).digit(4).imm(1);
    pub(crate) const SUB_I8: Op = row(&[0x83]).digit(5).imm(1);
    pub(crate) const XOR_I8: Op = row(&[0x83]).digit(6).imm(1);
    pub(crate) const CMP_I8: Op = row(&[0x83]).digit(7).imm(1);
    pub(crate) const ADD_I32: Op = row(&[0x81]).digit(0).imm(4);
    pub(crate) const OR_I32: Op = row(&[0x81]).digit(1).imm(4);
    pub(crate) const AND_I32: Op = row(&[0x81]).digit(4).imm(4);
    pub(crate) const SUB_I32: Op = row(&[0x81]).digit(5).imm(4);
    pub(crate) const XOR_I32: Op = row(&[0x81]).digit(6).imm(4);
    pub(crate) const CMP_I32: Op = row(&[0x81]).digit(7).imm(4);
    pub(crate) const TEST_I32: Op = row(&[0xf7]).digit(0).imm(4);
    pub(crate) const MOV_I32: Op = row(&[0xc7]).digit(0).imm(4);

    pub(crate) const IMUL: Op = row(&[0x0f, 0xaf]);
    pub(crate) const IMUL_I8: Op = row(&[0x6b]).imm(1);
    pub(crate) const IMUL_I32: Op = row(&[0x69]).imm(4);
    pub(crate) const LEA: Op = row(&[0x8d]).always_wide();
    pub(crate) const NEG: Op = row(&[0xf7]).digit(3);
    pub(crate) const DIV: Op = row(&[0xf7]).digit(6);
    pub(crate) const IDIV: Op = row(&[0xf7]).digit(7);

    pub(crate) const SHL: Op = row(&[0xd3]).digit(4);
    pub(crate) const SHR: Op = row(&[0xd3]).digit(5);
    pub(crate) const SAR: Op = row(&[0xd3]).digit(7);
    pub(crate) const SHL_I8: Op = row(&[0xc1]).digit(4).imm(1);
    pub(crate) const SHR_I8: Op = row(&[0xc1]).digit(5).imm(1);
    pub(crate) const SAR_I8: Op = row(&[0xc1]).digit(7).imm(1);
    pub(crate) const ROL16_I8: Op = row(&[0xc1]).digit(0).imm(1).prefix(P16);

    pub(crate) const LOAD8: Op = row(&[0x0f, 0xb6]).low_byte();
    pub(crate) const LOAD16: Op = row(&[0x0f, 0xb7]);
    pub(crate) const LOAD: Op = row(&[0x8b]);
    pub(crate) const LOAD_SX8: Op = row(&[0x0f, 0xbe]).low_byte();
    pub(crate) const LOAD_SX16: Op = row(&[0x0f, 0xbf]);
    pub(crate) const LOAD_SX32: Op = row(&[0x63]).always_wide();
    pub(crate) const STORE8: Op = row(&[0x88]).low_byte();
    pub(crate) const STORE16: Op = row(&[0x89]).prefix(P16);
    pub(crate) const STORE8_I8: Op = row(&[0xc6]).digit(0).imm(1);
    pub(crate) const STORE16_I16: Op = row(&[0xc7]).digit(0).imm(2).prefix(P16);

    pub(crate) const LOCK_ADD: Op = row(&[0x01]).prefix(LOCK);
    pub(crate) const LOCK_OR: Op = row(&[0x09]).prefix(LOCK);
    pub(crate) const LOCK_AND: Op = row(&[0x21]).prefix(LOCK);
    pub(crate) const LOCK_XOR: Op = row(&[0x31]).prefix(LOCK);
    pub(crate) const LOCK_XADD: Op = row(&[0x0f, 0xc1]).prefix(LOCK);
    pub(crate) const LOCK_CMPXCHG: Op = row(&[0x0f, 0xb1]).prefix(LOCK);
    /// Locks without being told to.
    pub(crate) const XCHG: Op = row(&[0x87]);

    pub(crate) const CALL_AT: Op = row(&[0xff]).digit(2);
    pub(crate) const JMP_AT: Op = row(&[0xff]).digit(4);
}

/// Conditions, by their number in encodings.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Condition {
    Below = 2,
    AboveOrEqual = 3,
    Equal = 4,
    NotEqual = 5,
    BelowOrEqual = 6,
    Above = 7,
    Less = 12,
    GreaterOrEqual = 13,
    LessOrEqual = 14,
    Greater = 15,
}
