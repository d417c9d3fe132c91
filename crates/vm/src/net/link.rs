//! Interfaces and their addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Prefix;

/// A hardware address.
pub type Mac = [u8; 6];

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its hardware address.
    pub mac: Mac,
    /// Longest packet without the link's header.
    pub mtu: u32,
    /// Bytes of the link's header.
    pub header_bytes: u32,
    /// It is switched on.
    pub up: bool,
    /// It speaks IPv4; true if it forwards.
    pub forwards_ipv4: Option<bool>,
    /// It speaks IPv6.
    pub ipv6: Option<Ipv6Settings>,
    /// Its addresses.
    pub addresses: Vec<Address>,
    /// The other end of a pair.
    pub peer: Option<u32>,
    /// Which end of a netkit pair it is, if it is one.
    pub netkit: Option<NetkitEnd>,
}

/// An end of a netkit pair.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum NetkitEnd {
    /// The one that programs are attached by.
    Primary,
    /// The other one.
    Peer,
}

/// How an interface speaks IPv6.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Ipv6Settings {
    /// It forwards.
    pub forwards: bool,
    /// Longest packet.
    pub mtu: u32,
}

/// An address of an interface.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub address: IpAddr,
    /// Bits of it that neighbours share.
    pub prefix_bits: u8,
    /// Another address of the same network comes first.
    pub secondary: bool,
    /// It is of no use outside of this link, or of this machine.
    pub narrow: bool,
}

impl Link {
    /// An Ethernet interface that is on and forwards nothing.
    pub fn ethernet(index: u32, name: &str, mac: Mac) -> Self {
        Self {
            index,
            name: name.to_owned(),
            mac,
            mtu: 1500,
            header_bytes: 14,
            up: true,
            forwards_ipv4: Some(false),
            ipv6: Some(Ipv6Settings {
                forwards: false,
                mtu: 1500,
            }),
            addresses: Vec::new(),
            peer: None,
            netkit: None,
        }
    }

    /// The loopback interface.
    pub fn loopback() -> Self {
        const MTU: u32 = 65_536;
        let address = |address: IpAddr, prefix_bits| Address {
            address,
            prefix_bits,
            secondary: false,
            narrow: true,
        };
        Self {
            mtu: MTU,
            ipv6: Some(Ipv6Settings {
                forwards: false,
                mtu: MTU,
            }),
            addresses: vec![
                address(Ipv4Addr::LOCALHOST.into(), 8),
                address(Ipv6Addr::LOCALHOST.into(), 128),
            ],
            ..Self::ethernet(1, "lo", [0; 6])
        }
    }
}

/// The first address of the first interface that has one of the destination's network, or any.
pub(super) fn source_ipv4(links: &[&Link], destination: Ipv4Addr) -> Option<Ipv4Addr> {
    links.iter().find_map(|link| {
        let mut any = None;
        for address in &link.addresses {
            let IpAddr::V4(own) = address.address else {
                continue;
            };
            if address.secondary || address.narrow {
                continue;
            }
            let network = Prefix::new(address.address, address.prefix_bits);
            if destination.is_unspecified() || network.contains(destination.into()) {
                return Some(own);
            }
            any = any.or(Some(own));
        }
        any
    })
}

/// How far an address reaches, by growing reach.
fn reach(address: Ipv6Addr) -> u8 {
    if address.is_loopback() || address.is_unicast_link_local() {
        2
    } else if address.segments()[0] & 0xffc0 == 0xfec0 {
        5
    } else {
        14
    }
}

/// The best address by the rules of RFC 6724 that concern plain addresses: the same, of fitting reach,
/// on the first interface, with the longest part in common.
pub(super) fn source_ipv6(links: &[&Link], destination: Ipv6Addr) -> Option<Ipv6Addr> {
    let wanted = reach(destination);
    type Rank = (bool, bool, u8, bool, u32);
    let mut best: Option<(Rank, Ipv6Addr)> = None;
    for (position, link) in links.iter().enumerate() {
        let own = link.addresses.iter().filter_map(|own| match own.address {
            IpAddr::V6(address) if !address.is_multicast() => Some(address),
            _ => None,
        });
        for own in own {
            let reaches = reach(own);
            let common = (u128::from(own) ^ u128::from(destination)).leading_zeros();
            let fits = reaches >= wanted;
            // Too far is better the nearer it is, too near the farther.
            let order = if fits { 255 - reaches } else { reaches };
            let rank = (own == destination, fits, order, position == 0, common);
            if best.is_none_or(|(known, _)| rank > known) {
                best = Some((rank, own));
            }
        }
    }
    best.map(|(_, address)| address)
}
