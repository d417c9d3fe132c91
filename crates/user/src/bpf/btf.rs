//! Commands on BTF objects.

use super::{Fd, LogRequest};

/// `BPF_BTF_LOAD`. The answer is a descriptor and a log, as for programs.
#[derive(Copy, Clone, Debug, Default)]
pub struct BtfLoad<'a> {
    /// `btf`.
    pub btf: Option<&'a [u8]>,
    /// `btf_size`.
    pub btf_size: u32,
    /// `btf_log_level`, `btf_log_size`, `btf_log_buf`.
    pub log: LogRequest,
    /// `btf_flags`.
    pub flags: u32,
    /// `btf_token_fd`; it counts with `BPF_F_TOKEN_FD` only.
    pub token_fd: Fd,
}
