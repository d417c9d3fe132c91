//! Numbers of fewer than 64 bits in 64-bit ones: for the tests, which try every value there.

/// What a width means.
pub(super) struct Width<const BITS: u32>;

impl<const BITS: u32> Width<BITS> {
    /// The largest unsigned number.
    pub(super) const MAX: u64 = u64::MAX >> (64 - BITS);
    /// The smallest signed number.
    pub(super) const SMIN: i64 = i64::MIN >> (64 - BITS);
    /// The largest signed number.
    pub(super) const SMAX: i64 = i64::MAX >> (64 - BITS);
}

/// The low bits.
#[inline(always)]
pub(super) const fn truncate<const BITS: u32>(value: u64) -> u64 {
    value & Width::<BITS>::MAX
}

/// The low bits as a signed number.
#[inline(always)]
pub(super) const fn sign_extend<const BITS: u32>(value: u64) -> i64 {
    (value << (64 - BITS)) as i64 >> (64 - BITS)
}
