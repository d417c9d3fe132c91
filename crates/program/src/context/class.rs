//! Which programs share a structure's rights: by type and, for some, by attach type.

use super::{Right, Sizes};
use crate::{AttachKind, ProgramKind, Role};

/// A set of classes of programs that share a structure.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Class(u32);

impl Class {
    /// No program.
    pub const NONE: Class = Class(0);
    /// All programs of a structure.
    pub const ALL: Class = Class(u32::MAX);

    /// `__sk_buff`: socket filters.
    pub const FILTER: Class = Class(1);
    /// `__sk_buff`: traffic control classifiers and actions.
    pub const TC: Class = Class(1 << 1);
    /// `__sk_buff`: cgroup socket buffer programs.
    pub const CGROUP: Class = Class(1 << 2);
    /// `__sk_buff`: lightweight tunnels.
    pub const LWT: Class = Class(1 << 3);
    /// `__sk_buff`: stream parsers and verdicts of sockets.
    pub const STREAM: Class = Class(1 << 4);
    /// `__sk_buff`: flow dissectors.
    pub const FLOW: Class = Class(1 << 5);
    /// `xdp_md`: programs of a device map, which know where the packet goes.
    pub const XDP_DEVMAP: Class = Class(1 << 6);
    /// `xdp_md`: all other programs.
    pub const XDP: Class = Class(1 << 7);
    /// `bpf_sock`: at the creation and the release of a socket.
    pub const SOCK: Class = Class(1 << 8);
    /// `bpf_sock`: after it was bound to an IPv4 address.
    pub const POST_BIND4: Class = Class(1 << 9);
    /// `bpf_sock`: after it was bound to an IPv6 address.
    pub const POST_BIND6: Class = Class(1 << 10);
    /// `bpf_sock_addr`: IPv4 hooks that know one address.
    pub const ADDR4: Class = Class(1 << 11);
    /// `bpf_sock_addr`: IPv6 hooks that know one address.
    pub const ADDR6: Class = Class(1 << 12);
    /// `bpf_sock_addr`: sending over IPv4, where the source is known too.
    pub const SENDMSG4: Class = Class(1 << 13);
    /// `bpf_sock_addr`: sending over IPv6, where the source is known too.
    pub const SENDMSG6: Class = Class(1 << 14);
    /// `bpf_sock_addr`: sockets of the file system.
    pub const UNIX: Class = Class(1 << 15);
    /// `bpf_sockopt`: reading a socket's option.
    pub const GETSOCKOPT: Class = Class(1 << 16);
    /// `bpf_sockopt`: setting a socket's option.
    pub const SETSOCKOPT: Class = Class(1 << 17);

    /// Both.
    pub const fn or(self, other: Class) -> Class {
        Class(self.0 | other.0)
    }

    /// Those of `self` that are not in `other`.
    pub const fn without(self, other: Class) -> Class {
        Class(self.0 & !other.0)
    }

    /// True if they share a program.
    pub const fn meets(self, other: Class) -> bool {
        self.0 & other.0 != 0
    }

    const fn right(self, sizes: Sizes) -> Right {
        Right { class: self, sizes }
    }

    /// They may access whole elements.
    pub(super) const fn whole(self) -> Right {
        self.right(Sizes::Whole)
    }

    /// They may access parts of elements.
    pub(super) const fn parts(self) -> Right {
        self.right(Sizes::Parts)
    }

    /// They may access the first bytes of elements.
    pub(super) const fn heads(self) -> Right {
        self.right(Sizes::Heads)
    }

    /// They may access halves of elements.
    pub(super) const fn halves(self) -> Right {
        self.right(Sizes::Halves)
    }

    /// They may access one element or two.
    pub(super) const fn pairs(self) -> Right {
        self.right(Sizes::Pairs)
    }

    /// They may access any of the field.
    pub(super) const fn any(self) -> Right {
        self.right(Sizes::Any)
    }

    /// They may access parts, and the word that the field once was.
    pub(super) const fn parts_or_word(self) -> Right {
        self.right(Sizes::PartsOrWord)
    }
}

/// The class of a program. Where the attach type matters and is not known, all of the structure's.
pub(super) const fn of(role: Role) -> Class {
    use AttachKind as A;
    let attach = role.attach;
    match role.kind {
        ProgramKind::SocketFilter => Class::FILTER,
        ProgramKind::SchedCls | ProgramKind::SchedAct => Class::TC,
        ProgramKind::CgroupSkb => Class::CGROUP,
        ProgramKind::LwtIn
        | ProgramKind::LwtOut
        | ProgramKind::LwtXmit
        | ProgramKind::LwtSeg6local => Class::LWT,
        ProgramKind::SkSkb => Class::STREAM,
        ProgramKind::FlowDissector => Class::FLOW,
        ProgramKind::Xdp => match attach {
            Some(A::XdpDevmap) => Class::XDP_DEVMAP,
            _ => Class::XDP,
        },
        ProgramKind::CgroupSock => match attach {
            Some(A::CgroupInet4PostBind) => Class::POST_BIND4,
            Some(A::CgroupInet6PostBind) => Class::POST_BIND6,
            // The kernel takes no attach type for this one, too.
            _ => Class::SOCK,
        },
        ProgramKind::CgroupSockAddr => match attach {
            Some(
                A::CgroupInet4Bind
                | A::CgroupInet4Connect
                | A::CgroupUdp4Recvmsg
                | A::CgroupInet4Getpeername
                | A::CgroupInet4Getsockname,
            ) => Class::ADDR4,
            Some(
                A::CgroupInet6Bind
                | A::CgroupInet6Connect
                | A::CgroupUdp6Recvmsg
                | A::CgroupInet6Getpeername
                | A::CgroupInet6Getsockname,
            ) => Class::ADDR6,
            Some(A::CgroupUdp4Sendmsg) => Class::SENDMSG4,
            Some(A::CgroupUdp6Sendmsg) => Class::SENDMSG6,
            Some(
                A::CgroupUnixConnect
                | A::CgroupUnixSendmsg
                | A::CgroupUnixRecvmsg
                | A::CgroupUnixGetpeername
                | A::CgroupUnixGetsockname,
            ) => Class::UNIX,
            _ => Class::ALL,
        },
        ProgramKind::CgroupSockopt => match attach {
            Some(A::CgroupGetsockopt) => Class::GETSOCKOPT,
            Some(A::CgroupSetsockopt) => Class::SETSOCKOPT,
            _ => Class::ALL,
        },
        _ => Class::ALL,
    }
}
