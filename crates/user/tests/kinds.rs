//! Kinds of maps whose elements come from descriptors and attachments. Every errno is what Linux 6.18
//! gave for the same calls.

mod support;

use osmia_program::{AttachKind, Errno, MapKind, ProgramKind};
use osmia_user::bpf::{Element, ProgAttach, ProgDetach};
use support::*;

#[test]
fn a_control_group_has_a_value_while_a_program_of_the_map_is_attached() {
    let process = process();
    process.cgroup_mkdir("/a").expect("a new one");
    let group = process.open_cgroup("/a").expect("it is there");
    let asked = map_of(MapKind::CgroupStorage, 8, 8, 0);
    let map = process.map_create(&asked).expect("a right map");
    let insns = insns_with_map(map, "r0 = 1\nexit");
    let program = load(&process, ProgramKind::CgroupSkb, &insns).expect("a right program");
    let next = || {
        process.map_next_key(&Element {
            map_fd: map,
            ..Element::default()
        })
    };
    assert_eq!(next(), Err(Errno::ENOENT));
    let attach_type = AttachKind::CgroupInetIngress.number();
    let attach = ProgAttach {
        target: group.0 as u32,
        attach_bpf_fd: program,
        attach_type,
        ..ProgAttach::default()
    };
    process.prog_attach(&attach).expect("nothing is in the way");
    let key = next().expect("one group");
    let update = |value: u64, flags| {
        process.map_update(&Element {
            map_fd: map,
            key: Some(&key),
            value: Some(&value.to_ne_bytes()),
            flags,
        })
    };
    let lookup = || {
        process.map_lookup(&Element {
            map_fd: map,
            key: Some(&key),
            ..Element::default()
        })
    };
    assert_eq!(lookup(), Ok(vec![0; 8]));
    assert_eq!(update(7, 1), Err(Errno::EINVAL));
    assert_eq!(update(7, 2), Ok(()));
    assert_eq!(lookup(), Ok(7u64.to_ne_bytes().to_vec()));
    let detach = ProgDetach {
        target: group.0 as u32,
        attach_bpf_fd: program,
        attach_type,
        ..ProgDetach::default()
    };
    process.prog_detach(&detach).expect("it is attached");
    assert_eq!(lookup(), Err(Errno::ENOENT));
}
