//! What stands between tier 2's functions, which are called as functions of the machine's ABI are, and
//! everything else, which calls as tier 1 does: the machine in `r12`, the frame pointer in `rbp`.

use osmia_vm::layout;

use crate::asm::Assembly as _;
use crate::tier1::{self, Ways as _};
use crate::x64::{Assembler, Gpr, Place, op};

/// Machine code that is the same for all programs.
pub(super) struct Stubs {
    pub(super) front: Vec<u8>,
    /// The way into the program from outside if it may be ended from inside.
    pub(super) first: usize,
    /// The last byte of the jump there that leads to the program's first function, behind them.
    pub(super) to_entry: usize,
    /// The entry from outside.
    pub(super) enter: usize,
    /// Returns what a tail call came to that is through.
    pub(super) returned: usize,
    /// Ends the run. Takes the machine.
    pub(super) end: usize,
    /// Calls what tier 1 could have called. Takes the context, where to, the frame pointer, the machine.
    pub(super) leave: usize,
    /// Leads into the program's first function, which stands behind it.
    pub(super) into_entry: Vec<u8>,
}

impl Stubs {
    /// Does nothing.
    pub(super) const PADDING: u8 = 0x90;
}

pub(super) fn stubs(needs_frame: bool) -> Stubs {
    let mut asm = Assembler::default();
    let unwind = asm.label();
    let entry = asm.label();
    let surroundings = tier1::Surroundings {
        unwinds: true,
        machine: true,
        frame: true,
    };
    let first = asm.first(surroundings, entry, unwind);
    asm.bind(entry);
    asm.jump_on();
    let to_entry = asm.here();
    let enter = asm.enter(unwind);
    let (end, leave) = (asm.label(), asm.label());
    asm.bind(end);
    asm.emit(op::MOV_TO, true, Gpr::Rdi, tier1::RUN);
    asm.jump(unwind);
    asm.bind(leave);
    asm.push(Gpr::Rbp);
    asm.push(tier1::RUN);
    asm.emit_with(op::SUB_I8, true, Gpr::Rsp, 8);
    asm.emit(op::MOV_TO, true, Gpr::Rdx, Gpr::Rbp);
    asm.emit(op::MOV_TO, true, Gpr::Rcx, tier1::RUN);
    asm.emit_one(op::CALL_AT, false, Gpr::Rsi);
    asm.emit_with(op::ADD_I8, true, Gpr::Rsp, 8);
    asm.pop(tier1::RUN);
    asm.pop(Gpr::Rbp);
    asm.ret();
    let returned = asm.returned();
    let (front, places) = asm.finish(&[enter, end, leave, returned, first]);
    Stubs {
        front,
        first: places[4],
        to_entry,
        enter: places[0],
        end: places[1],
        leave: places[2],
        returned: places[3],
        into_entry: into_entry(needs_frame),
    }
}

/// Arguments are where they belong already; the sixth is the machine.
fn into_entry(needs_frame: bool) -> Vec<u8> {
    let mut asm = Assembler::default();
    if needs_frame {
        let kept = Place::Mem(tier1::RUN, layout::FRAME_POINTER);
        asm.emit(op::MOV_TO, true, Gpr::Rbp, kept);
    }
    asm.emit(op::MOV_TO, true, tier1::RUN, Gpr::R9);
    asm.finish(&[]).0
}
