//! A range of addresses that share their first bits.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses. Bits behind the shared ones are zero.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    address: IpAddr,
    bits: u8,
}

/// The bits of an address from the highest down.
fn left(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => u128::from(address),
    }
}

/// An address with only its first bits, from the highest down.
pub(super) fn key(address: IpAddr, bits: u8) -> u128 {
    let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128)));
    left(address) & mask.unwrap_or(0)
}

impl Prefix {
    /// The range around an address; more bits than the address has count as all of them.
    pub fn new(address: IpAddr, bits: u8) -> Self {
        let bits = bits.min(if address.is_ipv6() { 128 } else { 32 });
        let first = key(address, bits);
        let address = match address {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from((first >> 96) as u32)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from(first)),
        };
        Self { address, bits }
    }

    /// Every address of IPv4.
    pub fn all_ipv4() -> Self {
        Self::new(Ipv4Addr::UNSPECIFIED.into(), 0)
    }

    /// Every address of IPv6.
    pub fn all_ipv6() -> Self {
        Self::new(Ipv6Addr::UNSPECIFIED.into(), 0)
    }

    /// How many bits are shared.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// True for a range of IPv6.
    pub fn is_ipv6(&self) -> bool {
        self.address.is_ipv6()
    }

    /// The first address, as [`key`] has it.
    pub(super) fn key(&self) -> u128 {
        left(self.address)
    }

    /// True if the address is in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv6() == self.is_ipv6() && key(address, self.bits) == self.key()
    }
}
