//! Sockets as far as maps and helpers tell them apart: described, not opened.
//!
//! A socket is an object of the heap that programs read as `struct bpf_sock`. It is known to
//! [`Owners`](crate::owner::Owners) by its cookie.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::heap::{ObjectAccess, Tag};
use crate::map::Runs;
use crate::owner::OwnerKind;

/// `AF_UNIX`, `AF_INET`, `AF_INET6`, `AF_VSOCK`
pub mod family {
    #![allow(missing_docs)]
    pub const UNIX: u32 = 1;
    pub const INET: u32 = 2;
    pub const INET6: u32 = 10;
    pub const VSOCK: u32 = 40;
}

/// `SOCK_STREAM`, `SOCK_DGRAM`, `SOCK_SEQPACKET`
pub mod kind {
    #![allow(missing_docs)]
    pub const STREAM: u32 = 1;
    pub const DATAGRAM: u32 = 2;
    pub const SEQPACKET: u32 = 5;
}

/// `IPPROTO_TCP`, `IPPROTO_UDP`
pub mod protocol {
    #![allow(missing_docs)]
    pub const TCP: u32 = 6;
    pub const UDP: u32 = 17;
}

/// `TCP_ESTABLISHED` and relatives, which other stream sockets use as well.
pub mod state {
    #![allow(missing_docs)]
    pub const ESTABLISHED: u32 = 1;
    pub const CLOSE: u32 = 7;
    pub const LISTEN: u32 = 10;
}

/// Bytes of `struct bpf_sock`.
const BYTES: usize = 80;

/// A socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// What tells it from all others.
    pub cookie: u64,
    /// See [`family`].
    pub family: u32,
    /// See [`kind`].
    pub kind: u32,
    /// See [`protocol`].
    pub protocol: u32,
    /// See [`state`].
    pub state: u32,
    /// Its address, if it has one.
    pub local: Option<SocketAddr>,
    /// The address it is connected to.
    pub remote: Option<SocketAddr>,
    /// The group of sockets it shares its port with (`SO_REUSEPORT`).
    pub reuseport: Option<u32>,
}

impl Socket {
    /// A TCP socket over IPv4 in a state.
    pub fn tcp(cookie: u64, state: u32) -> Self {
        Self {
            cookie,
            family: family::INET,
            kind: kind::STREAM,
            protocol: protocol::TCP,
            state,
            local: None,
            remote: None,
            reuseport: None,
        }
    }

    /// A UDP socket over IPv4.
    pub fn udp(cookie: u64) -> Self {
        Self {
            kind: kind::DATAGRAM,
            protocol: protocol::UDP,
            ..Self::tcp(cookie, state::CLOSE)
        }
    }

    /// Puts it on the heap and makes it known by its cookie: its address, or `None` if memory is
    /// short.
    pub fn open(self, runs: &Runs) -> Option<u64> {
        let (cookie, bytes) = (self.cookie, self.bytes());
        let tag = Tag::with(OwnerKind::Socket.type_name(), Arc::new(self));
        let heap = runs.heap();
        let address = heap.allocate(runs, BYTES, ObjectAccess::Read, tag)?;
        heap.object(address)?.write(0, &bytes);
        runs.owners().enter(OwnerKind::Socket, cookie, address);
        Some(address)
    }

    /// True for TCP.
    pub fn is_tcp(&self) -> bool {
        self.kind == kind::STREAM && self.protocol == protocol::TCP && self.is_internet()
    }

    /// True for IPv4 and IPv6.
    pub fn is_internet(&self) -> bool {
        [family::INET, family::INET6].contains(&self.family)
    }

    /// As `struct bpf_sock`.
    fn bytes(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
        put(4, &self.family.to_ne_bytes());
        put(8, &self.kind.to_ne_bytes());
        put(12, &self.protocol.to_ne_bytes());
        put(72, &self.state.to_ne_bytes());
        // No queue: -1.
        put(76, &[0xff; 4]);
        for (address, at_ipv4, at_ipv6) in [(self.local, 24, 28), (self.remote, 52, 56)] {
            match address.map(|address| address.ip()) {
                Some(IpAddr::V4(address)) => put(at_ipv4, &address.octets()),
                Some(IpAddr::V6(address)) => put(at_ipv6, &address.octets()),
                None => {}
            }
        }
        // The own port is in the machine's order, the other one in the network's.
        let port = |address: Option<SocketAddr>| address.map_or(0, |address| address.port());
        put(44, &u32::from(port(self.local)).to_ne_bytes());
        put(48, &port(self.remote).to_be_bytes());
        bytes
    }
}
