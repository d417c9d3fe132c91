//! Neighbours: who on a link has which hardware address.

use std::net::IpAddr;

use super::Mac;

/// A neighbour.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The interface it is reached by.
    pub link: u32,
    /// Its address.
    pub address: IpAddr,
    /// Its hardware address.
    pub mac: Mac,
}
