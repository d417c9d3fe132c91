//! `struct bpf_sk_lookup` and `struct sk_reuseport_md`: which socket gets a packet.

use super::{Class, ContextLayout, ContextValue::*, Pointee, fields};

const ALL: Class = Class::ALL;

/// Programs that choose a socket instead of the kernel's lookup.
#[rustfmt::skip]
pub(super) static SK_LOOKUP: ContextLayout = ContextLayout {
    name: "bpf_sk_lookup",
    bytes: 72,
    in_place: false,
    fields: fields! {
        // After a test run, the cookie of the socket that was chosen.
         0 8 x 1 "sk"              Pointer { to: Pointee::Socket, or_null: true }, ALL.whole();
         8 4 x 1 "family"          Scalar, ALL.parts();
        12 4 x 1 "protocol"        Scalar, ALL.parts();
        16 4 x 1 "remote_ip4"      Scalar, ALL.parts();
        20 4 x 4 "remote_ip6"      Scalar, ALL.parts();
        // Two bytes in network order, and two of padding that read as zero.
        36 4 x 1 "remote_port"     Scalar, ALL.parts();
        40 4 x 1 "local_ip4"       Scalar, ALL.parts();
        44 4 x 4 "local_ip6"       Scalar, ALL.parts();
        60 4 x 1 "local_port"      Scalar, ALL.parts();
        64 4 x 1 "ingress_ifindex" Scalar, ALL.parts();
    },
};

/// Programs that choose a socket of a group that shares a port.
#[rustfmt::skip]
pub(super) static REUSEPORT: ContextLayout = ContextLayout {
    name: "sk_reuseport_md",
    bytes: 56,
    in_place: false,
    fields: fields! {
         0 8 x 1 "data"         PacketStart, ALL.whole();
         8 8 x 1 "data_end"     PacketEnd, ALL.whole();
        16 4 x 1 "len"          Scalar, ALL.parts();
        20 4 x 1 "eth_protocol" Scalar, ALL.halves();
        24 4 x 1 "ip_protocol"  Scalar, ALL.parts();
        28 4 x 1 "bind_inany"   Scalar, ALL.parts();
        32 4 x 1 "hash"         Scalar, ALL.whole();
        40 8 x 1 "sk"           Pointer { to: Pointee::Socket, or_null: false }, ALL.whole();
        48 8 x 1 "migrating_sk" Pointer { to: Pointee::SockCommon, or_null: true }, ALL.whole();
    },
};
