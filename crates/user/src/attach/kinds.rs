//! Which programs an attach type is for (`attach_type_to_prog_type` of Linux 6.18).

use osmia_program::{AttachKind, Errno, ProgramKind};
use osmia_vm::Code;

use crate::object::ProgramRecord;

/// The programs an attach type is for; none for types that only links use, or nobody.
pub(crate) fn program_kind(attach: AttachKind) -> Option<ProgramKind> {
    use AttachKind as A;
    use ProgramKind as P;
    Some(match attach {
        A::CgroupInetIngress | A::CgroupInetEgress => P::CgroupSkb,
        A::CgroupInetSockCreate
        | A::CgroupInetSockRelease
        | A::CgroupInet4PostBind
        | A::CgroupInet6PostBind => P::CgroupSock,
        A::CgroupInet4Bind
        | A::CgroupInet6Bind
        | A::CgroupInet4Connect
        | A::CgroupInet6Connect
        | A::CgroupUnixConnect
        | A::CgroupInet4Getpeername
        | A::CgroupInet6Getpeername
        | A::CgroupUnixGetpeername
        | A::CgroupInet4Getsockname
        | A::CgroupInet6Getsockname
        | A::CgroupUnixGetsockname
        | A::CgroupUdp4Sendmsg
        | A::CgroupUdp6Sendmsg
        | A::CgroupUnixSendmsg
        | A::CgroupUdp4Recvmsg
        | A::CgroupUdp6Recvmsg
        | A::CgroupUnixRecvmsg => P::CgroupSockAddr,
        A::CgroupSockOps => P::SockOps,
        A::CgroupDevice => P::CgroupDevice,
        A::SkMsgVerdict => P::SkMsg,
        A::SkSkbStreamParser | A::SkSkbStreamVerdict | A::SkSkbVerdict => P::SkSkb,
        A::LircMode2 => P::LircMode2,
        A::FlowDissector => P::FlowDissector,
        A::CgroupSysctl => P::CgroupSysctl,
        A::CgroupGetsockopt | A::CgroupSetsockopt => P::CgroupSockopt,
        A::TraceIter | A::TraceRawTp | A::TraceFentry | A::TraceFexit | A::ModifyReturn => {
            P::Tracing
        }
        A::LsmMac => P::Lsm,
        A::SkLookup => P::SkLookup,
        A::Xdp => P::Xdp,
        A::LsmCgroup => P::Lsm,
        A::TcxIngress | A::TcxEgress | A::NetkitPrimary | A::NetkitPeer => P::SchedCls,
        _ => return None,
    })
}

/// True if programs of this type are attached to control groups.
pub(crate) fn is_of_cgroups(kind: ProgramKind) -> bool {
    use ProgramKind as P;
    matches!(
        kind,
        P::CgroupSkb
            | P::CgroupSock
            | P::CgroupSockAddr
            | P::CgroupSockopt
            | P::CgroupSysctl
            | P::CgroupDevice
            | P::SockOps
    )
}

/// Whether a program may be attached so (`bpf_prog_attach_check_attach_type`).
pub(crate) fn check_attach_type(code: &Code, attach: AttachKind) -> Result<(), Errno> {
    use AttachKind as A;
    use ProgramKind as P;
    let kind = code.program().hook.kind;
    let expected = ProgramRecord::of(code).about.attach;
    let right = match kind {
        P::CgroupSock | P::CgroupSockAddr | P::CgroupSockopt | P::SkLookup => {
            attach.number() == expected
        }
        P::CgroupSkb => program_kind(attach) == Some(kind),
        P::Ext => true,
        P::Netfilter => attach == A::Netfilter,
        P::PerfEvent | P::Tracepoint => attach == A::PerfEvent,
        P::Kprobe => {
            const MANY: [A; 4] = [
                A::TraceKprobeMulti,
                A::TraceKprobeSession,
                A::TraceUprobeMulti,
                A::TraceUprobeSession,
            ];
            // Programs for many places at once are for nothing else.
            match MANY.iter().find(|many| many.number() == expected) {
                Some(many) => attach == *many,
                None => attach == A::PerfEvent || MANY.contains(&attach),
            }
        }
        P::SchedCls => program_kind(attach) == Some(kind),
        _ => program_kind(attach) == Some(kind),
    };
    match right {
        true => Ok(()),
        false => Err(Errno::EINVAL),
    }
}
