//! x86-64: the machine in `r12`, the frame pointer in `rbp`.

use osmia_vm::layout;

use super::{ALL, Stubs};
use crate::asm::Assembly as _;
use crate::tier1::Ways as _;
use crate::tier1::x64::RUN;
use crate::x64::{Assembler, Gpr, Place, op};

pub(in super::super) fn stubs(needs_frame: bool) -> Stubs {
    let mut asm = Assembler::default();
    let unwind = asm.label();
    let entry = asm.label();
    let first = asm.first(ALL, entry, unwind);
    asm.bind(entry);
    asm.jump_on();
    let to_entry = asm.here();
    let enter = asm.enter(unwind);
    let (end, leave) = (asm.label(), asm.label());
    asm.bind(end);
    asm.emit(op::MOV_TO, true, Gpr::Rdi, RUN);
    asm.jump(unwind);
    asm.bind(leave);
    asm.push(Gpr::Rbp);
    asm.push(RUN);
    asm.emit_with(op::SUB_I8, true, Gpr::Rsp, 8);
    asm.emit(op::MOV_TO, true, Gpr::Rdx, Gpr::Rbp);
    asm.emit(op::MOV_TO, true, Gpr::Rcx, RUN);
    asm.emit_one(op::CALL_AT, false, Gpr::Rsi);
    asm.emit_with(op::ADD_I8, true, Gpr::Rsp, 8);
    asm.pop(RUN);
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
        padding: &[0x90],
    }
}

/// Arguments are where they belong already; the sixth is the machine.
fn into_entry(needs_frame: bool) -> Vec<u8> {
    let mut asm = Assembler::default();
    if needs_frame {
        let kept = Place::Mem(RUN, layout::FRAME_POINTER);
        asm.emit(op::MOV_TO, true, Gpr::Rbp, kept);
    }
    asm.emit(op::MOV_TO, true, RUN, Gpr::R9);
    asm.finish(&[]).0
}
