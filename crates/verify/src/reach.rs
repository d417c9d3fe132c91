//! How far a program looks into what others lay out for it. The verifier leaves open how much there is; whoever runs or
//! attaches the program compares.

use crate::memory::Access;
use crate::reg::{Flags, Reg};

/// The ends of what a program accesses, in bytes; 0 if it does not.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Of the context (`max_ctx_offset`).
    pub context_bytes: u32,
    /// Of a buffer that is only read: an iterator's key (`max_rdonly_access`).
    pub read_only_bytes: u32,
    /// Of a buffer that may be written: an iterator's value (`max_rdwr_access`).
    pub writable_bytes: u32,
}

impl Reach {
    /// The context is accessed.
    pub(crate) fn context(&mut self, access: &Access) {
        grow(&mut self.context_bytes, access);
    }

    /// A buffer is accessed.
    pub(crate) fn buffer(&mut self, access: &Access, pointer: &Reg) {
        match pointer.flags.has(Flags::READ_ONLY) {
            true => grow(&mut self.read_only_bytes, access),
            false => grow(&mut self.writable_bytes, access),
        }
    }
}

fn grow(end: &mut u32, access: &Access) {
    let accessed = access.off.saturating_add(access.bytes as i64);
    *end = u32::try_from(accessed).unwrap_or(0).max(*end);
}
