//! Writes pcap files with nanoseconds, little-endian on every machine.

use std::io::{self, Write};

use super::LinkType;
use crate::limits;

/// A capture that is being written; `finish` it, or what is buffered in `W` may be lost.
pub struct CaptureWriter<W> {
    sink: W,
}

impl<W: Write> CaptureWriter<W> {
    /// Writes the header.
    pub fn new(mut sink: W, link_type: LinkType) -> io::Result<Self> {
        let mut header = Vec::with_capacity(24);
        header.extend(0xa1b2_3c4d_u32.to_le_bytes());
        header.extend(2_u16.to_le_bytes());
        header.extend(4_u16.to_le_bytes());
        header.extend([0; 8]);
        header.extend(limits::PACKET_BYTES_MAX.to_le_bytes());
        header.extend(link_type.0.to_le_bytes());
        sink.write_all(&header)?;
        Ok(Self { sink })
    }

    /// Writes one packet. A packet without a time gets 0; one past the year 2106 is cut to the
    /// seconds the format holds.
    pub fn write(
        &mut self,
        data: &[u8],
        original_bytes: u32,
        timestamp_ns: Option<u64>,
    ) -> io::Result<()> {
        let captured = u32::try_from(data.len())
            .ok()
            .filter(|bytes| *bytes <= limits::PACKET_BYTES_MAX)
            .ok_or_else(|| {
                io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("a packet of {} bytes is over PACKET_BYTES_MAX", data.len()),
                )
            })?;
        let nanos = timestamp_ns.unwrap_or(0);
        let seconds = u32::try_from(nanos / 1_000_000_000).unwrap_or(u32::MAX);
        let mut record = [0; 16];
        record[..4].copy_from_slice(&seconds.to_le_bytes());
        record[4..8].copy_from_slice(&((nanos % 1_000_000_000) as u32).to_le_bytes());
        record[8..12].copy_from_slice(&captured.to_le_bytes());
        record[12..].copy_from_slice(&original_bytes.max(captured).to_le_bytes());
        self.sink.write_all(&record)?;
        self.sink.write_all(data)
    }

    /// Flushes, and hands the sink back.
    pub fn finish(mut self) -> io::Result<W> {
        self.sink.flush()?;
        Ok(self.sink)
    }
}
