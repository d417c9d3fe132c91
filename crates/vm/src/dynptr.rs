//! Dynamic pointers: memory with a length that is known only while a program runs.
//!
//! A `struct bpf_dynptr` is 16 bytes on the program's stack, laid out as the kernel's
//! `struct bpf_dynptr_kern`: address, size with type and a read-only bit, offset. A program that makes
//! one up gains nothing: every access is checked where it goes.

use osmia_program::Errno;

use crate::guest::{Call, Fault, Guest};
use crate::limits;

/// Bytes of a dynptr.
pub(crate) const DYNPTR_BYTES: usize = 16;
/// Most bytes one can span.
pub(crate) const SIZE_MAX: u32 = limits::DYNPTR_BYTES_MAX;

const TYPE_SHIFT: u32 = 28;
const TYPE_MASK: u32 = 7;
const READ_ONLY: u32 = 1 << 31;

/// What a dynptr points to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Memory of the program.
    Local = 1,
    /// A reservation in a ring buffer.
    Ringbuf = 2,
    /// The packet of a socket buffer.
    Skb = 3,
    /// The packet of an XDP program.
    Xdp = 4,
    /// The metadata in front of a socket buffer's packet.
    SkbMeta = 5,
}

/// A dynptr that points to something.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Dynptr {
    pub(crate) kind: Kind,
    pub(crate) read_only: bool,
    /// Where the whole begins; what stands for a packet is the context.
    data: u64,
    /// Bytes from the offset on.
    pub(crate) size: u32,
    /// Where in the whole it begins.
    offset: u32,
}

impl Dynptr {
    pub(crate) fn new(kind: Kind, read_only: bool, data: u64, size: u32) -> Self {
        Self {
            kind,
            read_only,
            data,
            size,
            offset: 0,
        }
    }

    /// The dynptr an argument (from 1) points to; `None` for a null one.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn load<G: Guest>(
        call: &Call<'_, G>,
        argument: usize,
    ) -> Result<Option<Self>, Fault> {
        let mut bytes = [0; DYNPTR_BYTES];
        call.read(argument, &mut bytes)?;
        let (words, _) = bytes.as_chunks::<4>();
        let [low, high, size, offset] = [0, 1, 2, 3].map(|at| u32::from_ne_bytes(words[at]));
        let data = u64::from(low) | u64::from(high) << 32;
        if data == 0 {
            return Ok(None);
        }
        let kind = match size >> TYPE_SHIFT & TYPE_MASK {
            1 => Kind::Local,
            2 => Kind::Ringbuf,
            3 => Kind::Skb,
            4 => Kind::Xdp,
            5 => Kind::SkbMeta,
            _ => {
                return Err(Fault::Argument {
                    argument,
                    what: "does not point to a dynptr".to_owned(),
                });
            }
        };
        Ok(Some(Self {
            kind,
            read_only: size & READ_ONLY != 0,
            data,
            size: size & SIZE_MAX,
            offset,
        }))
    }

    /// One, or a null one, as programs have it.
    pub(crate) fn bytes(this: Option<Self>) -> [u8; DYNPTR_BYTES] {
        let mut bytes = [0; DYNPTR_BYTES];
        if let Some(this) = this {
            let read_only = if this.read_only { READ_ONLY } else { 0 };
            let size = this.size | (this.kind as u32) << TYPE_SHIFT | read_only;
            bytes[..8].copy_from_slice(&this.data.to_ne_bytes());
            bytes[8..12].copy_from_slice(&size.to_ne_bytes());
            bytes[12..].copy_from_slice(&this.offset.to_ne_bytes());
        }
        bytes
    }

    /// Puts one, or a null one, where an argument (from 1) points.
    ///
    /// # Errors
    /// If the program may not write there.
    pub(crate) fn store<G: Guest>(
        this: Option<Self>,
        call: &mut Call<'_, G>,
        argument: usize,
    ) -> Result<(), Fault> {
        call.write(argument, &Self::bytes(this))
    }

    /// Where the reservation it stands for begins.
    pub(crate) fn reservation(&self) -> Option<u64> {
        (self.kind == Kind::Ringbuf).then_some(self.data)
    }

    /// What remains between two offsets.
    pub(crate) fn between(self, start: u32, end: u32) -> Result<Self, Errno> {
        if start > end {
            return Err(Errno::EINVAL);
        }
        if end > self.size {
            return Err(Errno::ERANGE);
        }
        Ok(Self {
            offset: self.offset.saturating_add(start),
            size: end - start,
            ..self
        })
    }

    /// Checks that so many bytes lie at an offset.
    pub(crate) fn check(&self, offset: u64, len: u64) -> Result<(), Errno> {
        let size = u64::from(self.size);
        if len > size || offset > size - len {
            return Err(Errno::E2BIG);
        }
        Ok(())
    }

    /// Where in the packet's buffer bytes at an offset are; `None` if it is not about a packet.
    fn position<G: Guest>(&self, call: &Call<'_, G>, offset: u64) -> Option<usize> {
        let packet = &call.world.packet;
        let start = match self.kind {
            Kind::Local | Kind::Ringbuf => return None,
            Kind::Skb | Kind::Xdp => packet.data(),
            Kind::SkbMeta => packet.meta(),
        };
        Some(start.saturating_add((u64::from(self.offset) + offset) as usize))
    }

    /// The address of bytes at an offset that was checked. Packets lie in one piece here, so every
    /// byte has one.
    pub(crate) fn address<G: Guest>(&self, call: &Call<'_, G>, offset: u64) -> u64 {
        match self.position(call, offset) {
            Some(position) => call.guest.packet_address(position),
            None => (self.data.wrapping_add(u64::from(self.offset))).wrapping_add(offset),
        }
    }

    /// True if programs get at its bytes by address (`bpf_dynptr_data`), not through calls only.
    pub(crate) fn has_address(&self) -> bool {
        matches!(self.kind, Kind::Local | Kind::Ringbuf)
    }

    /// Copies bytes out; `EFAULT` if they are not there any more.
    pub(crate) fn read<G: Guest>(
        &self,
        call: &Call<'_, G>,
        offset: u64,
        out: &mut [u8],
    ) -> Result<(), Errno> {
        self.check(offset, out.len() as u64)?;
        // Packets are read whether or not the program gets at them by address.
        let there = match self.position(call, offset) {
            Some(position) => {
                let packet = &call.world.packet;
                let inside = position.saturating_add(out.len()) <= packet.end();
                if inside {
                    packet.block().read(0, position, out);
                }
                inside
            }
            None => call.guest.read(self.address(call, offset), out),
        };
        there.then_some(()).ok_or(Errno::EFAULT)
    }

    /// Copies bytes in; `EINVAL` if it is read-only.
    pub(crate) fn write<G: Guest>(
        &self,
        call: &mut Call<'_, G>,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), Errno> {
        if self.read_only {
            return Err(Errno::EINVAL);
        }
        self.check(offset, bytes.len() as u64)?;
        let address = self.address(call, offset);
        match call.guest.write(address, bytes) {
            true => Ok(()),
            false => Err(Errno::EFAULT),
        }
    }
}
