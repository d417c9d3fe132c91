//! From what was captured to what a program is given: which header comes first, and making it so.

use osmia_program::ProgramKind;

use super::{CaptureError, LinkType, Packet};

const ETHERNET_BYTES: usize = 14;
const SLL_BYTES: usize = 16;
const SLL2_BYTES: usize = 20;
const LOOPBACK_BYTES: usize = 4;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERTYPE_VLAN: u16 = 0x8100;
const ETHERTYPE_QINQ: u16 = 0x88a8;

/// The header at which the packet of a program type starts.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum PacketStart {
    /// Ethernet: XDP, TC, socket filters.
    Link,
    /// IP: cgroup and lightweight-tunnel programs.
    Network,
}

impl PacketStart {
    /// Where packets of this program type start; `None` if it is not given packets.
    pub fn of(kind: ProgramKind) -> Option<Self> {
        match kind {
            ProgramKind::Xdp
            | ProgramKind::SchedCls
            | ProgramKind::SchedAct
            | ProgramKind::SocketFilter => Some(Self::Link),
            ProgramKind::CgroupSkb
            | ProgramKind::LwtIn
            | ProgramKind::LwtOut
            | ProgramKind::LwtXmit
            | ProgramKind::LwtSeg6local => Some(Self::Network),
            _ => None,
        }
    }
}

/// A packet too short for the header its link type promises.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Unframed;

/// How packets of a capture become packets of a program.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Framing {
    kind: ProgramKind,
    start: PacketStart,
    as_ethernet: bool,
}

impl Framing {
    /// For programs of this type; `None` if they are not given packets. With `as_ethernet`, packets
    /// captured without an Ethernet header get one where the program expects it.
    pub fn new(kind: ProgramKind, as_ethernet: bool) -> Option<Self> {
        Some(Self {
            kind,
            start: PacketStart::of(kind)?,
            as_ethernet,
        })
    }

    /// Link type of the packets it yields.
    pub fn link_type(&self) -> LinkType {
        match self.start {
            PacketStart::Link => LinkType::ETHERNET,
            PacketStart::Network => LinkType::RAW,
        }
    }

    /// Rewrites the packet in place and gives its protocol as an Ethernet type. The inner error is
    /// about this packet alone, the outer one about every packet of its link type.
    pub fn apply(&self, packet: &mut Packet) -> Result<Result<u16, Unframed>, CaptureError> {
        let refused = |could_frame| {
            Err(CaptureError::LinkType {
                link_type: packet.link_type,
                kind: self.kind,
                could_frame,
                packet: packet.number,
            })
        };
        let Some(header) = Header::of(packet.link_type) else {
            return refused(false);
        };
        if self.start == PacketStart::Link && header != Header::Ethernet && !self.as_ethernet {
            return refused(true);
        }
        let Some((mut bytes, protocol)) = header.parse(&packet.data) else {
            return Ok(Err(Unframed));
        };
        match (self.start, header) {
            (PacketStart::Link, Header::Ethernet) => {}
            (PacketStart::Link, _) => {
                let mut ethernet = [0; ETHERNET_BYTES];
                ethernet[12..].copy_from_slice(&protocol.to_be_bytes());
                packet.data.splice(..bytes, ethernet);
                packet.original_bytes = shift(packet.original_bytes, bytes, ETHERNET_BYTES);
            }
            (PacketStart::Network, _) => {
                let mut protocol = protocol;
                if header == Header::Ethernet {
                    // The kernel takes tags off before these programs see the packet.
                    while matches!(protocol, ETHERTYPE_VLAN | ETHERTYPE_QINQ) {
                        let Some(inner) = u16_at(&packet.data, bytes + 2) else {
                            return Ok(Err(Unframed));
                        };
                        protocol = inner;
                        bytes += 4;
                    }
                }
                packet.data.drain(..bytes);
                packet.original_bytes = shift(packet.original_bytes, bytes, 0);
                packet.link_type = self.link_type();
                return Ok(Ok(protocol));
            }
        }
        packet.link_type = self.link_type();
        Ok(Ok(protocol))
    }
}

/// The header a link type puts first.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Header {
    Ethernet,
    /// None: IP of either version.
    Ip,
    /// None: IP of this version.
    IpOf(u16),
    /// The address family in four bytes, in the byte order of the capturing machine or in network
    /// order.
    Family,
    Sll,
    Sll2,
}

impl Header {
    fn of(link_type: LinkType) -> Option<Self> {
        Some(match link_type {
            LinkType::ETHERNET => Self::Ethernet,
            LinkType::RAW => Self::Ip,
            LinkType::IPV4 => Self::IpOf(ETHERTYPE_IPV4),
            LinkType::IPV6 => Self::IpOf(ETHERTYPE_IPV6),
            LinkType::NULL | LinkType::LOOP => Self::Family,
            LinkType::LINUX_SLL => Self::Sll,
            LinkType::LINUX_SLL2 => Self::Sll2,
            _ => return None,
        })
    }

    /// Its length and the protocol behind it; `None` if the packet is too short to say.
    fn parse(self, data: &[u8]) -> Option<(usize, u16)> {
        Some(match self {
            Self::Ethernet => (ETHERNET_BYTES, u16_at(data, 12)?),
            Self::Ip => {
                let version = data.first()? >> 4;
                let protocol = if version == 6 {
                    ETHERTYPE_IPV6
                } else {
                    ETHERTYPE_IPV4
                };
                (0, protocol)
            }
            Self::IpOf(protocol) => (0, protocol),
            Self::Family => {
                // Families are small numbers: whichever end is not zero holds it.
                let raw = data.get(..LOOPBACK_BYTES)?;
                let family = if raw[0] != 0 { raw[0] } else { raw[3] };
                let protocol = match family {
                    10 | 24 | 28 | 30 => ETHERTYPE_IPV6,
                    _ => ETHERTYPE_IPV4,
                };
                (LOOPBACK_BYTES, protocol)
            }
            Self::Sll => {
                data.get(..SLL_BYTES)?;
                (SLL_BYTES, u16_at(data, 14)?)
            }
            Self::Sll2 => {
                data.get(..SLL2_BYTES)?;
                (SLL2_BYTES, u16_at(data, 0)?)
            }
        })
    }
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    let raw = data.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes([raw[0], raw[1]]))
}

fn shift(original: u32, removed: usize, added: usize) -> u32 {
    original
        .saturating_sub(removed as u32)
        .saturating_add(added as u32)
}
