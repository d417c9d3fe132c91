//! Contexts of test runs (`bpf_ctx_init`, `convert___skb_to_skb`, `xdp_convert_md_to_buff` of
//! `net/bpf/test_run.c`, Linux 6.18): what a caller may say in them and what is given back.

use osmia_program::context::{Context, Fields, context};
use osmia_program::{Errno, ProgramKind};
use osmia_vm::Layer;
use osmia_vm::socket::family;

use super::bytes::read;
use crate::Kernel;
use crate::bpf::ProgTestRun;

/// Fields of `struct __sk_buff` that a caller may set.
const SKB_TAKEN: &[&str] = &[
    "mark",
    "priority",
    "ingress_ifindex",
    "ifindex",
    "cb",
    "tstamp",
    "wire_len",
    "gso_segs",
    "gso_size",
    "hwtstamp",
];
/// Fields of `struct __sk_buff` that are given back as the run left them; others as they were given.
const SKB_ANSWERED: &[&str] = &[
    "mark",
    "priority",
    "ingress_ifindex",
    "ifindex",
    "cb",
    "tstamp",
    "wire_len",
    "gso_segs",
    "hwtstamp",
];
/// Likewise of `struct xdp_md`.
const XDP_ANSWERED: &[&str] = &["data", "data_end"];
/// Fields of `struct bpf_sk_lookup` that a caller may set.
const LOOKUP_TAKEN: &[&str] = &[
    "family",
    "protocol",
    "remote_ip4",
    "remote_ip6",
    "remote_port",
    "local_ip4",
    "local_ip6",
    "local_port",
];
/// The cookie of the chosen socket takes the place of its address.
const LOOKUP_ANSWERED: &[&str] = &["sk"];
/// `GSO_LEGACY_MAX_SIZE`
const WIRE_BYTES_MAX: u32 = 65536;
/// `GSO_MAX_SEGS`
const SEGMENTS_MAX: u32 = 65535;
/// Most bytes of XDP metadata: the headroom (`XDP_PACKET_HEADROOM`) but for `struct xdp_frame`.
const META_BYTES_MAX: u32 = 256 - 40;
/// Bytes of an Ethernet header, the least of a packet.
const ETHERNET_BYTES: u32 = 14;

/// What a test run begins with and what becomes of it.
pub(super) struct RunContext {
    /// The bytes; none if nobody gave or wants any.
    bytes: Vec<u8>,
    /// Fields that the run does not see.
    unseen: &'static [&'static str],
    fields: Option<Fields>,
    answered: &'static [&'static str],
}

impl RunContext {
    /// The context as given, or as much of it as the type has: bytes behind that must be zero. The
    /// family has checked the packet's length.
    pub(super) fn of(
        kind: ProgramKind,
        layer: Layer,
        asked: &ProgTestRun<'_>,
        kernel: &Kernel,
    ) -> Result<Self, Errno> {
        let mut bytes = read(asked.ctx_in, asked.ctx_size_in as usize)?.to_vec();
        let Context::Fields(fields) = context(kind) else {
            return Ok(Self {
                bytes,
                unseen: &[],
                fields: None,
                answered: &[],
            });
        };
        let bytes_max = fields.bytes as usize;
        if bytes.iter().skip(bytes_max).any(|&byte| byte != 0) {
            return Err(Errno::E2BIG);
        }
        let is_there = asked.ctx_in.is_some() || asked.has_ctx_out;
        bytes.resize(if is_there { bytes_max } else { 0 }, 0);
        let mut taken = Self {
            bytes,
            unseen: &[],
            fields: Some(fields),
            answered: &[],
        };
        match fields.name {
            "__sk_buff" if kind != ProgramKind::FlowDissector => {
                taken.answered = SKB_ANSWERED;
                let cut_bytes = match layer {
                    Layer::CutEthernet => ETHERNET_BYTES,
                    _ => 0,
                };
                taken.check_skb(kernel, asked.data_size_in - cut_bytes)?;
            }
            "xdp_md" => {
                taken.answered = XDP_ANSWERED;
                taken.check_xdp(kernel, asked.data_size_in)?;
            }
            "bpf_sk_lookup" => {
                taken.answered = LOOKUP_ANSWERED;
                taken.check_lookup()?;
            }
            _ => {}
        }
        Ok(taken)
    }

    /// A four-byte field; 0 without a context.
    fn field(&self, name: &str) -> u32 {
        let field = self.fields.and_then(|fields| fields.field(name));
        let place = field.map(|field| field.offset as usize);
        let bytes = place.and_then(|place| self.bytes.get(place..)?.first_chunk());
        bytes.map_or(0, |bytes| u32::from_ne_bytes(*bytes))
    }

    fn check_skb(&self, kernel: &Kernel, packet_bytes: u32) -> Result<(), Errno> {
        if !exists(kernel, self.field("ifindex")) {
            return Err(Errno::ENODEV);
        }
        let wire = self.field("wire_len");
        let right = self.only(SKB_TAKEN)
            && (wire == 0 || (packet_bytes..=WIRE_BYTES_MAX).contains(&wire))
            && self.field("gso_segs") <= SEGMENTS_MAX;
        right.then_some(()).ok_or(Errno::EINVAL)
    }

    fn check_xdp(&self, kernel: &Kernel, packet_bytes: u32) -> Result<(), Errno> {
        let (data, end) = (self.field("data"), self.field("data_end"));
        let right = self.field("data_meta") == 0
            && end <= packet_bytes
            && data <= end
            && packet_bytes - data >= ETHERNET_BYTES
            && data.is_multiple_of(4)
            && data <= META_BYTES_MAX
            && self.field("egress_ifindex") == 0;
        if !right {
            return Err(Errno::EINVAL);
        }
        match (self.field("ingress_ifindex"), self.field("rx_queue_index")) {
            (interface, _) if !exists(kernel, interface) => Err(Errno::ENODEV),
            // The interfaces here have one queue.
            (_, 0) => Ok(()),
            _ => Err(Errno::EINVAL),
        }
    }

    fn check_lookup(&mut self) -> Result<(), Errno> {
        if self.bytes.is_empty() || !self.only(LOOKUP_TAKEN) {
            return Err(Errno::EINVAL);
        }
        if self.field("local_port") > u32::from(u16::MAX) {
            return Err(Errno::ERANGE);
        }
        // Linux looks at the lower half only.
        match u32::from(self.field("family") as u16) {
            family::INET => self.unseen = &["remote_ip6", "local_ip6"],
            family::INET6 => self.unseen = &["remote_ip4", "local_ip4"],
            _ => return Err(Errno::EAFNOSUPPORT),
        }
        Ok(())
    }

    /// What the run begins with.
    pub(super) fn seen(&self) -> Vec<u8> {
        let mut seen = self.bytes.clone();
        for place in self.places(self.unseen) {
            seen[place].fill(0);
        }
        seen
    }

    /// True if no byte outside of these fields is set.
    fn only(&self, fields: &[&str]) -> bool {
        let mut rest = self.bytes.clone();
        for place in self.places(fields) {
            rest[place].fill(0);
        }
        rest.iter().all(|&byte| byte == 0)
    }

    /// What is given back of what a run left.
    pub(super) fn answer(mut self, left: &[u8]) -> Vec<u8> {
        if self.fields.is_none() {
            return left.to_vec();
        }
        for place in self.places(self.answered) {
            self.bytes[place.clone()].copy_from_slice(&left[place]);
        }
        self.bytes
    }

    /// Where fields are in the bytes; nowhere without a context.
    fn places(&self, names: &[&str]) -> Vec<std::ops::Range<usize>> {
        let Some(fields) = self.fields.filter(|_| !self.bytes.is_empty()) else {
            return Vec::new();
        };
        let named = names.iter().filter_map(|name| fields.field(name));
        named
            .map(|field| field.offset as usize..field.end() as usize)
            .collect()
    }
}

/// True if no interface is named or there is one of this index.
fn exists(kernel: &Kernel, interface: u32) -> bool {
    interface == 0 || kernel.has_interface(interface)
}
