//! `struct xdp_md`.

use super::{Class, ContextLayout, ContextValue::*, fields};

const ALL: Class = Class::ALL;

/// XDP programs.
#[rustfmt::skip]
pub(super) static XDP: ContextLayout = ContextLayout {
    name: "xdp_md",
    bytes: 24,
    in_place: false,
    fields: fields! {
         0 4 x 1 "data"            PacketStart, ALL.whole();
         4 4 x 1 "data_end"        PacketEnd,   ALL.whole();
         8 4 x 1 "data_meta"       PacketMeta,  ALL.whole();
        12 4 x 1 "ingress_ifindex" Scalar,      ALL.whole();
        16 4 x 1 "rx_queue_index"  Scalar,      ALL.whole();
        20 4 x 1 "egress_ifindex"  Scalar,      Class::XDP_DEVMAP.whole();
    },
};
