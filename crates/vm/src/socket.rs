//! Sockets as described: who they are, whom they talk to, what is known of their connection. Nothing
//! is opened.
//!
//! A socket that programs meet is an object of the heap ([`LiveSocket`]), read as `struct bpf_sock`. It
//! is known to [`Owners`](crate::owner::Owners) by its cookie.

mod live;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use osmia_program::EventSocket;

use crate::map::Runs;

pub use live::LiveSocket;

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
    /// Closed, but not forgotten.
    pub const TIME_WAIT: u32 = 6;
    pub const CLOSE: u32 = 7;
    pub const LISTEN: u32 = 10;
    /// Somebody asked for a connection.
    pub const NEW_SYN_RECV: u32 = 12;
}

/// A socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Address family, see [`family`].
    pub family: u32,
    /// See [`kind`].
    pub kind: u32,
    /// See [`protocol`].
    pub protocol: u32,
    /// Its own address; unspecified for any.
    pub local: (IpAddr, u16),
    /// The other end's.
    pub remote: (IpAddr, u16),
    /// State of the connection, see [`state`].
    pub state: u32,
    /// An IPv6 socket that takes no IPv4.
    pub ipv6_only: bool,
    /// The interface it is bound to; 0 for any.
    pub link: u32,
    /// Mark of what it sends.
    pub mark: u32,
    /// Priority of what it sends.
    pub priority: u32,
    /// The queue its last packet came in by.
    pub queue: Option<u32>,
    /// Its number; 0 until it is added to a network.
    pub cookie: u64,
    /// Number of its network namespace.
    pub namespace_cookie: u64,
    /// User.
    pub uid: u32,
    /// Ids of its control group's ancestors from the root down, its own last.
    pub cgroups: Vec<u64>,
    /// Traffic class of its control group.
    pub classid: u32,
    /// More ask for connections than it can remember.
    pub overflows: bool,
    /// The group of sockets it shares its port with (`SO_REUSEPORT`).
    pub reuseport: Option<u32>,
    /// What TCP counts.
    pub numbers: TcpNumbers,
    /// Options by level and number, as `getsockopt` gives them.
    pub options: BTreeMap<(u32, u32), Vec<u8>>,
}

impl Default for Socket {
    /// A socket of no family.
    fn default() -> Self {
        let nobody = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        Self {
            family: 0,
            kind: 0,
            protocol: 0,
            local: nobody,
            remote: nobody,
            state: state::CLOSE,
            ipv6_only: false,
            link: 0,
            mark: 0,
            priority: 0,
            queue: None,
            cookie: 0,
            namespace_cookie: 1,
            uid: 0,
            cgroups: vec![1],
            classid: 0,
            overflows: false,
            reuseport: None,
            numbers: TcpNumbers::default(),
            options: BTreeMap::new(),
        }
    }
}

/// What a packet is for.
#[derive(Copy, Clone, Debug)]
pub struct Wanted {
    /// Protocol.
    pub protocol: u32,
    /// Who sent it.
    pub remote: (IpAddr, u16),
    /// To whom.
    pub local: (IpAddr, u16),
    /// By which interface it came.
    pub link: u32,
}

impl Socket {
    /// A TCP socket that waits for connections.
    pub fn listener(address: IpAddr, port: u16) -> Self {
        Self {
            kind: kind::STREAM,
            protocol: protocol::TCP,
            state: state::LISTEN,
            ..Self::bound(address, port)
        }
    }

    /// A TCP connection.
    pub fn connection(local: (IpAddr, u16), remote: (IpAddr, u16)) -> Self {
        Self {
            kind: kind::STREAM,
            protocol: protocol::TCP,
            remote,
            state: state::ESTABLISHED,
            ..Self::bound(local.0, local.1)
        }
    }

    /// A UDP socket.
    pub fn datagrams(address: IpAddr, port: u16) -> Self {
        Self {
            kind: kind::DATAGRAM,
            protocol: protocol::UDP,
            ..Self::bound(address, port)
        }
    }

    fn bound(address: IpAddr, port: u16) -> Self {
        let (family, nobody) = match address {
            IpAddr::V4(_) => (family::INET, IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            IpAddr::V6(_) => (family::INET6, IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED)),
        };
        Self {
            family,
            local: (address, port),
            remote: (nobody, 0),
            ..Self::default()
        }
    }

    /// A TCP socket over IPv4 in a state.
    pub fn tcp(cookie: u64, state: u32) -> Self {
        Self {
            family: family::INET,
            kind: kind::STREAM,
            protocol: protocol::TCP,
            state,
            cookie,
            ..Self::default()
        }
    }

    /// A UDP socket over IPv4, bound to a port; 0 for none.
    pub fn udp(cookie: u64, port: u16) -> Self {
        Self {
            kind: kind::DATAGRAM,
            protocol: protocol::UDP,
            local: (Ipv4Addr::LOCALHOST.into(), port),
            ..Self::tcp(cookie, state::CLOSE)
        }
    }

    /// Puts it on the heap and makes it known by its cookie: its address, or `None` if memory is
    /// short.
    pub fn open(self, runs: &Runs) -> Option<u64> {
        LiveSocket::open(runs, self).map(|live| live.address())
    }

    /// True for TCP.
    pub fn is_tcp(&self) -> bool {
        self.kind == kind::STREAM && self.protocol == protocol::TCP && self.is_internet()
    }

    /// True for UDP without a port, which gets no packets.
    pub fn is_unbound_udp(&self) -> bool {
        self.kind == kind::DATAGRAM && self.is_internet() && self.local.1 == 0
    }

    /// True for IPv4 and IPv6.
    pub fn is_internet(&self) -> bool {
        [family::INET, family::INET6].contains(&self.family)
    }

    /// True for one that is whole: no request yet, and not only remembered.
    pub fn is_full(&self) -> bool {
        ![state::TIME_WAIT, state::NEW_SYN_RECV].contains(&self.state)
    }

    /// How well it fits a packet, higher is better; `None` if not at all.
    pub(crate) fn fits(&self, wanted: &Wanted) -> Option<u32> {
        let ipv4 = wanted.local.0.is_ipv4();
        let family_fits = match self.family {
            family::INET => ipv4,
            // IPv6 sockets take IPv4 unless they say otherwise.
            family::INET6 => !ipv4 || (!self.ipv6_only && self.local.0.is_unspecified()),
            _ => false,
        };
        if self.protocol != wanted.protocol || self.local.1 != wanted.local.1 || !family_fits {
            return None;
        }
        let part = |own: bool, free: bool, worth: u32| match (own, free) {
            (true, _) => Some(worth),
            (false, true) => Some(0),
            (false, false) => None,
        };
        let (local, remote) = (self.local.0, self.remote);
        let connected = remote.1 != 0 || !remote.0.is_unspecified();
        // Who waits for connections has no other end, whatever the description says.
        let listens = self.state == state::LISTEN;
        let by_family = u32::from((self.family == family::INET) == ipv4);
        let by_local = part(local == wanted.local.0, local.is_unspecified(), 2)?;
        let by_link = part(
            self.link != 0 && self.link == wanted.link,
            self.link == 0,
            4,
        )?;
        let by_remote = part(
            connected && remote == wanted.remote,
            !connected || listens,
            8,
        )?;
        // Without a connection, TCP only takes what a listener takes.
        if self.protocol == protocol::TCP && !connected && !listens {
            return None;
        }
        Some(by_family + by_local + by_link + by_remote)
    }

    /// As `struct bpf_sock`.
    pub(crate) fn to_bytes(&self) -> [u8; Socket::BYTES] {
        let mut bytes = [0; Socket::BYTES];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        for (at, value) in [
            (0, self.link),
            (4, self.family),
            (8, self.kind),
            (12, self.protocol),
            (16, self.mark),
            (20, self.priority),
            (44, u32::from(self.local.1)),
            (72, self.state),
            (76, self.queue.unwrap_or(u32::MAX)),
        ] {
            put(at, &value.to_ne_bytes());
        }
        put(48, &self.remote.1.to_be_bytes());
        for (address, ipv4, ipv6) in [(self.local.0, 24, 28), (self.remote.0, 52, 56)] {
            match address {
                IpAddr::V4(address) => put(ipv4, &address.octets()),
                IpAddr::V6(address) => put(ipv6, &address.octets()),
            }
        }
        bytes
    }

    /// One that is described by its `struct bpf_sock`; what is missing at the end is zero.
    pub(crate) fn described(described: &EventSocket) -> Self {
        let mut bytes = [0; Socket::BYTES];
        let known = described.bytes.len().min(bytes.len());
        bytes[..known].copy_from_slice(&described.bytes[..known]);
        let part = |at: usize| *bytes[at..].first_chunk::<4>().expect("inside");
        let number = |at: usize| u32::from_ne_bytes(part(at));
        let family = number(4);
        let end = |ipv4: usize, ipv6: usize| -> IpAddr {
            match family {
                family::INET6 => (*bytes[ipv6..].first_chunk::<16>().expect("inside")).into(),
                _ => part(ipv4).into(),
            }
        };
        Self {
            link: number(0),
            family,
            kind: number(8),
            protocol: number(12),
            mark: number(16),
            priority: number(20),
            local: (end(24, 28), number(44) as u16),
            remote: (end(52, 56), u16::from_be_bytes([bytes[48], bytes[49]])),
            state: number(72),
            queue: Some(number(76)).filter(|queue| *queue != u32::MAX),
            cookie: described.cookie,
            uid: described.uid,
            ..Self::default()
        }
    }

    /// Bytes of `struct bpf_sock`.
    pub(crate) const BYTES: usize = 80;
}

/// What TCP counts, as `struct bpf_tcp_sock`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpNumbers([u8; TcpNumbers::BYTES]);

impl Default for TcpNumbers {
    fn default() -> Self {
        Self([0; Self::BYTES])
    }
}

/// Offset, bytes and name.
#[rustfmt::skip]
const NUMBERS: &[(usize, usize, &str)] = &[
    (0, 4, "snd_cwnd"), (4, 4, "srtt_us"), (8, 4, "rtt_min"), (12, 4, "snd_ssthresh"),
    (16, 4, "rcv_nxt"), (20, 4, "snd_nxt"), (24, 4, "snd_una"), (28, 4, "mss_cache"),
    (32, 4, "ecn_flags"), (36, 4, "rate_delivered"), (40, 4, "rate_interval_us"),
    (44, 4, "packets_out"), (48, 4, "retrans_out"), (52, 4, "total_retrans"), (56, 4, "segs_in"),
    (60, 4, "data_segs_in"), (64, 4, "segs_out"), (68, 4, "data_segs_out"), (72, 4, "lost_out"),
    (76, 4, "sacked_out"), (80, 8, "bytes_received"), (88, 8, "bytes_acked"),
    (96, 4, "dsack_dups"), (100, 4, "delivered"), (104, 4, "delivered_ce"),
    (108, 4, "icsk_retransmits"),
];

impl TcpNumbers {
    /// Bytes of the structure.
    pub(crate) const BYTES: usize = 112;

    /// The numbers with their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        NUMBERS.iter().map(|(at, bytes, name)| {
            let mut word = [0; 8];
            word[..*bytes].copy_from_slice(&self.0[*at..at + bytes]);
            (*name, u64::from_ne_bytes(word))
        })
    }

    /// Sets a number by its name in the UAPI; false if there is none of that name.
    pub fn set(&mut self, name: &str, value: u64) -> bool {
        let Some((at, bytes, _)) = NUMBERS.iter().find(|(.., known)| *known == name) else {
            return false;
        };
        let place = &mut self.0[*at..at + bytes];
        match place.len() {
            8 => place.copy_from_slice(&value.to_ne_bytes()),
            _ => place.copy_from_slice(&(value as u32).to_ne_bytes()),
        }
        true
    }

    /// The structure.
    pub(crate) fn to_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}
