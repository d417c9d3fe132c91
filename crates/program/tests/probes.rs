//! The table of releases against what kernels were found to take: `probes/X.Y.txt`.

use std::fs;
use std::path::Path;

use osmia_program::Release;
use osmia_program::release::probe::Probe;

/// Differences that stay, and why.
const EXPECTED: &[(&str, &str)] = &[
    (
        "jumps with a 32-bit offset",
        "6.1's stable tree got them, mainline only in 6.6",
    ),
    (
        "lwt_seg6local: bpf_skb_pull_data",
        "5.10 had it, 6.1 and 6.12 lack it, 6.16 has it again: the table names the last time it came",
    ),
    (
        "cgroup_sock_addr cgroup_unix_get",
        "came after 6.12, while the same hooks of IP sockets had it: the table does not tell them apart",
    ),
];

#[test]
fn the_table_says_what_kernels_take() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/probes");
    let (mut probes, mut differ) = (0, Vec::new());
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let release: Release = name.parse().expect("files are named for a release");
        let text = fs::read_to_string(&path).expect("it is text");
        let probe = Probe::from_text(&text).expect("it is a probe");
        let written = text.lines().filter(|line| !line.starts_with('#'));
        let again = probe.to_string();
        assert!(written.eq(again.lines()), "{name} is written otherwise");
        let found = probe.differences(release).into_iter();
        let open = found.filter(|what| !EXPECTED.iter().any(|(known, _)| what.starts_with(known)));
        differ.extend(open.map(|what| format!("{release}: {what}")));
        probes += 1;
    }
    assert!(probes > 0, "no probes");
    assert_eq!(differ, Vec::<String>::new());
}
