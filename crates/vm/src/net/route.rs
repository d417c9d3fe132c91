//! Routes and the tables they are looked up in.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;

use rustc_hash::FxHashMap;

use super::{Flow, Found, Prefix, prefix};

/// Numbers of tables.
pub mod table {
    /// `RT_TABLE_DEFAULT`: what is tried last.
    pub const DEFAULT: u32 = 253;
    /// `RT_TABLE_MAIN`: where routes go unless somebody says otherwise.
    pub const MAIN: u32 = 254;
    /// `RT_TABLE_LOCAL`: this machine's own addresses.
    pub const LOCAL: u32 = 255;
}

/// What happens to packets that take a route.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum RouteKind {
    /// They go on.
    #[default]
    Unicast,
    /// They are for this machine.
    Local,
    /// They are for several: broadcast, anycast, multicast.
    Several,
    /// They vanish.
    Blackhole,
    /// They vanish, and the sender hears that nobody is there.
    Unreachable,
    /// They vanish, and the sender hears that it may not.
    Prohibit,
    /// The table has no route for them.
    Throw,
}

impl RouteKind {
    /// True for kinds that have no next hop.
    fn refuses(self) -> bool {
        use RouteKind::*;
        matches!(self, Blackhole | Unreachable | Prohibit | Throw)
    }
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The table it is in.
    pub table: u32,
    /// What it is for.
    pub destination: Prefix,
    /// Only for packets with these differentiated services; 0 for all.
    pub dscp: u8,
    /// Of two for the same the lower one is taken.
    pub metric: u32,
    /// What happens.
    pub kind: RouteKind,
    /// The source address of packets that have none yet.
    pub source: Option<IpAddr>,
    /// Longest packet.
    pub mtu: Option<RouteMtu>,
    /// Where to; of several the first that is possible is taken.
    pub hops: Vec<Hop>,
}

/// Longest packet of a route.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct RouteMtu {
    /// Bytes.
    pub bytes: u32,
    /// Forwarded packets must keep to it too.
    pub locked: bool,
}

/// A next hop.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The interface.
    pub link: u32,
    /// The router there, unless the destination itself is there.
    pub gateway: Option<IpAddr>,
    /// Packets are wrapped before they leave.
    pub encapsulates: bool,
}

impl Route {
    /// A route of the main table by an interface and perhaps a router.
    pub fn by(destination: Prefix, link: u32, gateway: Option<IpAddr>) -> Self {
        Self {
            table: table::MAIN,
            destination,
            dscp: 0,
            metric: 0,
            kind: RouteKind::Unicast,
            source: None,
            mtu: None,
            hops: vec![Hop {
                link,
                gateway,
                encapsulates: false,
            }],
        }
    }
}

/// A table: routes by length, longest first, and by destination.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    lengths: BTreeMap<Reverse<u8>, FxHashMap<u128, Vec<Route>>>,
}

impl Table {
    pub(super) fn add(&mut self, route: Route) {
        let of_length = self.lengths.entry(Reverse(route.destination.bits()));
        let routes = of_length.or_default().entry(route.destination.key());
        let routes = routes.or_default();
        // Special ones first, then cheap ones, then as they came.
        let rank = |route: &Route| (Reverse(route.dscp), route.metric);
        let at = routes.partition_point(|known| rank(known) <= rank(&route));
        routes.insert(at, route);
    }

    pub(super) fn find(&self, flow: &Flow) -> Option<Found<'_>> {
        self.lengths.iter().find_map(|(Reverse(bits), routes)| {
            let routes = routes.get(&prefix::key(flow.destination, *bits))?;
            match flow.destination.is_ipv4() {
                true => routes.iter().find_map(|route| taken(route, flow)),
                false => preferred(routes, flow),
            }
        })
    }
}

/// The route with its hop, if the flow can take it; the interface asked for must be the hop's.
fn taken<'n>(route: &'n Route, flow: &Flow) -> Option<Found<'n>> {
    if route.dscp != 0 && route.dscp != flow.dscp {
        return None;
    }
    if route.kind.refuses() {
        return Some(Found { route, hop: None });
    }
    let mut hops = route.hops.iter();
    let hop = hops.find(|hop| flow.output == 0 || hop.link == flow.output)?;
    Some(Found {
        route,
        hop: Some(hop),
    })
}

/// As IPv6 chooses: of the cheapest routes rather one by the interface asked for, but any.
fn preferred<'n>(routes: &'n [Route], flow: &Flow) -> Option<Found<'n>> {
    let first = routes.first()?;
    let mut cheapest = routes.iter().filter(|route| route.metric == first.metric);
    let by_output = cheapest.find_map(|route| taken(route, flow));
    by_output.or_else(|| taken(first, &Flow { output: 0, ..*flow }))
}
