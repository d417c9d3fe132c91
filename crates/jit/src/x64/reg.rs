//! General-purpose registers.

/// A register, by its number in encodings.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
#[rustfmt::skip]
pub(crate) enum Gpr {
    Rax, Rcx, Rdx, Rbx, Rsp, Rbp, Rsi, Rdi,
    R8, R9, R10, R11, R12, R13, R14, R15,
}

impl Gpr {
    /// The low three bits of its number: what ModRM has room for.
    pub(super) const fn low(self) -> u8 {
        self as u8 & 7
    }

    /// The fourth bit, which goes into a prefix.
    pub(super) const fn high(self) -> bool {
        self as u8 >= 8
    }
}
