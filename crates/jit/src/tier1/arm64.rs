//! What operations become on arm64.
//!
//! `r1` to `r5` are `x0` to `x4`, where the machine's ABI has arguments; `r0` is `x7` in functions and comes
//! back from them, and from helpers, in `x0`. What the machine keeps of the run is in `x26`, the program's
//! frame pointer in `x25`.

mod alu;
mod atomic;
mod call;
mod control;
mod far;
mod frame;
mod immediate;
mod loops;
mod memory;
mod regs;
mod ways;

use osmia_isa::Width;

use crate::arm64::Assembler;
#[cfg(feature = "tier2")]
pub(crate) use regs::{FRAME, RUN};

type Compiler<'a> = super::walk::Compiler<'a, Assembler>;

fn is_wide(width: Width) -> bool {
    width == Width::W64
}
