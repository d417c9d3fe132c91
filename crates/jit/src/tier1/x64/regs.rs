//! Which register of the machine each register of a program is.

use osmia_isa::Reg;

use crate::x64::{Gpr, Place};

/// The machine, during a run.
pub(crate) const RUN: Gpr = Gpr::R12;
/// Free within a line.
pub(super) const SCRATCH: Gpr = Gpr::R11;
/// Likewise.
pub(super) const SCRATCH2: Gpr = Gpr::R10;

/// The register of a program's register.
pub(super) const fn gpr(reg: Reg) -> Gpr {
    match reg.number() {
        0 => Gpr::Rax,
        1 => Gpr::Rdi,
        2 => Gpr::Rsi,
        3 => Gpr::Rdx,
        4 => Gpr::Rcx,
        5 => Gpr::R8,
        6 => Gpr::Rbx,
        7 => Gpr::R13,
        8 => Gpr::R14,
        9 => Gpr::R15,
        _ => Gpr::Rbp,
    }
}

/// How often the function may pass jumps that count.
pub(super) const COUNTER: Place = Place::Mem(Gpr::Rsp, 0);
