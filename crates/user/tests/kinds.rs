//! Kinds of maps whose elements come from descriptors and attachments. Every errno is what Linux 6.18
//! gave for the same calls.

mod support;

use osmia_program::{AttachKind, Errno, MapKind, ProgramKind};
use osmia_user::Process;
use osmia_user::bpf::{Element, Fd, ProgAttach, ProgDetach, ProgLoad};
use support::*;

fn xdp(process: &Process, attach: u32) -> Fd {
    let insns = insns("r0 = 2\nexit");
    let asked = ProgLoad {
        expected_attach_type: attach,
        ..loading(ProgramKind::Xdp, &insns)
    };
    process.prog_load(&asked).result.expect("a right program")
}

#[test]
fn packets_meet_a_program_of_the_right_attach_type() {
    let process = process();
    let device = xdp(&process, AttachKind::XdpDevmap.number());
    let cpu = xdp(&process, AttachKind::XdpCpumap.number());
    let plain = xdp(&process, 0);
    let (filter, map) = (pass(&process), array(&process));
    let programs = [device, cpu, plain, filter, map, Fd(999), Fd(-1), Fd(0)];
    let outcomes = |kind, what: u32| {
        let map = process
            .map_create(&map_of(kind, 4, 8, 4))
            .expect("a right map");
        programs.map(|fd| {
            let value = [what.to_ne_bytes(), fd.0.to_ne_bytes()].concat();
            process.map_update(&Element {
                map_fd: map,
                key: Some(&[0; 4]),
                value: Some(&value),
                flags: 0,
            })
        })
    };
    let (ok, no, memory) = (Ok(()), Err(Errno::EINVAL), Err(Errno::ENOMEM));
    for kind in [MapKind::Devmap, MapKind::DevmapHash] {
        assert_eq!(outcomes(kind, 1), [ok, no, no, no, no, no, ok, ok]);
    }
    let cpus = outcomes(MapKind::Cpumap, 192);
    assert_eq!(cpus, [memory, ok, memory, memory, memory, memory, ok, ok]);
}

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
