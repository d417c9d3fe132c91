//! The pcapng format: sections of blocks, several interfaces a section.
//!
//! Blocks that are not packets, interfaces or section headers are passed over without being held.

use std::io::Read;

use super::input::{Filled, Input, Order};
use super::reader::read_data;
use super::ticks::Clock;
use super::{CaptureError, LinkType, Packet};
use crate::limits;

/// The type of the block every section starts with; reads the same in both byte orders.
pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const OPTION_END: u16 = 0;
const OPTION_TSRESOL: u16 = 9;
const OPTION_TSOFFSET: u16 = 14;

/// Type and total length in front, total length behind.
const FRAME_BYTES: u32 = 12;
const SECTION_BYTES_MIN: u32 = 28;
const INTERFACE_BYTES_MIN: u32 = 20;

struct Interface {
    link_type: LinkType,
    snaplen: u32,
    clock: Clock,
}

/// The section that is being read.
pub(super) struct PcapNg {
    order: Order,
    interfaces: Vec<Interface>,
}

/// A block whose type and length have been read.
struct Block {
    kind: u32,
    total: u32,
    offset: u64,
}

impl PcapNg {
    /// Reads the first section header, whose type has been read already.
    pub(super) fn open<R: Read>(input: &mut Input<R>) -> Result<Self, CaptureError> {
        let mut section = Self {
            order: Order::Little,
            interfaces: Vec::new(),
        };
        section.begin_section(input, 1)?;
        Ok(section)
    }

    /// Reads blocks up to the next packet; false at the end.
    pub(super) fn next<R: Read>(
        &mut self,
        input: &mut Input<R>,
        packet: &mut Packet,
    ) -> Result<bool, CaptureError> {
        loop {
            let Some(block) = self.next_block(input, packet.number)? else {
                return Ok(false);
            };
            packet.offset = block.offset;
            match block.kind {
                INTERFACE_DESCRIPTION => self.interface(input, &block, packet.number)?,
                ENHANCED_PACKET | PACKET => {
                    self.packet(input, &block, packet)?;
                    return Ok(true);
                }
                SIMPLE_PACKET => {
                    self.simple_packet(input, &block, packet)?;
                    return Ok(true);
                }
                _ => {
                    skip(
                        input,
                        u64::from(block.total - FRAME_BYTES),
                        &block,
                        packet.number,
                    )?;
                    self.end_of_block(input, &block, packet.number)?;
                }
            }
        }
    }

    /// Type and length of the next block; section headers are dealt with on the way.
    fn next_block<R: Read>(
        &mut self,
        input: &mut Input<R>,
        packet: u64,
    ) -> Result<Option<Block>, CaptureError> {
        loop {
            let offset = input.offset();
            let mut kind = [0; 4];
            match input.fill(&mut kind)? {
                Filled::Whole => {}
                Filled::Short(0) => return Ok(None),
                Filled::Short(found) => {
                    return Err(truncated("the header of a block", offset, packet, 8, found));
                }
            }
            if kind == SECTION_HEADER.to_be_bytes() {
                self.begin_section(input, packet)?;
                continue;
            }
            let mut total = [0; 4];
            if let Filled::Short(found) = input.fill(&mut total)? {
                return Err(truncated(
                    "the header of a block",
                    offset,
                    packet,
                    8,
                    4 + found,
                ));
            }
            let block = Block {
                kind: self.order.u32_at(&kind, 0),
                total: self.order.u32_at(&total, 0),
                offset,
            };
            if block.total < FRAME_BYTES || !block.total.is_multiple_of(4) {
                return Err(corrupt(
                    format!(
                        "a block of type {:#x} says it is {} bytes long; lengths are multiples of \
                         4 from {FRAME_BYTES} up",
                        block.kind, block.total
                    ),
                    offset,
                    packet,
                ));
            }
            return Ok(Some(block));
        }
    }

    /// Reads a section header after its type: byte order, version, options passed over.
    fn begin_section<R: Read>(
        &mut self,
        input: &mut Input<R>,
        packet: u64,
    ) -> Result<(), CaptureError> {
        let offset = input.offset() - 4;
        let mut fixed = [0; 20];
        if let Filled::Short(found) = input.fill(&mut fixed)? {
            return Err(CaptureError::Truncated {
                inside: "a section header",
                offset,
                packet: None,
                expected: u64::from(SECTION_BYTES_MIN),
                found: found as u64 + 4,
            });
        }
        self.order = if Order::Little.u32_at(&fixed, 4) == BYTE_ORDER_MAGIC {
            Order::Little
        } else if Order::Big.u32_at(&fixed, 4) == BYTE_ORDER_MAGIC {
            Order::Big
        } else {
            return Err(corrupt(
                "the byte-order mark of a section header is neither 1a2b3c4d nor 4d3c2b1a".into(),
                offset + 8,
                packet,
            ));
        };
        let total = self.order.u32_at(&fixed, 0);
        if total < SECTION_BYTES_MIN || !total.is_multiple_of(4) {
            return Err(corrupt(
                format!(
                    "a section header says it is {total} bytes long; lengths are multiples of 4 \
                     from {SECTION_BYTES_MIN} up"
                ),
                offset + 4,
                packet,
            ));
        }
        let major = self.order.u16_at(&fixed, 8);
        if major != 1 {
            return Err(corrupt(
                format!("pcapng version {major} is not known; 1 is"),
                offset + 12,
                packet,
            ));
        }
        self.interfaces.clear();
        let block = Block {
            kind: SECTION_HEADER,
            total,
            offset,
        };
        skip(input, u64::from(total - SECTION_BYTES_MIN), &block, packet)?;
        self.end_of_block(input, &block, packet)
    }

    fn interface<R: Read>(
        &mut self,
        input: &mut Input<R>,
        block: &Block,
        packet: u64,
    ) -> Result<(), CaptureError> {
        self.need(
            block,
            INTERFACE_BYTES_MIN,
            "an interface description",
            packet,
        )?;
        let limit = |what, found, limit, max| CaptureError::Limit {
            what,
            found,
            limit,
            max,
            offset: block.offset,
            packet,
        };
        if block.total > limits::INTERFACE_BLOCK_BYTES_MAX {
            return Err(limit(
                "the length of an interface description",
                u64::from(block.total),
                "INTERFACE_BLOCK_BYTES_MAX",
                u64::from(limits::INTERFACE_BLOCK_BYTES_MAX),
            ));
        }
        if self.interfaces.len() >= limits::CAPTURE_INTERFACES_MAX {
            return Err(limit(
                "the number of interfaces",
                self.interfaces.len() as u64 + 1,
                "CAPTURE_INTERFACES_MAX",
                limits::CAPTURE_INTERFACES_MAX as u64,
            ));
        }
        let mut body = vec![0; (block.total - FRAME_BYTES) as usize];
        if let Filled::Short(found) = input.fill(&mut body)? {
            return Err(truncated(
                "an interface description",
                block.offset,
                packet,
                u64::from(block.total),
                8 + found,
            ));
        }
        self.end_of_block(input, block, packet)?;
        self.interfaces.push(Interface {
            link_type: LinkType(u32::from(self.order.u16_at(&body, 0))),
            snaplen: self.order.u32_at(&body, 4),
            clock: self.clock(&body[8..]),
        });
        Ok(())
    }

    /// The clock the options describe. Options that make no sense end the list.
    fn clock(&self, mut options: &[u8]) -> Clock {
        let mut clock = Clock::MICROSECONDS;
        while options.len() >= 4 {
            let code = self.order.u16_at(options, 0);
            let length = usize::from(self.order.u16_at(options, 2));
            let Some(value) = options.get(4..4 + length) else {
                break;
            };
            match code {
                OPTION_END => break,
                OPTION_TSRESOL => {
                    if let Some(resolution) = value.first() {
                        clock.resolution = *resolution;
                    }
                }
                OPTION_TSOFFSET => {
                    if let Some(offset) = self.order.i64(value) {
                        clock.offset_secs = offset;
                    }
                }
                _ => {}
            }
            options = options
                .get(4 + length.next_multiple_of(4)..)
                .unwrap_or_default();
        }
        clock
    }

    /// An enhanced packet, or the packet block it replaced; the lengths lie at the same places.
    fn packet<R: Read>(
        &mut self,
        input: &mut Input<R>,
        block: &Block,
        packet: &mut Packet,
    ) -> Result<(), CaptureError> {
        const FIXED_BYTES: u32 = 20;
        self.need(block, FRAME_BYTES + FIXED_BYTES, "a packet", packet.number)?;
        let mut fixed = [0; FIXED_BYTES as usize];
        if let Filled::Short(found) = input.fill(&mut fixed)? {
            return Err(truncated(
                "the header of a packet",
                block.offset,
                packet.number,
                u64::from(8 + FIXED_BYTES),
                8 + found,
            ));
        }
        packet.interface = if block.kind == ENHANCED_PACKET {
            self.order.u32_at(&fixed, 0)
        } else {
            u32::from(self.order.u16_at(&fixed, 0))
        };
        let interface = self.interface_of(packet.interface, block, packet.number)?;
        packet.link_type = interface.link_type;
        let ticks =
            u64::from(self.order.u32_at(&fixed, 4)) << 32 | u64::from(self.order.u32_at(&fixed, 8));
        packet.timestamp_ns = interface.clock.nanoseconds(ticks);
        let captured = self.order.u32_at(&fixed, 12);
        packet.original_bytes = self.order.u32_at(&fixed, 16);
        let room = block.total - FRAME_BYTES - FIXED_BYTES;
        if captured > room {
            return Err(corrupt(
                format!("a packet of {captured} bytes in a block that has room for {room}"),
                block.offset,
                packet.number,
            ));
        }
        read_data(input, packet, captured)?;
        skip(input, u64::from(room - captured), block, packet.number)?;
        self.end_of_block(input, block, packet.number)
    }

    /// A simple packet: of the first interface, without a time.
    fn simple_packet<R: Read>(
        &mut self,
        input: &mut Input<R>,
        block: &Block,
        packet: &mut Packet,
    ) -> Result<(), CaptureError> {
        self.need(block, FRAME_BYTES + 4, "a simple packet", packet.number)?;
        let mut fixed = [0; 4];
        if let Filled::Short(found) = input.fill(&mut fixed)? {
            return Err(truncated(
                "the header of a packet",
                block.offset,
                packet.number,
                12,
                8 + found,
            ));
        }
        let interface = self.interface_of(0, block, packet.number)?;
        packet.interface = 0;
        packet.link_type = interface.link_type;
        packet.timestamp_ns = None;
        packet.original_bytes = self.order.u32_at(&fixed, 0);
        let room = block.total - FRAME_BYTES - 4;
        let snaplen = match interface.snaplen {
            0 => u32::MAX,
            snaplen => snaplen,
        };
        let captured = packet.original_bytes.min(snaplen).min(room);
        read_data(input, packet, captured)?;
        skip(input, u64::from(room - captured), block, packet.number)?;
        self.end_of_block(input, block, packet.number)
    }

    fn interface_of(
        &self,
        number: u32,
        block: &Block,
        packet: u64,
    ) -> Result<&Interface, CaptureError> {
        self.interfaces.get(number as usize).ok_or_else(|| {
            corrupt(
                format!(
                    "a packet of interface {number} in a section that has described {} interfaces",
                    self.interfaces.len()
                ),
                block.offset,
                packet,
            )
        })
    }

    fn need(&self, block: &Block, bytes: u32, what: &str, packet: u64) -> Result<(), CaptureError> {
        if block.total >= bytes {
            return Ok(());
        }
        Err(corrupt(
            format!(
                "the block of {what} says it is {} bytes long; it needs {bytes} or more",
                block.total
            ),
            block.offset + 4,
            packet,
        ))
    }

    /// Reads the length that is repeated behind a block.
    fn end_of_block<R: Read>(
        &self,
        input: &mut Input<R>,
        block: &Block,
        packet: u64,
    ) -> Result<(), CaptureError> {
        let offset = input.offset();
        let mut total = [0; 4];
        if let Filled::Short(found) = input.fill(&mut total)? {
            let total = u64::from(block.total);
            let found = (total - 4) as usize + found;
            return Err(truncated("a block", block.offset, packet, total, found));
        }
        let repeated = self.order.u32_at(&total, 0);
        if repeated != block.total {
            return Err(corrupt(
                format!(
                    "a block that says it is {} bytes long at its start says {repeated} at its end",
                    block.total
                ),
                offset,
                packet,
            ));
        }
        Ok(())
    }
}

/// Passes over bytes that must be there.
fn skip<R: Read>(
    input: &mut Input<R>,
    bytes: u64,
    block: &Block,
    packet: u64,
) -> Result<(), CaptureError> {
    let start = input.offset();
    let skipped = input.skip(bytes)?;
    if skipped == bytes {
        return Ok(());
    }
    Err(CaptureError::Truncated {
        inside: "a block",
        offset: block.offset,
        packet: Some(packet),
        expected: u64::from(block.total),
        found: start + skipped - block.offset,
    })
}

fn truncated(
    inside: &'static str,
    offset: u64,
    packet: u64,
    expected: u64,
    found: usize,
) -> CaptureError {
    CaptureError::Truncated {
        inside,
        offset,
        packet: Some(packet),
        expected,
        found: found as u64,
    }
}

fn corrupt(message: String, offset: u64, packet: u64) -> CaptureError {
    CaptureError::Corrupt {
        message,
        offset,
        packet,
    }
}
