//! What is not compared, each with its reason.

/// Keys whose values differ for a good reason.
pub(super) const KEYS: [(&str, &str); 1] = [(
    "pids",
    "bpftool finds processes with a program of its own, where it was built with one",
)];

/// Keys that ours has and Debian's bpftool 7.1 has not: later ones print them, or they are ours.
const OURS: [&str; 2] = ["schema", "devname"];

pub(super) fn is_excepted(key: &str) -> bool {
    KEYS.iter().any(|(known, _)| *known == key)
}

pub(super) fn is_ours(key: &str) -> bool {
    OURS.contains(&key) || is_excepted(key)
}
