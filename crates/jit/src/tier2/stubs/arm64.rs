//! arm64: the machine in `x26`, the frame pointer in `x25`.

use osmia_vm::layout;

use super::{ALL, Stubs};
use crate::arm64::{Assembler, Gpr, Indexed, Place, op};
use crate::asm::Assembly as _;
use crate::tier1::Ways as _;
use crate::tier1::arm64::{FRAME, RUN};

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
    asm.copy(true, RUN, Gpr::x(0));
    asm.jump(unwind);
    asm.bind(leave);
    let (saved, link) = ((FRAME, RUN), (Gpr::LINK, Gpr::ZERO));
    asm.pair(op::STORE_PAIR, saved, Gpr::SP, -32, Indexed::Before);
    asm.pair(op::STORE_PAIR, link, Gpr::SP, 16, Indexed::No);
    asm.copy(true, FRAME, Gpr::x(2));
    asm.copy(true, RUN, Gpr::x(3));
    asm.to(op::CALL_TO, Gpr::x(1));
    asm.pair(op::LOAD_PAIR, link, Gpr::SP, 16, Indexed::No);
    asm.pair(op::LOAD_PAIR, saved, Gpr::SP, 32, Indexed::After);
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
        padding: &[0x1f, 0x20, 0x03, 0xd5],
    }
}

/// Arguments are where they belong already; the sixth is the machine.
fn into_entry(needs_frame: bool) -> Vec<u8> {
    let mut asm = Assembler::default();
    if needs_frame {
        let kept = Place::at(op::STORE64, RUN, layout::FRAME_POINTER);
        asm.access(op::STORE64, FRAME, kept.expect("it is near"));
    }
    asm.copy(true, Gpr::x(5), RUN);
    asm.finish(&[]).0
}
