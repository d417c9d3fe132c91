//! What stands between tier 2's functions, which are called as functions of the machine's ABI are, and
//! everything else, which calls as tier 1 does: the machine and the frame pointer in registers of their own.

mod arm64;
mod x64;

use cranelift_codegen::binemit::Reloc;

use crate::tier1::{Isa, Surroundings};

/// Machine code that is the same for all programs.
pub(super) struct Stubs {
    pub(super) front: Vec<u8>,
    /// The way into the program from outside if it may be ended from inside.
    pub(super) first: usize,
    /// The end of the jump there that leads to the program's first function, behind them.
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
    /// Does nothing, as often as one likes.
    pub(super) padding: &'static [u8],
}

/// Everything may be asked for: which programs stand behind it is not known.
const ALL: Surroundings = Surroundings {
    unwinds: true,
    machine: true,
    frame: true,
};

pub(super) fn stubs(isa: Isa, needs_frame: bool) -> Stubs {
    match isa {
        Isa::X64 => x64::stubs(needs_frame),
        Isa::Arm64 => arm64::stubs(needs_frame),
    }
}

/// Has the jump or call that ends at a place go somewhere.
pub(super) fn lead(isa: Isa, code: &mut [u8], end: usize, to: usize) {
    let word = &mut code[end - 4..end];
    let word: &mut [u8; 4] = word.try_into().expect("four bytes");
    let distance = to as i64 - end as i64;
    let distance = i32::try_from(distance).expect("programs are small");
    match isa {
        Isa::X64 => *word = distance.to_le_bytes(),
        Isa::Arm64 => {
            // In words, from the beginning of the instruction.
            let words = (distance + 4) >> 2;
            let field = words as u32 & ((1 << 26) - 1);
            let opcode = u32::from_le_bytes(*word) & !((1 << 26) - 1);
            *word = (opcode | field).to_le_bytes();
        }
    }
}

/// How Cranelift names what [`lead`] is to fill, and where from its offset the instruction ends.
pub(super) fn call(isa: Isa) -> (Reloc, usize) {
    match isa {
        Isa::X64 => (Reloc::X86CallPCRel4, 4),
        Isa::Arm64 => (Reloc::Arm64Call, 4),
    }
}
