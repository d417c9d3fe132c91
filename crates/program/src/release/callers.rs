//! Helpers that some programs could call only later than others.
//!
//! Found by asking kernels 5.10, 6.1, 6.12, 6.16 and 6.18 (`tests/probes`); the commit says which release
//! between two of them it was. Where none is named, the release is the first that was asked.

use super::Release;
use crate::helper::Callers;

/// Since a release, these programs may call these helpers, which others could before.
pub(super) struct Later {
    pub(super) release: Release,
    pub(super) callers: Callers,
    pub(super) helpers: &'static [&'static str],
}

use Callers as C;

/// Programs about packets and connections, which know no current task.
const NETWORK: C = C::any(&[
    C::FILTER,
    C::TC,
    C::XDP,
    C::CGROUP_SKB,
    C::LWT_IN,
    C::LWT_OUT,
    C::LWT_XMIT,
    C::LWT_SEG6,
    C::SOCK_OPS,
    C::SK_SKB,
    C::REUSEPORT,
    C::FLOW,
    C::SK_LOOKUP,
    C::NETFILTER,
    C::STRUCT_OPS,
]);

/// Those with typed arguments.
const TYPED: C = C::any(&[C::TP_BTF, C::TRAMPOLINE, C::ITER, C::ITER_SOCKET]);

/// Programs that look at the kernel.
const TRACING: C = C::any(&[
    TYPED,
    C::KPROBE,
    C::KPROBE_MULTI,
    C::TRACEPOINT,
    C::PERF_EVENT,
    C::RAW_TRACEPOINT,
]);

/// Members of control groups, with addresses and options.
const SOCKOPT: C = C::any(&[C::GETSOCKOPT, C::SETSOCKOPT]);
const ADDRESSES: C = C::any(&[C::ADDR_BIND, C::ADDR_CONNECT, C::ADDR_REPLY]);
const CONTROL: C = C::any(&[C::DEVICE, C::SYSCTL, SOCKOPT]);
const CGROUP: C = C::any(&[CONTROL, ADDRESSES, C::CGROUP_SOCK]);

/// Programs that got the helpers of tracing last.
const UNTRACED: C = C::any(&[NETWORK, CGROUP, C::SK_MSG, C::LIRC]);

const fn row(release: (u8, u8), callers: C, helpers: &'static [&'static str]) -> Later {
    Later {
        release: Release::new(release.0, release.1),
        callers,
        helpers,
    }
}

/// Rows are looked through in this order.
#[rustfmt::skip]
pub(super) static LATER: &[Later] = &[
    // ee971630f20f
    row((6, 16), UNTRACED, &[
        "bpf_perf_event_read", "bpf_perf_event_read_value", "bpf_send_signal", "bpf_send_signal_thread",
        "bpf_get_task_stack", "bpf_copy_from_user", "bpf_copy_from_user_task", "bpf_task_storage_get",
        "bpf_task_storage_delete", "bpf_get_branch_snapshot", "bpf_find_vma",
    ]),
    row((6, 16), NETWORK, &["bpf_get_current_uid_gid"]),
    row((6, 16), C::any(&[NETWORK, C::SK_MSG, C::LIRC]), &["bpf_get_current_comm", "bpf_current_task_under_cgroup"]),
    row((6, 16), C::any(&[
        TRACING, C::SYSCALL, C::FILTER, C::XDP, C::CGROUP_SKB, C::SOCK_OPS, C::SK_SKB, C::REUSEPORT,
        C::FLOW, C::SK_LOOKUP, C::NETFILTER, C::STRUCT_OPS,
    ]), &["bpf_get_cgroup_classid"]),
    row((6, 16), C::any(&[C::FILTER, C::TC, C::CGROUP_SKB]), &["bpf_get_netns_cookie"]),
    row((6, 16), C::LWT_SEG6, &["bpf_skb_pull_data"]),
    // 7f6287417baf
    row((6, 12), CGROUP, &["bpf_current_task_under_cgroup"]),
    // eb166e522c77
    row((6, 10), C::any(&[NETWORK, C::LIRC]), &["bpf_get_current_pid_tgid"]),
    row((6, 10), UNTRACED, &["bpf_get_ns_current_pid_tgid"]),
    // 68ca5d4eebb8
    row((6, 10), C::any(&[C::RAW_TRACEPOINT, C::TP_BTF]), &["bpf_get_attach_cookie"]),
    // 2fcc82411e74
    row((5, 19), C::TRAMPOLINE, &["bpf_get_attach_cookie"]),
    // c501bf55c88b
    row((6, 4), NETWORK, &["bpf_get_current_cgroup_id", "bpf_get_current_ancestor_cgroup_id"]),
    // dea6a4e17013
    row((6, 1), CONTROL, &[
        "bpf_get_current_pid_tgid", "bpf_get_current_comm", "bpf_get_cgroup_classid",
        "bpf_get_current_ancestor_cgroup_id",
    ]),
    // 8a67f2de9b1d
    row((6, 1), C::ALL.without(C::SYSCTL), &["bpf_strtol", "bpf_strtoul"]),
    row((6, 1), TRACING, &["bpf_spin_lock", "bpf_spin_unlock"]),
    // fab60e29fcc6, 6cf1770d63dd
    row((5, 15), C::any(&[C::SK_MSG, C::SOCK_OPS]), &["bpf_get_netns_cookie"]),
    // f1248dee954c
    row((5, 12), SOCKOPT, &["bpf_get_netns_cookie"]),
    // 95b861a7935b
    row((5, 15), TRACING, &["bpf_get_current_ancestor_cgroup_id"]),
    // 2c531639deb5, 3cee6fb8e69e
    row((5, 15), C::any(&[C::SETSOCKOPT, C::ITER_SOCKET]), &["bpf_setsockopt", "bpf_getsockopt"]),
    // 4c3384d7abe5, 62476cc1bf24, 073f4ec124bb
    row((5, 12), C::any(&[C::ADDR_BIND, C::ADDR_REPLY]), &["bpf_setsockopt", "bpf_getsockopt"]),
    // c5dbb89fc2ac
    row((5, 12), TYPED, &["bpf_get_socket_cookie"]),
    // 8e4597c627fb
    row((5, 11), TYPED, &["bpf_sk_storage_get", "bpf_sk_storage_delete"]),
    // beecf11bc218
    row((5, 8), C::ADDR_CONNECT, &["bpf_setsockopt", "bpf_getsockopt"]),
    // f470378c75c9
    row((5, 8), UNTRACED, &[
        "bpf_get_current_task", "bpf_probe_read_user", "bpf_probe_read_kernel", "bpf_probe_read_user_str",
        "bpf_probe_read_kernel_str",
    ]),
    // abe3cac8717d, 13d70f5a5ecf
    row((5, 8), C::SK_MSG, &[
        "bpf_get_current_pid_tgid", "bpf_get_current_uid_gid", "bpf_get_current_cgroup_id",
        "bpf_get_current_ancestor_cgroup_id", "bpf_get_cgroup_classid", "bpf_perf_event_output",
        "bpf_sk_storage_get", "bpf_sk_storage_delete",
    ]),
    // 0456ea170cd6
    row((5, 8), CONTROL, &["bpf_perf_event_output"]),
    // 6f3f65d80dac
    row((5, 8), C::TC, &["bpf_skb_change_head"]),
    // fcf752ea68b0, 834ebca83172, 5a52ae4e32a6, 0e53d9e5e2d5
    row((5, 7), C::any(&[C::CGROUP_SOCK, ADDRESSES]), &[
        "bpf_perf_event_output", "bpf_get_current_pid_tgid", "bpf_get_current_comm",
        "bpf_get_current_cgroup_id", "bpf_get_cgroup_classid",
    ]),
    row((5, 7), C::CGROUP_SOCK, &["bpf_get_socket_cookie"]),
];
