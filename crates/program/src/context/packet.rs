//! `struct bpf_nf_ctx` and the sample of an infrared receiver; and who may touch packets directly.

use super::{Class, ContextLayout, ContextValue::*, Pointee, fields};
use crate::ProgramKind;

const ALL: Class = Class::ALL;

/// Programs of netfilter's hooks.
#[rustfmt::skip]
pub(super) static NETFILTER: ContextLayout = ContextLayout {
    name: "bpf_nf_ctx",
    bytes: 16,
    in_place: false,
    fields: fields! {
        0 8 x 1 "state" Pointer { to: Pointee::Kernel("nf_hook_state"), or_null: false }, ALL.whole();
        8 8 x 1 "skb"   Pointer { to: Pointee::Kernel("sk_buff"), or_null: false }, ALL.whole();
    },
};

/// Decoders of infrared signals: one number, which has no structure.
#[rustfmt::skip]
pub(super) static LIRC: ContextLayout = ContextLayout {
    name: "lirc sample",
    bytes: 4,
    in_place: false,
    fields: fields! {
        0 4 x 1 "sample" Scalar, ALL.whole();
    },
};

/// What programs may do with the bytes behind a context's packet addresses.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum PacketAccess {
    /// Nothing: they get no address.
    None,
    /// Read them.
    Read,
    /// Read and write them.
    ReadWrite,
}

/// What programs of a type may do with packet bytes.
pub const fn packet_access(kind: ProgramKind) -> PacketAccess {
    match kind {
        ProgramKind::LwtIn
        | ProgramKind::LwtOut
        | ProgramKind::LwtSeg6local
        | ProgramKind::SkReuseport
        | ProgramKind::FlowDissector
        | ProgramKind::CgroupSkb
        | ProgramKind::SockOps => PacketAccess::Read,
        ProgramKind::SchedCls
        | ProgramKind::SchedAct
        | ProgramKind::Xdp
        | ProgramKind::LwtXmit
        | ProgramKind::SkSkb
        | ProgramKind::SkMsg
        | ProgramKind::CgroupSockopt => PacketAccess::ReadWrite,
        _ => PacketAccess::None,
    }
}
