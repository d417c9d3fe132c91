//! From instructions to operations on what is really there: real addresses, known maps, fields of the
//! context where they lie.
//!
//! A [`Lowered`] program is a list of lines in the order of the program's slots; jumps name slots.
//! Each pass is a small function from lines to lines in a file beside this one, and what stands
//! between them can be printed. Nothing here knows machine code.

mod bytes;
mod callback;
mod context;
mod dead;
mod frozen;
mod jumps;
mod map_call;
mod place;
mod registers;
mod select;
mod show;
mod sum;
mod translate;

use std::sync::Arc;

use osmia_isa::{AluOp, AtomicOp, Cond, Operand, Reg, Size, Width};
use osmia_program::Program;
use osmia_program::limits::{CALL_FRAMES_MAX, STACK_BYTES};
use osmia_vm::map::Map;
use osmia_vm::map_call::MapOperation;

use crate::facts::Facts;
use crate::refused::Refused;

pub(crate) use callback::CALL_BACK;
pub(crate) use frozen::settled;
#[cfg(feature = "tier2")]
pub(crate) use jumps::opposite;
pub(crate) use place::Places;
pub(crate) use registers::Regs;
pub(crate) use show::Shown;

/// A program ready to become machine code.
#[derive(Clone, Debug)]
pub(crate) struct Lowered {
    pub(crate) program: Arc<Program>,
    pub(crate) maps: Vec<Arc<Map>>,
    /// Slots that functions begin at, in order; the first is the entry.
    pub(crate) functions: Vec<u32>,
    /// Those of them that were verified on their own: nobody counted how often they are called.
    pub(crate) apart: Vec<u32>,
    /// Kernel functions that are called.
    pub(crate) kfuncs: Vec<&'static str>,
    /// Bytes of the stack may be read that were never written: they are to be zero.
    reads_unset_stack: bool,
    /// In the order of their slots.
    pub(crate) lines: Vec<Line>,
    /// Where slots are among them.
    pub(crate) places: Places,
    /// Bytes touched of a context that is plain memory.
    pub(crate) context_bytes: usize,
}

/// An operation and the slot it comes from.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) slot: u32,
    pub(crate) op: Op,
}

/// What an address is made of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// A register.
    Reg(Reg),
    /// What the machine keeps of the packet.
    Packet(PacketField),
}

/// An address that the machine keeps of a run, since it is wider than its field in the context.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum PacketField {
    Start,
    End,
    Meta,
}

/// A value known when the program is loaded.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Constant {
    Number(u64),
    /// What stands for a map, by its position in the program's list.
    Map(u32),
    /// An address in the first value of a map.
    Value(u32, u32),
    /// What a function is known by, by its slot: calls that call back take one.
    Function(u32),
}

/// One operation. Registers are the program's; jumps name slots.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) enum Op {
    Alu {
        op: AluOp,
        width: Width,
        dst: Reg,
        src: Operand,
    },
    /// 64 bits.
    Sum {
        dst: Reg,
        src: Reg,
        imm: i32,
    },
    Neg {
        width: Width,
        dst: Reg,
    },
    /// Sign-extends the low bits of a register.
    MovSx {
        width: Width,
        dst: Reg,
        src: Reg,
        from: Size,
    },
    /// Turns the low bytes round, the others become zero.
    Swap {
        dst: Reg,
        size: Size,
    },
    /// Keeps the low bytes.
    Cut {
        dst: Reg,
        size: Size,
    },
    Constant {
        dst: Reg,
        value: Constant,
    },
    Load {
        size: Size,
        sign_extend: bool,
        dst: Reg,
        base: Base,
        off: i32,
    },
    Store {
        size: Size,
        base: Reg,
        off: i32,
        src: Operand,
    },
    Atomic {
        op: AtomicOp,
        size: Size,
        base: Reg,
        off: i32,
        src: Reg,
    },
    /// A load that the machine does: from an object of the heap, an arena, a pointer field of the context.
    /// Zero where nothing is.
    FarLoad {
        size: Size,
        sign_extend: bool,
        dst: Reg,
        base: Reg,
        off: i32,
    },
    /// A store that the machine does.
    FarStore {
        size: Size,
        base: Reg,
        off: i32,
        src: Operand,
    },
    /// An atomic that the machine does.
    FarAtomic {
        op: AtomicOp,
        size: Size,
        base: Reg,
        off: i32,
        src: Reg,
    },
    /// A load from the packet to `r0`, in network order; outside of it the function ends with zero.
    LoadPacket {
        size: Size,
        index: Option<Reg>,
        off: i32,
    },
    /// A pointer into the arena as the process has it.
    ToUser {
        dst: Reg,
        src: Reg,
    },
    Jump {
        to: u32,
    },
    Branch {
        cond: Cond,
        width: Width,
        dst: Reg,
        src: Operand,
        to: u32,
    },
    /// Copies to `dst` if a comparison does not hold.
    Unless {
        cond: Cond,
        width: Width,
        first: Reg,
        second: Operand,
        dst: Reg,
        /// What is copied, and at which width.
        copied: Width,
        src: Operand,
    },
    /// Jumps once it was passed too often.
    MayGoto {
        to: u32,
    },
    /// A helper of the machine, by number.
    CallHelper {
        helper: u32,
    },
    /// A helper that only looks at the environment ([`osmia_vm::Leaf`]).
    CallLeaf {
        helper: u32,
    },
    /// A kernel function, by its position in the list.
    CallKfunc {
        kfunc: u32,
    },
    /// The address in `r0` of the element of an array whose number `r2` points to; null if there is no
    /// such element.
    ArrayElement {
        map: u32,
    },
    /// An operation on a known map, which `r1` need not tell; it cannot end the program.
    CallMap {
        operation: MapOperation,
        map: u32,
    },
    CallFunction {
        to: u32,
    },
    /// Calls a function with 0, 1 and so on, as often as `r1` says, and with `r3`, until it returns
    /// another number than zero; `r0` is how often it did (`bpf_loop`).
    Loop {
        to: u32,
    },
    /// To the program in a slot, if there is one and there were not too many.
    TailCall,
    Exit,
    /// Verification showed that nothing comes here.
    Unreachable,
}

impl Lowered {
    /// Runs every pass.
    pub(crate) fn new(
        program: &Arc<Program>,
        maps: &[Arc<Map>],
        facts: &Facts,
    ) -> Result<Self, Refused> {
        let mut lowered = translate::translate(program, maps, facts)?;
        context::rewrite(&mut lowered, facts)?;
        map_call::resolve(&mut lowered, facts);
        callback::inline(&mut lowered);
        frozen::fold(&mut lowered);
        jumps::straighten(&mut lowered);
        select::convert(&mut lowered);
        bytes::combine(&mut lowered);
        sum::merge(&mut lowered);
        dead::remove(&mut lowered);
        Ok(lowered)
    }

    /// The same program with other maps, laid out alike.
    pub(crate) fn with_maps(&self, maps: Vec<Arc<Map>>) -> Self {
        Self {
            maps,
            ..self.clone()
        }
    }

    /// The function a slot belongs to, by its position.
    pub(crate) fn function_of(&self, slot: u32) -> usize {
        self.functions.partition_point(|start| *start <= slot) - 1
    }

    /// Bytes of the stack, from its top, that must be zero when a run begins, lest it finds what another
    /// left.
    pub(crate) fn cleared_bytes(&self) -> usize {
        match (self.reads_unset_stack, &self.functions[..]) {
            (false, _) => 0,
            (true, [_]) if !self.lines.iter().any(|line| line.op.reads(Reg::R10)) => 0,
            (true, [_]) => STACK_BYTES,
            (true, _) => CALL_FRAMES_MAX * STACK_BYTES,
        }
    }

    /// What a register is known to hold before a line, as far as those tell that lead to it alone.
    fn constant_before(&self, at: usize, reg: Reg) -> Option<Constant> {
        // Calls write what they take, so that lines are looked at for one call each.
        for (before, line) in self.lines[..at].iter().enumerate().rev() {
            if self.places.is_target(self.lines[before + 1].slot) {
                return None;
            }
            match line.op {
                Op::Constant { dst, value } if dst == reg => return Some(value),
                _ if line.op.writes(reg) => return None,
                _ => {}
            }
        }
        None
    }
}

impl Op {
    /// The slot it may go on at instead of behind itself, in the same function.
    pub(crate) fn jumps_to(&self) -> Option<u32> {
        match *self {
            Op::Jump { to } | Op::Branch { to, .. } | Op::MayGoto { to } => Some(to),
            _ => None,
        }
    }
}
