//! General-purpose registers.

/// A register, by its number in encodings.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gpr(u8);

impl Gpr {
    /// As the destination, base or operand of sums with immediates and of loads and stores: the stack
    /// pointer.
    pub(crate) const SP: Gpr = Gpr(31);
    /// Everywhere else: reads as zero, and what is written is lost.
    pub(crate) const ZERO: Gpr = Gpr(31);
    /// Where calls leave the address to return to.
    pub(crate) const LINK: Gpr = Gpr(30);

    /// The register with a number below 31.
    pub(crate) const fn x(number: u8) -> Gpr {
        assert!(number < 31, "the last number has names of its own");
        Gpr(number)
    }

    /// Its number, in a field that begins at a bit.
    pub(super) const fn at(self, bit: u32) -> u32 {
        (self.0 as u32) << bit
    }
}
