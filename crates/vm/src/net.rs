//! The network a program finds itself in: interfaces, routes, neighbours, sockets. All of it is described,
//! by hand or by reading a machine; nothing here sends or receives.
//!
//! Numbers are in the order of the machine, addresses are `std`'s. This module does not know helpers.

mod link;
mod neighbour;
mod prefix;
mod route;
mod rule;

use std::collections::BTreeMap;
use std::net::IpAddr;

pub use link::{Address, Ipv6Settings, Link, Mac, NetkitEnd};
pub use neighbour::Neighbour;
pub use prefix::Prefix;
pub use route::{Hop, Route, RouteKind, RouteMtu, table};
pub use rule::{Rule, RuleAction};

use route::Table;

use crate::socket::{Socket, Wanted};

/// What a packet is routed by.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Where it goes.
    pub destination: IpAddr,
    /// Where it comes from.
    pub source: IpAddr,
    /// Differentiated services: the upper six bits of the byte.
    pub dscp: u8,
    /// The packet's mark.
    pub mark: u32,
    /// The interface it came in by.
    pub input: u32,
    /// The interface it must leave by; 0 for any.
    pub output: u32,
}

/// A route that a packet takes, and the hop of it.
#[derive(Copy, Clone, Debug)]
pub struct Found<'n> {
    /// The route.
    pub route: &'n Route,
    /// Its next hop; `None` for a route that refuses.
    pub hop: Option<&'n Hop>,
}

/// Why there is no route.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// No rule and no table has one.
    Unknown,
    /// A rule refuses silently.
    Blackhole,
    /// A rule refuses and says so.
    Prohibit,
}

/// A network.
#[derive(Clone, Debug, Default)]
pub struct Network {
    links: BTreeMap<u32, Link>,
    neighbours: BTreeMap<(u32, IpAddr), Neighbour>,
    /// By family (true for IPv6) and number.
    tables: BTreeMap<(bool, u32), Table>,
    /// By cookie.
    sockets: BTreeMap<u64, Socket>,
    /// By priority.
    rules: Vec<Rule>,
    /// Somebody changed the rules that every machine starts with.
    own_rules: bool,
    /// There is nothing that was not described.
    is_whole: bool,
}

impl Network {
    /// Without anything, not even a loopback interface.
    pub fn empty() -> Self {
        Self::default()
    }

    /// What a network namespace starts with: the loopback interface and the three rules.
    pub fn loopback() -> Self {
        let mut network = Self::empty();
        network.add_link(Link::loopback());
        for rule in rule::initial() {
            network.rules.push(rule);
        }
        network
    }

    /// There are no interfaces but those described, even if that is the loopback interface alone.
    #[must_use]
    pub fn whole(self) -> Self {
        Self {
            is_whole: true,
            ..self
        }
    }

    /// Adds an interface, or replaces the one of its number.
    pub fn add_link(&mut self, link: Link) {
        self.links.insert(link.index, link);
    }

    /// Adds a neighbour, or replaces the one of its address.
    pub fn add_neighbour(&mut self, neighbour: Neighbour) {
        let key = (neighbour.link, neighbour.address);
        self.neighbours.insert(key, neighbour);
    }

    /// Adds a route.
    pub fn add_route(&mut self, route: Route) {
        let key = (route.destination.is_ipv6(), route.table);
        self.tables.entry(key).or_default().add(route);
    }

    /// Adds a socket and says its cookie: its own, or the first that is free.
    pub fn add_socket(&mut self, mut socket: Socket) -> u64 {
        if socket.cookie == 0 {
            let last = self.sockets.keys().next_back().copied();
            socket.cookie = last.unwrap_or(0) + 1;
        }
        let cookie = socket.cookie;
        self.sockets.insert(cookie, socket);
        cookie
    }

    /// The socket of a cookie.
    pub fn socket(&self, cookie: u64) -> Option<&Socket> {
        self.sockets.get(&cookie)
    }

    /// The socket that a packet is for; of several that fit equally well the first.
    pub fn socket_for(&self, wanted: &Wanted) -> Option<&Socket> {
        let fitting = self
            .sockets
            .values()
            .filter_map(|socket| Some((socket.fits(wanted)?, socket)));
        let best = fitting.min_by_key(|(worth, _)| std::cmp::Reverse(*worth));
        best.map(|(_, socket)| socket)
    }

    /// Replaces the rules; by priority, and those of equal priority as they come.
    pub fn set_rules(&mut self, mut rules: Vec<Rule>) {
        rules.sort_by_key(|rule| rule.priority);
        self.own_rules = {
            let ipv4 = rules.iter().filter(|rule| !rule.ipv6);
            !ipv4.eq(rule::initial().iter().filter(|rule| !rule.ipv6))
        };
        self.rules = rules;
    }

    /// The interface of a number.
    pub fn link(&self, index: u32) -> Option<&Link> {
        self.links.get(&index)
    }

    /// Whether packets can be sent to an interface. In a network that nobody described, with nothing but
    /// the loopback interface, any number may be one.
    pub fn may_have(&self, index: u32) -> bool {
        let is_described = self.is_whole || self.links.keys().any(|&index| index != 1);
        index != 0 && (!is_described || self.links.contains_key(&index))
    }

    /// All interfaces by number.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.links.values()
    }

    /// What an interface knows of a neighbour, if that can be relied on.
    pub fn neighbour(&self, link: u32, address: IpAddr) -> Option<&Neighbour> {
        self.neighbours.get(&(link, address))
    }

    /// True if there is a table of this number.
    pub fn has_table(&self, ipv6: bool, number: u32) -> bool {
        // These are always there.
        [table::MAIN, table::LOCAL].contains(&number) || self.tables.contains_key(&(ipv6, number))
    }

    /// The best route of one table.
    pub fn route_in(&self, number: u32, flow: &Flow) -> Option<Found<'_>> {
        let ipv6 = flow.destination.is_ipv6();
        let both = [table::LOCAL, table::MAIN];
        // As long as nobody made rules of IPv4, its local and its main table are one.
        let numbers: &[u32] = if !ipv6 && !self.own_rules && both.contains(&number) {
            &both
        } else {
            &[number]
        };
        let found = numbers
            .iter()
            .filter_map(|number| self.tables.get(&(ipv6, *number))?.find(flow));
        // The first of equally long ones, so `min` rather than `max`.
        found.min_by_key(|found| std::cmp::Reverse(found.route.destination.bits()))
    }

    /// The route that the rules lead to.
    ///
    /// # Errors
    /// If they lead nowhere.
    pub fn route(&self, flow: &Flow) -> Result<Found<'_>, NoRoute> {
        let mut from_priority = 0;
        for rule in &self.rules {
            if rule.priority < from_priority || !rule.takes(flow) {
                continue;
            }
            match rule.action {
                RuleAction::Table(number) => {
                    let found = self.route_in(number, flow).filter(|found| {
                        found.route.kind != RouteKind::Throw
                            && rule
                                .suppressed_bits
                                .is_none_or(|bits| found.route.destination.bits() > bits)
                    });
                    if let Some(found) = found {
                        return Ok(found);
                    }
                }
                RuleAction::Goto(priority) => from_priority = priority,
                RuleAction::Nothing => {}
                RuleAction::Unreachable => return Err(NoRoute::Unknown),
                RuleAction::Blackhole => return Err(NoRoute::Blackhole),
                RuleAction::Prohibit => return Err(NoRoute::Prohibit),
            }
        }
        Err(NoRoute::Unknown)
    }

    /// The address that packets to `destination` carry as their source if they leave by an interface
    /// and nobody says another.
    pub fn source(&self, link: u32, destination: IpAddr) -> Option<IpAddr> {
        let first = self.link(link);
        let others = self.links().filter(|other| other.index != link);
        let links: Vec<&Link> = first.into_iter().chain(others).collect();
        match destination {
            IpAddr::V4(destination) => link::source_ipv4(&links, destination).map(IpAddr::V4),
            IpAddr::V6(destination) => link::source_ipv6(&links, destination).map(IpAddr::V6),
        }
    }
}

#[cfg(test)]
mod tests;
