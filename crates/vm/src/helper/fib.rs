//! `bpf_fib_lookup`: where the network would send a packet (`net/core/filter.c`, 6.18).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use osmia_program::Errno;

use super::packet::is_xdp;
use super::{HelperFn, negative};
use crate::guest::{Call, Fault, Guest};
use crate::net::{Flow, Found, Link, Mac, Network, NoRoute, RouteKind, table};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    (id == 69).then_some(fib_lookup)
}

// Flags.
const DIRECT: u32 = 1;
const OUTPUT: u32 = 1 << 1;
const SKIP_NEIGHBOUR: u32 = 1 << 2;
const TABLE: u32 = 1 << 3;
const SOURCE: u32 = 1 << 4;
const MARK: u32 = 1 << 5;
const KNOWN: u32 = DIRECT | OUTPUT | SKIP_NEIGHBOUR | TABLE | SOURCE | MARK;

/// `BPF_FIB_LKUP_RET_…`: what a program is told that asked a sensible question.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Answer {
    Success = 0,
    Blackhole = 1,
    Unreachable = 2,
    Prohibit = 3,
    NotForwarded = 4,
    ForwardingDisabled = 5,
    Encapsulates = 6,
    NoNeighbour = 7,
    TooLong = 8,
    NoSource = 9,
}

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// The interface that packets of this machine come in by.
const LOOPBACK: u32 = 1;
/// Longest packets of both protocols.
const IPV4_MTU_MAX: u32 = 0xffff;
const IPV6_MTU_MAX: u32 = 0xffff + 40;
/// Every link carries IPv6 packets of this length.
const IPV6_MTU_MIN: u32 = 1280;
/// Bytes of a VLAN tag, which the link's MTU does not count.
const TAG_BYTES: u32 = 4;

/// `struct bpf_fib_lookup`, question and answer in one.
struct Params([u8; Params::BYTES]);

impl Params {
    const BYTES: usize = 64;

    // Where the fields are.
    const FAMILY: usize = 0;
    /// `tot_len`, and `mtu_result`.
    const LEN: usize = 6;
    const IFINDEX: usize = 8;
    /// `tos`, `flowinfo`, and `rt_metric`.
    const TOS: usize = 12;
    const SOURCE: usize = 16;
    const DESTINATION: usize = 32;
    /// `tbid`, and both VLAN fields.
    const TABLE: usize = 48;
    /// `mark`, and `smac`.
    const MARK: usize = 52;
    const DMAC: usize = 58;

    fn u16_at(&self, at: usize) -> u16 {
        u16::from_ne_bytes([self.0[at], self.0[at + 1]])
    }

    fn u32_at(&self, at: usize) -> u32 {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.0[at..at + 4]);
        u32::from_ne_bytes(bytes)
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn put_u32(&mut self, at: usize, value: u32) {
        self.put(at, &value.to_ne_bytes());
    }

    fn put_mtu(&mut self, mtu: u32) {
        self.put(Self::LEN, &(mtu as u16).to_ne_bytes());
    }

    fn address(&self, at: usize) -> IpAddr {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.0[at..at + 16]);
        match self.0[Self::FAMILY] {
            AF_INET => IpAddr::V4(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3])),
            _ => IpAddr::V6(Ipv6Addr::from(bytes)),
        }
    }

    fn put_address(&mut self, at: usize, address: IpAddr) {
        match address {
            IpAddr::V4(address) => self.put(at, &address.octets()),
            IpAddr::V6(address) => self.put(at, &address.octets()),
        }
    }

    fn put_macs(&mut self, source: Mac, destination: Mac) {
        self.put(Self::MARK, &source);
        self.put(Self::DMAC, &destination);
    }
}

fn fib_lookup<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, _, size, flags, _] = call.args;
    let flags = flags as u32;
    if (size as u32 as usize) < Params::BYTES || flags & !KNOWN != 0 {
        return Ok(negative(Errno::EINVAL));
    }
    let mut params = Params([0; Params::BYTES]);
    call.read(2, &mut params.0)?;
    call.check_write(2, Params::BYTES as u32)?;
    if ![AF_INET, AF_INET6].contains(&params.0[Params::FAMILY]) {
        return Ok(negative(Errno::EAFNOSUPPORT));
    }
    let network = &call.world.env.network;
    let xdp = is_xdp(call);
    let says_len = params.u16_at(Params::LEN) != 0;
    let mut answer = lookup(network, &mut params, flags, xdp || says_len);
    if answer == Ok(Answer::Success)
        && !xdp
        && !says_len
        && let Some(link) = network.link(params.u32_at(Params::IFINDEX))
    {
        let len_max = link.mtu + link.header_bytes + TAG_BYTES;
        if !link.up || call.world.packet.len() > len_max as usize {
            answer = Ok(Answer::TooLong);
        }
        params.put_mtu(link.mtu);
    }
    call.write(2, &params.0)?;
    Ok(match answer {
        Ok(answer) => answer as u64,
        Err(errno) => negative(errno),
    })
}

fn lookup(
    network: &Network,
    params: &mut Params,
    flags: u32,
    check_len: bool,
) -> Result<Answer, Errno> {
    let destination = params.address(Params::DESTINATION);
    let source = params.address(Params::SOURCE);
    if stays_on_link(destination) || stays_on_link(source) {
        return Ok(Answer::NotForwarded);
    }
    let index = params.u32_at(Params::IFINDEX);
    let link = network.link(index).ok_or(Errno::ENODEV)?;
    let forwards = match destination {
        IpAddr::V4(_) => link.forwards_ipv4 == Some(true),
        IpAddr::V6(_) => link.ipv6.is_some_and(|ipv6| ipv6.forwards),
    };
    if !forwards {
        return Ok(Answer::ForwardingDisabled);
    }
    let (input, output) = match flags & OUTPUT {
        0 => (index, 0),
        _ => (LOOPBACK, index),
    };
    let flow = Flow {
        destination,
        source,
        dscp: dscp(params),
        mark: match flags & (DIRECT | MARK) {
            MARK => params.u32_at(Params::MARK),
            _ => 0,
        },
        input,
        output,
    };
    let found = if flags & DIRECT != 0 {
        let mut number = table::MAIN;
        if flags & TABLE != 0 {
            number = params.u32_at(Params::TABLE);
            params.put_u32(Params::TABLE, 0);
        }
        network.route_in(number, &flow).ok_or(NoRoute::Unknown)
    } else {
        network.route(&flow)
    };
    match found {
        Ok(found) => Ok(follow(network, params, flags, check_len, found)),
        // Only IPv4 tells which rule it was.
        Err(NoRoute::Blackhole) if destination.is_ipv4() => Ok(Answer::Blackhole),
        Err(NoRoute::Prohibit) if destination.is_ipv4() => Ok(Answer::Prohibit),
        Err(_) => Ok(Answer::NotForwarded),
    }
}

/// True for addresses of IPv6 that no router passes on.
fn stays_on_link(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => {
            address.is_multicast() || address.is_unicast_link_local() || address.is_loopback()
        }
    }
}

/// The differentiated services asked for, as routes have them.
fn dscp(params: &Params) -> u8 {
    match params.0[Params::FAMILY] {
        AF_INET => params.0[Params::TOS] & 0xfc,
        _ => {
            let flow = u32::from_be(params.u32_at(Params::TOS));
            (flow >> 20) as u8 & 0xfc
        }
    }
}

fn follow(
    network: &Network,
    params: &mut Params,
    flags: u32,
    check_len: bool,
    Found { route, hop }: Found<'_>,
) -> Answer {
    let kind = match route.kind {
        RouteKind::Unicast => Answer::Success,
        RouteKind::Blackhole => Answer::Blackhole,
        RouteKind::Unreachable => Answer::Unreachable,
        RouteKind::Prohibit => Answer::Prohibit,
        RouteKind::Local | RouteKind::Several | RouteKind::Throw => Answer::NotForwarded,
    };
    let (Answer::Success, Some(hop)) = (kind, hop) else {
        return kind;
    };
    let Some(link) = network.link(hop.link) else {
        return Answer::NotForwarded;
    };
    let destination = params.address(Params::DESTINATION);
    let mtu = mtu(link, route.mtu.filter(|mtu| mtu.locked), destination);
    if check_len && u32::from(params.u16_at(Params::LEN)) > mtu {
        params.put_mtu(mtu);
        return Answer::TooLong;
    }
    if hop.encapsulates {
        return Answer::Encapsulates;
    }
    params.put_u32(Params::TOS, route.metric);
    params.put_u32(Params::IFINDEX, link.index);
    let next = hop.gateway.unwrap_or(destination);
    if next.is_ipv6() {
        // Also a packet of IPv4 may leave by a router of IPv6.
        params.0[Params::FAMILY] = AF_INET6;
    }
    if flags & SOURCE != 0
        && !put_source(
            network,
            params,
            link,
            route.source,
            destination,
            hop.gateway,
        )
    {
        return Answer::NoSource;
    }
    params.put_address(Params::DESTINATION, next);
    if flags & SKIP_NEIGHBOUR == 0 {
        let Some(neighbour) = network.neighbour(link.index, next) else {
            return Answer::NoNeighbour;
        };
        params.put_macs(link.mac, neighbour.mac);
    }
    params.put_u32(Params::TABLE, 0);
    if check_len {
        params.put_mtu(mtu);
    }
    Answer::Success
}

/// Writes the source address of packets that take this way; false if there is none.
fn put_source(
    network: &Network,
    params: &mut Params,
    link: &Link,
    preferred: Option<IpAddr>,
    destination: IpAddr,
    gateway: Option<IpAddr>,
) -> bool {
    let source = preferred.or_else(|| match destination {
        // IPv4 looks for one of the router's network, IPv6 for one like the destination.
        IpAddr::V4(_) => {
            let router = gateway.filter(IpAddr::is_ipv4);
            network.source(link.index, router.unwrap_or(Ipv4Addr::UNSPECIFIED.into()))
        }
        IpAddr::V6(_) => network.source(link.index, destination),
    });
    match source {
        Some(source) => params.put_address(Params::SOURCE, source),
        None if destination.is_ipv6() => return false,
        None => params.put_address(Params::SOURCE, Ipv4Addr::UNSPECIFIED.into()),
    }
    true
}

/// The longest packet that may take this way.
fn mtu(link: &Link, locked: Option<crate::net::RouteMtu>, destination: IpAddr) -> u32 {
    let locked = locked.map(|mtu| mtu.bytes).filter(|&bytes| bytes != 0);
    match destination {
        IpAddr::V4(_) => locked.unwrap_or(link.mtu.min(IPV4_MTU_MAX)),
        IpAddr::V6(_) => locked.unwrap_or_else(|| {
            let own = link.ipv6.map_or(0, |ipv6| ipv6.mtu);
            own.clamp(IPV6_MTU_MIN, IPV6_MTU_MAX)
        }),
    }
}
