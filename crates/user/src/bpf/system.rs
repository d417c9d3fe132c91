//! Commands about the machine: statistics, tokens, what a task has open.

use super::Fd;

/// `BPF_ENABLE_STATS`. The answer is a descriptor; runs are counted while it is open.
#[derive(Copy, Clone, Debug, Default)]
pub struct EnableStats {
    /// `type`: 0 is run time.
    pub kind: u32,
}

/// `BPF_TOKEN_CREATE`.
#[derive(Copy, Clone, Debug, Default)]
pub struct TokenCreate {
    /// `flags`.
    pub flags: u32,
    /// `bpffs_fd`.
    pub bpffs_fd: Fd,
}

/// `BPF_PROG_STREAM_READ_BY_FD`. The answer is the bytes read.
#[derive(Copy, Clone, Debug, Default)]
pub struct StreamRead {
    /// `prog_fd`.
    pub prog_fd: Fd,
    /// `stream_id`: 1 for output, 2 for errors.
    pub stream_id: u32,
    /// `stream_buf_len`.
    pub buffer_bytes: u32,
}

/// `BPF_TASK_FD_QUERY`.
#[derive(Copy, Clone, Debug, Default)]
pub struct TaskFdQuery {
    /// `pid`.
    pub pid: u32,
    /// `fd`, in that task.
    pub fd: Fd,
    /// `flags`.
    pub flags: u32,
    /// `buf_len`.
    pub buffer_bytes: u32,
    /// True if `buf` is not null.
    pub has_buffer: bool,
}

/// What a descriptor of a task is attached to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFdQueryAnswer {
    /// `buf_len`: length of the name.
    pub name_bytes: u32,
    /// What is written to `buf`, its final zero included.
    pub buffer: Vec<u8>,
    /// `prog_id`.
    pub prog_id: u32,
    /// `fd_type`: `enum bpf_task_fd_type`.
    pub fd_type: u32,
    /// `probe_offset`.
    pub probe_offset: u64,
    /// `probe_addr`.
    pub probe_addr: u64,
    /// `ENOSPC` if the buffer was short.
    pub error: Option<osmia_program::Errno>,
}
