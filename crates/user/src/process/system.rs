//! Commands about the machine.

use osmia_program::Errno;

use super::{File, Process};
use crate::bpf::{EnableStats, Fd, StreamRead, TokenCreate};
use crate::kernel::Counting;

impl Process {
    /// `BPF_ENABLE_STATS`: runs are counted while the descriptor is open.
    pub fn enable_stats(&self, asked: &EnableStats) -> Result<Fd, Errno> {
        self.must_be_capable()?;
        match asked.kind {
            0 => self.open(File::Counting(Counting::of(&self.kernel))),
            _ => Err(Errno::EINVAL),
        }
    }

    /// `BPF_TOKEN_CREATE`: the kernel wants a bpffs mounted in another user namespace for that, and
    /// there is only one here.
    pub fn token_create(&self, asked: &TokenCreate) -> Result<Fd, Errno> {
        if asked.flags != 0 {
            return Err(Errno::EINVAL);
        }
        self.file(asked.bpffs_fd)?;
        Err(Errno::EINVAL)
    }

    /// `BPF_PROG_STREAM_READ_BY_FD`: programs have nothing to say there yet.
    pub fn stream_read(&self, asked: &StreamRead) -> Result<Vec<u8>, Errno> {
        self.program(asked.prog_fd)?;
        match asked.stream_id {
            1 | 2 => Ok(Vec::new()),
            _ => Err(Errno::ENOENT),
        }
    }
}
