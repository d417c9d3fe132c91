//! What operations become on x86-64.
//!
//! Functions are called with what the machine keeps of the run in `r12`, the program's frame pointer in `rbp` and its
//! arguments in the registers that they have in calls of the machine's ABI, which is why helpers
//! are called without moving any.

mod alu;
mod call;
mod control;
mod far;
mod frame;
mod loops;
mod memory;
mod regs;
mod ways;

use osmia_isa::Width;

use crate::x64::Assembler;
#[cfg(feature = "tier2")]
pub(crate) use regs::RUN;

type Compiler<'a> = super::walk::Compiler<'a, Assembler>;

fn is_wide(width: Width) -> bool {
    width == Width::W64
}
