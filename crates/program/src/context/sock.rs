//! `struct bpf_sock_addr`.

use super::{Class, ContextLayout, ContextValue::*, fields};

const ALL: Class = Class::ALL;
const NONE: Class = Class::NONE;

/// Cgroup programs that see and change socket addresses.
#[rustfmt::skip]
pub(super) static SOCK_ADDR: ContextLayout = ContextLayout {
    name: "bpf_sock_addr",
    bytes: 72,
    class: Class::ALL,
    fields: fields! {
         0 4 x 1 "user_family" Scalar, ALL, NONE;
         4 4 x 1 "user_ip4"    Scalar, ALL, ALL;
         8 4 x 4 "user_ip6"    Scalar, ALL, ALL;
        24 4 x 1 "user_port"   Scalar, ALL, ALL;
        28 4 x 1 "family"      Scalar, ALL, NONE;
        32 4 x 1 "type"        Scalar, ALL, NONE;
        36 4 x 1 "protocol"    Scalar, ALL, NONE;
        40 4 x 1 "msg_src_ip4" Scalar, ALL, ALL;
        44 4 x 4 "msg_src_ip6" Scalar, ALL, ALL;
        64 8 x 1 "sk"          PointerOrNull("bpf_sock"), ALL, NONE;
    },
};
