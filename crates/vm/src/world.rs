//! What a run works on besides the program's own memory: environment, packet, context, records.
//!
//! Nothing here depends on the form of addresses, so engines share it.

mod context;
mod flow;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Weak};

use osmia_program::context::{Context, packet_access};
use osmia_program::{
    Changed, ProgramKind, Record, RecordSource, RedirectTarget, Redirected, Remote, Role, Scene,
    SceneMemory, Signal,
};

use crate::env::Environment;
use crate::held::Held;
use crate::limits;
use crate::map::{GroupKey, Map, Runs};
use crate::memory::Block;
use crate::packet::Packet;
use crate::socket::{LiveSocket, Socket, family};
use crate::stage::Stage;
use crate::stop::Stop;
use crate::system_calls::SystemCalls;

pub use context::ContextBytes;

/// `ETH_P_IP`
const IPV4: u16 = 0x0800;
/// `ETH_P_IPV6`
const IPV6: u16 = 0x86dd;
/// Bytes of an Ethernet header.
const ETHERNET_BYTES: usize = 14;
/// Cookie of the socket that stands for one nobody described.
const UNDESCRIBED: u64 = u64::MAX;
/// The interface that packets come from unless the context says another.
const LOOPBACK: u32 = 1;

/// What the bytes of a packet start with.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Layer {
    /// An Ethernet header.
    #[default]
    Ethernet,
    /// An Ethernet header that was cut off: programs see what follows, and zeroes are given back.
    CutEthernet,
    /// Metadata up to where the context says that data begin, then an Ethernet header; given back with
    /// the metadata there are. What is behind the end in the context is there but not shown.
    Metadata,
    /// An IP header, as on raw links.
    Network,
}

/// Why an input is not one a program type takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// Too long a packet.
    #[error(
        "the packet has {len} bytes, at most {} are taken",
        limits::PACKET_BYTES_MAX
    )]
    PacketTooLong {
        /// Its length.
        len: usize,
    },
    /// Too long a context.
    #[error("the context has {len} bytes, at most {max} are taken")]
    ContextTooLong {
        /// Its length.
        len: usize,
        /// The most this type takes.
        max: usize,
    },
    /// Programs of this type have the context of another.
    #[error("programs of type {kind} have no context of their own and cannot be run alone")]
    NoContext {
        /// The type.
        kind: ProgramKind,
    },
    /// Memory is short.
    #[error("no memory for the input")]
    NoMemory,
}

impl InputError {
    /// What people are told.
    pub fn to_diagnostic(&self) -> osmia_diag::Diagnostic {
        osmia_diag::Diagnostic::error(crate::codes::INPUT, self.to_string())
    }
}

/// Where a redirecting helper sent the packet.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// Where to.
    pub to: Destination,
    /// The helper's flags.
    pub flags: u64,
}

/// What packets are redirected to.
#[derive(Clone, Debug)]
pub enum Destination {
    /// An interface, by index.
    Interface(u32),
    /// An interface, by index, with the neighbour's address as the destination.
    Neighbour(u32),
    /// The other end of an interface, by index.
    Peer(u32),
    /// What a map has under a key.
    Slot(Arc<Map>, u32),
    /// Every interface in a map.
    Everybody(Arc<Map>),
    /// The socket a map has under a key.
    Socket {
        /// The map.
        map: Arc<Map>,
        /// The key.
        key: Vec<u8>,
        /// The socket's cookie.
        cookie: u64,
    },
}

impl Redirect {
    /// As hosts report it.
    pub fn report(self, copy: Option<Vec<u8>>) -> Redirected {
        let target = match self.to {
            Destination::Interface(index) => RedirectTarget::Interface(index),
            Destination::Neighbour(index) => RedirectTarget::Neighbour(index),
            Destination::Peer(index) => RedirectTarget::Peer(index),
            Destination::Slot(map, key) => RedirectTarget::Slot {
                value: map.target(key).unwrap_or_default(),
                map: map.spec().name.clone(),
                kind: map.spec().kind,
                key,
            },
            Destination::Socket { map, key, cookie } => RedirectTarget::Socket {
                map: map.spec().name.clone(),
                kind: map.spec().kind,
                key,
                cookie,
            },
            Destination::Everybody(map) => RedirectTarget::Everybody {
                map: map.spec().name.clone(),
            },
        };
        Redirected {
            target,
            flags: self.flags,
            copy,
        }
    }
}

/// What a program said about the tunnel a packet came or goes through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// The key as `bpf_skb_set_tunnel_key` took it (`struct bpf_tunnel_key`).
    pub key: [u8; TUNNEL_KEY_BYTES],
    /// The flags it came with.
    pub flags: u64,
    /// Options, as `bpf_skb_set_tunnel_opt` took them.
    pub options: Vec<u8>,
}

/// Bytes of `struct bpf_tunnel_key`.
pub(crate) const TUNNEL_KEY_BYTES: usize = 44;

/// What a program said about the message it judges.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The verdict is for so many bytes; 0 for what there is.
    pub applied_bytes: u32,
    /// It wants to see so many bytes before it decides.
    pub awaited_bytes: u32,
}

/// Everything a run works on.
#[derive(Debug)]
pub struct World {
    /// Clock, chance, CPU, task.
    pub env: Environment,
    /// The host's runs and objects.
    pub runs: Arc<Runs>,
    /// The packet.
    pub packet: Packet,
    /// The context.
    pub context: ContextBytes,
    /// What the packet starts with.
    pub layer: Layer,
    /// Who watches the run.
    #[cfg(feature = "trace")]
    pub(crate) watcher: crate::trace::Watcher,
    /// What the run holds.
    pub held: Held,
    /// Says when runs are to stop.
    pub(crate) stop: Stop,
    /// The last redirection asked for in the last run.
    pub redirect: Option<Redirect>,
    /// Copies of the packet sent elsewhere since the last input, at most
    /// [`limits::COPIES_MAX`].
    pub copies: Vec<(Redirect, Vec<u8>)>,
    /// What programs said about the packet's tunnel.
    pub tunnel: Option<Tunnel>,
    /// What a program wants the probed function to return instead of running.
    pub override_return: Option<u64>,
    /// True once an outer header was put around the packet.
    pub encapsulated: bool,
    /// The control group the program is attached to; `None` in a test run.
    pub attachment: Option<GroupKey>,
    /// Values of cgroup storages in a test run, freed with the next input.
    unattached: Vec<(Weak<Map>, u64)>,
    /// What a flow dissector fills.
    flow: flow::FlowKeys,
    /// Signals that programs sent since the last input, at most [`limits::SIGNALS_MAX`].
    pub signals: Vec<Signal>,
    /// What a decoder of infrared signals said since the last input, at most
    /// [`limits::REMOTE_EVENTS_MAX`].
    pub remote: Vec<Remote>,
    /// In whose name system call programs act.
    pub process: Option<Arc<dyn SystemCalls>>,
    /// What the system call returns, as programs left it.
    pub retval: i32,
    /// The value that a program wants a kernel parameter to get.
    pub new_value: Option<Vec<u8>>,
    /// What programs said about the message they judge.
    pub message: Message,
    /// Bytes of a TCP header that programs set aside for options.
    pub(crate) reserved_bytes: usize,
    /// The type of the program that the input is for.
    pub kind: ProgramKind,
    /// The packet's hash is a program's word, even if that is 0.
    pub hash_is_set: bool,
    /// How many checksums after the first were found right, if any was looked at.
    pub checksums_right: Option<u8>,
    /// Tasks, files and other memory that was described.
    pub stage: Stage,
    /// The CPU that was given out last where every CPU has its turn.
    pub(crate) cpu_given: u32,
    /// What a program keeps from a function's entry to its return.
    session: Option<Arc<Block>>,
    records: VecDeque<Record>,
    lost: u64,
    buffers: Vec<Vec<u8>>,
}

impl World {
    /// With an empty packet and no context. `None` if memory is short.
    pub fn new(env: Environment, runs: &Arc<Runs>) -> Option<Self> {
        Some(Self {
            stop: Stop::default(),
            env,
            runs: Arc::clone(runs),
            packet: Packet::new()?,
            context: ContextBytes::new()?,
            flow: None,
            layer: Layer::Ethernet,
            #[cfg(feature = "trace")]
            watcher: crate::trace::Watcher::default(),
            held: Held::default(),
            redirect: None,
            copies: Vec::new(),
            tunnel: None,
            override_return: None,
            encapsulated: false,
            attachment: None,
            unattached: Vec::new(),
            signals: Vec::new(),
            remote: Vec::new(),
            process: None,
            retval: 0,
            new_value: None,
            message: Message::default(),
            reserved_bytes: 0,
            kind: ProgramKind::Unspec,
            hash_is_set: false,
            checksums_right: None,
            stage: Stage::default(),
            cpu_given: 0,
            session: None,
            records: VecDeque::new(),
            lost: 0,
            buffers: Vec::new(),
        })
    }

    /// Takes a packet and a context (empty: the default one) for programs of a role.
    ///
    /// # Errors
    /// If they are not what they take.
    pub fn fill(
        &mut self,
        role: Role,
        packet: &[u8],
        bytes: &[u8],
        layer: Layer,
    ) -> Result<(), InputError> {
        self.context.fill(role, bytes)?;
        self.context.link(&self.stage);
        if packet.len() > limits::PACKET_BYTES_MAX {
            return Err(InputError::PacketTooLong { len: packet.len() });
        }
        self.packet.fill(packet).ok_or(InputError::NoMemory)?;
        self.packet.access = packet_access(role.kind);
        self.layer = layer;
        self.copies.clear();
        self.tunnel = None;
        self.encapsulated = false;
        self.kind = role.kind;
        self.signals.clear();
        self.remote.clear();
        self.retval = self.env.event.retval;
        self.new_value = None;
        self.message = Message::default();
        self.reserved_bytes = 0;
        self.hash_is_set = false;
        self.checksums_right = None;
        match layer {
            Layer::Ethernet => self.packet.set_network(ETHERNET_BYTES),
            Layer::CutEthernet => self.packet.cut_link(ETHERNET_BYTES),
            Layer::Metadata => self.take_meta(!bytes.is_empty()),
            Layer::Network => {}
        }
        self.forget_unattached();
        if !self.env.event.is_return {
            self.session = None;
        }
        if self.context.is_flow() {
            self.show_flow()?;
        }
        self.begin();
        self.describe_packet(!bytes.is_empty());
        self.show_socket()
    }

    /// Lets the context point to the socket that the packet or the event belongs to. Where there
    /// always is one and nobody described it, it is one of which only the context tells.
    fn show_socket(&mut self) -> Result<(), InputError> {
        let Some(always) = self.context.has_socket() else {
            return Ok(());
        };
        let network = Arc::clone(&self.env.network);
        let cookie = self.env.event.socket;
        let of_network = cookie.and_then(|cookie| network.socket(cookie));
        // One that is described anew for every run, if it is not one of the network's.
        let own = match (self.stage.socket(), of_network) {
            (Some(described), _) => Some(Socket::described(described)),
            (None, Some(_)) => None,
            (None, None) if !always => return Ok(()),
            (None, None) => Some(self.own_socket()),
        };
        let live = (own.as_ref().or(of_network)).and_then(|own| LiveSocket::of(&self.runs, own));
        let live = live.ok_or(InputError::NoMemory)?;
        if let Some(own) = own {
            live.change(&self.runs, |socket| *socket = own);
        }
        self.context.point("sk", live.address());
        Ok(())
    }

    /// The socket that nobody described: that of a socket's context, or the one that a test run makes for
    /// a packet, which has the packet's addresses.
    fn own_socket(&self) -> Socket {
        let mut own = Socket {
            cookie: UNDESCRIBED,
            family: self.context.field("family"),
            ..Socket::default()
        };
        if !self.context.is_packet_view() {
            own.kind = self.context.field("type");
            own.protocol = self.context.field("protocol");
            return own;
        }
        let start = match self.layer {
            Layer::Network => 0,
            _ => ETHERNET_BYTES,
        };
        if let Some((from, to)) = self.addresses(own.family, start) {
            (own.local.0, own.remote.0) = (from, to);
        }
        own
    }

    /// Source and destination of the IP header at an offset from the link header.
    fn addresses(&self, family: u32, start: usize) -> Option<(IpAddr, IpAddr)> {
        if family == family::INET {
            let mut header = [0; 20];
            self.packet.read_from_link(start, &mut header)?;
            let address = |at| -> Option<[u8; 4]> { header[at..at + 4].try_into().ok() };
            return Some((address(12)?.into(), address(16)?.into()));
        }
        let mut header = [0; 40];
        self.packet.read_from_link(start, &mut header)?;
        let address = |at| -> Option<[u8; 16]> { header[at..at + 16].try_into().ok() };
        (family == family::INET6).then_some((address(8)?.into(), address(24)?.into()))
    }

    /// What a program keeps from a function's entry to its return; `None` if memory is short.
    pub(crate) fn session_cookie(&mut self) -> Option<Arc<Block>> {
        /// Bytes of a cookie.
        const BYTES: usize = 8;
        if self.session.is_none() {
            self.session = Some(Arc::new(Block::new(1, BYTES)?));
        }
        self.session.clone()
    }

    /// The address of the value a cgroup storage has for this run. A test run gets one of its own.
    pub fn group_value(&mut self, map: &Arc<Map>) -> Option<u64> {
        let storage = map.group_storage()?;
        if let Some(key) = self.attachment {
            return storage.find(key, self.env.cpu);
        }
        let own = |(known, _): &&(Weak<Map>, u64)| std::ptr::eq(known.as_ptr(), Arc::as_ptr(map));
        if let Some((_, value)) = self.unattached.iter().find(own) {
            return Some(*value);
        }
        let value = storage.make_lane()?;
        self.unattached.push((Arc::downgrade(map), value));
        Some(value)
    }

    fn forget_unattached(&mut self) {
        for (_, value) in self.unattached.drain(..) {
            self.runs.heap().free(&self.runs, value);
        }
    }

    /// Sets the surroundings of the next runs; the context is filled after them.
    ///
    /// # Errors
    /// If memory is short.
    pub fn surround(&mut self, scene: &Arc<Scene>) -> Result<(), InputError> {
        let runs = Arc::clone(&self.runs);
        (self.stage.set(scene, &runs, &mut self.env)).ok_or(InputError::NoMemory)
    }

    /// Parts of the surroundings that runs changed.
    pub fn changed(&self) -> Vec<Changed> {
        let mut changed = self.stage.changed(&self.runs);
        changed.extend(self.new_value.clone().map(|bytes| Changed {
            memory: SceneMemory::Parameter,
            bytes,
        }));
        changed
    }

    /// Forgets what the run before decided.
    pub(crate) fn begin(&mut self) {
        self.redirect = None;
        self.override_return = None;
        self.begin_flow();
    }

    /// Divides the packet as the context says, if somebody gave one.
    fn take_meta(&mut self, context_is_given: bool) {
        if !context_is_given {
            return;
        }
        let data = self.context.field("data");
        let shown_bytes = self.context.field("data_end").saturating_sub(data) as usize;
        self.packet.take_meta(data as usize);
        if shown_bytes < self.packet.len() {
            self.packet.show(0, shown_bytes);
        }
    }

    /// Says in the context of a socket lookup which socket was chosen: its cookie is where programs see
    /// its address.
    pub fn name_chosen_socket(&self) {
        if self.context.structure("bpf_sk_lookup").is_some() {
            let chosen = LiveSocket::at(&self.runs, self.context.pointer_named("sk"));
            let cookie = chosen.map_or(0, |live| live.lock().cookie);
            self.context.set_bytes("sk", &cookie.to_ne_bytes());
        }
    }

    /// What the run leaves as its data: the packet in the form it was given, or what a flow
    /// dissector found out about it. The context then says where metadata end.
    pub fn output(&self, out: &mut Vec<u8>) {
        match (self.flow_keys(), self.layer) {
            (Some(keys), _) => {
                out.clear();
                out.extend(keys);
            }
            (None, Layer::Ethernet | Layer::Network) => self.packet.copy_to(out),
            (None, Layer::Metadata) => {
                self.packet.copy_with_meta(out);
                let from_meta = |at: usize| (at - self.packet.meta()) as u32;
                self.context.set("data", from_meta(self.packet.data()));
                (self.context).set("data_end", from_meta(self.packet.shown_end()));
            }
            (None, Layer::CutEthernet) => {
                self.packet.copy_to(out);
                out.splice(..0, [0; ETHERNET_BYTES]);
            }
        }
    }

    /// Hands over where helpers sent copies of the packet and, last, the packet itself.
    pub fn redirected(&mut self, sink: &mut dyn FnMut(Redirected)) {
        for (redirect, copy) in self.copies.drain(..) {
            sink(redirect.report(Some(copy)));
        }
        if let Some(redirect) = self.redirect.take() {
            sink(redirect.report(None));
        }
    }

    /// Says in the context about the packet what the caller left open, as the kernel's test runs do
    /// (`net/bpf/test_run.c`, 6.18): a packet of the loopback interface, which has address zero. How long
    /// it was on the wire they only say if there `is_context`.
    fn describe_packet(&self, is_context: bool) {
        let len = self.packet.len() as u32;
        let Context::Fields(fields) = self.context.kind() else {
            return;
        };
        match fields.name {
            "__sk_buff" if !self.context.is_flow() => {
                let (protocol, kind) = match self.layer {
                    Layer::Network => self.network_type(),
                    _ => self.ethernet_type(),
                };
                self.context.set("len", len);
                if is_context {
                    self.context.default("wire_len", len);
                }
                let family = match protocol {
                    IPV4 => family::INET,
                    IPV6 => family::INET6,
                    _ => 0,
                };
                let protocol = u32::from(protocol.to_be());
                self.context.default("protocol", protocol);
                self.context.default("family", family);
                self.context.default("pkt_type", kind);
                self.context.default("ifindex", LOOPBACK);
            }
            "xdp_md" => self.context.default("ingress_ifindex", LOOPBACK),
            "sk_reuseport_md" => self.context.default("len", len),
            "sk_msg_md" => self.context.set("size", len),
            "bpf_sock_ops" => self.context.set("skb_len", len),
            "bpf_sockopt" => self.context.default("optlen", len),
            _ => {}
        }
    }

    /// Protocol and packet type by the Ethernet header, as `eth_type_trans` tells them.
    pub(crate) fn ethernet_type(&self) -> (u16, u32) {
        /// Numbers below are lengths: the frame is one of 802.3.
        const LENGTHS: u16 = 0x600;
        /// `ETH_P_802_3`: Novell's frames, whose payload starts with ones.
        const RAW_8023: u16 = 1;
        /// `ETH_P_802_2`
        const LLC: u16 = 4;
        let (mut header, mut first) = ([0; 14], [0; 2]);
        if self.packet.read_from_link(0, &mut header).is_none() {
            return (0, 0);
        }
        let protocol = match u16::from_be_bytes([header[12], header[13]]) {
            length if length < LENGTHS => {
                let there = self.packet.read_from_link(14, &mut first).is_some();
                if there && first == [0xff; 2] {
                    RAW_8023
                } else {
                    LLC
                }
            }
            protocol => protocol,
        };
        let kind = match &header[..6] {
            [0, 0, 0, 0, 0, 0] => 0,
            // The loopback interface knows no broadcasts.
            [first, ..] if first & 1 == 1 => 2,
            _ => 3,
        };
        (protocol, kind)
    }

    /// Protocol by the version of the Internet header; such packets are for us.
    fn network_type(&self) -> (u16, u32) {
        let mut first = [0; 1];
        match self.packet.read(0, &mut first).map(|()| first[0] >> 4) {
            Some(4) => (IPV4, 0),
            Some(6) => (IPV6, 0),
            _ => (0, 0),
        }
    }

    /// Keeps what a context says about its packet's length true after a helper changed it.
    pub fn packet_resized(&mut self) {
        let len = self.packet.len() as u32;
        self.context.set("len", len);
        self.context.set("size", len);
    }

    /// Takes a record. Once [`limits::RECORDS_MAX`] wait, further ones are counted as lost.
    pub fn record(&mut self, source: RecordSource, bytes: Vec<u8>) {
        if self.records.len() >= limits::RECORDS_MAX {
            self.lost += 1;
            return;
        }
        let lost = std::mem::take(&mut self.lost);
        self.records.push_back(Record {
            source,
            cpu: self.env.cpu,
            time_ns: self.env.clock.peek(),
            bytes,
            lost,
        });
    }

    /// Hands over the records, oldest first.
    pub fn drain(&mut self, sink: &mut dyn FnMut(Record)) {
        self.records.drain(..).for_each(sink);
    }

    /// A zeroed buffer; give it back with [`World::reuse`] so that nothing is allocated next time.
    pub fn buffer(&mut self, bytes: usize) -> Vec<u8> {
        let mut buffer = self.buffers.pop().unwrap_or_default();
        buffer.clear();
        buffer.resize(bytes, 0);
        buffer
    }

    /// Gives a buffer back.
    pub fn reuse(&mut self, buffer: Vec<u8>) {
        self.buffers.push(buffer);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.forget_unattached();
        self.forget_flow();
    }
}
