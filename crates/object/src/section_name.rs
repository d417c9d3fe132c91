//! What the name of a section says about the programs in it: one table of every name libbpf
//! defines, and a guess for the names that people used before or beside it.

use osmia_program::{AttachKind as A, Hook, ProgramFlags, ProgramKind as P};

/// How what follows the name is treated.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Tail {
    /// The name is all there is.
    None,
    /// `/target` may follow.
    Target,
}

/// One row of the table.
#[derive(Copy, Clone, Debug)]
struct Row {
    name: &'static str,
    tail: Tail,
    kind: P,
    attach: Option<A>,
    flags: u32,
}

const SLEEPABLE: u32 = ProgramFlags::SLEEPABLE;
const FRAGS: u32 = ProgramFlags::XDP_HAS_FRAGS;

/// A name alone.
const fn one(name: &'static str, kind: P, attach: Option<A>, flags: u32) -> Row {
    Row {
        name,
        tail: Tail::None,
        kind,
        attach,
        flags,
    }
}

/// A name with a target.
const fn with(name: &'static str, kind: P, attach: Option<A>, flags: u32) -> Row {
    Row {
        name,
        tail: Tail::Target,
        kind,
        attach,
        flags,
    }
}

/// Every section name libbpf 1.6 defines.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    one("socket", P::SocketFilter, None, 0),
    one("sk_reuseport/migrate", P::SkReuseport, Some(A::SkReuseportSelectOrMigrate), 0),
    one("sk_reuseport", P::SkReuseport, Some(A::SkReuseportSelect), 0),
    with("kprobe", P::Kprobe, None, 0),
    with("uprobe", P::Kprobe, None, 0),
    with("uprobe.s", P::Kprobe, None, SLEEPABLE),
    with("kretprobe", P::Kprobe, None, 0),
    with("uretprobe", P::Kprobe, None, 0),
    with("uretprobe.s", P::Kprobe, None, SLEEPABLE),
    with("kprobe.multi", P::Kprobe, Some(A::TraceKprobeMulti), 0),
    with("kretprobe.multi", P::Kprobe, Some(A::TraceKprobeMulti), 0),
    with("kprobe.session", P::Kprobe, Some(A::TraceKprobeSession), 0),
    with("uprobe.multi", P::Kprobe, Some(A::TraceUprobeMulti), 0),
    with("uretprobe.multi", P::Kprobe, Some(A::TraceUprobeMulti), 0),
    with("uprobe.session", P::Kprobe, Some(A::TraceUprobeSession), 0),
    with("uprobe.multi.s", P::Kprobe, Some(A::TraceUprobeMulti), SLEEPABLE),
    with("uretprobe.multi.s", P::Kprobe, Some(A::TraceUprobeMulti), SLEEPABLE),
    with("uprobe.session.s", P::Kprobe, Some(A::TraceUprobeSession), SLEEPABLE),
    with("ksyscall", P::Kprobe, None, 0),
    with("kretsyscall", P::Kprobe, None, 0),
    with("usdt", P::Kprobe, None, 0),
    with("usdt.s", P::Kprobe, None, SLEEPABLE),
    one("tc/ingress", P::SchedCls, Some(A::TcxIngress), 0),
    one("tc/egress", P::SchedCls, Some(A::TcxEgress), 0),
    one("tcx/ingress", P::SchedCls, Some(A::TcxIngress), 0),
    one("tcx/egress", P::SchedCls, Some(A::TcxEgress), 0),
    one("tc", P::SchedCls, None, 0),
    one("classifier", P::SchedCls, None, 0),
    one("action", P::SchedAct, None, 0),
    one("netkit/primary", P::SchedCls, Some(A::NetkitPrimary), 0),
    one("netkit/peer", P::SchedCls, Some(A::NetkitPeer), 0),
    with("tracepoint", P::Tracepoint, None, 0),
    with("tp", P::Tracepoint, None, 0),
    with("tracepoint.s", P::Tracepoint, None, SLEEPABLE),
    with("tp.s", P::Tracepoint, None, SLEEPABLE),
    with("raw_tracepoint", P::RawTracepoint, None, 0),
    with("raw_tp", P::RawTracepoint, None, 0),
    with("raw_tracepoint.s", P::RawTracepoint, None, SLEEPABLE),
    with("raw_tp.s", P::RawTracepoint, None, SLEEPABLE),
    with("raw_tracepoint.w", P::RawTracepointWritable, None, 0),
    with("raw_tp.w", P::RawTracepointWritable, None, 0),
    with("tp_btf", P::Tracing, Some(A::TraceRawTp), 0),
    with("tp_btf.s", P::Tracing, Some(A::TraceRawTp), SLEEPABLE),
    with("fentry", P::Tracing, Some(A::TraceFentry), 0),
    with("fmod_ret", P::Tracing, Some(A::ModifyReturn), 0),
    with("fexit", P::Tracing, Some(A::TraceFexit), 0),
    with("fsession", P::Tracing, Some(A::TraceFsession), 0),
    with("fentry.s", P::Tracing, Some(A::TraceFentry), SLEEPABLE),
    with("fmod_ret.s", P::Tracing, Some(A::ModifyReturn), SLEEPABLE),
    with("fexit.s", P::Tracing, Some(A::TraceFexit), SLEEPABLE),
    with("fsession.s", P::Tracing, Some(A::TraceFsession), SLEEPABLE),
    with("fentry.multi", P::Tracing, Some(A::TraceFentry), 0),
    with("fexit.multi", P::Tracing, Some(A::TraceFexit), 0),
    with("fsession.multi", P::Tracing, Some(A::TraceFsession), 0),
    with("fentry.multi.s", P::Tracing, Some(A::TraceFentry), SLEEPABLE),
    with("fexit.multi.s", P::Tracing, Some(A::TraceFexit), SLEEPABLE),
    with("fsession.multi.s", P::Tracing, Some(A::TraceFsession), SLEEPABLE),
    with("freplace", P::Ext, None, 0),
    with("lsm", P::Lsm, Some(A::LsmMac), 0),
    with("lsm.s", P::Lsm, Some(A::LsmMac), SLEEPABLE),
    with("lsm_cgroup", P::Lsm, Some(A::LsmCgroup), 0),
    with("iter", P::Tracing, Some(A::TraceIter), 0),
    with("iter.s", P::Tracing, Some(A::TraceIter), SLEEPABLE),
    one("syscall", P::Syscall, None, SLEEPABLE),
    one("xdp.frags/devmap", P::Xdp, Some(A::XdpDevmap), FRAGS),
    one("xdp/devmap", P::Xdp, Some(A::XdpDevmap), 0),
    one("xdp.frags/cpumap", P::Xdp, Some(A::XdpCpumap), FRAGS),
    one("xdp/cpumap", P::Xdp, Some(A::XdpCpumap), 0),
    one("xdp.frags", P::Xdp, Some(A::Xdp), FRAGS),
    one("xdp", P::Xdp, Some(A::Xdp), 0),
    one("perf_event", P::PerfEvent, None, 0),
    one("lwt_in", P::LwtIn, None, 0),
    one("lwt_out", P::LwtOut, None, 0),
    one("lwt_xmit", P::LwtXmit, None, 0),
    one("lwt_seg6local", P::LwtSeg6local, None, 0),
    one("sockops", P::SockOps, Some(A::CgroupSockOps), 0),
    one("sk_skb/stream_parser", P::SkSkb, Some(A::SkSkbStreamParser), 0),
    one("sk_skb/stream_verdict", P::SkSkb, Some(A::SkSkbStreamVerdict), 0),
    one("sk_skb/verdict", P::SkSkb, Some(A::SkSkbVerdict), 0),
    one("sk_skb", P::SkSkb, None, 0),
    one("sk_msg", P::SkMsg, Some(A::SkMsgVerdict), 0),
    one("lirc_mode2", P::LircMode2, Some(A::LircMode2), 0),
    one("flow_dissector", P::FlowDissector, Some(A::FlowDissector), 0),
    one("cgroup_skb/ingress", P::CgroupSkb, Some(A::CgroupInetIngress), 0),
    one("cgroup_skb/egress", P::CgroupSkb, Some(A::CgroupInetEgress), 0),
    one("cgroup/skb", P::CgroupSkb, None, 0),
    one("cgroup/sock_create", P::CgroupSock, Some(A::CgroupInetSockCreate), 0),
    one("cgroup/sock_release", P::CgroupSock, Some(A::CgroupInetSockRelease), 0),
    one("cgroup/sock", P::CgroupSock, Some(A::CgroupInetSockCreate), 0),
    one("cgroup/post_bind4", P::CgroupSock, Some(A::CgroupInet4PostBind), 0),
    one("cgroup/post_bind6", P::CgroupSock, Some(A::CgroupInet6PostBind), 0),
    one("cgroup/bind4", P::CgroupSockAddr, Some(A::CgroupInet4Bind), 0),
    one("cgroup/bind6", P::CgroupSockAddr, Some(A::CgroupInet6Bind), 0),
    one("cgroup/connect4", P::CgroupSockAddr, Some(A::CgroupInet4Connect), 0),
    one("cgroup/connect6", P::CgroupSockAddr, Some(A::CgroupInet6Connect), 0),
    one("cgroup/connect_unix", P::CgroupSockAddr, Some(A::CgroupUnixConnect), 0),
    one("cgroup/sendmsg4", P::CgroupSockAddr, Some(A::CgroupUdp4Sendmsg), 0),
    one("cgroup/sendmsg6", P::CgroupSockAddr, Some(A::CgroupUdp6Sendmsg), 0),
    one("cgroup/sendmsg_unix", P::CgroupSockAddr, Some(A::CgroupUnixSendmsg), 0),
    one("cgroup/recvmsg4", P::CgroupSockAddr, Some(A::CgroupUdp4Recvmsg), 0),
    one("cgroup/recvmsg6", P::CgroupSockAddr, Some(A::CgroupUdp6Recvmsg), 0),
    one("cgroup/recvmsg_unix", P::CgroupSockAddr, Some(A::CgroupUnixRecvmsg), 0),
    one("cgroup/getpeername4", P::CgroupSockAddr, Some(A::CgroupInet4Getpeername), 0),
    one("cgroup/getpeername6", P::CgroupSockAddr, Some(A::CgroupInet6Getpeername), 0),
    one("cgroup/getpeername_unix", P::CgroupSockAddr, Some(A::CgroupUnixGetpeername), 0),
    one("cgroup/getsockname4", P::CgroupSockAddr, Some(A::CgroupInet4Getsockname), 0),
    one("cgroup/getsockname6", P::CgroupSockAddr, Some(A::CgroupInet6Getsockname), 0),
    one("cgroup/getsockname_unix", P::CgroupSockAddr, Some(A::CgroupUnixGetsockname), 0),
    one("cgroup/sysctl", P::CgroupSysctl, Some(A::CgroupSysctl), 0),
    one("cgroup/getsockopt", P::CgroupSockopt, Some(A::CgroupGetsockopt), 0),
    one("cgroup/setsockopt", P::CgroupSockopt, Some(A::CgroupSetsockopt), 0),
    one("cgroup/dev", P::CgroupDevice, Some(A::CgroupDevice), 0),
    with("struct_ops", P::StructOps, None, 0),
    with("struct_ops.s", P::StructOps, None, SLEEPABLE),
    one("sk_lookup", P::SkLookup, Some(A::SkLookup), 0),
    one("netfilter", P::Netfilter, Some(A::Netfilter), 0),
];

/// Beginnings of names outside the table, longest match first: what they meant to their authors.
#[rustfmt::skip]
const GUESSES: &[Row] = &[
    with("cgroup_skb", P::CgroupSkb, None, 0),
    with("cgroup/sock", P::CgroupSock, Some(A::CgroupInetSockCreate), 0),
    with("cgroup/skb", P::CgroupSkb, None, 0),
    with("cgroup_sock", P::CgroupSock, Some(A::CgroupInetSockCreate), 0),
    with("cgroup/dev", P::CgroupDevice, Some(A::CgroupDevice), 0),
    with("cgroup_device", P::CgroupDevice, Some(A::CgroupDevice), 0),
    with("cgroup_sysctl", P::CgroupSysctl, Some(A::CgroupSysctl), 0),
    with("classifier", P::SchedCls, None, 0),
    with("cls", P::SchedCls, None, 0),
    with("tc", P::SchedCls, None, 0),
    with("ingress", P::SchedCls, None, 0),
    with("egress", P::SchedCls, None, 0),
    with("from-", P::SchedCls, None, 0),
    with("to-", P::SchedCls, None, 0),
    with("action", P::SchedAct, None, 0),
    with("act", P::SchedAct, None, 0),
    with("xdp.frags", P::Xdp, Some(A::Xdp), FRAGS),
    with("xdp", P::Xdp, Some(A::Xdp), 0),
    with("socket", P::SocketFilter, None, 0),
    with("filter", P::SocketFilter, None, 0),
    with("sockops", P::SockOps, Some(A::CgroupSockOps), 0),
    with("sock_ops", P::SockOps, Some(A::CgroupSockOps), 0),
    with("sk_skb", P::SkSkb, None, 0),
    with("sk_msg", P::SkMsg, Some(A::SkMsgVerdict), 0),
    with("sk_lookup", P::SkLookup, Some(A::SkLookup), 0),
    with("sk_reuseport", P::SkReuseport, Some(A::SkReuseportSelect), 0),
    with("flow_dissector", P::FlowDissector, Some(A::FlowDissector), 0),
    with("lwt_in", P::LwtIn, None, 0),
    with("lwt_out", P::LwtOut, None, 0),
    with("lwt_xmit", P::LwtXmit, None, 0),
    with("lwt_seg6local", P::LwtSeg6local, None, 0),
    with("kprobe", P::Kprobe, None, 0),
    with("kretprobe", P::Kprobe, None, 0),
    with("uprobe", P::Kprobe, None, 0),
    with("uretprobe", P::Kprobe, None, 0),
    with("tracepoint", P::Tracepoint, None, 0),
    with("raw_tracepoint", P::RawTracepoint, None, 0),
    with("raw_tp", P::RawTracepoint, None, 0),
    with("perf_event", P::PerfEvent, None, 0),
    with("lirc_mode2", P::LircMode2, Some(A::LircMode2), 0),
    with("netfilter", P::Netfilter, Some(A::Netfilter), 0),
    with("syscall", P::Syscall, None, SLEEPABLE),
];

/// How sure the reading of a name is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// libbpf defines the name.
    Defined,
    /// The name begins like one it defines, or is one that older loaders used.
    Guessed,
    /// Nothing is known; the type has to be given.
    Unknown,
}

/// What a section name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionMeaning {
    /// Type, attach type and target; type `Unspec` if nothing is known.
    pub hook: Hook,
    /// Load flags.
    pub flags: ProgramFlags,
    /// False for names that begin with `?`.
    pub autoload: bool,
    /// How sure this is.
    pub certainty: Certainty,
}

/// Reads a section name.
pub fn meaning(section: &str) -> SectionMeaning {
    let (name, autoload) = match section.strip_prefix('?') {
        Some(name) => (name, false),
        None => (section, true),
    };
    let found = |row: &Row, rest: &str, certainty| SectionMeaning {
        hook: Hook {
            kind: row.kind,
            attach: row.attach,
            target: (!rest.is_empty()).then(|| rest.to_owned()),
        },
        flags: ProgramFlags(row.flags),
        autoload,
        certainty,
    };
    if let Some(row) = TABLE.iter().find(|row| row.name == name) {
        return found(row, "", Certainty::Defined);
    }
    if let Some((row, rest)) = TABLE.iter().find_map(|row| {
        let rest = name.strip_prefix(row.name)?.strip_prefix('/')?;
        (row.tail == Tail::Target).then_some((row, rest))
    }) {
        return found(row, rest, Certainty::Defined);
    }
    if is_tail_call_slot(name) {
        let row = one("", P::SchedCls, None, 0);
        return found(&row, "", Certainty::Guessed);
    }
    let longest = GUESSES
        .iter()
        .filter(|row| begins_like(name, row.name))
        .max_by_key(|row| row.name.len());
    match longest {
        Some(row) => {
            let rest = name[row.name.len()..].strip_prefix('/').unwrap_or("");
            // `socket/2` numbers its programs; `xdp/lo` may say what for.
            let is_number = rest.bytes().all(|byte| byte.is_ascii_digit());
            let rest = if is_number { "" } else { rest };
            found(row, rest, Certainty::Guessed)
        }
        None => found(&one("", P::Unspec, None, 0), "", Certainty::Unknown),
    }
}

/// `tc-x`, `tc_x`, `tc/x`, `tc1` begin like `tc`; `tcpdump` does not.
fn begins_like(name: &str, start: &str) -> bool {
    name.strip_prefix(start).is_some_and(|rest| {
        start.ends_with('-') || !rest.starts_with(|next: char| next.is_ascii_alphabetic())
    })
}

/// `2/1`: map 2, slot 1, as iproute2 fills tail-call arrays from section names.
fn is_tail_call_slot(name: &str) -> bool {
    let digits = |text: &str| {
        let hex = text.strip_prefix("0x").unwrap_or(text);
        !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    name.split_once('/')
        .is_some_and(|(map, slot)| digits(map) && digits(slot))
}

#[cfg(test)]
mod tests;
