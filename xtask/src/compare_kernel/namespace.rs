//! A network of our own for both hosts: nobody else's packets, addresses and routes.

use std::process::Command;

use crate::place::Error;

/// What the network consists of, as shell commands.
const NETWORK: &str = include_str!("network.sh");
/// What is added for the second pass.
const RULES: &str = include_str!("rules.sh");

fn is_about_routes(object: &str) -> bool {
    object.starts_with("fib")
}

/// What the network of a pass has.
#[derive(Copy, Clone, PartialEq, Eq)]
pub(super) enum Pass {
    /// Interfaces, addresses, routes, neighbours.
    Plain,
    /// Rules as well, which only programs that look for routes notice.
    WithRules,
}

impl Pass {
    /// Adds to the namespace what the pass before did not have.
    pub(super) fn begin(self) -> Result<(), Error> {
        let commands = match self {
            Pass::Plain => NETWORK,
            Pass::WithRules => RULES,
        };
        let status = Command::new("sh").args(["-ec", commands]).status()?;
        match status.success() {
            true => Ok(()),
            false => Err("the network could not be made".into()),
        }
    }

    /// True if the programs of an object notice what the pass brings.
    pub(super) fn concerns(self, object: &str) -> bool {
        self == Pass::Plain || is_about_routes(object)
    }

    /// How many frames the programs of an object are run on.
    pub(super) fn frames_max(self, object: &str) -> usize {
        // They have questions of their own, and look at no more of a packet than its length.
        if is_about_routes(object) {
            4
        } else {
            usize::MAX
        }
    }
}
