//! Packet captures: pcap and pcapng in, pcap out.
//!
//! [`CaptureReader`] hands out one [`Packet`] at a time and holds no more than that. Hostile files
//! give a [`CaptureError`] with the file offset and the packet's number; a file that ends in the
//! middle of a packet gives every packet before it and says so afterwards. [`Framing`] turns what
//! was captured into what a program of some type is given.
//!
//! Nothing here knows how a program is run.

mod classic;
mod error;
mod framing;
mod input;
mod link_type;
mod pcapng;
mod reader;
mod ticks;
mod writer;

pub use error::CaptureError;
pub use framing::{Framing, PacketStart, Unframed};
pub use link_type::LinkType;
pub use reader::{CaptureReader, Packet};
pub use writer::CaptureWriter;

#[cfg(test)]
mod tests;
