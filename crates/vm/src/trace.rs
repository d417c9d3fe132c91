//! Watching a run: every operation before it is executed, for tests that hold runs against what was
//! claimed of them. Compiled with the feature `trace` only; engines in use do not pay for it.

use std::ops::RangeInclusive;

use crate::checked::Checked;
use crate::guest::Guest;
use crate::packet::Packet;

/// A run at one operation.
#[derive(Debug)]
pub struct Step<'a> {
    /// The slot of the instruction about to run.
    pub slot: usize,
    /// How many functions are running, from 1.
    pub depth: usize,
    /// The registers of the running function.
    pub regs: &'a [u64; 11],
    /// The memory it works on.
    pub memory: &'a Checked,
    /// The packet it works on.
    pub packet: &'a Packet,
}

impl Step<'_> {
    /// Address of the context.
    pub fn context(&self) -> u64 {
        Checked::context_address()
    }

    /// Addresses of the packet's metadata, its first byte, and the one behind its last.
    pub fn packet_ends(&self) -> [u64; 3] {
        let packet = self.packet;
        let ends = [packet.meta(), packet.shown_start(), packet.shown_end()];
        ends.map(|end| self.memory.packet_address(end))
    }

    /// Address that stands for a map of the program by position.
    pub fn map_handle(&self, position: usize) -> u64 {
        Checked::handle_address(position)
    }

    /// Those addresses of the values of a map of the program by position that lie in a range; none if
    /// programs touch none.
    pub fn map_values(
        &self,
        position: usize,
        within: &RangeInclusive<u64>,
    ) -> impl Iterator<Item = u64> {
        self.memory.value_addresses(position, within)
    }
}

/// Takes the steps.
pub type Watch = Box<dyn FnMut(&Step<'_>) + Send>;

/// The watcher of a machine, if it has one.
#[derive(Default)]
pub(crate) struct Watcher(pub(crate) Option<Watch>);

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "watched" } else { "alone" })
    }
}
