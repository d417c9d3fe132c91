//! `struct bpf_flow_keys`: what a flow dissector finds out, as the kernel's test run begins and ends
//! it (`net/core/flow_dissector.c`, 6.18).

use super::{InputError, World};
use crate::heap::{Object, ObjectAccess, Tag};

/// Bytes of the structure.
pub(super) const KEYS_BYTES: usize = 56;
/// Bytes of an Ethernet header, behind which dissecting begins.
const ETHERNET_BYTES: u16 = 14;

/// Offsets of its members.
mod at {
    pub(super) const NETWORK: usize = 0;
    pub(super) const TRANSPORT: usize = 2;
    pub(super) const PROTOCOL: usize = 10;
    pub(super) const FLAGS: usize = 48;
}

impl World {
    /// Gives the program keys to fill.
    pub(super) fn show_flow(&mut self) -> Result<(), InputError> {
        let keys = match self.flow.take() {
            Some(keys) => keys,
            None => {
                let heap = self.runs.heap();
                let tag = Tag::named("bpf_flow_keys");
                heap.allocate(&self.runs, KEYS_BYTES, ObjectAccess::ReadWrite, tag)
                    .and_then(|address| heap.object(address))
                    .ok_or(InputError::NoMemory)?
            }
        };
        self.context.point("flow_keys", keys.address);
        self.flow = Some(keys);
        Ok(())
    }

    /// Gives the keys back.
    pub(super) fn forget_flow(&mut self) {
        if let Some(keys) = self.flow.take() {
            self.runs.heap().free(&self.runs, keys.address);
        }
    }

    /// Starts with an Ethernet frame of which nothing is known but its protocol.
    pub(super) fn begin_flow(&self) {
        let Some(keys) = self.flow.as_ref().filter(|_| self.context.is_flow()) else {
            return;
        };
        let mut bytes = [0; KEYS_BYTES];
        let network = ETHERNET_BYTES.to_ne_bytes();
        bytes[at::NETWORK..at::NETWORK + 2].copy_from_slice(&network);
        bytes[at::TRANSPORT..at::TRANSPORT + 2].copy_from_slice(&network);
        let mut protocol = [0; 2];
        if self.packet.read(12, &mut protocol).is_some() {
            bytes[at::PROTOCOL..at::PROTOCOL + 2].copy_from_slice(&protocol);
        }
        let flags = self.context.u32_at(at::FLAGS).to_ne_bytes();
        bytes[at::FLAGS..at::FLAGS + 4].copy_from_slice(&flags);
        keys.write(0, &bytes);
    }

    /// What the program found out; headers it places outside of the packet are at its edge.
    pub(super) fn flow_keys(&self) -> Option<[u8; KEYS_BYTES]> {
        let keys = self.flow.as_ref().filter(|_| self.context.is_flow())?;
        let mut bytes = [0; KEYS_BYTES];
        keys.read(0, &mut bytes);
        let len = u16::try_from(self.packet.len()).unwrap_or(u16::MAX);
        let mut least = ETHERNET_BYTES;
        for place in [at::NETWORK, at::TRANSPORT] {
            let found = u16::from_ne_bytes([bytes[place], bytes[place + 1]]);
            // Not `clamp`: a packet shorter than its header has no room between.
            least = found.max(least).min(len);
            bytes[place..place + 2].copy_from_slice(&least.to_ne_bytes());
        }
        Some(bytes)
    }
}

/// Keys as a world keeps them between inputs.
pub(super) type FlowKeys = Option<Object>;
