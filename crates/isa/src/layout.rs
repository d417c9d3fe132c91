//! The structure of a whole program: what every later reader of it relies on.

use crate::{Callee, DecodeError, Imm64, Insn, Slot, decode};

/// Why slots do not have the structure of a program.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// There is nothing.
    #[error("the program is empty")]
    Empty,
    /// A slot is not an instruction.
    #[error("instruction {at}: {error}")]
    Decode {
        /// The slot.
        at: usize,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// A jump, call or function address leaves the program.
    #[error("instruction {at} goes to {target}, outside the program of {count} slots")]
    OutOfProgram {
        /// The slot.
        at: usize,
        /// Where it goes.
        target: i64,
        /// How many slots there are.
        count: usize,
    },
    /// A jump, call or function address points into the middle of a 64-bit immediate.
    #[error("instruction {at} goes to {target}, the second half of a 64-bit immediate")]
    IntoImmediate {
        /// The slot.
        at: usize,
        /// Where it goes.
        target: usize,
    },
    /// The last instruction lets execution run off the end.
    #[error(
        "execution runs off the end: instruction {at}, the last one, is neither exit nor a jump"
    )]
    RunsOffEnd {
        /// The slot.
        at: usize,
    },
}

impl LayoutError {
    /// The offending slot.
    pub fn at(&self) -> usize {
        match *self {
            LayoutError::Empty => 0,
            LayoutError::Decode { at, .. }
            | LayoutError::OutOfProgram { at, .. }
            | LayoutError::IntoImmediate { at, .. }
            | LayoutError::RunsOffEnd { at } => at,
        }
    }
}

/// Checks that every instruction decodes, that jumps, calls and function addresses land on an
/// instruction of the program, and that the last instruction is `exit` or an unconditional jump.
///
/// # Errors
/// The first violation in program order.
pub fn check_layout(slots: &[Slot]) -> Result<(), LayoutError> {
    if slots.is_empty() {
        return Err(LayoutError::Empty);
    }
    let mut starts = vec![false; slots.len()];
    // Jumps may go forward, so they are judged once it is known where instructions start.
    let mut transfers = Vec::new();
    let mut last = (0, Insn::Exit);
    let mut at = 0;
    while at < slots.len() {
        let insn = decode(slots, at).map_err(|error| LayoutError::Decode { at, error })?;
        starts[at] = true;
        transfers.extend(insn.target(at).map(|target| (at, target)));
        last = (at, insn);
        at += insn.slots();
    }
    let count = slots.len();
    for (at, target) in transfers {
        match usize::try_from(target)
            .ok()
            .filter(|&target| target < count)
        {
            None => return Err(LayoutError::OutOfProgram { at, target, count }),
            Some(target) if !starts[target] => {
                return Err(LayoutError::IntoImmediate { at, target });
            }
            Some(_) => {}
        }
    }
    match last {
        (_, Insn::Exit | Insn::Jump { .. }) => Ok(()),
        (at, _) => Err(LayoutError::RunsOffEnd { at }),
    }
}

impl Insn {
    /// The slot it jumps to, calls or takes the address of, when it stands at slot `at`.
    /// It may lie outside the program.
    pub fn target(&self, at: usize) -> Option<i64> {
        let distance = match *self {
            Insn::Jump { off, .. }
            | Insn::Call(Callee::Local(off))
            | Insn::LoadImm64 {
                value: Imm64::Func(off),
                ..
            } => i64::from(off),
            Insn::JumpIf { off, .. } | Insn::MayGoto { off } => i64::from(off),
            _ => return None,
        };
        // A function's address counts from the slot after the first one, as calls do.
        Some(at as i64 + 1 + distance)
    }
}
