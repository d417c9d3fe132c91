//! `struct bpf_sock`, `struct bpf_sock_addr` and `struct sk_msg_md`: sockets, their addresses, what
//! they send.

use super::{Class, ContextLayout, ContextValue::*, Pointee, fields};

const ALL: Class = Class::ALL;
const SOCK: Class = Class::SOCK;
const POST_BIND4: Class = Class::POST_BIND4;
const POST_BIND6: Class = Class::POST_BIND6;
const BOUND: Class = POST_BIND4.or(POST_BIND6);

/// Cgroup programs at points in a socket's life.
#[rustfmt::skip]
pub(super) static SOCK_STRUCT: ContextLayout = ContextLayout {
    name: "bpf_sock",
    bytes: 80,
    in_place: false,
    fields: fields! {
         0 4 x 1 "bound_dev_if"     Scalar, SOCK.whole(), SOCK.whole();
         4 4 x 1 "family"           Scalar, ALL.heads();
         8 4 x 1 "type"             Scalar, ALL.heads();
        12 4 x 1 "protocol"         Scalar, ALL.heads();
        16 4 x 1 "mark"             Scalar, SOCK.whole(), SOCK.whole();
        20 4 x 1 "priority"         Scalar, SOCK.whole(), SOCK.whole();
        24 4 x 1 "src_ip4"          Scalar, POST_BIND4.parts();
        28 4 x 4 "src_ip6"          Scalar, POST_BIND6.parts();
        44 4 x 1 "src_port"         Scalar, BOUND.heads();
        48 2 x 1 "dst_port"         Scalar, ALL.parts_or_word();
        52 4 x 1 "dst_ip4"          Scalar, ALL.parts();
        56 4 x 4 "dst_ip6"          Scalar, ALL.parts();
        72 4 x 1 "state"            Scalar, ALL.heads();
        76 4 x 1 "rx_queue_mapping" Scalar, ALL.heads();
    },
};

const SENDMSG4: Class = Class::SENDMSG4;
const SENDMSG6: Class = Class::SENDMSG6;
const V4: Class = Class::ADDR4.or(SENDMSG4);
const V6: Class = Class::ADDR6.or(SENDMSG6);

/// Cgroup programs that see and change socket addresses.
#[rustfmt::skip]
pub(super) static SOCK_ADDR: ContextLayout = ContextLayout {
    name: "bpf_sock_addr",
    bytes: 72,
    in_place: false,
    fields: fields! {
         0 4 x 1 "user_family" Scalar, ALL.whole();
         4 4 x 1 "user_ip4"    Scalar, V4.parts(), V4.whole();
         8 4 x 4 "user_ip6"    Scalar, V6.any(), V6.pairs();
        24 4 x 1 "user_port"   Scalar, ALL.parts(), ALL.whole();
        28 4 x 1 "family"      Scalar, ALL.whole();
        32 4 x 1 "type"        Scalar, ALL.whole();
        36 4 x 1 "protocol"    Scalar, ALL.whole();
        40 4 x 1 "msg_src_ip4" Scalar, SENDMSG4.parts(), SENDMSG4.whole();
        44 4 x 4 "msg_src_ip6" Scalar, SENDMSG6.any(), SENDMSG6.pairs();
        64 8 x 1 "sk"          Pointer { to: Pointee::Socket, or_null: false }, ALL.whole();
    },
};

/// Verdicts on messages that sockets of a map send.
#[rustfmt::skip]
pub(super) static SK_MSG: ContextLayout = ContextLayout {
    name: "sk_msg_md",
    bytes: 80,
    in_place: false,
    fields: fields! {
         0 8 x 1 "data"        PacketStart, ALL.whole();
         8 8 x 1 "data_end"    PacketEnd, ALL.whole();
        16 4 x 1 "family"      Scalar, ALL.whole();
        20 4 x 1 "remote_ip4"  Scalar, ALL.whole();
        24 4 x 1 "local_ip4"   Scalar, ALL.whole();
        28 4 x 4 "remote_ip6"  Scalar, ALL.whole();
        44 4 x 4 "local_ip6"   Scalar, ALL.whole();
        60 4 x 1 "remote_port" Scalar, ALL.whole();
        64 4 x 1 "local_port"  Scalar, ALL.whole();
        68 4 x 1 "size"        Scalar, ALL.whole();
        72 8 x 1 "sk"          Pointer { to: Pointee::Socket, or_null: false }, ALL.whole();
    },
};
