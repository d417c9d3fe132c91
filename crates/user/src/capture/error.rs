//! What can be wrong with a capture.

use osmia_diag::{Diagnostic, Place};
use osmia_program::ProgramKind;

use super::LinkType;
use crate::codes;

/// Why a capture cannot be read on. Offsets count from the start of the file, packets from 1.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The first bytes are those of neither format.
    #[error("not a packet capture: it starts with {start:02x?}")]
    Format {
        /// Up to eight bytes from the start.
        start: Vec<u8>,
    },
    /// The file ends inside something.
    #[error("the capture ends inside {inside}")]
    Truncated {
        /// What the last bytes belong to.
        inside: &'static str,
        /// Where that starts.
        offset: u64,
        /// The packet it would have been; `None` inside a file or section header.
        packet: Option<u64>,
        /// Bytes it should have.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// Two statements of the file contradict each other.
    #[error("{message}")]
    Corrupt {
        /// What contradicts what.
        message: String,
        /// Where the statement is.
        offset: u64,
        /// The packet that would have been next.
        packet: u64,
    },
    /// A named limit is exceeded.
    #[error("{what} is {found}, the limit {limit} is {max}")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// What the file says.
        found: u64,
        /// The name of the limit.
        limit: &'static str,
        /// Its value.
        max: u64,
        /// Where the file says so.
        offset: u64,
        /// The packet that would have been next.
        packet: u64,
    },
    /// The operating system refused to read on.
    #[error("the capture could not be read: {source}")]
    Io {
        /// Its reason.
        #[source]
        source: std::io::Error,
        /// How far reading had come.
        offset: u64,
    },
    /// The packets do not start with what programs of this type see first.
    #[error("packets of link type {link_type} cannot be given to {kind} programs")]
    LinkType {
        /// What the packets start with.
        link_type: LinkType,
        /// The program's type.
        kind: ProgramKind,
        /// True if an Ethernet header could be put in front.
        could_frame: bool,
        /// The first packet it happened to.
        packet: u64,
    },
}

impl CaptureError {
    /// What people are told; the caller names the file.
    pub fn to_diagnostic(&self) -> Diagnostic {
        let message = self.to_string();
        match self {
            Self::Format { start } => {
                let diagnostic = Diagnostic::error(
                    codes::CAPTURE_FORMAT,
                    if start.is_empty() {
                        "this is not a packet capture: the file is empty".to_owned()
                    } else {
                        "this is not a packet capture".to_owned()
                    },
                )
                .at(Place::none().offset(0));
                match start.as_slice() {
                    [] => diagnostic,
                    [0x1f, 0x8b, ..] => diagnostic
                        .note("it is compressed with gzip")
                        .help("unpack it first: `gunzip FILE`"),
                    [0x28, 0xb5, 0x2f, 0xfd, ..] => diagnostic
                        .note("it is compressed with zstd")
                        .help("unpack it first: `unzstd FILE`"),
                    [0x7f, b'E', b'L', b'F', ..] => diagnostic
                        .note("it is an ELF file")
                        .help("object files are given without an option, captures with `--pcap`"),
                    bytes => diagnostic
                        .note(format!(
                            "it starts with {}; a pcap file starts with d4 c3 b2 a1 or a1 b2 c3 d4 \
                             (4d 3c b2 a1 or a1 b2 3c 4d with nanoseconds), a pcapng file with \
                             0a 0d 0d 0a",
                            hex(bytes)
                        ))
                        .help("captures are made by `tcpdump -w FILE`, Wireshark or `dumpcap`"),
                }
            }
            Self::Truncated {
                offset,
                packet,
                expected,
                found,
                ..
            } => {
                let diagnostic = Diagnostic::error(codes::CAPTURE_TRUNCATED, message)
                    .at(Place::none().offset(*offset))
                    .note(format!("{expected} bytes expected there, {found} found"));
                match packet {
                    Some(packet) => diagnostic.note(format!("it would have been packet {packet}")),
                    None => diagnostic.help("copy the file again in full, or capture again"),
                }
            }
            Self::Corrupt { offset, packet, .. } => {
                Diagnostic::error(codes::CAPTURE_CORRUPT, message)
                    .at(Place::none().offset(*offset))
                    .note(before(*packet))
            }
            Self::Limit { offset, packet, .. } => Diagnostic::error(codes::CAPTURE_LIMIT, message)
                .at(Place::none().offset(*offset))
                .note(before(*packet)),
            Self::Io { offset, .. } => {
                Diagnostic::error(codes::CAPTURE_IO, message).at(Place::none().offset(*offset))
            }
            Self::LinkType {
                link_type,
                kind,
                could_frame,
                packet,
            } => {
                let diagnostic = Diagnostic::error(codes::CAPTURE_LINK_TYPE, message)
                    .note(format!("packet {packet} is the first of this link type"));
                if *could_frame {
                    diagnostic
                        .note(format!(
                            "{kind} programs see an Ethernet header first, {link_type} packets \
                             have none"
                        ))
                        .help(
                            "give `--as-ethernet` to put an Ethernet header in front of each packet",
                        )
                } else {
                    diagnostic.help("capture on an Ethernet interface: `tcpdump -i eth0 -w FILE`")
                }
            }
        }
    }
}

fn before(packet: u64) -> String {
    match packet {
        0 | 1 => "no packet could be read before it".to_owned(),
        2 => "1 packet was read before it".to_owned(),
        _ => format!("{} packets were read before it", packet - 1),
    }
}

fn hex(bytes: &[u8]) -> String {
    let parts: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    parts.join(" ")
}
