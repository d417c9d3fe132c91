//! bpf(2) as something that can be asked, whoever answers: the running kernel, or a process of the user-space host.
//!
//! What attributes point to lies in a [`CallMemory`], whose addresses mean something in it alone. Who answers
//! follows them, or puts its own in their place.

use super::{Address, InfoLayout, Request};
use crate::Errno;

/// Somebody who answers bpf(2).
pub trait Bpf {
    /// Makes a call. What is written to the attributes is in `request` afterwards, also after an error.
    ///
    /// # Errors
    /// The errno of the call.
    fn call(&self, request: &mut Request, memory: &mut CallMemory) -> Result<u32, Errno>;

    /// Closes a descriptor that a call gave.
    fn close(&self, fd: u32);

    /// Which structure tells about what is behind a descriptor that a call gave.
    fn info_layout(&self, fd: u32) -> Option<&'static InfoLayout>;

    /// What `/proc/PID/fdinfo` says of a descriptor; empty if there is no such thing.
    fn fdinfo(&self, _fd: u32) -> String {
        String::new()
    }
}

/// Where call memory starts: no address that a processor takes, so it is never mistaken for one.
const BASE: u64 = 0x0511_1a00_0000_0000;

/// The memory of a call: buffers one behind the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallMemory(Vec<u8>);

impl CallMemory {
    /// Call memory of these bytes, which another's [`CallMemory::bytes`] gave.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Puts bytes there; no address for none.
    pub fn put(&mut self, bytes: &[u8]) -> Address {
        let start = self.room(bytes.len());
        if let Some(at) = self.place(start, bytes.len()) {
            self.0[at..at + bytes.len()].copy_from_slice(bytes);
        }
        start
    }

    /// Text with its final zero.
    pub fn put_text(&mut self, text: &[u8]) -> Address {
        let start = self.room(text.len() + 1);
        self.write(start, text);
        start
    }

    /// Room for what is answered, zero until then; no address for none.
    pub fn room(&mut self, bytes: usize) -> Address {
        if bytes == 0 {
            return Address::default();
        }
        let start = self.0.len().next_multiple_of(8);
        self.0.resize(start + bytes, 0);
        Address(BASE + start as u64)
    }

    /// All of it.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// All of it, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// What lies at an address; empty if nothing does.
    pub fn at(&self, address: Address, bytes: usize) -> &[u8] {
        let place = self.place(address, bytes);
        place.map_or(&[], |at| &self.0[at..at + bytes])
    }

    /// Writes at an address, as far as there is memory; says how many bytes that were.
    pub fn write(&mut self, address: Address, bytes: &[u8]) -> usize {
        let Some(at) = self.offset(address) else {
            return 0;
        };
        let fitting = bytes.len().min(self.0.len() - at);
        self.0[at..at + fitting].copy_from_slice(&bytes[..fitting]);
        fitting
    }

    /// Reads from an address, as far as there is memory; says how many bytes that were.
    pub fn read(&self, address: Address, out: &mut [u8]) -> usize {
        let Some(at) = self.offset(address) else {
            return 0;
        };
        let there = out.len().min(self.0.len() - at);
        out[..there].copy_from_slice(&self.0[at..at + there]);
        there
    }

    /// Where in [`CallMemory::bytes`] an address leads.
    pub fn offset(&self, address: Address) -> Option<usize> {
        let at = usize::try_from(address.0.checked_sub(BASE)?).ok()?;
        (at < self.0.len()).then_some(at)
    }

    fn place(&self, address: Address, bytes: usize) -> Option<usize> {
        let at = self.offset(address)?;
        (bytes <= self.0.len() - at).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_lie_one_behind_the_other() {
        let mut memory = CallMemory::default();
        let (first, second) = (memory.put(&[1, 2, 3]), memory.room(4));
        assert_eq!(memory.put(&[]), Address::default());
        assert_eq!(memory.write(second, &[9; 8]), 4, "memory ends there");
        assert_eq!(memory.at(first, 3), [1, 2, 3]);
        assert_eq!(memory.at(second, 4), [9; 4]);
        assert!(memory.at(second, 5).is_empty());
    }
}
