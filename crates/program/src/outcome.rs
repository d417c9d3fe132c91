//! What a program's return value means: names, effects and the range the kernel's verifier allows.
//!
//! Ranges are those of `check_return_code`; `cargo xtask compare-contexts` asks the running kernel.

use crate::{AttachKind, ProgramKind, Role};

/// What the return values of a role mean.
#[derive(Copy, Clone, Debug)]
pub struct Outcomes {
    /// Values with a meaning of their own.
    pub named: &'static [Outcome],
    /// What every other value means; `{}` stands for it. Empty: nothing in particular.
    pub others: &'static str,
    /// What is done with a packet goes on for other values.
    pub others_go_on: bool,
    /// The least and the greatest value that the verifier lets programs return.
    pub allowed: Option<(i32, i32)>,
}

/// A value with a meaning of its own.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The value.
    pub value: i32,
    /// The kernel's name of it; empty if it has none.
    pub name: &'static str,
    /// What happens.
    pub meaning: &'static str,
    /// The packet or the operation goes on.
    pub goes_on: bool,
}

/// Declares outcomes: value, name, `go` or `end`, meaning.
macro_rules! outcomes {
    (@goes go) => { true };
    (@goes end) => { false };
    ($($value:literal $name:literal $goes:ident $meaning:literal;)*) => {
        &[$(Outcome {
            value: $value,
            name: $name,
            meaning: $meaning,
            goes_on: outcomes!(@goes $goes),
        },)*]
    };
}

const XDP: &[Outcome] = outcomes! {
    0 "XDP_ABORTED" end "drop, as an error that can be traced";
    1 "XDP_DROP" end "drop";
    2 "XDP_PASS" go "pass to the network stack";
    3 "XDP_TX" go "send back out of the same interface";
    4 "XDP_REDIRECT" go "send where a helper said";
};

const TC: &[Outcome] = outcomes! {
    -1 "TC_ACT_UNSPEC" go "do as configured";
    0 "TC_ACT_OK" go "accept";
    1 "TC_ACT_RECLASSIFY" go "classify again";
    2 "TC_ACT_SHOT" end "drop";
    3 "TC_ACT_PIPE" go "go on with the next action";
    4 "TC_ACT_STOLEN" end "consumed";
    5 "TC_ACT_QUEUED" end "queued";
    6 "TC_ACT_REPEAT" go "run the action again";
    7 "TC_ACT_REDIRECT" go "send where a helper said";
    8 "TC_ACT_TRAP" end "hand to the control plane";
};

const LWT: &[Outcome] = outcomes! {
    0 "BPF_OK" go "go on";
    2 "BPF_DROP" end "drop";
    7 "BPF_REDIRECT" go "send where a helper said";
    128 "BPF_LWT_REROUTE" go "look the route up again";
};

const FLOW: &[Outcome] = outcomes! {
    0 "BPF_OK" go "dissected";
    2 "BPF_DROP" end "not dissected";
    129 "BPF_FLOW_DISSECTOR_CONTINUE" go "left to the kernel's dissector";
};

const SK: &[Outcome] = outcomes! {
    0 "SK_DROP" end "drop";
    1 "SK_PASS" go "pass";
};

const NETFILTER: &[Outcome] = outcomes! {
    0 "NF_DROP" end "drop";
    1 "NF_ACCEPT" go "accept";
};

const DROP_ALLOW: &[Outcome] = outcomes! {
    0 "" end "drop";
    1 "" go "allow";
};

const EGRESS: &[Outcome] = outcomes! {
    0 "" end "drop";
    1 "" go "allow";
    2 "" end "drop, and tell of congestion";
    3 "" go "allow, and tell of congestion";
};

const DENY_ALLOW: &[Outcome] = outcomes! {
    0 "" end "deny with EPERM, or what bpf_set_retval said";
    1 "" go "allow";
};

const BIND: &[Outcome] = outcomes! {
    0 "" end "deny with EPERM, or what bpf_set_retval said";
    1 "" go "allow";
    2 "" end "deny with EPERM, or what bpf_set_retval said";
    3 "" go "allow, also ports that need a capability";
};

const ALWAYS: &[Outcome] = outcomes! {
    1 "" go "go on";
};

const SOCK_OPS: &[Outcome] = outcomes! {
    0 "" go "the reply does not count";
    1 "" go "the reply counts";
};

const SECURITY: &[Outcome] = outcomes! {
    0 "" go "allow";
};

const FILTERED: &[Outcome] = outcomes! {
    0 "" end "the event is not reported to perf";
};

const SESSION: &[Outcome] = outcomes! {
    0 "" go "run at the return, too";
    1 "" end "do not run at the return";
};

const ITERATOR: &[Outcome] = outcomes! {
    0 "" go "go on with the next object";
    1 "" go "show this object again";
};

const NONE_KEPT: &[Outcome] = outcomes! {
    0 "" end "drop";
};

const MODIFY: &[Outcome] = outcomes! {
    0 "" go "the function runs";
};

const fn rule(named: &'static [Outcome]) -> Outcomes {
    Outcomes {
        named,
        others: "",
        others_go_on: true,
        allowed: None,
    }
}

impl Outcomes {
    const fn others(mut self, meaning: &'static str, go_on: bool) -> Self {
        self.others = meaning;
        self.others_go_on = go_on;
        self
    }

    const fn only(mut self, least: i32, greatest: i32) -> Self {
        self.allowed = Some((least, greatest));
        self
    }

    /// The outcome of a value with a meaning of its own.
    pub fn named(&self, value: i32) -> Option<&'static Outcome> {
        self.named.iter().find(|outcome| outcome.value == value)
    }

    /// True if the packet or the operation goes on after this value.
    pub fn goes_on(&self, value: i32) -> bool {
        self.named(value)
            .map_or(self.others_go_on, |outcome| outcome.goes_on)
    }

    /// The value in a few words: its name, or the value and what it does.
    pub fn label(&self, value: i32) -> String {
        match self.named(value) {
            Some(outcome) if !outcome.name.is_empty() => outcome.name.to_owned(),
            Some(outcome) => format!("{value} ({})", outcome.meaning),
            None if self.others.is_empty() => value.to_string(),
            // Lengths are unsigned.
            None if self.others.contains("{}") => {
                let length = (value as u32).to_string();
                format!("{length} ({})", self.others.replace("{}", &length))
            }
            None => format!("{value} ({})", self.others),
        }
    }
}

/// The greatest error number a hook may return (`MAX_ERRNO`).
const ERRNO_MAX: i32 = 4095;

/// What the return values of programs of this role mean.
pub fn outcomes(role: impl Into<Role>) -> Outcomes {
    use AttachKind as A;
    let role = role.into();
    match role.kind {
        ProgramKind::Xdp => rule(XDP).others("not an XDP action: aborts", false),
        ProgramKind::SchedCls | ProgramKind::SchedAct => rule(TC),
        ProgramKind::LwtIn
        | ProgramKind::LwtOut
        | ProgramKind::LwtXmit
        | ProgramKind::LwtSeg6local => rule(LWT).others("not a tunnel's action: drops", false),
        ProgramKind::SocketFilter => rule(NONE_KEPT).others("keep up to {} bytes", true),
        ProgramKind::CgroupSkb => match role.attach {
            Some(A::CgroupInetEgress) => rule(EGRESS).only(0, 3),
            _ => rule(DROP_ALLOW).only(0, 1),
        },
        ProgramKind::CgroupSock
        | ProgramKind::CgroupDevice
        | ProgramKind::CgroupSysctl
        | ProgramKind::CgroupSockopt => rule(DENY_ALLOW).only(0, 1),
        ProgramKind::CgroupSockAddr => match role.attach {
            Some(A::CgroupInet4Bind | A::CgroupInet6Bind) => rule(BIND).only(0, 3),
            Some(
                A::CgroupUdp4Recvmsg
                | A::CgroupUdp6Recvmsg
                | A::CgroupUnixRecvmsg
                | A::CgroupInet4Getpeername
                | A::CgroupInet6Getpeername
                | A::CgroupUnixGetpeername
                | A::CgroupInet4Getsockname
                | A::CgroupInet6Getsockname
                | A::CgroupUnixGetsockname,
            ) => rule(ALWAYS).only(1, 1),
            _ => rule(DENY_ALLOW).only(0, 1),
        },
        ProgramKind::SockOps => rule(SOCK_OPS).only(0, 1),
        ProgramKind::SkSkb => match role.attach {
            Some(A::SkSkbStreamParser) => rule(&[]).others("the message has {} bytes", true),
            _ => rule(SK).others("", false),
        },
        ProgramKind::SkMsg | ProgramKind::SkReuseport => rule(SK).others("", false),
        ProgramKind::SkLookup => rule(SK).only(0, 1),
        ProgramKind::FlowDissector => rule(FLOW).others("not dissected", false),
        ProgramKind::Netfilter => rule(NETFILTER).only(0, 1),
        ProgramKind::Lsm => match role.attach {
            Some(A::LsmCgroup) => rule(DENY_ALLOW).only(0, 1),
            _ => rule(SECURITY)
                .others("deny with this error number", false)
                .only(-ERRNO_MAX, 0),
        },
        ProgramKind::Tracing => match role.attach {
            Some(A::TraceIter) => rule(ITERATOR).only(0, 1),
            Some(A::ModifyReturn) => rule(MODIFY).others("returned instead of running", false),
            Some(A::TraceFentry | A::TraceFexit) => rule(&[]).only(0, 0),
            _ => rule(&[]),
        },
        ProgramKind::Kprobe => match role.attach {
            Some(A::TraceKprobeSession | A::TraceUprobeSession) => rule(SESSION).only(0, 1),
            _ => rule(FILTERED),
        },
        ProgramKind::Tracepoint | ProgramKind::PerfEvent => rule(FILTERED),
        ProgramKind::Unspec
        | ProgramKind::RawTracepoint
        | ProgramKind::RawTracepointWritable
        | ProgramKind::LircMode2
        | ProgramKind::StructOps
        | ProgramKind::Ext
        | ProgramKind::Syscall => rule(&[]),
    }
}

#[cfg(test)]
mod tests {
    use super::outcomes;
    use crate::{AttachKind, ProgramKind, Role};

    #[test]
    fn named_values_are_ordered_and_allowed() {
        for &kind in ProgramKind::ALL {
            for &attach in AttachKind::ALL {
                let outcomes = outcomes(Role::new(kind, attach));
                assert!(outcomes.named.is_sorted_by_key(|outcome| outcome.value));
                let Some((least, greatest)) = outcomes.allowed else {
                    continue;
                };
                for outcome in outcomes.named {
                    assert!((least..=greatest).contains(&outcome.value), "{kind}");
                }
            }
        }
    }

    #[test]
    fn values_have_the_kernels_names() {
        let label = |kind, value| outcomes(kind).label(value);
        assert_eq!(label(ProgramKind::Xdp, 2), "XDP_PASS");
        assert_eq!(label(ProgramKind::Xdp, 7), "7 (not an XDP action: aborts)");
        assert_eq!(label(ProgramKind::SchedCls, -1), "TC_ACT_UNSPEC");
        assert_eq!(
            label(ProgramKind::SocketFilter, 96),
            "96 (keep up to 96 bytes)"
        );
        assert_eq!(label(ProgramKind::RawTracepoint, -1), "-1");
    }

    #[test]
    fn the_attach_type_decides() {
        let egress = Role::new(ProgramKind::CgroupSkb, AttachKind::CgroupInetEgress);
        assert_eq!(outcomes(egress).allowed, Some((0, 3)));
        assert_eq!(outcomes(ProgramKind::CgroupSkb).allowed, Some((0, 1)));
        let name = Role::new(
            ProgramKind::CgroupSockAddr,
            AttachKind::CgroupInet4Getsockname,
        );
        assert_eq!(outcomes(name).allowed, Some((1, 1)));
    }
}
