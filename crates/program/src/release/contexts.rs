//! Fields of contexts that came after the context; the others are as old as their structure, or older
//! than 5.4.
//!
//! Sources: the commits; sizes of the structures read in the BTF of 5.10, 6.1, 6.12, 6.16 and 6.18.

use super::Release;

const fn at(major: u8, minor: u8) -> Release {
    Release::new(major, minor)
}

/// Structure, field, first release.
#[rustfmt::skip]
const FIELDS: &[(&str, &str, Release)] = &[
    ("__sk_buff", "gso_size", at(5, 7)),              // cf62089b0edd
    ("__sk_buff", "hwtstamp", at(5, 16)),             // f64c4acea51f
    ("__sk_buff", "tstamp_type", at(5, 18)),          // 9bb984f28d5b
    ("xdp_md", "egress_ifindex", at(5, 8)),           // 64b59025c15b
    ("bpf_sock", "rx_queue_mapping", at(5, 8)),       // c3c16f2ea6d2
    ("sk_msg_md", "sk", at(5, 8)),                    // 13d70f5a5ecf
    ("bpf_sock_ops", "skb_data", at(5, 10)),          // 0813a841566f
    ("bpf_sock_ops", "skb_data_end", at(5, 10)),      // 0813a841566f
    ("bpf_sock_ops", "skb_len", at(5, 10)),           // 0813a841566f
    ("bpf_sock_ops", "skb_tcp_flags", at(5, 10)),     // 0813a841566f
    ("bpf_sock_ops", "skb_hwtstamp", at(6, 2)),       // 9bb053490f1a
    ("sk_reuseport_md", "sk", at(5, 14)),             // e061047684af
    ("sk_reuseport_md", "migrating_sk", at(5, 14)),   // e061047684af
    ("bpf_sk_lookup", "ingress_ifindex", at(5, 17)),  // f89315650ba3
];

/// Since when a structure has a field, if that is known to be later than the structure itself.
pub fn since(structure: &str, field: &str) -> Option<Release> {
    let mut rows = FIELDS.iter();
    let row = rows.find(|row| (row.0, row.1) == (structure, field))?;
    Some(row.2)
}

/// Every structure and field of the table.
#[cfg(test)]
pub(super) fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    FIELDS.iter().map(|row| (row.0, row.1))
}
