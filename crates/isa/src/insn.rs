//! One decoded instruction.
//!
//! Every value of [`Insn`] that has an opcode ([`Insn::opcode`]) can be encoded, and decodes to
//! itself. The few that have none are noted at the fields (an 8-byte sign-extending load, say).

/// A register: `r0` to `r10`.
#[derive(Copy, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reg(u8);

impl Reg {
    /// Return value.
    pub const R0: Reg = Reg(0);
    /// First argument, the context at entry.
    pub const R1: Reg = Reg(1);
    /// The read-only frame pointer.
    pub const R10: Reg = Reg(10);

    /// `None` above 10.
    pub const fn new(number: u8) -> Option<Reg> {
        if number <= 10 {
            Some(Reg(number))
        } else {
            None
        }
    }

    /// 0 to 10.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// 0 to 10, to index a register file with.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl std::fmt::Display for Reg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "r{}", self.0)
    }
}

impl std::fmt::Debug for Reg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "r{}", self.0)
    }
}

/// 32-bit (`w` registers, upper half zeroed) or 64-bit.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    /// `w0 += w1`
    W32,
    /// `r0 += r1`
    W64,
}

/// Size of a memory access.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Size {
    /// 1 byte, `u8`
    B,
    /// 2 bytes, `u16`
    H,
    /// 4 bytes, `u32`
    W,
    /// 8 bytes, `u64`
    DW,
}

impl Size {
    /// 1, 2, 4 or 8.
    pub const fn bytes(self) -> u64 {
        match self {
            Size::B => 1,
            Size::H => 2,
            Size::W => 4,
            Size::DW => 8,
        }
    }
}

/// Second operand of an ALU or jump instruction.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// A register.
    Reg(Reg),
    /// A sign-extended immediate.
    Imm(i32),
}

/// Two-operand arithmetic.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum AluOp {
    /// `+=`
    Add,
    /// `-=`
    Sub,
    /// `*=`
    Mul,
    /// `/=` unsigned; by zero gives 0
    Div,
    /// `s/=` signed (offset 1)
    Sdiv,
    /// `%=` unsigned; by zero leaves dst
    Mod,
    /// `s%=` signed (offset 1)
    Smod,
    /// `|=`
    Or,
    /// `&=`
    And,
    /// `^=`
    Xor,
    /// `<<=`
    Lsh,
    /// `>>=`
    Rsh,
    /// `s>>=`
    Arsh,
    /// `=`
    Mov,
}

/// Byte order conversions of the low bits of a register.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum EndOp {
    /// `r1 = le16 r1`
    ToLe,
    /// `r1 = be16 r1`
    ToBe,
    /// `r1 = bswap16 r1`, unconditional (ISA v4)
    Swap,
}

/// Conditions of conditional jumps.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cond {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `>` unsigned
    Gt,
    /// `>=` unsigned
    Ge,
    /// `<` unsigned
    Lt,
    /// `<=` unsigned
    Le,
    /// `&` any common bit
    Set,
    /// `s>`
    Sgt,
    /// `s>=`
    Sge,
    /// `s<`
    Slt,
    /// `s<=`
    Sle,
}

/// Atomic read-modify-write operations.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum AtomicOp {
    /// `lock *(u64 *)(r1 + 0) += r2`, or `r2 = atomic64_fetch_add(…)`
    Add {
        /// The old value comes back in src.
        fetch: bool,
    },
    /// or
    Or {
        /// The old value comes back in src.
        fetch: bool,
    },
    /// and
    And {
        /// The old value comes back in src.
        fetch: bool,
    },
    /// xor
    Xor {
        /// The old value comes back in src.
        fetch: bool,
    },
    /// exchange with src
    Xchg,
    /// compare with r0, store src, old value in r0
    Cmpxchg,
}

/// What the 64-bit immediate of `ld_imm64` means: the source register field of its first slot.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Imm64 {
    /// A plain number (0).
    Value(u64),
    /// A map by file descriptor (1, `BPF_PSEUDO_MAP_FD`).
    MapFd(i32),
    /// An address inside the only value of a map, map by descriptor (2).
    MapValue {
        /// Descriptor.
        fd: i32,
        /// Offset inside the value.
        off: u32,
    },
    /// A kernel variable by BTF id (3), of vmlinux or of the module whose BTF `fd` is.
    BtfId {
        /// Type id of a VAR (or FUNC).
        id: i32,
        /// Module BTF descriptor, 0 for vmlinux.
        fd: i32,
    },
    /// The address of a function of this program (4), relative to the next instruction as in calls.
    Func(i32),
    /// A map by position in the load's map list (5, `BPF_PSEUDO_MAP_IDX`).
    MapIdx(i32),
    /// An address inside the only value of a map, map by position (6).
    MapIdxValue {
        /// Position.
        idx: i32,
        /// Offset inside the value.
        off: u32,
    },
}

/// What `call` calls: its source register field.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Callee {
    /// A helper by number (0).
    Helper(i32),
    /// A function of this program (1), relative to the next instruction.
    Local(i32),
    /// A kernel function by BTF id (2), of vmlinux or a module given by position in the fd list.
    Kfunc {
        /// BTF id of the FUNC.
        id: i32,
        /// 0 for vmlinux, else position in the descriptor list.
        module: i16,
    },
}

/// One decoded instruction. Jump offsets count slots from the next instruction.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Insn {
    /// `r1 += r2`, `w1 = 5`
    Alu {
        /// Operation.
        op: AluOp,
        /// Width.
        width: Width,
        /// Destination and first operand.
        dst: Reg,
        /// Second operand.
        src: Operand,
    },
    /// `r1 = -r1`
    Neg {
        /// Width.
        width: Width,
        /// Operand and destination.
        dst: Reg,
    },
    /// `r1 = (s8)r2`: sign-extending move; `from` is B, H, or (64-bit only) W.
    MovSx {
        /// Width.
        width: Width,
        /// Destination.
        dst: Reg,
        /// Source.
        src: Reg,
        /// How many low bits are extended.
        from: Size,
    },
    /// `r1 = be16 r1`; `size` is H, W or DW.
    End {
        /// Kind of conversion.
        op: EndOp,
        /// Operand and destination.
        dst: Reg,
        /// How many bytes count.
        size: Size,
    },
    /// `r1 = 0x… ll`: two slots.
    LoadImm64 {
        /// Destination.
        dst: Reg,
        /// What the immediate means.
        value: Imm64,
    },
    /// `r0 = *(u32 *)(r1 + 4)`; `sign_extend` gives `*(s32 *)`, sizes B, H, W only.
    Load {
        /// Size.
        size: Size,
        /// Sign instead of zero extension.
        sign_extend: bool,
        /// Destination.
        dst: Reg,
        /// Base address.
        base: Reg,
        /// Offset in bytes.
        off: i16,
    },
    /// `*(u32 *)(r1 + 4) = r2` or `= 5`
    Store {
        /// Size.
        size: Size,
        /// Base address.
        base: Reg,
        /// Offset in bytes.
        off: i16,
        /// What is stored.
        src: Operand,
    },
    /// `lock *(u64 *)(r1 + 0) += r2` and relatives; `size` is W or DW.
    Atomic {
        /// Operation.
        op: AtomicOp,
        /// Size.
        size: Size,
        /// Base address.
        base: Reg,
        /// Offset in bytes.
        off: i16,
        /// Operand, and destination of a fetch.
        src: Reg,
    },
    /// `r0 = load_acquire((u64 *)(r1 + 0))`
    LoadAcquire {
        /// Size.
        size: Size,
        /// Destination.
        dst: Reg,
        /// Base address.
        base: Reg,
        /// Offset in bytes.
        off: i16,
    },
    /// `store_release((u64 *)(r1 + 0), r2)`
    StoreRelease {
        /// Size.
        size: Size,
        /// Base address.
        base: Reg,
        /// Offset in bytes.
        off: i16,
        /// What is stored.
        src: Reg,
    },
    /// `r0 = *(u32 *)skb[12]` or `skb[r1 + 12]`: legacy packet load, B, H or W, network order.
    LoadPacket {
        /// Size.
        size: Size,
        /// Added to the offset (`LD_IND`), if any.
        index: Option<Reg>,
        /// Offset in the packet.
        off: i32,
    },
    /// `goto +3`; `long` is the 32-bit form `gotol`.
    Jump {
        /// Distance, which fits 16 bits unless `long`.
        off: i32,
        /// Encoded in the immediate instead of the offset.
        long: bool,
    },
    /// `if w1 s> 7 goto +3`
    JumpIf {
        /// Condition.
        cond: Cond,
        /// Width compared.
        width: Width,
        /// First operand.
        dst: Reg,
        /// Second operand.
        src: Operand,
        /// Distance.
        off: i16,
    },
    /// `may_goto +3`: jumps once the loop budget is used up.
    MayGoto {
        /// Distance.
        off: i16,
    },
    /// `call …`
    Call(Callee),
    /// `callx r1`: call through a register (clang emits it, Linux refuses it).
    CallReg(Reg),
    /// `exit`
    Exit,
    /// `r1 = addr_space_cast(r2, 0, 1)`
    AddrSpaceCast {
        /// Destination.
        dst: Reg,
        /// Source.
        src: Reg,
        /// Destination and source address space, the immediate's halves: `to << 16 | from`.
        to: u16,
        /// See `to`.
        from: u16,
    },
}

impl Insn {
    /// Slots it takes: 2 for `ld_imm64`, else 1.
    pub const fn slots(&self) -> usize {
        if matches!(self, Insn::LoadImm64 { .. }) {
            2
        } else {
            1
        }
    }
}
