//! `struct bpf_sock_ops`: what happens to a TCP connection.

use super::{Class, ContextLayout, ContextValue::*, Pointee, fields};

const ALL: Class = Class::ALL;

/// Programs that TCP asks for parameters and tells of events.
#[rustfmt::skip]
pub(super) static SOCK_OPS: ContextLayout = ContextLayout {
    name: "bpf_sock_ops",
    bytes: 224,
    in_place: false,
    fields: fields! {
          0 4 x 1 "op"                    Scalar, ALL.whole();
          // Shares its place with `args[0]`.
          4 4 x 1 "reply"                 Scalar, ALL.whole(), ALL.whole();
          8 4 x 1 "args[1]"               Scalar, ALL.whole();
         12 4 x 1 "args[2]"               Scalar, ALL.whole();
         16 4 x 1 "args[3]"               Scalar, ALL.whole();
         20 4 x 1 "family"                Scalar, ALL.whole();
         24 4 x 1 "remote_ip4"            Scalar, ALL.whole();
         28 4 x 1 "local_ip4"             Scalar, ALL.whole();
         32 4 x 4 "remote_ip6"            Scalar, ALL.whole();
         48 4 x 4 "local_ip6"             Scalar, ALL.whole();
         64 4 x 1 "remote_port"           Scalar, ALL.whole();
         68 4 x 1 "local_port"            Scalar, ALL.whole();
         72 4 x 1 "is_fullsock"           Scalar, ALL.whole();
         76 4 x 1 "snd_cwnd"              Scalar, ALL.whole();
         80 4 x 1 "srtt_us"               Scalar, ALL.whole();
         84 4 x 1 "bpf_sock_ops_cb_flags" Scalar, ALL.whole();
         88 4 x 1 "state"                 Scalar, ALL.whole();
         92 4 x 1 "rtt_min"               Scalar, ALL.whole();
         96 4 x 1 "snd_ssthresh"          Scalar, ALL.whole();
        100 4 x 1 "rcv_nxt"               Scalar, ALL.whole();
        104 4 x 1 "snd_nxt"               Scalar, ALL.whole();
        108 4 x 1 "snd_una"               Scalar, ALL.whole();
        112 4 x 1 "mss_cache"             Scalar, ALL.whole();
        116 4 x 1 "ecn_flags"             Scalar, ALL.whole();
        120 4 x 1 "rate_delivered"        Scalar, ALL.whole();
        124 4 x 1 "rate_interval_us"      Scalar, ALL.whole();
        128 4 x 1 "packets_out"           Scalar, ALL.whole();
        132 4 x 1 "retrans_out"           Scalar, ALL.whole();
        136 4 x 1 "total_retrans"         Scalar, ALL.whole();
        140 4 x 1 "segs_in"               Scalar, ALL.whole();
        144 4 x 1 "data_segs_in"          Scalar, ALL.whole();
        148 4 x 1 "segs_out"              Scalar, ALL.whole();
        152 4 x 1 "data_segs_out"         Scalar, ALL.whole();
        156 4 x 1 "lost_out"              Scalar, ALL.whole();
        160 4 x 1 "sacked_out"            Scalar, ALL.whole();
        164 4 x 1 "sk_txhash"             Scalar, ALL.whole(), ALL.whole();
        168 8 x 1 "bytes_received"        Scalar, ALL.whole();
        176 8 x 1 "bytes_acked"           Scalar, ALL.whole();
        184 8 x 1 "sk"                    Pointer { to: Pointee::Socket, or_null: true }, ALL.whole();
        192 8 x 1 "skb_data"              PacketStart, ALL.whole();
        200 8 x 1 "skb_data_end"          PacketEnd, ALL.whole();
        208 4 x 1 "skb_len"               Scalar, ALL.whole();
        212 4 x 1 "skb_tcp_flags"         Scalar, ALL.heads();
        216 8 x 1 "skb_hwtstamp"          Scalar, ALL.whole();
    },
};
