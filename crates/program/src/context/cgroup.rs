//! `struct bpf_cgroup_dev_ctx`, `struct bpf_sysctl` and `struct bpf_sockopt`: what a control group is
//! asked for.

use super::{Class, ContextLayout, ContextValue::*, Pointee, fields};

const ALL: Class = Class::ALL;
const GET: Class = Class::GETSOCKOPT;
const SET: Class = Class::SETSOCKOPT;

/// Programs that allow access to devices.
#[rustfmt::skip]
pub(super) static DEVICE: ContextLayout = ContextLayout {
    name: "bpf_cgroup_dev_ctx",
    bytes: 12,
    in_place: false,
    fields: fields! {
        0 4 x 1 "access_type" Scalar, ALL.parts();
        4 4 x 1 "major"       Scalar, ALL.whole();
        8 4 x 1 "minor"       Scalar, ALL.whole();
    },
};

/// Programs that allow access to kernel parameters.
#[rustfmt::skip]
pub(super) static SYSCTL: ContextLayout = ContextLayout {
    name: "bpf_sysctl",
    bytes: 8,
    in_place: false,
    fields: fields! {
        0 4 x 1 "write"    Scalar, ALL.parts();
        4 4 x 1 "file_pos" Scalar, ALL.parts(), ALL.whole();
    },
};

/// Programs that see and change socket options.
#[rustfmt::skip]
pub(super) static SOCKOPT: ContextLayout = ContextLayout {
    name: "bpf_sockopt",
    bytes: 40,
    in_place: false,
    fields: fields! {
         0 8 x 1 "sk"         Pointer { to: Pointee::Socket, or_null: false }, ALL.whole();
         8 8 x 1 "optval"     PacketStart, ALL.whole();
        16 8 x 1 "optval_end" PacketEnd, ALL.whole();
        24 4 x 1 "level"      Scalar, ALL.whole(), SET.whole();
        28 4 x 1 "optname"    Scalar, ALL.whole(), SET.whole();
        32 4 x 1 "optlen"     Scalar, ALL.whole(), ALL.whole();
        36 4 x 1 "retval"     Scalar, GET.whole(), GET.whole();
    },
};
