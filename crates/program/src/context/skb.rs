//! `struct __sk_buff`: one table, rights by class of program.

use super::{Class, ContextLayout, ContextValue::*, Pointee, fields};

const ALL: Class = Class::ALL.without(Class::FLOW);
const TC: Class = Class::TC;
const CGROUP: Class = Class::CGROUP;
const STREAM: Class = Class::STREAM;
const FLOW: Class = Class::FLOW;
const MARKERS: Class = Class::TC.or(CGROUP).or(Class::LWT);
const PRIORITY: Class = MARKERS.or(STREAM);
const DIRECT: Class = PRIORITY.or(FLOW);
const CONNECTED: Class = STREAM.or(CGROUP);
const TIMED: Class = TC.or(CGROUP);

/// Programs on socket buffers.
#[rustfmt::skip]
pub(super) static SKB: ContextLayout = ContextLayout {
    name: "__sk_buff",
    bytes: 192,
    in_place: false,
    fields: fields! {
          0 4 x 1 "len"             Scalar, ALL.parts();
          4 4 x 1 "pkt_type"        Scalar, ALL.parts();
          8 4 x 1 "mark"            Scalar, ALL.without(STREAM).parts(), MARKERS.whole();
         12 4 x 1 "queue_mapping"   Scalar, ALL.parts(), TC.whole();
         16 4 x 1 "protocol"        Scalar, ALL.parts();
         20 4 x 1 "vlan_present"    Scalar, ALL.parts();
         24 4 x 1 "vlan_tci"        Scalar, ALL.parts();
         28 4 x 1 "vlan_proto"      Scalar, ALL.parts();
         32 4 x 1 "priority"        Scalar, ALL.parts(), PRIORITY.whole();
         36 4 x 1 "ingress_ifindex" Scalar, ALL.parts();
         40 4 x 1 "ifindex"         Scalar, ALL.parts();
         44 4 x 1 "tc_index"        Scalar, ALL.parts(), TC.or(STREAM).whole();
         48 4 x 5 "cb"              Scalar, ALL.any(), ALL.without(STREAM).any();
         68 4 x 1 "hash"            Scalar, ALL.parts();
         72 4 x 1 "tc_classid"      Scalar, TC.parts(), TC.whole();
         76 4 x 1 "data"            PacketStart, DIRECT.whole();
         80 4 x 1 "data_end"        PacketEnd, DIRECT.whole();
         84 4 x 1 "napi_id"         Scalar, ALL.parts();
         88 4 x 1 "family"          Scalar, CONNECTED.parts();
         92 4 x 1 "remote_ip4"      Scalar, CONNECTED.whole();
         96 4 x 1 "local_ip4"       Scalar, CONNECTED.whole();
        100 4 x 4 "remote_ip6"      Scalar, CONNECTED.whole();
        116 4 x 4 "local_ip6"       Scalar, CONNECTED.whole();
        132 4 x 1 "remote_port"     Scalar, CONNECTED.parts();
        136 4 x 1 "local_port"      Scalar, CONNECTED.parts();
        140 4 x 1 "data_meta"       PacketMeta, TC.whole();
        144 8 x 1 "flow_keys"       Pointer { to: Pointee::FlowKeys, or_null: false }, FLOW.whole();
        152 8 x 1 "tstamp"          Scalar, TIMED.whole(), TIMED.whole();
        160 4 x 1 "wire_len"        Scalar, TC.parts();
        164 4 x 1 "gso_segs"        Scalar, ALL.parts();
        168 8 x 1 "sk"              Pointer { to: Pointee::SockCommon, or_null: true }, ALL.whole();
        176 4 x 1 "gso_size"        Scalar, ALL.parts();
        180 1 x 1 "tstamp_type"     Scalar, TC.whole();
        184 8 x 1 "hwtstamp"        Scalar, TIMED.whole();
    },
};
