//! What code is made for.

use crate::{arm64, x64};

/// A kind of machine that code is made for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Isa {
    /// x86-64
    X64,
    /// arm64, little-endian
    Arm64,
}

impl Isa {
    /// All of them, with their names.
    pub const ALL: [(&str, Isa); 2] = [("x86-64", Isa::X64), ("arm64", Isa::Arm64)];

    /// That of this machine, if code is made for it.
    pub const HERE: Option<Isa> = if cfg!(target_arch = "x86_64") {
        Some(Isa::X64)
    } else if cfg!(all(target_arch = "aarch64", target_endian = "little")) {
        Some(Isa::Arm64)
    } else {
        None
    };
}

/// What a processor can that not all of its kind can.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Processor {
    X64(x64::Features),
    Arm64(arm64::Features),
}

impl Processor {
    /// The one that this runs on, if code is made for it.
    pub(crate) fn here() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        return Some(Self::X64(x64::Features::here()));
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        return Some(Self::Arm64(arm64::Features::here()));
        #[allow(unreachable_code, reason = "where there is no code for the machine")]
        None
    }

    /// Its kind.
    pub(crate) fn isa(self) -> Isa {
        match self {
            Self::X64(_) => Isa::X64,
            Self::Arm64(_) => Isa::Arm64,
        }
    }

    /// One that can everything, for listings that are the same everywhere.
    pub(crate) fn newest(isa: Isa) -> Self {
        match isa {
            Isa::X64 => Self::X64(x64::Features::ALL),
            Isa::Arm64 => Self::Arm64(arm64::Features::ALL),
        }
    }
}
