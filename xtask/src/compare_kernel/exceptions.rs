//! What cannot agree, with the reason.

/// Programs by object and name.
const PROGRAMS: &[(&str, &str)] = &[];

/// Maps by object and name.
const MAPS: &[(&str, &str)] = &[
    ("graphs.bpf.o lists", LIST_HEADS),
    ("graphs.bpf.o queues", LIST_HEADS),
    ("29-call-under-lock.fixed.bpf.o accounts", TIMES),
    ("45-past-the-record.fixed.bpf.o events", TIMES),
];

/// `bpf_ktime_get_ns`
const TIMES: &str = "every machine has its own time";

/// `check_and_init_map_value` links the heads in the copy it hands out to themselves (6.18).
const LIST_HEADS: &str = "the kernel shows addresses of its own in list heads";

/// Why a program is not compared.
pub(super) fn of_program(label: &str) -> Option<&'static str> {
    find(PROGRAMS, label)
}

/// Why a map of a program is not compared.
pub(super) fn of_map(label: &str, map: &str) -> Option<&'static str> {
    let object = label.split(' ').next().unwrap_or(label);
    find(MAPS, &format!("{object} {map}"))
}

fn find(list: &[(&str, &'static str)], label: &str) -> Option<&'static str> {
    list.iter()
        .find(|(name, _)| *name == label)
        .map(|(_, why)| *why)
}
