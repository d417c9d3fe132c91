//! Helpers instead of Linux's, for machines that have no kernel behind them, and the choice between them.
//! Programs that call these cannot be verified.

use crate::checked::Checked;
use crate::guest::{Call, Fault};
use crate::host_helper::HostHelper;

/// What an own helper does: looks at its arguments and the program's memory, and answers.
pub type OwnFn = fn(&mut Call<'_, Checked>) -> Result<u64, Fault>;

/// A helper that is none of Linux's.
#[derive(Copy, Clone)]
pub struct OwnHelper {
    /// What programs call it by.
    pub number: u32,
    /// What people call it.
    pub name: &'static str,
    /// What it does.
    pub function: OwnFn,
}

impl std::fmt::Debug for OwnHelper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OwnHelper({} {})", self.number, self.name)
    }
}

/// What the numbers in call instructions mean.
#[derive(Copy, Clone, Debug)]
pub enum Helpers<'a> {
    /// Linux's helpers and these. Calls through registers are not possible, as there.
    Linux(&'a [HostHelper]),
    /// These and no others, also by the number in a register (`callx`).
    Own(&'a [OwnHelper]),
}
