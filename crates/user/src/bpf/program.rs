//! Commands on programs.

use osmia_program::Errno;

use super::{Fd, ObjectName};

/// Records in memory: how many, of how many bytes each (`func_info`, `line_info`, `core_relos`).
#[derive(Copy, Clone, Debug, Default)]
pub struct Records<'a> {
    /// The records.
    pub bytes: Option<&'a [u8]>,
    /// How many.
    pub count: u32,
    /// Bytes of each.
    pub record_bytes: u32,
}

/// `log_level`, `log_size`, `log_buf`.
#[derive(Copy, Clone, Debug, Default)]
pub struct LogRequest {
    /// How much to say: 1, 2 and 4 are bits.
    pub level: u32,
    /// Bytes of the buffer.
    pub size: u32,
    /// True if a buffer was given.
    pub has_buffer: bool,
}

/// What is written to the log's buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogAnswer {
    /// What is to stand in the buffer, its final zero included; empty if nothing is written.
    pub bytes: Vec<u8>,
    /// `log_true_size`: what it would have taken.
    pub true_size: u32,
}

/// `BPF_PROG_LOAD`.
#[derive(Copy, Clone, Debug, Default)]
pub struct ProgLoad<'a> {
    /// `prog_type`.
    pub kind: u32,
    /// `insn_cnt`.
    pub insn_cnt: u32,
    /// `insns`.
    pub insns: Option<&'a [u8]>,
    /// `license`; it ends at its first zero.
    pub license: Option<&'a [u8]>,
    /// `log_level`, `log_size`, `log_buf`.
    pub log: LogRequest,
    /// `kern_version`.
    pub kern_version: u32,
    /// `prog_flags`.
    pub flags: u32,
    /// `prog_name`.
    pub name: ObjectName,
    /// `prog_ifindex`: the device to run it.
    pub ifindex: u32,
    /// `expected_attach_type`.
    pub expected_attach_type: u32,
    /// `prog_btf_fd`.
    pub btf_fd: Fd,
    /// `func_info`.
    pub func_info: Records<'a>,
    /// `line_info`.
    pub line_info: Records<'a>,
    /// `attach_btf_id`.
    pub attach_btf_id: u32,
    /// `attach_prog_fd` or `attach_btf_obj_fd`.
    pub attach_fd: Fd,
    /// `core_relos`.
    pub core_relos: Records<'a>,
    /// `fd_array`: four bytes a descriptor.
    pub fd_array: Option<&'a [u8]>,
    /// `fd_array_cnt`.
    pub fd_array_cnt: u32,
    /// `prog_token_fd`; it counts with `BPF_F_TOKEN_FD` only.
    pub token_fd: Fd,
    /// `signature`.
    pub signature: Option<&'a [u8]>,
    /// `signature_size`.
    pub signature_size: u32,
    /// `keyring_id`.
    pub keyring_id: i32,
}

/// What loading came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgLoadAnswer {
    /// A descriptor, or what the call returns.
    pub result: Result<Fd, Errno>,
    /// What was said meanwhile.
    pub log: LogAnswer,
}

/// `BPF_PROG_TEST_RUN`.
#[derive(Copy, Clone, Debug, Default)]
pub struct ProgTestRun<'a> {
    /// `prog_fd`.
    pub prog_fd: Fd,
    /// `data_in`.
    pub data_in: Option<&'a [u8]>,
    /// `data_size_in`.
    pub data_size_in: u32,
    /// True if `data_out` is not null.
    pub has_data_out: bool,
    /// `data_size_out`: bytes of `data_out`.
    pub data_size_out: u32,
    /// `repeat`.
    pub repeat: u32,
    /// `ctx_in`.
    pub ctx_in: Option<&'a [u8]>,
    /// `ctx_size_in`.
    pub ctx_size_in: u32,
    /// True if `ctx_out` is not null.
    pub has_ctx_out: bool,
    /// `ctx_size_out`: bytes of `ctx_out`.
    pub ctx_size_out: u32,
    /// `flags`.
    pub flags: u32,
    /// `cpu`.
    pub cpu: u32,
    /// `batch_size`.
    pub batch_size: u32,
}

/// What a test run came to. Everything is written back even if `error` says that a buffer was short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgTestRunAnswer {
    /// `retval`.
    pub retval: u32,
    /// `duration`: nanoseconds of one repetition.
    pub duration: u32,
    /// What is written to `data_out`.
    pub data_out: Vec<u8>,
    /// `data_size_out`: how long the data are.
    pub data_size_out: u32,
    /// What is written to `ctx_out`.
    pub ctx_out: Vec<u8>,
    /// `ctx_size_out`: how long the context is.
    pub ctx_size_out: u32,
    /// `ENOSPC` if a buffer was too short.
    pub error: Option<Errno>,
}

/// `BPF_PROG_BIND_MAP`: the program is to hold the map.
#[derive(Copy, Clone, Debug, Default)]
pub struct ProgBindMap {
    /// `prog_fd`.
    pub prog_fd: Fd,
    /// `map_fd`.
    pub map_fd: Fd,
    /// `flags`.
    pub flags: u32,
}
