//! What rtnetlink's messages say (`linux/rtnetlink.h` and what it includes).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use osmia_vm::net::{
    Address, Hop, Ipv6Settings, Link, Mac, Neighbour, NetkitEnd, Network, Prefix, Route, RouteKind,
    RouteMtu, Rule, RuleAction,
};

/// Kinds of messages.
const NEW_LINK: u16 = 16;
const NEW_ADDRESS: u16 = 20;
const NEW_ROUTE: u16 = 24;
const NEW_NEIGHBOUR: u16 = 28;
const NEW_RULE: u16 = 32;

/// The questions whose answers make a network, in an order that lets each refer to what came before.
pub(super) const QUESTIONS: [u16; 5] = [
    NEW_LINK + 2,
    NEW_ADDRESS + 2,
    NEW_ROUTE + 2,
    NEW_NEIGHBOUR + 2,
    NEW_RULE + 2,
];

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// Stands for an interface that is not there: nothing comes in by it.
const NO_LINK: u32 = u32::MAX;

/// A network while it is read.
pub(super) struct Reading {
    network: Network,
    links: HashMap<u32, Link>,
    names: HashMap<Vec<u8>, u32>,
    rules: Vec<Rule>,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            network: Network::empty(),
            links: HashMap::new(),
            names: HashMap::new(),
            rules: Vec::new(),
        }
    }
}

impl Reading {
    /// Takes a message. One that is too short, or of another family, says nothing.
    pub(super) fn take(&mut self, kind: u16, body: &[u8]) {
        let taken = match kind {
            NEW_LINK => self.link(body),
            NEW_ADDRESS => self.address(body),
            NEW_ROUTE => route(body).map(|route| self.network.add_route(route)),
            NEW_NEIGHBOUR => neighbour(body).map(|neighbour| self.network.add_neighbour(neighbour)),
            NEW_RULE => self.rule(body),
            _ => None,
        };
        taken.unwrap_or_default();
    }

    pub(super) fn finish(mut self) -> Network {
        for link in self.links.into_values() {
            self.network.add_link(link);
        }
        self.network.set_rules(self.rules);
        self.network
    }

    fn link(&mut self, body: &[u8]) -> Option<()> {
        const NAME: u16 = 3;
        const ADDRESS: u16 = 1;
        const MTU: u16 = 4;
        const OTHER: u16 = 5;
        const INFO: u16 = 18;
        const FAMILIES: u16 = 26;
        const OTHER_NAMESPACE: u16 = 37;
        const INFO_KIND: u16 = 1;
        const INFO_DATA: u16 = 2;
        const NETKIT_PRIMARY: u16 = 2;
        const IPV4_SETTINGS: u16 = 1;
        const IPV6_SETTINGS: u16 = 2;
        /// Kinds of hardware with an Ethernet header: that and loopback.
        const WITH_ETHERNET: [u16; 2] = [1, 772];
        const UP: u32 = 1;
        let (head, attributes) = body.split_at_checked(16)?;
        let index = u32_at(head, 4)?;
        let hardware = u16_at(head, 2)?;
        let mut link = Link::ethernet(index, "", [0; 6]);
        link.forwards_ipv4 = None;
        link.ipv6 = None;
        link.up = u32_at(head, 8)? & UP != 0;
        link.header_bytes = if WITH_ETHERNET.contains(&hardware) {
            14
        } else {
            0
        };
        let (mut other, mut pair) = (None, false);
        for (kind, value) in Attributes(attributes) {
            match kind {
                NAME => {
                    let name = text(value);
                    self.names.insert(name.to_vec(), index);
                    link.name = String::from_utf8_lossy(name).into_owned();
                }
                ADDRESS => link.mac = mac(value),
                MTU => link.mtu = u32_at(value, 0)?,
                OTHER => other = u32_at(value, 0),
                OTHER_NAMESPACE => other = None,
                INFO => match find(value, INFO_KIND).map(text) {
                    Some(b"veth") => pair = true,
                    Some(b"netkit") => {
                        let data = find(value, INFO_DATA).unwrap_or_default();
                        let primary = find(data, NETKIT_PRIMARY);
                        let is_primary = primary.is_some_and(|byte| byte.starts_with(&[1]));
                        link.netkit = Some(match is_primary {
                            true => NetkitEnd::Primary,
                            false => NetkitEnd::Peer,
                        });
                        pair = true;
                    }
                    _ => {}
                },
                FAMILIES => {
                    if let Some(family) = find(value, AF_INET.into()) {
                        // The numbers of settings start at 1.
                        let forwards = find(family, IPV4_SETTINGS).and_then(|all| u32_at(all, 0));
                        link.forwards_ipv4 = Some(forwards.unwrap_or(0) != 0);
                    }
                    let settings = find(value, AF_INET6.into());
                    if let Some(all) = settings.and_then(|family| find(family, IPV6_SETTINGS)) {
                        link.ipv6 = Some(Ipv6Settings {
                            forwards: u32_at(all, 0)? != 0,
                            mtu: u32_at(all, 8)?,
                        });
                    }
                }
                _ => {}
            }
        }
        link.peer = other.filter(|_| pair);
        self.links.insert(index, link);
        Some(())
    }

    fn address(&mut self, body: &[u8]) -> Option<()> {
        const ADDRESS: u16 = 1;
        const LOCAL: u16 = 2;
        const FLAGS: u16 = 8;
        const SECONDARY: u32 = 1;
        const TENTATIVE: u32 = 0x40;
        /// `RT_SCOPE_LINK`; narrower ones have higher numbers.
        const OF_LINK: u8 = 253;
        let (head, attributes) = body.split_at_checked(8)?;
        let own = find(attributes, LOCAL).or_else(|| find(attributes, ADDRESS))?;
        let own = ip(head[0], own)?;
        let flags = find(attributes, FLAGS).and_then(|flags| u32_at(flags, 0));
        let flags = flags.unwrap_or(head[2].into());
        if own.is_ipv6() && flags & TENTATIVE != 0 {
            return None;
        }
        let link = self.links.get_mut(&u32_at(head, 4)?)?;
        link.addresses.push(Address {
            address: own,
            prefix_bits: head[1],
            secondary: own.is_ipv4() && flags & SECONDARY != 0,
            narrow: head[3] >= OF_LINK,
        });
        Some(())
    }

    fn rule(&mut self, body: &[u8]) -> Option<()> {
        const DESTINATION: u16 = 1;
        const SOURCE: u16 = 2;
        const INPUT: u16 = 3;
        const GOTO: u16 = 4;
        const PRIORITY: u16 = 6;
        const MARK: u16 = 10;
        const SUPPRESSED: u16 = 14;
        const TABLE: u16 = 15;
        const MASK: u16 = 16;
        const OUTPUT: u16 = 17;
        /// Tunnel, virtual router, user, protocol, ports.
        const NOT_MODELLED: [u16; 6] = [12, 19, 20, 22, 23, 24];
        const INVERTED: u32 = 2;
        let (head, attributes) = body.split_at_checked(12)?;
        let ipv6 = match head[0] {
            AF_INET => false,
            AF_INET6 => true,
            _ => return None,
        };
        let mut rule = Rule::all(ipv6, 0, RuleAction::Nothing);
        let (mut table, mut target) = (u32::from(head[4]), 0);
        rule.dscp = head[3];
        rule.inverted = u32_at(head, 8)? & INVERTED != 0;
        let range = |value, bits| Some(Prefix::new(ip(head[0], value)?, bits));
        for (kind, value) in Attributes(attributes) {
            match kind {
                DESTINATION => rule.destination = range(value, head[1]),
                SOURCE => rule.source = range(value, head[2]),
                INPUT => rule.input = *self.names.get(text(value)).unwrap_or(&NO_LINK),
                OUTPUT => rule.output = *self.names.get(text(value)).unwrap_or(&NO_LINK),
                GOTO => target = u32_at(value, 0)?,
                PRIORITY => rule.priority = u32_at(value, 0)?,
                MARK => rule.mark = u32_at(value, 0)?,
                MASK => rule.mark_mask = u32_at(value, 0)?,
                TABLE => table = u32_at(value, 0)?,
                // All ones: none.
                SUPPRESSED => rule.suppressed_bits = u8::try_from(u32_at(value, 0)?).ok(),
                kind if NOT_MODELLED.contains(&kind) => return None,
                _ => {}
            }
        }
        rule.action = match head[7] {
            1 => RuleAction::Table(table),
            2 => RuleAction::Goto(target),
            6 => RuleAction::Blackhole,
            7 => RuleAction::Unreachable,
            8 => RuleAction::Prohibit,
            _ => RuleAction::Nothing,
        };
        self.rules.push(rule);
        Some(())
    }
}

fn route(body: &[u8]) -> Option<Route> {
    const DESTINATION: u16 = 1;
    const OUTPUT: u16 = 4;
    const METRIC: u16 = 6;
    const SOURCE: u16 = 7;
    const METRICS: u16 = 8;
    const HOPS: u16 = 9;
    const TABLE: u16 = 15;
    const LOCKS: u16 = 1;
    const MTU: u16 = 2;
    /// Bytes of `struct rtnexthop`.
    const HOP_BYTES: usize = 8;
    /// The kernel's copy of a route for one destination.
    const CLONED: u32 = 0x200;
    const DEAD: u8 = 1;
    let (head, attributes) = body.split_at_checked(12)?;
    let [family, bits, source_bits, dscp, table, _, _, kind] = *head.first_chunk()?;
    if source_bits != 0 || u32_at(head, 8)? & CLONED != 0 {
        return None;
    }
    let nowhere: IpAddr = match family {
        AF_INET => Ipv4Addr::UNSPECIFIED.into(),
        AF_INET6 => Ipv6Addr::UNSPECIFIED.into(),
        _ => return None,
    };
    let mut route = Route {
        table: table.into(),
        dscp,
        kind: route_kind(kind)?,
        hops: Vec::new(),
        ..Route::by(Prefix::new(nowhere, bits), 0, None)
    };
    for (kind, value) in Attributes(attributes) {
        match kind {
            DESTINATION => route.destination = Prefix::new(ip(family, value)?, bits),
            METRIC => route.metric = u32_at(value, 0)?,
            SOURCE => route.source = ip(family, value),
            TABLE => route.table = u32_at(value, 0)?,
            OUTPUT => route.hops.push(hop(family, u32_at(value, 0)?, attributes)),
            METRICS => {
                let number = |kind| find(value, kind).and_then(|value| u32_at(value, 0));
                route.mtu = number(MTU).map(|bytes| RouteMtu {
                    bytes,
                    locked: number(LOCKS).unwrap_or(0) & 1 << MTU != 0,
                });
            }
            HOPS => {
                let mut rest = value;
                while let Some(head) = rest.first_chunk::<HOP_BYTES>() {
                    let len = usize::from(u16_at(head, 0)?);
                    let attributes = rest.get(HOP_BYTES..len)?;
                    if head[2] & DEAD == 0 {
                        route.hops.push(hop(family, u32_at(head, 4)?, attributes));
                    }
                    rest = rest.get(len.next_multiple_of(4)..).unwrap_or(&[]);
                }
            }
            _ => {}
        }
    }
    // What the kernel finds when it finds nothing is not a route.
    (route.kind != RouteKind::Unreachable || route.metric != u32::MAX).then_some(route)
}

fn route_kind(number: u8) -> Option<RouteKind> {
    Some(match number {
        1 => RouteKind::Unicast,
        2 => RouteKind::Local,
        3..=5 => RouteKind::Several,
        6 => RouteKind::Blackhole,
        7 => RouteKind::Unreachable,
        8 => RouteKind::Prohibit,
        9 => RouteKind::Throw,
        _ => return None,
    })
}

fn hop(family: u8, link: u32, attributes: &[u8]) -> Hop {
    const GATEWAY: u16 = 5;
    const OTHER_FAMILY: u16 = 18;
    const ENCAPSULATION: u16 = 22;
    let gateway = find(attributes, GATEWAY).and_then(|value| ip(family, value));
    let other = || {
        let value = find(attributes, OTHER_FAMILY)?;
        ip(u16_at(value, 0)? as u8, &value[2..])
    };
    Hop {
        link,
        gateway: gateway.or_else(other),
        encapsulates: find(attributes, ENCAPSULATION).is_some(),
    }
}

fn neighbour(body: &[u8]) -> Option<Neighbour> {
    const ADDRESS: u16 = 1;
    const MAC: u16 = 2;
    /// States in which the kernel uses what it knows (`NUD_VALID`).
    const USABLE: u16 = 0xde;
    let (head, attributes) = body.split_at_checked(12)?;
    if u16_at(head, 8)? & USABLE == 0 {
        return None;
    }
    Some(Neighbour {
        link: u32_at(head, 4)?,
        address: ip(head[0], find(attributes, ADDRESS)?)?,
        mac: find(attributes, MAC).map_or([0; 6], mac),
    })
}

/// Attributes by kind, nested ones under their plain number.
struct Attributes<'a>(&'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        /// The two highest bits say how to read the rest.
        const KIND: u16 = 0x3fff;
        let len = usize::from(u16_at(self.0, 0)?);
        let kind = u16_at(self.0, 2)? & KIND;
        let value = self.0.get(4..len)?;
        self.0 = self.0.get(len.next_multiple_of(4)..).unwrap_or(&[]);
        Some((kind, value))
    }
}

fn find(attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut all = Attributes(attributes);
    all.find_map(|(kind, value)| (kind == wanted).then_some(value))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|value| u16::from_ne_bytes(*value))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|value| u32::from_ne_bytes(*value))
}

fn ip(family: u8, bytes: &[u8]) -> Option<IpAddr> {
    match family {
        AF_INET => bytes.first_chunk::<4>().map(|bytes| IpAddr::from(*bytes)),
        AF_INET6 => bytes.first_chunk::<16>().map(|bytes| IpAddr::from(*bytes)),
        _ => None,
    }
}

fn mac(bytes: &[u8]) -> Mac {
    bytes.first_chunk().copied().unwrap_or_default()
}

/// Text up to its zero.
fn text(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages cut anywhere, or with absurd lengths, say less and hurt nobody.
    #[test]
    fn broken_messages_are_survived() {
        let kinds = [NEW_LINK, NEW_ADDRESS, NEW_ROUTE, NEW_NEIGHBOUR, NEW_RULE];
        for kind in kinds {
            for len in 0..64 {
                for fill in [0_u8, 1, 2, 8, 10, 0xff] {
                    let mut reading = Reading::default();
                    reading.take(kind, &vec![fill; len]);
                    reading.finish();
                }
            }
        }
    }

    #[test]
    fn a_route_by_a_router() {
        let mut body = vec![AF_INET, 8, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0];
        for (kind, value) in [
            (1_u16, [10, 0, 0, 0]),
            (4, [3, 0, 0, 0]),
            (5, [10, 0, 0, 1]),
        ] {
            body.extend(8_u16.to_ne_bytes());
            body.extend(kind.to_ne_bytes());
            body.extend(value);
        }
        let route = route(&body).expect("a whole message");
        let range = Prefix::new(Ipv4Addr::new(10, 0, 0, 0).into(), 8);
        let gateway = Ipv4Addr::new(10, 0, 0, 1).into();
        let link = u32::from_ne_bytes([3, 0, 0, 0]);
        assert_eq!(route, Route::by(range, link, Some(gateway)));
    }
}
