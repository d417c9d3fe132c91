//! The rules of creation and of access from outside, as tables; both are what Linux 6.18 answers.

use std::sync::Arc;

use osmia_program::{Errno, Initial, MapFlags, MapKind, MapSpec, UpdateMode};

use super::storages::types;
use super::{CPUS, make, make_with};
use crate::map::{Map, Runs};
use crate::owner::OwnerKind;

const MB: u32 = 1 << 20;

/// What creating a map comes to: the errno's name, or `ok` and `max_entries` if it changed.
fn outcome(kind: &str, key: u32, value: u32, entries: u32, flags: u32) -> String {
    let kind = MapKind::from_name(kind).expect("a kind of Linux");
    let mut spec = MapSpec::new("m", kind, key, value, entries);
    spec.flags = MapFlags(flags);
    if OwnerKind::of(kind).is_some() {
        spec.btf = Some(types(value));
    }
    match Map::create(&spec, &Arc::new(Runs::new(CPUS))) {
        Ok(map) if map.spec().max_entries != entries => format!("ok {}", map.spec().max_entries),
        Ok(_) => "ok".to_owned(),
        Err(error) => {
            error.to_diagnostic();
            error.errno().name().expect("a known errno").to_owned()
        }
    }
}

#[test]
#[rustfmt::skip]
fn creation_rules_of_each_kind() {
    use MapFlags as F;
    let table: &[(&str, u32, u32, u32, u32, &str)] = &[
        // kind             key value  entries  flags                       outcome
        ("task_storage",     4,  8,       0,    F::NO_PREALLOC,             "ok"),
        ("task_storage",     4,  8,       0,    0,                          "EINVAL"),
        ("task_storage",     4,  8,       1,    F::NO_PREALLOC,             "EINVAL"),
        ("task_storage",     8,  8,       0,    F::NO_PREALLOC,             "EINVAL"),
        ("task_storage",     4,  0,       0,    F::NO_PREALLOC,             "EINVAL"),
        ("task_storage",     4,  8,       0,    F::NO_PREALLOC | F::CLONE,  "ok"),
        ("task_storage",     4,  8,       0,    F::NO_PREALLOC | F::NUMA_NODE, "EINVAL"),
        ("inode_storage",    4,  8,       0,    F::NO_PREALLOC | F::RDONLY, "EINVAL"),
        ("cgrp_storage",     4,  8,       0,    F::NO_PREALLOC | F::RDONLY_PROG, "EINVAL"),
        ("sk_storage",       4,  65407,   0,    F::NO_PREALLOC,             "ok"),
        ("sk_storage",       4,  65408,   0,    F::NO_PREALLOC,             "E2BIG"),
        ("cgroup_storage",   4,  8,       0,    0,                          "EINVAL"),
        ("cgroup_storage",   8,  8,       0,    0,                          "ok"),
        ("cgroup_storage",  12,  8,       0,    0,                          "EINVAL"),
        ("cgroup_storage",  16,  8,       0,    F::NUMA_NODE | F::RDONLY_PROG, "ok"),
        ("cgroup_storage",  16,  8,       1,    0,                          "EINVAL"),
        ("cgroup_storage",  16,  8,       0,    F::NO_PREALLOC,             "EINVAL"),
        ("cgroup_storage",  16,  8,       0,    F::MMAPABLE,                "EINVAL"),
        ("cgroup_storage",  16,  32769,   0,    0,                          "ok"),
        ("cgroup_storage",  16,  65536,   0,    0,                          "E2BIG"),
        ("percpu_cgroup_storage", 16, 32768, 0, 0,                          "ok"),
        ("percpu_cgroup_storage", 16, 32769, 0, 0,                          "E2BIG"),
        ("arena",            0,  0,       10,   F::MMAPABLE,                "ok"),
        ("arena",            0,  0,       10,   0,                          "EINVAL"),
        ("arena",            0,  0,       0,    F::MMAPABLE,                "EINVAL"),
        ("arena",            4,  0,       10,   F::MMAPABLE,                "EINVAL"),
        ("arena",            0,  4,       10,   F::MMAPABLE,                "EINVAL"),
        ("arena",            0,  0,       10,   F::MMAPABLE | F::NUMA_NODE, "EINVAL"),
        ("arena",            0,  0,       10,   F::MMAPABLE | F::SEGV_ON_FAULT | F::NO_USER_CONV, "ok"),
        ("arena",            0,  0,  1 << 20,   F::MMAPABLE,                "ok"),
        ("arena",            0,  0, (1 << 20) + 1, F::MMAPABLE,             "E2BIG"),
        ("user_ringbuf",     0,  0,       4096, 0,                          "ok"),
        ("user_ringbuf",     0,  0,       4096, F::NUMA_NODE,               "ok"),
        ("user_ringbuf",     0,  0,       0,    0,                          "EINVAL"),
        ("user_ringbuf",     0,  0,       12288, 0,                         "EINVAL"),
        ("user_ringbuf",     4,  0,       4096, 0,                          "EINVAL"),
        ("user_ringbuf",     0,  8,       4096, 0,                          "EINVAL"),
        ("user_ringbuf",     0,  0,       4096, F::RDONLY,                  "EINVAL"),
        ("user_ringbuf",     0,  0,       4096, F::MMAPABLE,                "EINVAL"),
        ("sockmap",          4,  4,       8,    0,                          "ok"),
        ("sockmap",          4,  8,       8,    F::NUMA_NODE | F::RDONLY,   "ok"),
        ("sockmap",          4,  6,       8,    0,                          "EINVAL"),
        ("sockmap",          8,  4,       8,    0,                          "EINVAL"),
        ("sockmap",          4,  4,       0,    0,                          "EINVAL"),
        ("sockmap",          4,  4,       8,    F::RDONLY | F::WRONLY,      "EINVAL"),
        ("sockmap",          4,  4,       8,    F::RDONLY_PROG,             "EINVAL"),
        ("sockhash",         8,  4,       8,    0,                          "ok"),
        ("sockhash",         0,  4,       8,    0,                          "EINVAL"),
        ("sockhash",       512,  8,       8,    F::WRONLY,                  "ok"),
        ("sockhash",       513,  8,       8,    0,                          "E2BIG"),
        ("sockhash",         4,  6,       8,    0,                          "EINVAL"),
        ("sockhash",         4,  4, 1 << 31,    0,                          "EINVAL"),
        ("reuseport_sockarray", 4, 8,     8,    F::RDONLY_PROG,             "ok"),
        ("reuseport_sockarray", 4, 6,     8,    0,                          "EINVAL"),
        ("reuseport_sockarray", 8, 4,     8,    0,                          "EINVAL"),
        ("reuseport_sockarray", 4, 4,     8,    F::NO_PREALLOC,             "EINVAL"),
        ("hash",             4,  8,       1024, 0,                          "ok"),
        ("hash",             0,  8,       1024, 0,                          "EINVAL"),
        ("hash",             4,  0,       1024, 0,                          "EINVAL"),
        ("hash",             4,  8,          0, 0,                          "EINVAL"),
        ("hash",             4,  8,       1024, F::NO_PREALLOC,             "ok"),
        ("hash",             4,  8,       1024, F::ZERO_SEED,               "ok"),
        ("hash",             4,  8,       1024, F::RDONLY_PROG,             "ok"),
        ("hash",             4,  8,       1024, F::RDONLY | F::WRONLY,      "EINVAL"),
        ("hash",             4,  8,       1024, F::RDONLY_PROG | F::WRONLY_PROG, "EINVAL"),
        ("hash",             4,  8,       1024, F::MMAPABLE,                "EINVAL"),
        ("hash",             4,  8,       1024, F::INNER_MAP,               "EINVAL"),
        ("hash",             4,  8,       1024, F::NO_COMMON_LRU,           "EINVAL"),
        ("hash",             4,  4 * MB,  1024, 0,                          "E2BIG"),
        ("hash",             4,  8,   u32::MAX, F::NO_PREALLOC,             "E2BIG"),
        ("hash",             4,  8,    1 << 31, F::NO_PREALLOC,             "ENOMEM"),
        ("percpu_hash",      4,  8,       1024, 0,                          "ok"),
        ("percpu_hash",      4,  32768,   1,    0,                          "ok"),
        ("percpu_hash",      4,  32769,   1,    0,                          "E2BIG"),
        ("percpu_hash",      4,  8,       1024, F::NUMA_NODE,               "EINVAL"),
        ("lru_hash",         4,  8,       1024, 0,                          "ok"),
        ("lru_hash",         4,  8,       1024, F::NO_PREALLOC,             "ENOTSUPP"),
        ("lru_hash",         4,  8,       1024, F::NO_COMMON_LRU,           "ok 1026"),
        ("lru_hash",         4,  8,       1024, F::NO_COMMON_LRU | F::NUMA_NODE, "EINVAL"),
        ("lru_percpu_hash",  4,  8,       1024, 0,                          "ok"),
        ("lru_percpu_hash",  4,  8,       1024, F::NUMA_NODE,               "EINVAL"),
        ("array",            4,  8,       1024, 0,                          "ok"),
        ("array",            8,  8,       1024, 0,                          "EINVAL"),
        ("array",            4,  0,       1024, 0,                          "EINVAL"),
        ("array",            4,  8,          0, 0,                          "EINVAL"),
        ("array",            4,  8,       1024, F::MMAPABLE | F::INNER_MAP, "ok"),
        ("array",            4,  8,       1024, F::NO_PREALLOC,             "EINVAL"),
        ("array",            4,  8,       1024, F::PRESERVE_ELEMS,          "EINVAL"),
        ("array",            4,  1 << 31, 1,    0,                          "E2BIG"),
        ("array",            4,  MB,  u32::MAX, 0,                          "ENOMEM"),
        ("percpu_array",     4,  8,       1024, 0,                          "ok"),
        ("percpu_array",     4,  32769,   1,    0,                          "E2BIG"),
        ("percpu_array",     4,  8,       1024, F::MMAPABLE,                "EINVAL"),
        ("percpu_array",     4,  8,       1024, F::INNER_MAP,               "EINVAL"),
        ("percpu_array",     4,  8,       1024, F::NUMA_NODE,               "EINVAL"),
        ("prog_array",       4,  4,       8,    0,                          "ok"),
        ("prog_array",       4,  8,       8,    0,                          "EINVAL"),
        ("prog_array",       4,  4,       8,    F::RDONLY_PROG,             "EINVAL"),
        ("prog_array",       4,  4,       8,    F::RDONLY,                  "ok"),
        ("perf_event_array", 4,  4,       0,    0,                          "ok 3"),
        ("perf_event_array", 4,  4,       8,    F::PRESERVE_ELEMS,          "ok"),
        ("perf_event_array", 4,  8,       8,    0,                          "EINVAL"),
        ("perf_event_array", 8,  4,       8,    0,                          "EINVAL"),
        ("ringbuf",          0,  0,       4096, 0,                          "ok"),
        ("ringbuf",          0,  0,       0,    0,                          "EINVAL"),
        ("ringbuf",          0,  0,       2048, 0,                          "EINVAL"),
        ("ringbuf",          0,  0,      12288, 0,                          "EINVAL"),
        ("ringbuf",          4,  0,       4096, 0,                          "EINVAL"),
        ("ringbuf",          0,  8,       4096, 0,                          "EINVAL"),
        ("ringbuf",          0,  0,       4096, F::RDONLY,                  "EINVAL"),
        ("queue",            0,  8,       4,    0,                          "ok"),
        ("queue",            4,  8,       4,    0,                          "EINVAL"),
        ("stack",            0,  0,       4,    0,                          "EINVAL"),
        ("stack",            0,  4 * MB + 1, 1, 0,                          "E2BIG"),
        ("array_of_maps",    4,  4,       4,    0,                          "EINVAL"),
        ("hash_of_maps",     4,  8,       4,    0,                          "EINVAL"),
        ("devmap",           4,  4,       4,    0,                          "ok"),
        ("devmap",           4,  8,       4,    F::RDONLY | F::NUMA_NODE,   "ok"),
        ("devmap",           4,  6,       4,    0,                          "EINVAL"),
        ("devmap",           4,  4,       4,    F::RDONLY_PROG,             "EINVAL"),
        ("devmap_hash",      4,  8,       4,    0,                          "ok"),
        ("devmap_hash",      8,  4,       4,    0,                          "EINVAL"),
        ("devmap_hash",      4,  4, (1 << 31) + 1, 0,                       "EINVAL"),
        ("cpumap",           4,  8,    8192,    0,                          "ok"),
        ("cpumap",           4,  4,    8193,    0,                          "E2BIG"),
        ("cpumap",           4,  4,       4,    F::RDONLY,                  "EINVAL"),
        ("xskmap",           4,  4,       4,    0,                          "ok"),
        ("xskmap",           4,  8,       4,    0,                          "EINVAL"),
        ("cgroup_array",     4,  4,       4,    0,                          "ok"),
        ("cgroup_array",     4,  8,       4,    0,                          "EINVAL"),
        ("cgroup_array",     4,  4,       4,    F::WRONLY_PROG,             "EINVAL"),
        ("stack_trace",      4,  1016,    4,    0,                          "ok"),
        ("stack_trace",      4,  1024,    4,    0,                          "EINVAL"),
        ("stack_trace",      4,  12,      4,    0,                          "EINVAL"),
        ("stack_trace",      4,  0,       4,    0,                          "EINVAL"),
        ("stack_trace",      4,  32 * 127, 4,   F::STACK_BUILD_ID,          "ok"),
        ("stack_trace",      4,  40,      4,    F::STACK_BUILD_ID,          "EINVAL"),
        ("stack_trace",      4,  8,  (1 << 31) + 1, 0,                      "E2BIG"),
        ("lpm_trie",         8,  8,      16,    F::NO_PREALLOC,             "ok"),
        ("lpm_trie",         8,  8,      16,    0,                          "EINVAL"),
        ("lpm_trie",         4,  8,      16,    F::NO_PREALLOC,             "EINVAL"),
        ("lpm_trie",       260,  8,      16,    F::NO_PREALLOC,             "ok"),
        ("lpm_trie",       261,  8,      16,    F::NO_PREALLOC,             "EINVAL"),
        ("lpm_trie",         8,  4 * MB, 16,    F::NO_PREALLOC,             "EINVAL"),
        ("bloom_filter",     0,  8,     100,    0,                          "ok"),
        ("bloom_filter",     4,  8,     100,    0,                          "EINVAL"),
        ("bloom_filter",     0,  0,     100,    0,                          "EINVAL"),
        ("bloom_filter",     0,  8,     100,    F::NO_PREALLOC,             "EINVAL"),
        ("struct_ops",       4,  4,       1,    0,                          "EINVAL"),
    ];
    for &(kind, key, value, entries, flags, expected) in table {
        let outcome = outcome(kind, key, value, entries, flags);
        assert_eq!(outcome, expected, "{kind} {key} {value} {entries} {flags:#x}");
    }
}

#[test]
fn the_error_says_the_rule_and_the_way_out() {
    let mut spec = MapSpec::new("flows", MapKind::LruHash, 4, 8, 1024);
    spec.flags = MapFlags(MapFlags::MMAPABLE);
    let error = Map::create(&spec, &Arc::new(Runs::new(CPUS))).unwrap_err();
    let diagnostic = error.to_diagnostic();
    assert_eq!(
        diagnostic.message,
        "map flows (lru_hash) cannot be made: the flags BPF_F_MMAPABLE do not apply to this kind"
    );
    assert_eq!(
        diagnostic.help,
        [
            "this kind takes BPF_F_NO_COMMON_LRU|BPF_F_NUMA_NODE|BPF_F_RDONLY|BPF_F_WRONLY|\
          BPF_F_ZERO_SEED|BPF_F_RDONLY_PROG|BPF_F_WRONLY_PROG"
        ]
    );
}

#[test]
fn a_data_section_is_filled_then_frozen() {
    let mut spec = MapSpec::new(".rodata", MapKind::Array, 4, 6, 1);
    spec.flags = MapFlags(MapFlags::RDONLY_PROG);
    spec.initial = Initial::Value(vec![1, 2, 3]);
    spec.frozen = true;
    let map = Map::create(&spec, &Arc::new(Runs::new(CPUS))).unwrap();
    let key = 0u32.to_ne_bytes();
    assert_eq!(map.lookup_outside(&key), Ok(vec![1, 2, 3, 0, 0, 0]));
    assert_eq!(
        map.update_outside(&key, &[0; 6], UpdateMode::Any),
        Err(Errno::EPERM)
    );
    assert!(!map.program_writes());
    spec.initial = Initial::Value(vec![0; 7]);
    assert!(Map::create(&spec, &Arc::new(Runs::new(CPUS))).is_err());
}

#[test]
fn freezing_takes_the_right_to_write() {
    let map = make(MapKind::Hash, 4, 4, 4);
    let key = 0u32.to_ne_bytes();
    assert_eq!(map.freeze(), Ok(()));
    assert_eq!(map.freeze(), Err(Errno::EPERM));
    assert_eq!(
        map.update_outside(&key, &[0; 4], UpdateMode::Any),
        Err(Errno::EPERM)
    );
    assert_eq!(map.update(&key, &[0; 4], 0, 0), Ok(()));
}

#[test]
fn keys_and_values_of_another_size_are_invalid() {
    for kind in [MapKind::Hash, MapKind::Array, MapKind::PercpuArray] {
        let map = make(kind, 4, 8, 4);
        assert_eq!(map.update(&[0; 3], &[0; 8], 0, 0), Err(Errno::EINVAL));
        assert_eq!(map.update(&[0; 4], &[0; 7], 0, 0), Err(Errno::EINVAL));
        assert_eq!(map.lookup_outside(&[0; 5]), Err(Errno::EINVAL));
        assert_eq!(map.lookup_element(&[0; 5], 0), None);
        assert_eq!(map.next_key_outside(Some(&[0; 5])), Err(Errno::EINVAL));
    }
}

/// The errno of each operation from outside, on a key that could be there, on one that could not,
/// and without a key.
#[test]
#[rustfmt::skip]
fn outside_operations_of_each_kind() {
    let table = [
        //                   lookup             update             delete             take               next
        ("array",            "ok ENOENT -",     "ok E2BIG -",      "EINVAL EINVAL -", "ENOTSUPP ENOTSUPP -", "ok ok ok"),
        ("percpu_array",     "ok ENOENT -",     "ok E2BIG -",      "EINVAL EINVAL -", "ENOTSUPP ENOTSUPP -", "ok ok ok"),
        ("hash",             "ENOENT ENOENT -", "ok ok -",         "ok ok -",         "ENOENT ENOENT -",     "ENOENT ENOENT ENOENT"),
        ("lru_hash",         "ENOENT ENOENT -", "ok ok -",         "ok ok -",         "ENOENT ENOENT -",     "ENOENT ENOENT ENOENT"),
        ("prog_array",       "ENOENT ENOENT -", "EBADF E2BIG -",   "ENOENT E2BIG -",  "ENOTSUPP ENOTSUPP -", "ok ok ok"),
        ("perf_event_array", "ENOTSUPP ENOTSUPP -", "EBADF E2BIG -", "ENOENT E2BIG -", "ENOTSUPP ENOTSUPP -", "ok ok ok"),
        ("stack_trace",      "ENOENT ENOENT -", "EINVAL EINVAL -", "ENOENT E2BIG -",  "ENOENT ENOENT -",    "ENOENT ENOENT ENOENT"),
        ("cgroup_array",     "ENOTSUPP ENOTSUPP -", "EBADF E2BIG -", "ENOENT E2BIG -", "ENOTSUPP ENOTSUPP -", "ok ok ok"),
        // 0 is no interface: it empties the slot.
        ("devmap",           "ENOENT ENOENT -", "ok E2BIG -",      "ok EINVAL -",    "ENOTSUPP ENOTSUPP -", "ok ok ok"),
        ("devmap_hash",      "ENOENT ENOENT -", "EINVAL EINVAL -", "ENOENT ENOENT -", "ENOTSUPP ENOTSUPP -", "ENOENT ENOENT ENOENT"),
        ("cpumap",           "ENOENT ENOENT -", "ok E2BIG -",      "ok EINVAL -",    "ENOTSUPP ENOTSUPP -", "ok ok ok"),
        ("xskmap",           "EOPNOTSUPP EOPNOTSUPP -", "ok E2BIG -", "ok EINVAL -", "ENOTSUPP ENOTSUPP -", "ok ok ok"),
        ("queue",            "EINVAL EINVAL ENOENT", "EINVAL EINVAL ok", "EINVAL EINVAL EINVAL", "EINVAL EINVAL ok", "EINVAL EINVAL EINVAL"),
        ("stack",            "EINVAL EINVAL ENOENT", "EINVAL EINVAL ok", "EINVAL EINVAL EINVAL", "EINVAL EINVAL ok", "EINVAL EINVAL EINVAL"),
        ("ringbuf",          "EINVAL EINVAL ENOTSUPP", "EINVAL EINVAL ENOTSUPP", "EINVAL EINVAL ENOTSUPP", "EINVAL EINVAL ENOTSUPP", "EINVAL EINVAL ENOTSUPP"),
    ];
    for (name, lookup, update, delete, take, next) in table {
        let kind = MapKind::from_name(name).expect("a kind of Linux");
        let (key, value, entries) = match kind {
            MapKind::Queue | MapKind::Stack => (0, 8, 4),
            MapKind::Ringbuf => (0, 0, 4096),
            MapKind::StackTrace => (4, 8, 4),
            _ => (4, 4, 4),
        };
        let map = make(kind, key, value, entries);
        let value = vec![0; if kind.is_per_cpu() { 8 * CPUS } else { value } as usize];
        let keys: [&[u8]; 3] = [&0u32.to_ne_bytes(), &100u32.to_ne_bytes(), &[]];
        let answers = |op: &dyn Fn(&[u8]) -> Result<(), Errno>| {
            keys.map(|key| match op(key) {
                _ if key.is_empty() && map.spec().key_size == 4 => "-",
                Ok(()) => "ok",
                Err(errno) => errno.name().expect("a known errno"),
            }).join(" ")
        };
        let all_next = keys.map(|key| {
            let key = Some(key).filter(|key| !key.is_empty());
            map.next_key_outside(key).map_or_else(|errno| errno.name().unwrap_or("?"), |_| "ok")
        }).join(" ");
        assert_eq!(all_next, next, "{name} next");
        assert_eq!(answers(&|key| map.lookup_outside(key).map(drop)), lookup, "{name} lookup");
        assert_eq!(answers(&|key| map.update_outside(key, &value, UpdateMode::Any)), update, "{name} update");
        assert_eq!(answers(&|key| map.delete_outside(key)), delete, "{name} delete");
        assert_eq!(answers(&|key| map.take_outside(key).map(drop)), take, "{name} take");
    }
}

#[test]
fn a_mapping_shows_the_values_in_whole_pages() {
    let map = make_with(MapKind::Array, 4, 13, 500, MapFlags::MMAPABLE);
    let mapping = map.mapping().expect("it can be mapped");
    assert_eq!(mapping.all_words().len() * 8, 2 * 4096);
    map.update(&3u32.to_ne_bytes(), &[1; 13], 0, 0).unwrap();
    let word = |at: usize| mapping.all_words()[at].load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(
        [word(5), word(6), word(8)],
        [0, u64::from_ne_bytes([1; 8]), 0]
    );
    let address = map.lookup_address(&3u32.to_ne_bytes(), 0).unwrap();
    assert_eq!(address.addr().get() % 4096, 3 * 16);
    assert!(make(MapKind::Array, 4, 13, 500).mapping().is_none());
}
