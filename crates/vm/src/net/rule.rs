//! Rules: which packets are routed by which table.

use super::route::table;
use super::{Flow, Prefix};

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// For packets of IPv6; otherwise of IPv4.
    pub ipv6: bool,
    /// Lower ones come first.
    pub priority: u32,
    /// Only packets from there.
    pub source: Option<Prefix>,
    /// Only packets to there.
    pub destination: Option<Prefix>,
    /// Only packets with these differentiated services; 0 for all.
    pub dscp: u8,
    /// Only packets whose mark is `mark` where `mark_mask` has ones.
    pub mark: u32,
    /// Zero for all packets.
    pub mark_mask: u32,
    /// Only packets that came in by this interface; 0 for all.
    pub input: u32,
    /// Only packets that must leave by this interface; 0 for all.
    pub output: u32,
    /// For packets that are not so.
    pub inverted: bool,
    /// Routes of at most so many bits do not count.
    pub suppressed_bits: Option<u8>,
    /// What happens.
    pub action: RuleAction,
}

/// What a rule does.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum RuleAction {
    /// Looks in a table, and on to the next rule if it has no route.
    Table(u32),
    /// On to the first rule of that priority or behind it.
    Goto(u32),
    /// On to the next rule.
    Nothing,
    /// There is no route.
    Unreachable,
    /// There is none, silently.
    Blackhole,
    /// There is none by order.
    Prohibit,
}

impl Rule {
    /// A rule for all packets.
    pub fn all(ipv6: bool, priority: u32, action: RuleAction) -> Self {
        Self {
            ipv6,
            priority,
            source: None,
            destination: None,
            dscp: 0,
            mark: 0,
            mark_mask: 0,
            input: 0,
            output: 0,
            inverted: false,
            suppressed_bits: None,
            action,
        }
    }

    /// True if the rule is for such packets.
    pub(super) fn takes(&self, flow: &Flow) -> bool {
        if self.ipv6 != flow.destination.is_ipv6() {
            return false;
        }
        let inside = |range: Option<Prefix>, address| {
            range.is_none_or(|range: Prefix| range.contains(address))
        };
        let matches = inside(self.source, flow.source)
            && inside(self.destination, flow.destination)
            && (self.dscp == 0 || self.dscp == flow.dscp)
            && (self.mark ^ flow.mark) & self.mark_mask == 0
            && (self.input == 0 || self.input == flow.input)
            && (self.output == 0 || self.output == flow.output);
        matches != self.inverted
    }
}

/// The rules every machine starts with.
pub(super) fn initial() -> [Rule; 5] {
    let rule = |ipv6, priority, number| Rule::all(ipv6, priority, RuleAction::Table(number));
    [
        rule(false, 0, table::LOCAL),
        rule(true, 0, table::LOCAL),
        rule(false, 32_766, table::MAIN),
        rule(true, 32_766, table::MAIN),
        rule(false, 32_767, table::DEFAULT),
    ]
}
