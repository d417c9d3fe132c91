use super::*;

fn read(section: &str) -> String {
    let meaning = meaning(section);
    let mut text = meaning.hook.kind.to_string();
    if let Some(attach) = meaning.hook.attach {
        text += &format!(" attach {attach}");
    }
    if let Some(target) = &meaning.hook.target {
        text += &format!(" target {target}");
    }
    if meaning.flags.has(ProgramFlags::SLEEPABLE) {
        text += " sleepable";
    }
    if meaning.flags.has(ProgramFlags::XDP_HAS_FRAGS) {
        text += " frags";
    }
    if !meaning.autoload {
        text += " off";
    }
    match meaning.certainty {
        Certainty::Defined => text,
        Certainty::Guessed => text + " guessed",
        Certainty::Unknown => text + " unknown",
    }
}

#[test]
fn names_are_unique() {
    for (index, row) in TABLE.iter().enumerate() {
        assert!(
            TABLE[..index].iter().all(|other| other.name != row.name),
            "{}",
            row.name
        );
    }
}

#[test]
fn names_are_read_as_libbpf_or_guessed() {
    for (section, expected) in [
        ("xdp", "xdp attach xdp"),
        ("?xdp", "xdp attach xdp off"),
        ("xdp.frags/cpumap", "xdp attach xdp_cpumap frags"),
        ("kprobe/do_sys_open", "kprobe target do_sys_open"),
        ("kprobe", "kprobe"),
        (
            "uprobe.s//bin/sh:main",
            "kprobe target /bin/sh:main sleepable",
        ),
        (
            "fentry.s/x",
            "tracing attach trace_fentry target x sleepable",
        ),
        (
            "tp/sched/sched_switch",
            "tracepoint target sched/sched_switch",
        ),
        ("lsm/file_open", "lsm attach lsm_mac target file_open"),
        ("cgroup/skb", "cgroup_skb"),
        ("struct_ops/init", "struct_ops target init"),
        ("tc/ingress", "sched_cls attach tcx_ingress"),
        ("xdp_foo", "xdp attach xdp guessed"),
        ("xdp/lo", "xdp attach xdp target lo guessed"),
        (
            "classifier/ingress/main",
            "sched_cls target ingress/main guessed",
        ),
        ("socket1", "socket_filter guessed"),
        ("socket/3", "socket_filter guessed"),
        ("tc/tail", "sched_cls target tail guessed"),
        (
            "perf_event/type=0,config=0",
            "perf_event target type=0,config=0 guessed",
        ),
        ("2/1", "sched_cls guessed"),
        ("0xabccba/0", "sched_cls guessed"),
        ("from-container", "sched_cls guessed"),
        ("tcpdump", "unspec unknown"),
        ("test", "unspec unknown"),
        ("", "unspec unknown"),
    ] {
        assert_eq!(read(section), expected, "{section}");
    }
}
