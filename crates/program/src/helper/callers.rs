//! Which programs may call a helper or a kernel function: sets of groups of programs that the kernel gives the same helpers.

use crate::{AttachKind, Hook, ProgramKind};

/// A set of groups of programs.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Callers(u64);

/// Declares the groups: one bit each, with a name for people.
macro_rules! groups {
    ($($(#[$meta:meta])* $name:ident = $bit:literal $text:literal;)+) => {
        impl Callers {
            $($(#[$meta])* pub const $name: Callers = Callers(1 << $bit);)+
            /// Every program.
            pub const ALL: Callers = Callers($(1 << $bit)|+);
        }

        /// Every group with its name.
        const GROUPS: &[(Callers, &str)] = &[$((Callers::$name, $text)),+];
    };
}

groups! {
    /// Socket filters.
    FILTER = 0 "socket_filter";
    /// Probes of functions and instructions.
    KPROBE = 1 "kprobe";
    /// Traffic control classifiers.
    SCHED_CLS = 2 "sched_cls";
    /// Traffic control actions.
    SCHED_ACT = 37 "sched_act";
    /// Tracepoints.
    TRACEPOINT = 3 "tracepoint";
    /// XDP.
    XDP = 4 "xdp";
    /// Perf events.
    PERF_EVENT = 5 "perf_event";
    /// Packets of a control group.
    CGROUP_SKB = 6 "cgroup_skb";
    /// Sockets of a control group.
    CGROUP_SOCK = 7 "cgroup_sock";
    /// Tunnels: packets that come in.
    LWT_IN = 8 "lwt_in";
    /// Tunnels: packets that go out.
    LWT_OUT = 9 "lwt_out";
    /// Tunnels: packets about to be sent.
    LWT_XMIT = 10 "lwt_xmit";
    /// Segment routing.
    LWT_SEG6 = 11 "lwt_seg6local";
    /// TCP's parameters and events.
    SOCK_OPS = 12 "sock_ops";
    /// Stream parsers and verdicts.
    SK_SKB = 13 "sk_skb";
    /// Devices of a control group.
    DEVICE = 14 "cgroup_device";
    /// Verdicts on messages.
    SK_MSG = 15 "sk_msg";
    /// Raw tracepoints, writable or not.
    RAW_TRACEPOINT = 16 "raw_tracepoint";
    /// Socket addresses: bind, sendmsg, and connecting sockets of the file system.
    ADDR_BIND = 17 "cgroup_sock_addr (bind, sendmsg, unix connect)";
    /// Socket addresses: connecting over IP.
    ADDR_CONNECT = 18 "cgroup_sock_addr (connect)";
    /// Socket addresses: those told to the caller.
    ADDR_REPLY = 19 "cgroup_sock_addr (recvmsg, getpeername, getsockname)";
    /// Infrared.
    LIRC = 20 "lirc_mode2";
    /// Sockets that share a port.
    REUSEPORT = 21 "sk_reuseport";
    /// Flow dissectors.
    FLOW = 22 "flow_dissector";
    /// Kernel parameters.
    SYSCTL = 23 "cgroup_sysctl";
    /// Socket options that are read.
    GETSOCKOPT = 24 "cgroup_sockopt (getsockopt)";
    /// Socket options that are set.
    SETSOCKOPT = 25 "cgroup_sockopt (setsockopt)";
    /// Raw tracepoints with typed arguments.
    TP_BTF = 26 "tracing (raw tracepoint)";
    /// Functions, at their beginning or end.
    TRAMPOLINE = 27 "tracing (fentry, fexit, fmod_ret)";
    /// Iterators, but for those of sockets.
    ITER = 28 "tracing (iter)";
    /// Iterators of TCP and file system sockets.
    ITER_SOCKET = 29 "tracing (iter/tcp, iter/unix)";
    /// Members of kernel structures; `tcp_congestion_ops` has most.
    STRUCT_OPS = 30 "struct_ops";
    /// Security hooks.
    LSM = 31 "lsm";
    /// Security hooks of a control group.
    LSM_CGROUP = 32 "lsm (cgroup)";
    /// Socket lookup.
    SK_LOOKUP = 33 "sk_lookup";
    /// System calls.
    SYSCALL = 34 "syscall";
    /// Netfilter.
    NETFILTER = 35 "netfilter";
    /// Probes of many functions or instructions at once.
    KPROBE_MULTI = 36 "kprobe (multi, session)";
}

impl Callers {
    /// No program.
    pub const NONE: Callers = Callers(0);
    /// Traffic control classifiers and actions.
    pub const TC: Callers = Callers::any(&[Callers::SCHED_CLS, Callers::SCHED_ACT]);

    /// All of these.
    pub const fn any(sets: &[Callers]) -> Callers {
        let (mut bits, mut at) = (0, 0);
        while at < sets.len() {
            bits |= sets[at].0;
            at += 1;
        }
        Callers(bits)
    }

    /// Those of `self` that are not in `other`.
    pub const fn without(self, other: Callers) -> Callers {
        Callers(self.0 & !other.0)
    }

    /// True if they share a group.
    pub const fn meets(self, other: Callers) -> bool {
        self.0 & other.0 != 0
    }

    /// The group of a program. Where the attach type decides and is not known, every group it may be
    /// in. None for types that take over the helpers of another program.
    pub fn of(hook: &Hook) -> Callers {
        use AttachKind as A;
        match hook.kind {
            ProgramKind::Unspec | ProgramKind::Ext => Callers::NONE,
            ProgramKind::SocketFilter => Callers::FILTER,
            ProgramKind::Kprobe => match hook.attach {
                Some(
                    A::TraceKprobeMulti
                    | A::TraceKprobeSession
                    | A::TraceUprobeMulti
                    | A::TraceUprobeSession,
                ) => Callers::KPROBE_MULTI,
                _ => Callers::KPROBE,
            },
            ProgramKind::SchedCls => Callers::SCHED_CLS,
            ProgramKind::SchedAct => Callers::SCHED_ACT,
            ProgramKind::Tracepoint => Callers::TRACEPOINT,
            ProgramKind::Xdp => Callers::XDP,
            ProgramKind::PerfEvent => Callers::PERF_EVENT,
            ProgramKind::CgroupSkb => Callers::CGROUP_SKB,
            ProgramKind::CgroupSock => Callers::CGROUP_SOCK,
            ProgramKind::LwtIn => Callers::LWT_IN,
            ProgramKind::LwtOut => Callers::LWT_OUT,
            ProgramKind::LwtXmit => Callers::LWT_XMIT,
            ProgramKind::LwtSeg6local => Callers::LWT_SEG6,
            ProgramKind::SockOps => Callers::SOCK_OPS,
            ProgramKind::SkSkb => Callers::SK_SKB,
            ProgramKind::CgroupDevice => Callers::DEVICE,
            ProgramKind::SkMsg => Callers::SK_MSG,
            ProgramKind::RawTracepoint | ProgramKind::RawTracepointWritable => {
                Callers::RAW_TRACEPOINT
            }
            ProgramKind::CgroupSockAddr => match hook.attach {
                Some(A::CgroupInet4Connect | A::CgroupInet6Connect) => Callers::ADDR_CONNECT,
                Some(
                    A::CgroupInet4Bind
                    | A::CgroupInet6Bind
                    | A::CgroupUdp4Sendmsg
                    | A::CgroupUdp6Sendmsg
                    | A::CgroupUnixConnect
                    | A::CgroupUnixSendmsg,
                ) => Callers::ADDR_BIND,
                Some(_) => Callers::ADDR_REPLY,
                None => Callers::any(&[
                    Callers::ADDR_BIND,
                    Callers::ADDR_CONNECT,
                    Callers::ADDR_REPLY,
                ]),
            },
            ProgramKind::LircMode2 => Callers::LIRC,
            ProgramKind::SkReuseport => Callers::REUSEPORT,
            ProgramKind::FlowDissector => Callers::FLOW,
            ProgramKind::CgroupSysctl => Callers::SYSCTL,
            ProgramKind::CgroupSockopt => match hook.attach {
                Some(A::CgroupGetsockopt) => Callers::GETSOCKOPT,
                Some(A::CgroupSetsockopt) => Callers::SETSOCKOPT,
                _ => Callers::any(&[Callers::GETSOCKOPT, Callers::SETSOCKOPT]),
            },
            ProgramKind::Tracing => match hook.attach {
                Some(A::TraceRawTp) => Callers::TP_BTF,
                Some(A::TraceIter) => match hook.target.as_deref() {
                    Some("tcp" | "unix") => Callers::ITER_SOCKET,
                    Some(_) => Callers::ITER,
                    None => Callers::any(&[Callers::ITER, Callers::ITER_SOCKET]),
                },
                Some(_) => Callers::TRAMPOLINE,
                None => Callers::any(&[
                    Callers::TP_BTF,
                    Callers::TRAMPOLINE,
                    Callers::ITER,
                    Callers::ITER_SOCKET,
                ]),
            },
            ProgramKind::StructOps => Callers::STRUCT_OPS,
            ProgramKind::Lsm => match hook.attach {
                Some(A::LsmCgroup) => Callers::LSM_CGROUP,
                Some(_) => Callers::LSM,
                None => Callers::any(&[Callers::LSM, Callers::LSM_CGROUP]),
            },
            ProgramKind::SkLookup => Callers::SK_LOOKUP,
            ProgramKind::Syscall => Callers::SYSCALL,
            ProgramKind::Netfilter => Callers::NETFILTER,
        }
    }

    /// The names of its groups.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let among = move |(group, _): &&(Callers, &str)| self.meets(*group);
        GROUPS.iter().filter(among).map(|(_, name)| *name)
    }
}

impl std::fmt::Display for Callers {
    /// Those it holds, or those it does not, whichever are fewer.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |set: Callers| set.names().collect::<Vec<_>>().join(", ");
        let others = Callers::ALL.without(*self);
        match (self.names().count(), others.names().count()) {
            (0, _) => f.write_str("no type of program"),
            (_, 0) => f.write_str("every type of program"),
            (held, left) if left < held => write!(f, "every type but {}", list(others)),
            _ => f.write_str(&list(*self)),
        }
    }
}
