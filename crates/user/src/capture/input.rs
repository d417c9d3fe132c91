//! Bytes in order, with the offset they came from.

use std::io::{self, BufRead, BufReader, Read};

use super::CaptureError;

/// How much is read ahead.
const BUFFER_BYTES: usize = 64 * 1024;

/// What a read of an exact length came to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    /// Every byte.
    Whole,
    /// The file ended after this many.
    Short(usize),
}

/// A buffered source that knows how far it is.
pub(super) struct Input<R> {
    source: BufReader<R>,
    offset: u64,
}

impl<R: Read> Input<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source: BufReader::with_capacity(BUFFER_BYTES, source),
            offset: 0,
        }
    }

    /// Bytes consumed so far.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Fills the buffer as far as the file goes.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<Filled, CaptureError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.source.read(&mut buffer[filled..]) {
                Ok(0) => return Ok(Filled::Short(filled)),
                Ok(bytes) => {
                    filled += bytes;
                    self.offset += bytes as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(CaptureError::Io {
                        source,
                        offset: self.offset,
                    });
                }
            }
        }
        Ok(Filled::Whole)
    }

    /// Passes over bytes without keeping them; gives how many there were.
    pub(super) fn skip(&mut self, bytes: u64) -> Result<u64, CaptureError> {
        let mut left = bytes;
        while left > 0 {
            let available = match self.source.fill_buf() {
                Ok(buffer) => buffer.len(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => {
                    return Err(CaptureError::Io {
                        source,
                        offset: self.offset,
                    });
                }
            };
            if available == 0 {
                break;
            }
            let step = available.min(usize::try_from(left).unwrap_or(usize::MAX));
            self.source.consume(step);
            self.offset += step as u64;
            left -= step as u64;
        }
        Ok(bytes - left)
    }
}

/// Numbers in the byte order a file turned out to have.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    /// Two bytes at a position that the caller knows to be inside.
    pub(super) fn u16_at(self, bytes: &[u8], at: usize) -> u16 {
        let raw = [bytes[at], bytes[at + 1]];
        match self {
            Order::Little => u16::from_le_bytes(raw),
            Order::Big => u16::from_be_bytes(raw),
        }
    }

    /// Four bytes at a position that the caller knows to be inside.
    pub(super) fn u32_at(self, bytes: &[u8], at: usize) -> u32 {
        let raw = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        match self {
            Order::Little => u32::from_le_bytes(raw),
            Order::Big => u32::from_be_bytes(raw),
        }
    }

    /// Eight bytes as a signed number; `None` if there are fewer.
    pub(super) fn i64(self, bytes: &[u8]) -> Option<i64> {
        let raw: [u8; 8] = bytes.get(..8)?.try_into().ok()?;
        Some(match self {
            Order::Little => i64::from_le_bytes(raw),
            Order::Big => i64::from_be_bytes(raw),
        })
    }
}
