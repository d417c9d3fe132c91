use std::net::IpAddr;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn range(text: &str) -> Prefix {
    let (address, bits) = text.split_once('/').expect("a range");
    Prefix::new(ip(address), bits.parse().expect("bits"))
}

fn to(destination: &str) -> Flow {
    Flow {
        destination: ip(destination),
        source: ip("0.0.0.0"),
        dscp: 0,
        mark: 0,
        input: 2,
        output: 0,
    }
}

fn network() -> Network {
    let mut network = Network::loopback();
    network.add_route(Route::by(range("0.0.0.0/0"), 2, Some(ip("10.0.0.1"))));
    network.add_route(Route::by(range("10.0.0.0/8"), 3, None));
    network.add_route(Route {
        metric: 5,
        ..Route::by(range("10.1.0.0/16"), 4, None)
    });
    network.add_route(Route {
        metric: 4,
        ..Route::by(range("10.1.0.0/16"), 5, None)
    });
    network
}

fn link(network: &Network, flow: &Flow) -> Option<u32> {
    let found = network.route(flow).ok()?;
    found.hop.map(|hop| hop.link)
}

#[test]
fn the_longest_range_wins_then_the_lowest_metric() {
    let network = network();
    assert_eq!(link(&network, &to("8.8.8.8")), Some(2));
    assert_eq!(link(&network, &to("10.200.0.1")), Some(3));
    assert_eq!(link(&network, &to("10.1.2.3")), Some(5));
}

#[test]
fn an_interface_asked_for_may_lead_to_a_shorter_range() {
    let network = network();
    let by = |output| {
        link(
            &network,
            &Flow {
                output,
                ..to("10.1.2.3")
            },
        )
    };
    assert_eq!(by(4), Some(4));
    assert_eq!(by(3), Some(3));
    assert_eq!(by(2), Some(2));
    assert_eq!(by(9), None);
}

#[test]
fn marks_lead_to_other_tables_and_thrown_packets_back() {
    let mut network = network();
    network.add_route(Route {
        table: 7,
        ..Route::by(range("0.0.0.0/0"), 6, None)
    });
    network.add_route(Route {
        table: 7,
        kind: RouteKind::Throw,
        hops: Vec::new(),
        ..Route::by(range("10.0.0.0/8"), 0, None)
    });
    let mut rules: Vec<Rule> = rule::initial().into();
    rules.push(Rule {
        mark: 0x10,
        mark_mask: 0xf0,
        ..Rule::all(false, 100, RuleAction::Table(7))
    });
    network.set_rules(rules);
    let marked = |destination, mark| {
        link(
            &network,
            &Flow {
                mark,
                ..to(destination)
            },
        )
    };
    assert_eq!(marked("8.8.8.8", 0x1f), Some(6));
    assert_eq!(marked("8.8.8.8", 0x2f), Some(2));
    assert_eq!(marked("10.1.0.1", 0x10), Some(5));
}

#[test]
fn sources_are_of_the_network_of_the_destination() {
    let mut network = Network::loopback();
    let address = |text: &str| Address {
        address: ip(text),
        prefix_bits: if text.contains(':') { 64 } else { 24 },
        secondary: false,
        narrow: false,
    };
    network.add_link(Link {
        addresses: vec![
            address("10.0.0.1"),
            address("10.0.1.1"),
            address("fe80::1"),
            address("2001:db8:1::1"),
            address("2001:db8:2::1"),
        ],
        ..Link::ethernet(2, "a", [2; 6])
    });
    let source = |to: &str| network.source(2, ip(to)).map(|ip| ip.to_string());
    assert_eq!(source("10.0.1.77").as_deref(), Some("10.0.1.1"));
    assert_eq!(source("8.8.8.8").as_deref(), Some("10.0.0.1"));
    assert_eq!(source("2001:db8:2::99").as_deref(), Some("2001:db8:2::1"));
    assert_eq!(source("fe80::99").as_deref(), Some("fe80::1"));
}
