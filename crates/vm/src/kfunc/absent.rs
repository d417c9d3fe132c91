//! Kernel functions that this machine does not have, and why.

/// What names begin with, and what is not here.
const REASONS: &[(&str, &str)] = &[
    ("bpf_crypto_", "there are no ciphers here"),
    ("bpf_xdp_get_xfrm_", IPSEC),
    ("bpf_xdp_xfrm_", IPSEC),
    ("bpf_skb_get_xfrm_", IPSEC),
    ("bpf_skb_set_xfrm_", IPSEC),
    ("bpf_skb_get_fou_", "there are no tunnels over UDP here"),
    ("bpf_skb_set_fou_", "there are no tunnels over UDP here"),
    ("bpf_get_dentry_", ATTRIBUTES),
    ("bpf_get_file_", ATTRIBUTES),
    ("bpf_set_dentry_", ATTRIBUTES),
    ("bpf_remove_dentry_", ATTRIBUTES),
    ("bpf_cgroup_read_xattr", ATTRIBUTES),
    ("cubictcp_", CONGESTION),
    ("bbr_", CONGESTION),
    ("bpf_verify_pkcs7_", "there are no certificates here"),
    (
        "bpf_sk_assign_tcp_reqsk",
        "connections that are being made are not described here",
    ),
    (
        "bpf_sock_addr_set_sun_path",
        "sockets of the file system have no paths here",
    ),
];

const CONGESTION: &str = "only Reno counts a congestion window here";
const IPSEC: &str = "there is no IPsec here";
const ATTRIBUTES: &str = "files have no extended attributes here";

/// Why this machine does not have a function.
pub(crate) fn reason(name: &str) -> Option<&'static str> {
    let found = REASONS.iter().find(|(part, _)| name.starts_with(part));
    found.map(|(_, reason)| *reason)
}

#[cfg(test)]
mod tests {
    use osmia_program::kfunc;

    #[test]
    fn what_is_not_here_has_a_reason_and_nothing_else_has() {
        for kfunc in kfunc::ALL {
            let missing = !crate::has_kfunc(kfunc.name);
            assert_eq!(
                super::reason(kfunc.name).is_some(),
                missing,
                "{}",
                kfunc.name
            );
        }
    }
}
