//! Which register of the machine each register of a program is.

use osmia_isa::Reg;

use crate::arm64::Gpr;

/// What functions return.
pub(super) const RESULT: Gpr = Gpr::x(0);
/// The last argument of the machine's functions: what code was entered with.
pub(super) const RUNNING: Gpr = Gpr::x(5);
/// `r0`.
pub(super) const R0: Gpr = Gpr::x(7);
/// The program's frame pointer.
pub(crate) const FRAME: Gpr = Gpr::x(25);
/// The machine, during a run.
pub(crate) const RUN: Gpr = Gpr::x(26);

/// Free within a line: for one operand.
pub(super) const SCRATCH: Gpr = Gpr::x(9);
/// Likewise, for another one.
pub(super) const SCRATCH2: Gpr = Gpr::x(10);
/// Likewise, for numbers that instructions cannot hold and addresses that accesses cannot.
pub(super) const REACH: Gpr = Gpr::x(11);
/// Likewise, for whether an atomic came through.
pub(super) const STATUS: Gpr = Gpr::x(12);

/// The register of a program's register.
pub(super) const fn gpr(reg: Reg) -> Gpr {
    match reg.number() {
        0 => R0,
        number @ 1..=5 => Gpr::x(number - 1),
        number @ 6..=9 => Gpr::x(number + 13),
        _ => FRAME,
    }
}
