//! The one reader of both formats.

use std::io::Read;

use super::classic::Classic;
use super::input::{Filled, Input};
use super::pcapng::PcapNg;
use super::{CaptureError, LinkType};
use crate::limits;

/// A captured packet. The caller owns and reuses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The bytes that were captured.
    pub data: Vec<u8>,
    /// How long it was on the wire; more than `data` if the capture cut it.
    pub original_bytes: u32,
    /// Nanoseconds since 1970, if the file says.
    pub timestamp_ns: Option<u64>,
    /// What its first byte is the start of.
    pub link_type: LinkType,
    /// The interface of its section (pcapng); 0 in a pcap file.
    pub interface: u32,
    /// Its position in the file, from 1.
    pub number: u64,
    /// Where its record starts in the file.
    pub offset: u64,
}

impl Default for Packet {
    fn default() -> Self {
        Self {
            data: Vec::new(),
            original_bytes: 0,
            timestamp_ns: None,
            link_type: LinkType::ETHERNET,
            interface: 0,
            number: 0,
            offset: 0,
        }
    }
}

/// Packets of a pcap or pcapng file, in order. Memory does not depend on the file's length.
///
/// ```
/// use osmia_user::capture::{CaptureReader, CaptureWriter, LinkType, Packet};
///
/// let mut writer = CaptureWriter::new(Vec::new(), LinkType::ETHERNET)?;
/// writer.write(&[1, 2, 3], 60, Some(1_000_000_000))?;
/// let file = writer.finish()?;
///
/// let mut reader = CaptureReader::new(file.as_slice())?;
/// let mut packet = Packet::default();
/// while reader.read(&mut packet)? {
///     assert_eq!((packet.data.as_slice(), packet.original_bytes), (&[1, 2, 3][..], 60));
/// }
/// assert!(reader.cut_short().is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CaptureReader<R> {
    input: Input<R>,
    format: Format,
    packets: u64,
    cut_short: Option<CaptureError>,
    done: bool,
}

enum Format {
    Classic(Classic),
    PcapNg(PcapNg),
}

impl<R: Read> CaptureReader<R> {
    /// Reads the header and finds out which format it is.
    pub fn new(source: R) -> Result<Self, CaptureError> {
        let mut input = Input::new(source);
        let mut magic = [0; 4];
        if let Filled::Short(found) = input.fill(&mut magic)? {
            return Err(CaptureError::Format {
                start: magic[..found].to_vec(),
            });
        }
        let format = if magic == super::pcapng::SECTION_HEADER.to_be_bytes() {
            Format::PcapNg(PcapNg::open(&mut input)?)
        } else {
            Format::Classic(Classic::open(magic, &mut input)?)
        };
        Ok(Self {
            input,
            format,
            packets: 0,
            cut_short: None,
            done: false,
        })
    }

    /// Reads the next packet; false after the last one. After an error there is no next one.
    pub fn read(&mut self, packet: &mut Packet) -> Result<bool, CaptureError> {
        if self.done {
            return Ok(false);
        }
        packet.number = self.packets + 1;
        let outcome = match &mut self.format {
            Format::Classic(classic) => classic.next(&mut self.input, packet),
            Format::PcapNg(pcapng) => pcapng.next(&mut self.input, packet),
        };
        match outcome {
            Ok(true) => {
                self.packets += 1;
                Ok(true)
            }
            Ok(false) => {
                self.done = true;
                Ok(false)
            }
            Err(error @ CaptureError::Truncated { .. }) => {
                self.done = true;
                self.cut_short = Some(error);
                Ok(false)
            }
            Err(error) => {
                self.done = true;
                Err(error)
            }
        }
    }

    /// After the last packet: how the file ended, if it was in the middle of something.
    pub fn cut_short(&self) -> Option<&CaptureError> {
        self.cut_short.as_ref()
    }

    /// Packets read so far.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Bytes of the file consumed so far.
    pub fn offset(&self) -> u64 {
        self.input.offset()
    }

    /// `pcap` or `pcapng`.
    pub fn format_name(&self) -> &'static str {
        match self.format {
            Format::Classic(_) => "pcap",
            Format::PcapNg(_) => "pcapng",
        }
    }
}

/// Reads the bytes of a packet whose length the file states.
pub(super) fn read_data<R: Read>(
    input: &mut Input<R>,
    packet: &mut Packet,
    captured: u32,
) -> Result<(), CaptureError> {
    if captured > limits::PACKET_BYTES_MAX {
        return Err(CaptureError::Limit {
            what: "the captured length of a packet",
            found: u64::from(captured),
            limit: "PACKET_BYTES_MAX",
            max: u64::from(limits::PACKET_BYTES_MAX),
            offset: packet.offset,
            packet: packet.number,
        });
    }
    packet.data.clear();
    packet.data.resize(captured as usize, 0);
    match input.fill(&mut packet.data)? {
        Filled::Whole => Ok(()),
        Filled::Short(found) => Err(CaptureError::Truncated {
            inside: "the data of a packet",
            offset: input.offset() - found as u64,
            packet: Some(packet.number),
            expected: u64::from(captured),
            found: found as u64,
        }),
    }
}
