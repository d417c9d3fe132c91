//! `struct xdp_md`.

use super::{Class, ContextLayout, ContextValue::*, fields};

const ALL: Class = Class::ALL;
const NONE: Class = Class::NONE;

/// XDP programs.
#[rustfmt::skip]
pub(super) static XDP: ContextLayout = ContextLayout {
    name: "xdp_md",
    bytes: 24,
    class: Class::ALL,
    fields: fields! {
         0 4 x 1 "data"            PacketStart, ALL, NONE;
         4 4 x 1 "data_end"        PacketEnd,   ALL, NONE;
         8 4 x 1 "data_meta"       PacketMeta,  ALL, NONE;
        12 4 x 1 "ingress_ifindex" Scalar,      ALL, NONE;
        16 4 x 1 "rx_queue_index"  Scalar,      ALL, NONE;
        20 4 x 1 "egress_ifindex"  Scalar,      ALL, NONE;
    },
};
