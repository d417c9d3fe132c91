//! The memory of a caller, which may end anywhere.

use osmia_program::Errno;
use osmia_program::attr::{self, ATTR_BYTES_MAX, Address};

/// Memory that a caller's addresses mean something in.
pub trait UserMemory {
    /// Copies bytes out; says how many there were before readable memory ends.
    fn read(&self, address: u64, out: &mut [u8]) -> usize;

    /// True if nothing can be read from no address: not so for a program, which is part of the kernel.
    fn null_is_empty(&self) -> bool {
        true
    }

    /// Copies bytes in; says how many there was writable memory for.
    fn write(&mut self, address: u64, bytes: &[u8]) -> usize;
}

/// Bytes read at once of what a caller says is long.
const CHUNK_BYTES: usize = 1 << 16;

/// At most `bytes` bytes, up to where readable memory ends.
pub(super) fn prefix(memory: &dyn UserMemory, address: Address, bytes: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while out.len() < bytes {
        let start = out.len();
        out.resize((start + CHUNK_BYTES).min(bytes), 0);
        let read = memory.read(address.0.wrapping_add(start as u64), &mut out[start..]);
        if start + read < out.len() {
            out.truncate(start + read);
            break;
        }
    }
    out
}

/// All of these bytes, or `EFAULT`.
pub(super) fn all(
    memory: &dyn UserMemory,
    address: Address,
    bytes: usize,
) -> Result<Vec<u8>, Errno> {
    let found = prefix(memory, address, bytes);
    match found.len() == bytes {
        true => Ok(found),
        false => Err(Errno::EFAULT),
    }
}

/// Writes all of these bytes, or as many as there is memory for and `EFAULT`.
pub(super) fn write(
    memory: &mut dyn UserMemory,
    address: Address,
    bytes: &[u8],
) -> Result<(), Errno> {
    match memory.write(address.0, bytes) == bytes.len() {
        true => Ok(()),
        false => Err(Errno::EFAULT),
    }
}

/// A structure whose caller may know a newer form of it than our `known` bytes: the rest must be zero
/// (`bpf_check_uarg_tail_zero`).
pub(super) fn known_part(
    memory: &dyn UserMemory,
    address: Address,
    size: usize,
    known: usize,
) -> Result<Vec<u8>, Errno> {
    if size > ATTR_BYTES_MAX {
        return Err(Errno::E2BIG);
    }
    let mut given = all(memory, address, size)?;
    let known = attr::known_part(&given, known)?.len();
    given.truncate(known);
    Ok(given)
}

/// Text up to its zero, at most `bytes` bytes, without it.
pub(super) fn text(memory: &dyn UserMemory, address: Address, bytes: usize) -> Vec<u8> {
    let mut found = prefix(memory, address, bytes);
    let end = found.iter().position(|&byte| byte == 0);
    found.truncate(end.unwrap_or(found.len()));
    found
}
