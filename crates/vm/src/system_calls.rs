//! The process that runs a system call program: what it may ask its host for in that process' name.

use std::fmt::Debug;

use osmia_program::Errno;

/// Memory in which a caller's addresses mean something.
pub trait CallerMemory {
    /// Copies bytes out; says how many there were before readable memory ends.
    fn read(&self, address: u64, out: &mut [u8]) -> usize;

    /// Copies bytes in; says how many there was writable memory for.
    fn write(&mut self, address: u64, bytes: &[u8]) -> usize;
}

/// System calls of a process.
pub trait SystemCalls: Debug + Send + Sync {
    /// bpf(2): `command` with the `size` bytes of attributes at `address` of the memory.
    ///
    /// # Errors
    /// The kernel's errno.
    fn bpf(
        &self,
        memory: &mut dyn CallerMemory,
        command: u32,
        address: u64,
        size: u32,
    ) -> Result<u32, Errno>;

    /// `close`.
    ///
    /// # Errors
    /// `EBADF` for what is not open.
    fn close(&self, fd: i32) -> Result<(), Errno>;
}
