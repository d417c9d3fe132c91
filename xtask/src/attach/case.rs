//! The kinds of places, as programs of `tests/attach/kinds.bpf.c`.

/// A program and what its place needs to be chosen.
pub(super) struct Case {
    pub(super) program: &'static str,
    pub(super) section: &'static str,
    /// `{group}` is the control group, `{fire}` the place in the command that reaches it.
    pub(super) flags: &'static [&'static str],
    /// Only what we make ourselves is touched.
    pub(super) confined: bool,
}

const fn confined(
    program: &'static str,
    section: &'static str,
    flags: &'static [&'static str],
) -> Case {
    Case {
        program,
        section,
        flags,
        confined: true,
    }
}

const fn everywhere(program: &'static str, section: &'static str) -> Case {
    Case {
        program,
        section,
        flags: &[],
        confined: false,
    }
}

const LOOPBACK: &[&str] = &["--interface", "lo"];
const GROUP: &[&str] = &["--cgroup", "{group}"];
const FIRE: &[&str] = &["--at", "{fire}"];

#[rustfmt::skip]
pub(super) const CASES: [Case; 41] = [
    confined("on_xdp", "xdp", LOOPBACK),
    confined("on_xdp", "xdp --xdp generic", &["--interface", "lo", "--xdp", "generic"]),
    confined("on_tcx_ingress", "tcx/ingress", LOOPBACK),
    confined("on_tcx_egress", "tcx/egress", LOOPBACK),
    confined("on_tc", "tc", LOOPBACK),
    confined("on_tc", "tc --egress", &["--interface", "lo", "--egress"]),
    confined("on_netfilter", "netfilter", &[]),
    confined("on_sk_lookup", "sk_lookup", &[]),
    confined("on_skb_ingress", "cgroup_skb/ingress", GROUP),
    confined("on_skb_egress", "cgroup_skb/egress", GROUP),
    confined("on_sock_create", "cgroup/sock_create", GROUP),
    confined("on_sock_release", "cgroup/sock_release", GROUP),
    confined("on_bind4", "cgroup/bind4", GROUP),
    confined("on_post_bind4", "cgroup/post_bind4", GROUP),
    confined("on_connect4", "cgroup/connect4", GROUP),
    confined("on_sendmsg4", "cgroup/sendmsg4", GROUP),
    confined("on_recvmsg4", "cgroup/recvmsg4", GROUP),
    confined("on_getsockname4", "cgroup/getsockname4", GROUP),
    confined("on_getsockopt", "cgroup/getsockopt", GROUP),
    confined("on_setsockopt", "cgroup/setsockopt", GROUP),
    confined("on_sysctl", "cgroup/sysctl", GROUP),
    confined("on_dev", "cgroup/dev", GROUP),
    confined("on_sockops", "sockops", GROUP),
    confined("on_uprobe", "uprobe", FIRE),
    confined("on_uretprobe", "uretprobe", FIRE),
    Case { confined: false, ..confined("on_lsm_cgroup", "lsm_cgroup", GROUP) },
    everywhere("on_tracepoint", "tracepoint"),
    everywhere("on_raw_tp", "raw_tp"),
    everywhere("on_tp_btf", "tp_btf"),
    everywhere("on_kprobe", "kprobe"),
    everywhere("on_kretprobe", "kretprobe"),
    everywhere("on_ksyscall", "ksyscall"),
    everywhere("on_kprobe_multi", "kprobe.multi"),
    everywhere("on_kretprobe_multi", "kretprobe.multi"),
    everywhere("on_fentry", "fentry"),
    everywhere("on_fexit", "fexit"),
    everywhere("on_fmod_ret", "fmod_ret"),
    everywhere("on_lsm", "lsm"),
    everywhere("on_clock", "perf_event"),
    everywhere("on_iterator", "iter"),
    Case { flags: &["--hertz", "999"], ..everywhere("on_clock", "perf_event --hertz") },
];
