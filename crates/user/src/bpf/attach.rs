//! Attaching without links.

use super::Fd;

/// `BPF_PROG_ATTACH`.
#[derive(Copy, Clone, Debug, Default)]
pub struct ProgAttach {
    /// `target_fd` or `target_ifindex`.
    pub target: u32,
    /// `attach_bpf_fd`.
    pub attach_bpf_fd: Fd,
    /// `attach_type`.
    pub attach_type: u32,
    /// `attach_flags`.
    pub attach_flags: u32,
    /// `replace_bpf_fd`.
    pub replace_bpf_fd: Fd,
    /// `relative_fd` or `relative_id`.
    pub relative: u32,
    /// `expected_revision`.
    pub expected_revision: u64,
}

/// `BPF_PROG_DETACH`.
#[derive(Copy, Clone, Debug, Default)]
pub struct ProgDetach {
    /// `target_fd` or `target_ifindex`.
    pub target: u32,
    /// `attach_bpf_fd`.
    pub attach_bpf_fd: Fd,
    /// `attach_type`.
    pub attach_type: u32,
    /// `attach_flags`.
    pub attach_flags: u32,
    /// `relative_fd` or `relative_id`.
    pub relative: u32,
    /// `expected_revision`.
    pub expected_revision: u64,
}

/// `BPF_PROG_QUERY`.
#[derive(Copy, Clone, Debug, Default)]
pub struct ProgQuery {
    /// `target_fd` or `target_ifindex`.
    pub target: u32,
    /// `attach_type`.
    pub attach_type: u32,
    /// `query_flags`.
    pub query_flags: u32,
    /// `attach_flags` as given: it must be 0 where the kernel looks at it.
    pub attach_flags: u32,
    /// `prog_cnt`: programs there is room for.
    pub count: u32,
    /// True if `prog_ids` is not null.
    pub has_prog_ids: bool,
    /// True if `prog_attach_flags` is not null.
    pub has_prog_attach_flags: bool,
    /// True if `link_ids` is not null.
    pub has_link_ids: bool,
    /// True if `link_attach_flags` is not null.
    pub has_link_attach_flags: bool,
    /// `revision` as given: it must be 0 where the kernel looks at it.
    pub revision: u64,
}

/// One program of an answer.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct QueriedProgram {
    /// Its id.
    pub prog_id: u32,
    /// How it was attached.
    pub attach_flags: u32,
    /// The link's id; 0 if it was attached without.
    pub link_id: u32,
    /// How the link was made.
    pub link_attach_flags: u32,
}

/// What a query finds. Programs beyond the room given are cut off and `error` says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgQueryAnswer {
    /// `attach_flags` of the hook.
    pub attach_flags: u32,
    /// `prog_cnt`: how many there are.
    pub count: u32,
    /// `revision`, where the hook has one.
    pub revision: Option<u64>,
    /// As many as there is room for.
    pub programs: Vec<QueriedProgram>,
    /// `ENOSPC` if there was not room for all.
    pub error: Option<osmia_program::Errno>,
}
