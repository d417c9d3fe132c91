//! Who keeps which object alive: one test an edge. An object is gone when its id is.

mod support;

use osmia_btf::{BtfBuilder, Endian};
use osmia_program::{AttachKind, Errno, MapKind, ProgramKind};
use osmia_user::bpf::{BtfLoad, Element, Fd, MapCreate, ProgBindMap, ProgLoad, Records};
use osmia_user::{Credentials, Process};
use support::*;

#[test]
fn a_descriptor_keeps_a_map() {
    let process = process();
    let map = array(&process);
    assert_eq!(map_ids(&process), [1]);
    process.close(map).unwrap();
    assert_eq!(map_ids(&process), NONE);
    assert_eq!(process.map_fd_by_id(&by_id(1)), Err(Errno::ENOENT));
    assert_eq!(process.close(map), Err(Errno::EBADF));
}

#[test]
fn so_does_its_duplicate_and_a_child() {
    let process = process();
    let map = array(&process);
    let twin = process.dup(map).unwrap();
    process.close(map).unwrap();
    assert_eq!(put(&process, twin, 0, 5), Ok(()));
    let child = process.fork();
    process.close(twin).unwrap();
    assert_eq!(at(&child, twin, 0), Ok(5));
    drop(child);
    assert_eq!(map_ids(&process), NONE);
}

#[test]
fn a_program_keeps_the_maps_it_uses() {
    let process = process();
    let map = array(&process);
    let program = using(&process, map);
    process.close(map).unwrap();
    assert_eq!(map_ids(&process), [1]);
    assert_eq!(prog_info(&process, program).map_ids, [1]);
    process.close(program).unwrap();
    assert_eq!((map_ids(&process), prog_ids(&process)), (vec![], vec![]));
}

#[test]
fn a_program_keeps_the_maps_bound_to_it() {
    let process = process();
    let (map, program) = (array(&process), pass(&process));
    let bind = ProgBindMap {
        prog_fd: program,
        map_fd: map,
        flags: 0,
    };
    assert_eq!(process.prog_bind_map(&bind), Ok(()));
    assert_eq!(process.prog_bind_map(&bind), Ok(()), "once is enough");
    process.close(map).unwrap();
    assert_eq!(prog_info(&process, program).map_ids, [1]);
    process.close(program).unwrap();
    assert_eq!(map_ids(&process), NONE);
}

#[test]
fn a_program_keeps_the_maps_of_its_descriptor_array() {
    let process = process();
    let map = array(&process);
    let (insns, fds) = (insns("r0 = 0\nexit"), map.0.to_ne_bytes());
    let asked = ProgLoad {
        fd_array: Some(&fds),
        fd_array_cnt: 1,
        ..loading(ProgramKind::SocketFilter, &insns)
    };
    let program = process.prog_load(&asked).result.unwrap();
    process.close(map).unwrap();
    assert_eq!(prog_info(&process, program).map_ids, [1]);
    process.close(program).unwrap();
    assert_eq!(map_ids(&process), NONE);
}

#[test]
fn a_program_array_keeps_programs_while_somebody_uses_it() {
    let process = process();
    let jumps = process
        .map_create(&map_of(MapKind::ProgArray, 4, 4, 2))
        .unwrap();
    let program = pass(&process);
    let id = prog_info(&process, program).id;
    put(&process, jumps, 1, program.0).unwrap();
    process.close(program).unwrap();
    assert_eq!(at(&process, jumps, 1), Ok(id));
    assert_eq!(at(&process, jumps, 0), Err(Errno::ENOENT));
    let again = process.prog_fd_by_id(&by_id(id)).unwrap();
    process.close(again).unwrap();
    remove(&process, jumps, 1).unwrap();
    assert_eq!(prog_ids(&process), NONE);
}

/// Two programs that jump to each other through arrays both use would never go away otherwise.
#[test]
fn with_its_last_use_a_program_array_is_emptied() {
    let process = process();
    let jumps = process
        .map_create(&map_of(MapKind::ProgArray, 4, 4, 2))
        .unwrap();
    let program = using(&process, jumps);
    put(&process, jumps, 0, program.0).unwrap();
    process.close(program).unwrap();
    assert_eq!((map_ids(&process).len(), prog_ids(&process).len()), (1, 1));
    process.close(jumps).unwrap();
    assert_eq!((map_ids(&process).len(), prog_ids(&process).len()), (0, 0));
}

#[test]
fn a_program_is_no_use_of_its_program_array() {
    let process = process();
    let jumps = process
        .map_create(&map_of(MapKind::ProgArray, 4, 4, 1))
        .unwrap();
    let (jumping, target) = (using(&process, jumps), pass(&process));
    put(&process, jumps, 0, target.0).unwrap();
    process.close(target).unwrap();
    process.close(jumps).unwrap();
    assert_eq!(prog_ids(&process).len(), 1, "the target went");
    assert_eq!(map_ids(&process).len(), 1, "the array did not");
    // Used again, it is empty.
    let jumps = process.map_fd_by_id(&by_id(1)).unwrap();
    assert_eq!(at(&process, jumps, 0), Err(Errno::ENOENT));
    process.close(jumping).unwrap();
}

#[test]
fn a_map_of_maps_keeps_maps_even_unused() {
    for kind in [MapKind::ArrayOfMaps, MapKind::HashOfMaps] {
        let process = process();
        let inner = array(&process);
        let maps = outer(&process, kind, inner);
        put(&process, maps, 0, inner.0).unwrap();
        let program = using(&process, maps);
        process.close(inner).unwrap();
        assert_eq!(at(&process, maps, 0), Ok(1));
        process.close(maps).unwrap();
        assert_eq!(
            map_ids(&process),
            [1, 2],
            "the program has the outer, that the inner"
        );
        process.close(program).unwrap();
        assert_eq!(map_ids(&process), NONE);
    }
}

/// Sets where packets go under key 0, and the program that runs for them on their way.
fn forward(process: &Process, map: Fd, to: u32, program: Fd) -> Result<(), Errno> {
    process.map_update(&Element {
        map_fd: map,
        key: Some(&[0; 4]),
        value: Some(&[to.to_ne_bytes(), program.0.to_ne_bytes()].concat()),
        flags: 0,
    })
}

#[test]
fn a_map_of_devices_or_cpus_keeps_programs() {
    for (kind, attach, refused) in [
        (MapKind::Devmap, AttachKind::XdpDevmap, Errno::EINVAL),
        (MapKind::DevmapHash, AttachKind::XdpDevmap, Errno::EINVAL),
        (MapKind::Cpumap, AttachKind::XdpCpumap, Errno::ENOMEM),
    ] {
        let process = process();
        let map = process.map_create(&map_of(kind, 4, 8, 2)).unwrap();
        let insns = insns("r0 = 2\nexit");
        let asked = ProgLoad {
            expected_attach_type: attach.number(),
            ..loading(ProgramKind::Xdp, &insns)
        };
        let program = process.prog_load(&asked).result.unwrap();
        let plain = load(&process, ProgramKind::Xdp, &insns).unwrap();
        for other in [plain, map, Fd(99)] {
            assert_eq!(forward(&process, map, 1, other), Err(refused), "{kind}");
        }
        assert_eq!(forward(&process, map, 1, program), Ok(()), "{kind}");
        process.close(plain).unwrap();
        let id = prog_info(&process, program).id;
        process.close(program).unwrap();
        assert_eq!(prog_ids(&process), [id]);
        let value = process.map_lookup(&Element {
            map_fd: map,
            key: Some(&[0; 4]),
            ..Element::default()
        });
        assert_eq!(value, Ok([1u32, id].map(u32::to_ne_bytes).concat()));
        assert_eq!(forward(&process, map, 1, Fd(-1)), Ok(()));
        assert_eq!(prog_ids(&process), NONE);
    }
}

#[test]
fn a_template_is_not_kept() {
    let process = process();
    let inner = array(&process);
    let maps = outer(&process, MapKind::ArrayOfMaps, inner);
    process.close(inner).unwrap();
    assert_eq!(map_ids(&process), [2]);
    process.close(maps).unwrap();
}

fn types(process: &Process) -> Fd {
    let mut builder = BtfBuilder::new();
    builder.int("int", 4, 1);
    let bytes = builder.to_bytes(Endian::NATIVE);
    let asked = BtfLoad {
        btf: Some(&bytes),
        btf_size: bytes.len() as u32,
        ..BtfLoad::default()
    };
    process.btf_load(&asked).result.expect("right types")
}

#[test]
fn a_map_keeps_its_types() {
    let process = process();
    let btf = types(&process);
    let asked = MapCreate {
        btf_fd: btf,
        btf_key_type_id: 1,
        btf_value_type_id: 1,
        ..map_of(MapKind::Hash, 4, 4, 1)
    };
    let map = process.map_create(&asked).unwrap();
    process.close(btf).unwrap();
    assert_eq!(ids(|asked| process.btf_next_id(asked)), [1]);
    assert_eq!(map_info(&process, map).btf_id, 1);
    process.close(map).unwrap();
    assert_eq!(ids(|asked| process.btf_next_id(asked)), NONE);
}

#[test]
fn a_program_keeps_its_types() {
    let process = process();
    let btf = types(&process);
    let insns = insns("r0 = 0\nexit");
    let lines = [0u32, 0, 0, 1 << 10].map(u32::to_ne_bytes).concat();
    let asked = ProgLoad {
        btf_fd: btf,
        line_info: Records {
            bytes: Some(&lines),
            count: 1,
            record_bytes: 16,
        },
        ..loading(ProgramKind::SocketFilter, &insns)
    };
    let program = process.prog_load(&asked).result.unwrap();
    process.close(btf).unwrap();
    let info = prog_info(&process, program);
    assert_eq!((info.btf_id, info.line_info), (1, lines));
    process.close(program).unwrap();
    assert_eq!(ids(|asked| process.btf_next_id(asked)), NONE);
}

#[test]
fn a_process_that_ends_leaves_nothing() {
    let first = process();
    let second = Process::new(first.kernel(), Credentials::ROOT);
    let map = array(&second);
    using(&second, map);
    assert_eq!(map_ids(&first), [1]);
    drop(second);
    assert_eq!((map_ids(&first), prog_ids(&first)), (vec![], vec![]));
}
