//! `struct __sk_buff`: one table, rights by class of program.

use super::{Class, ContextField, ContextLayout, ContextValue::*, fields};

const ALL: Class = Class::ALL;
const NONE: Class = Class::NONE;
const TC: Class = Class::TC;
const CGROUP: Class = Class::CGROUP;
const STREAM: Class = Class::STREAM;
const DIRECT: Class = Class::TC.or(Class::CGROUP).or(Class::LWT).or(Class::STREAM);
const MARKERS: Class = Class::TC.or(Class::CGROUP).or(Class::LWT);
const TIMED: Class = Class::TC.or(Class::CGROUP);

#[rustfmt::skip]
const FIELDS: &[ContextField] = fields! {
      0 4 x 1 "len"             Scalar, ALL, NONE;
      4 4 x 1 "pkt_type"        Scalar, ALL, NONE;
      8 4 x 1 "mark"            Scalar, ALL.without(STREAM), MARKERS;
     12 4 x 1 "queue_mapping"   Scalar, ALL, TC;
     16 4 x 1 "protocol"        Scalar, ALL, NONE;
     20 4 x 1 "vlan_present"    Scalar, ALL, NONE;
     24 4 x 1 "vlan_tci"        Scalar, ALL, NONE;
     28 4 x 1 "vlan_proto"      Scalar, ALL, NONE;
     32 4 x 1 "priority"        Scalar, ALL, DIRECT;
     36 4 x 1 "ingress_ifindex" Scalar, ALL, NONE;
     40 4 x 1 "ifindex"         Scalar, ALL, NONE;
     44 4 x 1 "tc_index"        Scalar, ALL, TC.or(STREAM);
     48 4 x 5 "cb"              Scalar, ALL, ALL.without(STREAM);
     68 4 x 1 "hash"            Scalar, ALL, NONE;
     72 4 x 1 "tc_classid"      Scalar, TC, TC;
     76 4 x 1 "data"            PacketStart, DIRECT, NONE;
     80 4 x 1 "data_end"        PacketEnd, DIRECT, NONE;
     84 4 x 1 "napi_id"         Scalar, ALL, NONE;
     88 4 x 1 "family"          Scalar, STREAM, NONE;
     92 4 x 1 "remote_ip4"      Scalar, STREAM, NONE;
     96 4 x 1 "local_ip4"       Scalar, STREAM, NONE;
    100 4 x 4 "remote_ip6"      Scalar, STREAM, NONE;
    116 4 x 4 "local_ip6"       Scalar, STREAM, NONE;
    132 4 x 1 "remote_port"     Scalar, STREAM, NONE;
    136 4 x 1 "local_port"      Scalar, STREAM, NONE;
    140 4 x 1 "data_meta"       PacketMeta, TC, NONE;
    144 8 x 1 "flow_keys"       PointerOrNull("bpf_flow_keys"), NONE, NONE;
    152 8 x 1 "tstamp"          Scalar, TIMED, TIMED;
    160 4 x 1 "wire_len"        Scalar, TC, NONE;
    164 4 x 1 "gso_segs"        Scalar, ALL, NONE;
    168 8 x 1 "sk"              PointerOrNull("bpf_sock"), ALL, NONE;
    176 4 x 1 "gso_size"        Scalar, ALL, NONE;
    180 1 x 1 "tstamp_type"     Scalar, TC, NONE;
    184 8 x 1 "hwtstamp"        Scalar, TC.or(CGROUP), NONE;
};

const fn layout(class: Class) -> ContextLayout {
    ContextLayout {
        name: "__sk_buff",
        bytes: 192,
        fields: FIELDS,
        class,
    }
}

/// Socket filters: no direct access to the packet.
pub(super) static FILTER: ContextLayout = layout(Class::FILTER);
/// Traffic control.
pub(super) static TC_LAYOUT: ContextLayout = layout(Class::TC);
/// Cgroup ingress and egress.
pub(super) static CGROUP_LAYOUT: ContextLayout = layout(Class::CGROUP);
/// Lightweight tunnels.
pub(super) static LWT: ContextLayout = layout(Class::LWT);
/// Stream parsers and verdicts.
pub(super) static STREAM_LAYOUT: ContextLayout = layout(Class::STREAM);
