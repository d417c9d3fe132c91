//! The pcap format: one header, then records of one link type.

use std::io::Read;

use super::input::{Filled, Input, Order};
use super::reader::read_data;
use super::ticks::Clock;
use super::{CaptureError, LinkType, Packet};

const MAGIC_MICROS: u32 = 0xa1b2_c3d4;
const MAGIC_NANOS: u32 = 0xa1b2_3c4d;
/// Alexey Kuznetsov's variant: eight more bytes in each record header, which say nothing of use.
const MAGIC_KUZNETSOV: u32 = 0xa1b2_cd34;
const HEADER_BYTES: usize = 24;
const RECORD_BYTES: usize = 16;
const KUZNETSOV_RECORD_BYTES: usize = 24;
/// The bits of the link type field that are the link type; the others speak of checksums.
const LINK_TYPE_BITS: u32 = 0x03ff_ffff;

/// What the header said.
pub(super) struct Classic {
    order: Order,
    clock: Clock,
    record_bytes: usize,
    link_type: LinkType,
}

impl Classic {
    /// Reads the rest of the header.
    pub(super) fn open<R: Read>(
        magic: [u8; 4],
        input: &mut Input<R>,
    ) -> Result<Self, CaptureError> {
        let known = [Order::Little, Order::Big].into_iter().find_map(|order| {
            match order.u32_at(&magic, 0) {
                MAGIC_MICROS => Some((order, Clock::MICROSECONDS, RECORD_BYTES)),
                MAGIC_NANOS => Some((order, Clock::NANOSECONDS, RECORD_BYTES)),
                MAGIC_KUZNETSOV => Some((order, Clock::MICROSECONDS, KUZNETSOV_RECORD_BYTES)),
                _ => None,
            }
        });
        let mut header = [0; HEADER_BYTES];
        header[..4].copy_from_slice(&magic);
        let filled = input.fill(&mut header[4..])?;
        let Some((order, clock, record_bytes)) = known else {
            let more = match filled {
                Filled::Whole => HEADER_BYTES - 4,
                Filled::Short(found) => found,
            };
            return Err(CaptureError::Format {
                start: header[..(4 + more).min(8)].to_vec(),
            });
        };
        if let Filled::Short(found) = filled {
            return Err(CaptureError::Truncated {
                inside: "the file header",
                offset: 0,
                packet: None,
                expected: HEADER_BYTES as u64,
                found: found as u64 + 4,
            });
        }
        Ok(Self {
            order,
            clock,
            record_bytes,
            link_type: LinkType(order.u32_at(&header, 20) & LINK_TYPE_BITS),
        })
    }

    /// Reads the next record; false at the end.
    pub(super) fn next<R: Read>(
        &mut self,
        input: &mut Input<R>,
        packet: &mut Packet,
    ) -> Result<bool, CaptureError> {
        packet.offset = input.offset();
        let mut record = [0; KUZNETSOV_RECORD_BYTES];
        match input.fill(&mut record[..self.record_bytes])? {
            Filled::Whole => {}
            Filled::Short(0) => return Ok(false),
            Filled::Short(found) => {
                return Err(CaptureError::Truncated {
                    inside: "the header of a packet",
                    offset: packet.offset,
                    packet: Some(packet.number),
                    expected: self.record_bytes as u64,
                    found: found as u64,
                });
            }
        }
        let seconds = u64::from(self.order.u32_at(&record, 0));
        let fraction = u64::from(self.order.u32_at(&record, 4));
        packet.timestamp_ns = self
            .clock
            .nanoseconds(fraction)
            .map(|nanos| seconds * 1_000_000_000 + nanos);
        packet.original_bytes = self.order.u32_at(&record, 12);
        packet.link_type = self.link_type;
        packet.interface = 0;
        read_data(input, packet, self.order.u32_at(&record, 8))?;
        Ok(true)
    }
}
