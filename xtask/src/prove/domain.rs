//! The verifier's domain, written once more for any word, so that z3 can read it. A test holds it
//! against the domain itself.
//!
//! Numbers of half the width are kept in whole words, as the domain keeps them.

mod bits;
mod compare;
mod range;
mod ranges;
mod scalar;

pub(super) use bits::Bits;
pub(super) use compare::{View, holds};
pub(super) use range::Range;
pub(super) use ranges::Ranges;
pub(super) use scalar::{Num, on_numbers};

/// Bits of a lower half.
pub(super) const HALF: u64 = 32;

const fn all_ones(width: u64) -> u64 {
    u64::MAX >> (64 - width)
}
