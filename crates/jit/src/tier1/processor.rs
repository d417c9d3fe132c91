//! What code is made for.

use crate::x64;

/// A kind of machine, and what its processor can that not all of them can.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Processor {
    X64(x64::Features),
}

impl Processor {
    /// The one that this runs on.
    pub(crate) fn here() -> Self {
        Self::X64(x64::Features::here())
    }

    /// One that can everything, for listings that are the same everywhere.
    #[cfg(test)]
    pub(crate) const NEWEST: Self = Self::X64(x64::Features::ALL);
}
