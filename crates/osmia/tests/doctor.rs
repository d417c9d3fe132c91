//! A machine described by files: each of them opens or closes something.

use std::path::Path;

use osmia::doctor::{Finding, State, examine_under};

/// `name` is the folder's: tests run at once.
fn machine(name: &str, files: &[(&str, &str)]) -> Vec<Finding> {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("doctor")
        .join(name);
    for (file, text) in files {
        let path = root.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    examine_under(&root)
}

fn found<'a>(findings: &'a [Finding], name: &str) -> &'a Finding {
    findings
        .iter()
        .find(|finding| finding.name == name)
        .unwrap()
}

#[test]
fn what_no_file_says_is_unknown_or_not_there() {
    let findings = examine_under(Path::new("/nowhere"));
    assert_eq!(found(&findings, "lockdown").state, State::Unknown);
    assert_eq!(found(&findings, "kprobes").state, State::Closed);
    let ways = findings
        .iter()
        .filter(|finding| finding.state != State::Open);
    assert!(ways.into_iter().all(|finding| finding.way.is_some()));
}

#[test]
fn capabilities_are_bits() {
    let findings = machine(
        "capabilities",
        &[("proc/self/status", "Name:\tx\nCapEff:\t0000008000000000\n")],
    );
    assert_eq!(found(&findings, "CAP_BPF").state, State::Open);
    assert_eq!(found(&findings, "CAP_PERFMON").state, State::Closed);
    assert_eq!(found(&findings, "CAP_BPF").way, None);
}

#[test]
fn lockdown_is_what_stands_in_brackets() {
    let of = |name, text| machine(name, &[("sys/kernel/security/lockdown", text)]);
    let loose = of("loose", "none [integrity] confidentiality\n");
    assert_eq!(found(&loose, "lockdown").found, "integrity");
    assert_eq!(found(&loose, "lockdown").state, State::Open);
    let tight = of("tight", "none integrity [confidentiality]\n");
    assert_eq!(found(&tight, "lockdown").state, State::Closed);
}

#[test]
fn namespaces_have_more_than_one_switch() {
    let most = ("proc/sys/user/max_user_namespaces", "100");
    let open = machine("namespaces", &[most]);
    assert_eq!(found(&open, "user namespaces").state, State::Open);
    let closed = machine(
        "no-namespaces",
        &[most, ("proc/sys/kernel/unprivileged_userns_clone", "0")],
    );
    assert_eq!(found(&closed, "user namespaces").state, State::Closed);
}
