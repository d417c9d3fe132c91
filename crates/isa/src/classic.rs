//! Classic BPF: the filters that `tcpdump`, `SO_ATTACH_FILTER` and seccomp use.
//!
//! [`ClassicInsn`] is the kernel's `struct sock_filter`; [`check`] applies the rules Linux applies
//! before it takes a filter, [`translate`] turns a checked filter into eBPF. Text is `tcpdump -d`
//! and `-ddd`. Running a classic filter is not done here: it runs as its translation.

mod check;
mod table;
mod text;
mod translate;

pub use check::{ClassicError, ClassicErrorKind, ClassicUse, check};
pub use table::{ClassicAlu, ClassicCond, ClassicOp, ClassicSource};
pub use text::{ClassicTextError, assemble, listing, listing_numbers};
pub use translate::{TranslateError, translate};

use crate::{Endian, RaggedBytes};

/// One instruction, as `struct sock_filter` has it.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClassicInsn {
    /// What it does.
    pub code: u16,
    /// Instructions to skip if a condition holds.
    pub jt: u8,
    /// Instructions to skip if it does not.
    pub jf: u8,
    /// The number it works with.
    pub k: u32,
}

impl ClassicInsn {
    /// Bytes of one instruction.
    pub const BYTES: usize = 8;

    /// What its code means; `None` for codes that Linux does not know.
    pub fn op(&self) -> Option<ClassicOp> {
        table::row(self.code).map(|row| row.op)
    }

    /// Reads an instruction written in `endian` order.
    pub fn from_bytes(bytes: [u8; 8], endian: Endian) -> Self {
        let [c0, c1, jt, jf, k0, k1, k2, k3] = bytes;
        let (code, k) = match endian {
            Endian::Little => (
                u16::from_le_bytes([c0, c1]),
                u32::from_le_bytes([k0, k1, k2, k3]),
            ),
            Endian::Big => (
                u16::from_be_bytes([c0, c1]),
                u32::from_be_bytes([k0, k1, k2, k3]),
            ),
        };
        Self { code, jt, jf, k }
    }

    /// Writes the instruction in `endian` order.
    pub fn to_bytes(self, endian: Endian) -> [u8; 8] {
        let (code, k) = match endian {
            Endian::Little => (self.code.to_le_bytes(), self.k.to_le_bytes()),
            Endian::Big => (self.code.to_be_bytes(), self.k.to_be_bytes()),
        };
        [code[0], code[1], self.jt, self.jf, k[0], k[1], k[2], k[3]]
    }
}

/// Reads a filter written in `endian` order.
///
/// # Errors
/// If the length is not a multiple of 8.
pub fn read_insns(bytes: &[u8], endian: Endian) -> Result<Vec<ClassicInsn>, RaggedBytes> {
    let (chunks, rest) = bytes.as_chunks::<{ ClassicInsn::BYTES }>();
    if !rest.is_empty() {
        return Err(RaggedBytes { len: bytes.len() });
    }
    Ok(chunks
        .iter()
        .map(|chunk| ClassicInsn::from_bytes(*chunk, endian))
        .collect())
}

/// An offset at which a packet load reads something about the packet instead (`SKF_AD_*`).
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ancillary {
    /// Ethernet protocol.
    Protocol,
    /// Packet type: to us, broadcast, …
    PacketType,
    /// Interface index.
    IfIndex,
    /// Netlink attribute search.
    Nlattr,
    /// Nested netlink attribute search.
    NlattrNest,
    /// Packet mark.
    Mark,
    /// Queue.
    Queue,
    /// Hardware type of the device.
    HardwareType,
    /// Flow hash.
    RxHash,
    /// Processor number.
    Cpu,
    /// Not a load: `A ^= X`.
    AluXorX,
    /// VLAN tag.
    VlanTag,
    /// Whether there is a VLAN tag.
    VlanTagPresent,
    /// Offset of the payload.
    PayloadOffset,
    /// A random number.
    Random,
    /// VLAN protocol.
    VlanTpid,
}

impl Ancillary {
    /// `SKF_AD_OFF`: the first ancillary offset.
    pub const BASE: u32 = -0x1000_i32 as u32;

    /// With the names that `tcpdump -d` prints, in order of their offsets, four apart.
    const ALL: [(Ancillary, &'static str); 16] = [
        (Ancillary::Protocol, "proto"),
        (Ancillary::PacketType, "type"),
        (Ancillary::IfIndex, "ifidx"),
        (Ancillary::Nlattr, "nla"),
        (Ancillary::NlattrNest, "nlan"),
        (Ancillary::Mark, "mark"),
        (Ancillary::Queue, "queue"),
        (Ancillary::HardwareType, "hatype"),
        (Ancillary::RxHash, "rxhash"),
        (Ancillary::Cpu, "cpu"),
        (Ancillary::AluXorX, "xor_x"),
        (Ancillary::VlanTag, "vlan_tci"),
        (Ancillary::VlanTagPresent, "vlanp"),
        (Ancillary::PayloadOffset, "payload"),
        (Ancillary::Random, "random"),
        (Ancillary::VlanTpid, "vlan_tpid"),
    ];

    /// What the offset of a packet load stands for, if it is ancillary and known.
    pub fn at(offset: u32) -> Option<Ancillary> {
        Self::entry(offset).map(|(ancillary, _)| ancillary)
    }

    /// The name `tcpdump -d` prints for an offset.
    pub(crate) fn name_at(offset: u32) -> Option<&'static str> {
        Self::entry(offset).map(|(_, name)| name)
    }

    /// The offset that has this name.
    pub(crate) fn offset_of(name: &str) -> Option<u32> {
        let index = Self::ALL.iter().position(|(_, n)| *n == name)?;
        Some(Self::BASE + 4 * index as u32)
    }

    fn entry(offset: u32) -> Option<(Ancillary, &'static str)> {
        let distance = offset.checked_sub(Self::BASE)?;
        if !distance.is_multiple_of(4) {
            return None;
        }
        Self::ALL.get(distance as usize / 4).copied()
    }
}
