//! What programs attach to by name: kernel iterators and structures of operations.
//!
//! Sources: docs.ebpf.io, the pages of `BPF_TRACE_ITER` and `BPF_PROG_TYPE_STRUCT_OPS`; which of them
//! there are, read in the BTF of 5.10, 6.1, 6.12, 6.16 and 6.18.

use super::Release;
use crate::{AttachKind, Hook, ProgramKind};

const fn at(major: u8, minor: u8) -> Release {
    Release::new(major, minor)
}

/// Kernel iterators (`bpf_iter_reg_target`).
const ITERATORS: &[(&str, Release)] = &[
    ("task", at(5, 8)),
    ("task_file", at(5, 8)),
    ("bpf_map", at(5, 8)),
    ("netlink", at(5, 8)),
    ("ipv6_route", at(5, 8)),
    ("tcp", at(5, 9)),
    ("udp", at(5, 9)),
    ("bpf_map_elem", at(5, 9)),
    ("bpf_sk_storage_map", at(5, 9)),
    ("bpf_prog", at(5, 9)),
    ("sockmap", at(5, 10)),
    ("task_vma", at(5, 12)),
    ("unix", at(5, 15)),
    ("bpf_link", at(5, 19)),
    ("ksym", at(6, 0)),
    ("cgroup", at(6, 1)),
    ("kmem_cache", at(6, 13)),
    ("dmabuf", at(6, 16)),
];

/// Structures of operations, by the name of their type.
const OPERATIONS: &[(&str, Release)] = &[
    ("tcp_congestion_ops", at(5, 6)),
    ("bpf_dummy_ops", at(5, 16)),
    ("hid_bpf_ops", at(6, 11)),
    ("sched_ext_ops", at(6, 12)),
    ("Qdisc_ops", at(6, 16)),
];

/// Since when there is what a program names to be attached to, if that is known to be later than the
/// program type itself.
pub fn since(hook: &Hook) -> Option<Release> {
    let target = hook.target.as_deref()?;
    let rows = match (hook.kind, hook.attach) {
        (ProgramKind::Tracing, Some(AttachKind::TraceIter)) => ITERATORS,
        (ProgramKind::StructOps, _) => OPERATIONS,
        _ => return None,
    };
    let row = rows.iter().find(|(name, _)| *name == target)?;
    Some(row.1)
}
