//! The form programs run in: one operation an instruction, specialised on width and operand.
//!
//! Everything that can be known before running is resolved: jumps are positions of operations,
//! immediates are extended, maps and functions are addresses, helpers are numbers in the code's list.

use osmia_isa::Reg;

/// A register. An enumeration, so that indexing eleven registers needs no check.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum R {
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
}

impl From<Reg> for R {
    fn from(reg: Reg) -> Self {
        const ALL: [R; 11] = [
            R::R0,
            R::R1,
            R::R2,
            R::R3,
            R::R4,
            R::R5,
            R::R6,
            R::R7,
            R::R8,
            R::R9,
            R::R10,
        ];
        ALL[reg.index()]
    }
}

/// One operation: sixteen bytes.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Op {
    /// Immediate, sign-extended; or what the code says below.
    pub(crate) imm: u64,
    /// Offset of an access, position of a jump's target.
    pub(crate) arg: i32,
    pub(crate) code: OpCode,
    pub(crate) dst: R,
    pub(crate) src: R,
}

/// What an operation does. `R` takes a register, `I` the immediate.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
#[rustfmt::skip]
pub(crate) enum OpCode {
    AddR64, AddI64, AddR32, AddI32,
    SubR64, SubI64, SubR32, SubI32,
    MulR64, MulI64, MulR32, MulI32,
    DivR64, DivI64, DivR32, DivI32,
    SdivR64, SdivI64, SdivR32, SdivI32,
    ModR64, ModI64, ModR32, ModI32,
    SmodR64, SmodI64, SmodR32, SmodI32,
    OrR64, OrI64, OrR32, OrI32,
    AndR64, AndI64, AndR32, AndI32,
    XorR64, XorI64, XorR32, XorI32,
    LshR64, LshI64, LshR32, LshI32,
    RshR64, RshI64, RshR32, RshI32,
    ArshR64, ArshI64, ArshR32, ArshI32,
    MovR64, MovI64, MovR32, MovI32,
    Neg64, Neg32,
    MovSx64B, MovSx64H, MovSx64W, MovSx32B, MovSx32H,
    Swap16, Swap32, Swap64, Cut16, Cut32, Nothing,
    /// To a pointer of the process into the arena.
    CastUser,
    /// `imm` is the value.
    LoadImm,
    LoadB, LoadH, LoadW, LoadDW, LoadSxB, LoadSxH, LoadSxW,
    StoreB, StoreH, StoreW, StoreDW, StoreImmB, StoreImmH, StoreImmW, StoreImmDW,
    /// `imm` is an [`Rmw`].
    Atomic32, Atomic64,
    /// `imm` is the size in bytes.
    LoadAcquire, StoreRelease,
    /// `imm` is the size in bytes, `arg` the offset.
    LoadPacketAbs, LoadPacketInd,
    Jump,
    JEqR64, JEqI64, JEqR32, JEqI32,
    JNeR64, JNeI64, JNeR32, JNeI32,
    JGtR64, JGtI64, JGtR32, JGtI32,
    JGeR64, JGeI64, JGeR32, JGeI32,
    JLtR64, JLtI64, JLtR32, JLtI32,
    JLeR64, JLeI64, JLeR32, JLeI32,
    JSetR64, JSetI64, JSetR32, JSetI32,
    JSgtR64, JSgtI64, JSgtR32, JSgtI32,
    JSgeR64, JSgeI64, JSgeR32, JSgeI32,
    JSltR64, JSltI64, JSltR32, JSltI32,
    JSleR64, JSleI64, JSleR32, JSleI32,
    MayGoto,
    /// `imm` is the position in the code's list of helpers.
    CallHelper,
    /// `src` holds the number of an own helper.
    CallOwn,
    CallHost,
    TailCall,
    CallLocal, Exit,
    /// `imm` is the position in the code's list of reasons.
    Unusable,
}

/// Read-modify-write operations, as numbers in an immediate.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Rmw {
    Add,
    Or,
    And,
    Xor,
    FetchAdd,
    FetchOr,
    FetchAnd,
    FetchXor,
    Xchg,
    Cmpxchg,
}

impl Rmw {
    pub(crate) const ALL: [Rmw; 10] = [
        Rmw::Add,
        Rmw::Or,
        Rmw::And,
        Rmw::Xor,
        Rmw::FetchAdd,
        Rmw::FetchOr,
        Rmw::FetchAnd,
        Rmw::FetchXor,
        Rmw::Xchg,
        Rmw::Cmpxchg,
    ];
}

use osmia_isa::{AluOp, Cond, Width};

/// The four forms of a two-operand operation: 64-bit register and immediate, then 32-bit.
const fn form(forms: [OpCode; 4], width: Width, immediate: bool) -> OpCode {
    forms[matches!(width, Width::W32) as usize * 2 + immediate as usize]
}

#[rustfmt::skip]
pub(crate) const fn alu(op: AluOp, width: Width, immediate: bool) -> OpCode {
    use OpCode::*;
    let forms = match op {
        AluOp::Add => [AddR64, AddI64, AddR32, AddI32],
        AluOp::Sub => [SubR64, SubI64, SubR32, SubI32],
        AluOp::Mul => [MulR64, MulI64, MulR32, MulI32],
        AluOp::Div => [DivR64, DivI64, DivR32, DivI32],
        AluOp::Sdiv => [SdivR64, SdivI64, SdivR32, SdivI32],
        AluOp::Mod => [ModR64, ModI64, ModR32, ModI32],
        AluOp::Smod => [SmodR64, SmodI64, SmodR32, SmodI32],
        AluOp::Or => [OrR64, OrI64, OrR32, OrI32],
        AluOp::And => [AndR64, AndI64, AndR32, AndI32],
        AluOp::Xor => [XorR64, XorI64, XorR32, XorI32],
        AluOp::Lsh => [LshR64, LshI64, LshR32, LshI32],
        AluOp::Rsh => [RshR64, RshI64, RshR32, RshI32],
        AluOp::Arsh => [ArshR64, ArshI64, ArshR32, ArshI32],
        AluOp::Mov => [MovR64, MovI64, MovR32, MovI32],
    };
    form(forms, width, immediate)
}

#[rustfmt::skip]
pub(crate) const fn jump(cond: Cond, width: Width, immediate: bool) -> OpCode {
    use OpCode::*;
    let forms = match cond {
        Cond::Eq => [JEqR64, JEqI64, JEqR32, JEqI32],
        Cond::Ne => [JNeR64, JNeI64, JNeR32, JNeI32],
        Cond::Gt => [JGtR64, JGtI64, JGtR32, JGtI32],
        Cond::Ge => [JGeR64, JGeI64, JGeR32, JGeI32],
        Cond::Lt => [JLtR64, JLtI64, JLtR32, JLtI32],
        Cond::Le => [JLeR64, JLeI64, JLeR32, JLeI32],
        Cond::Set => [JSetR64, JSetI64, JSetR32, JSetI32],
        Cond::Sgt => [JSgtR64, JSgtI64, JSgtR32, JSgtI32],
        Cond::Sge => [JSgeR64, JSgeI64, JSgeR32, JSgeI32],
        Cond::Slt => [JSltR64, JSltI64, JSltR32, JSltI32],
        Cond::Sle => [JSleR64, JSleI64, JSleR32, JSleI32],
    };
    form(forms, width, immediate)
}
