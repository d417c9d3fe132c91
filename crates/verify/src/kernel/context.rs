//! Contexts by the names of their structures: what programs call them, and what the kernel has behind.

use osmia_program::ProgramKind;

/// The structures that programs of a type may have as their context.
pub(crate) fn names(kind: ProgramKind) -> &'static [&'static str] {
    use ProgramKind as K;
    match kind {
        K::SocketFilter
        | K::SchedCls
        | K::SchedAct
        | K::CgroupSkb
        | K::LwtIn
        | K::LwtOut
        | K::LwtXmit
        | K::LwtSeg6local
        | K::SkSkb
        | K::FlowDissector => &["__sk_buff"],
        K::Xdp => &["xdp_md"],
        K::CgroupSock => &["bpf_sock"],
        K::CgroupSockAddr => &["bpf_sock_addr"],
        K::SockOps => &["bpf_sock_ops"],
        K::SkMsg => &["sk_msg_md"],
        K::Kprobe => &["bpf_user_pt_regs_t", "pt_regs", "user_pt_regs"],
        K::PerfEvent => &["bpf_perf_event_data"],
        K::RawTracepoint | K::RawTracepointWritable => &["bpf_raw_tracepoint_args"],
        K::CgroupDevice => &["bpf_cgroup_dev_ctx"],
        K::CgroupSysctl => &["bpf_sysctl"],
        K::CgroupSockopt => &["bpf_sockopt"],
        K::SkReuseport => &["sk_reuseport_md"],
        K::SkLookup => &["bpf_sk_lookup"],
        K::Netfilter => &["bpf_nf_ctx"],
        _ => &[],
    }
}

/// The structure that the kernel itself has as the context of such programs.
pub(crate) fn behind(kind: ProgramKind) -> &'static str {
    use ProgramKind as K;
    match kind {
        K::Xdp => "xdp_buff",
        K::CgroupSock => "sock",
        K::CgroupSockAddr => "bpf_sock_addr_kern",
        K::SockOps => "bpf_sock_ops_kern",
        K::SkMsg => "sk_msg",
        K::Kprobe | K::PerfEvent => "pt_regs",
        K::CgroupSysctl => "bpf_sysctl_kern",
        K::CgroupSockopt => "bpf_sockopt_kern",
        K::SkReuseport => "sk_reuseport_kern",
        K::SkLookup => "bpf_sk_lookup_kern",
        K::FlowDissector => "bpf_flow_dissector",
        K::Netfilter => "bpf_nf_ctx",
        K::CgroupDevice => "bpf_cgroup_dev_ctx",
        _ => "sk_buff",
    }
}
