//! Commands with wrong and right arguments. Every errno is what Linux 6.18 gave for the same call.

mod support;

use osmia_btf::{BtfBuilder, Endian};
use osmia_program::{AttachKind, Errno, MapFlags, MapKind, ProgramKind};
use osmia_user::bpf::{
    Batch, BtfLoad, Element, EnableStats, Fd, FdById, LogRequest, MapCreate, MapFreeze, NextId,
    ProgBindMap, ProgLoad, ProgTestRun, RawTracepointOpen, StreamRead, TaskFdQuery, TokenCreate,
};
use osmia_user::{Credentials, Process};
use support::*;

const NO_BTF: Fd = Fd(0);

fn ints(process: &Process) -> Fd {
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
fn making_maps() {
    let process = process();
    let map = array(&process);
    let right = map_of(MapKind::Array, 4, 4, 1);
    let numa = MapFlags::NUMA_NODE;
    for (asked, errno) in [
        (MapCreate { kind: 0, ..right }, Errno::EINVAL),
        (
            MapCreate {
                kind: 1000,
                ..right
            },
            Errno::EINVAL,
        ),
        (
            MapCreate {
                map_extra: 1,
                ..right
            },
            Errno::EINVAL,
        ),
        (MapCreate { flags: 24, ..right }, Errno::EINVAL),
        (
            MapCreate {
                flags: numa,
                numa_node: 5,
                ..right
            },
            Errno::EINVAL,
        ),
        (
            MapCreate {
                ifindex: 1,
                ..right
            },
            Errno::EOPNOTSUPP,
        ),
        (
            MapCreate {
                ifindex: 100,
                ..right
            },
            Errno::EINVAL,
        ),
        (
            MapCreate {
                name: name("a b"),
                ..right
            },
            Errno::EINVAL,
        ),
        (
            MapCreate {
                name: *b"abcdefghijklmnop",
                ..right
            },
            Errno::EINVAL,
        ),
        (
            MapCreate {
                flags: 1 << 16,
                token_fd: Fd(99),
                ..right
            },
            Errno::EBADF,
        ),
        (
            MapCreate {
                flags: 1 << 16,
                token_fd: map,
                ..right
            },
            Errno::EINVAL,
        ),
        (
            MapCreate {
                max_entries: 0,
                name: name("a b"),
                ..right
            },
            Errno::EINVAL,
        ),
    ] {
        assert_eq!(process.map_create(&asked), Err(errno), "{asked:?}");
    }
    let ignored = MapCreate {
        numa_node: 5,
        ..right
    };
    assert!(process.map_create(&ignored).is_ok());
    let named = MapCreate {
        name: name("a.b"),
        ..right
    };
    let named = process.map_create(&named).unwrap();
    assert_eq!(map_info(&process, named).name, name("a.b"));
}

#[test]
fn types_of_maps() {
    let process = process();
    let (btf, map) = (ints(&process), array(&process));
    let with = |kind, btf_fd, key, value| {
        let (key_size, flags) = match kind {
            MapKind::Queue | MapKind::BloomFilter => (0, 0),
            MapKind::LpmTrie => (8, MapFlags::NO_PREALLOC),
            _ => (4, 0),
        };
        let asked = MapCreate {
            btf_fd,
            btf_key_type_id: key,
            btf_value_type_id: value,
            inner_map_fd: map,
            flags,
            ..map_of(kind, key_size, 4, 1)
        };
        process
            .map_create(&asked)
            .map(|fd| process.close(fd).unwrap())
    };
    for (kind, both, value_only) in [
        (MapKind::Hash, Ok(()), Err(Errno::EINVAL)),
        (MapKind::Array, Ok(()), Err(Errno::EINVAL)),
        (MapKind::ProgArray, Ok(()), Err(Errno::EINVAL)),
        (
            MapKind::PerfEventArray,
            Err(Errno::ENOTSUPP),
            Err(Errno::ENOTSUPP),
        ),
        (MapKind::PercpuHash, Ok(()), Err(Errno::EINVAL)),
        (MapKind::PercpuArray, Ok(()), Err(Errno::EINVAL)),
        (
            MapKind::CgroupArray,
            Err(Errno::ENOTSUPP),
            Err(Errno::ENOTSUPP),
        ),
        (MapKind::LpmTrie, Err(Errno::EINVAL), Err(Errno::EINVAL)),
        (MapKind::Devmap, Err(Errno::ENOTSUPP), Err(Errno::ENOTSUPP)),
        (MapKind::Queue, Err(Errno::EINVAL), Err(Errno::EINVAL)),
        (MapKind::BloomFilter, Err(Errno::EINVAL), Ok(())),
        (
            MapKind::ArrayOfMaps,
            Err(Errno::ENOTSUPP),
            Err(Errno::ENOTSUPP),
        ),
        (
            MapKind::HashOfMaps,
            Err(Errno::ENOTSUPP),
            Err(Errno::ENOTSUPP),
        ),
    ] {
        assert_eq!(with(kind, btf, 1, 1), both, "{kind}");
        assert_eq!(with(kind, btf, 0, 1), value_only, "{kind} without a key's");
    }
    let hash = MapKind::Hash;
    assert_eq!(with(hash, NO_BTF, 1, 0), Err(Errno::EINVAL), "a key's only");
    assert_eq!(with(hash, Fd(99), 1, 1), Err(Errno::EBADF));
    assert_eq!(with(hash, map, 1, 1), Err(Errno::EINVAL));
    assert_eq!(with(hash, btf, 1, 7), Err(Errno::EINVAL));
}

#[test]
fn slots_that_take_descriptors() {
    let process = process();
    let (map, btf) = (array(&process), ints(&process));
    let program = pass(&process);
    let xdp = load(&process, ProgramKind::Xdp, &insns("r0 = 2\nexit")).unwrap();
    let jumps = process
        .map_create(&map_of(MapKind::ProgArray, 4, 4, 1))
        .unwrap();
    let maps = outer(&process, MapKind::ArrayOfMaps, map);
    for (slots, right, wrong) in [(jumps, program, map), (maps, map, program)] {
        assert_eq!(at(&process, slots, 0), Err(Errno::ENOENT));
        assert_eq!(at(&process, slots, 9), Err(Errno::ENOENT));
        assert_eq!(put(&process, slots, 0, wrong.0), Err(Errno::EINVAL));
        assert_eq!(put(&process, slots, 0, btf.0), Err(Errno::EINVAL));
        assert_eq!(put(&process, slots, 0, 99), Err(Errno::EBADF));
        assert_eq!(put(&process, slots, 0, -1), Err(Errno::EBADF));
        assert_eq!(put(&process, slots, 9, 99), Err(Errno::E2BIG));
        assert_eq!(put(&process, slots, 0, right.0), Ok(()));
        let exist = Element {
            map_fd: slots,
            key: Some(&[0; 4]),
            value: Some(&[0; 4]),
            flags: 2,
        };
        assert_eq!(process.map_update(&exist), Err(Errno::EINVAL));
        assert_eq!(
            process.map_take(&Element { flags: 0, ..exist }),
            Err(Errno::ENOTSUPP)
        );
        if slots == jumps {
            assert_eq!(
                put(&process, slots, 0, xdp.0),
                Err(Errno::EINVAL),
                "another type"
            );
        }
        assert_eq!(remove(&process, slots, 0), Ok(()));
        assert_eq!(remove(&process, slots, 0), Err(Errno::ENOENT));
        assert_eq!(remove(&process, slots, 9), Err(Errno::E2BIG));
    }
    let nested = MapCreate {
        inner_map_fd: maps,
        ..map_of(MapKind::ArrayOfMaps, 4, 4, 1)
    };
    assert_eq!(process.map_create(&nested), Err(Errno::EINVAL));
    for (inner_map_fd, errno) in [
        (jumps, Errno::ENOTSUPP),
        (Fd(99), Errno::EBADF),
        (btf, Errno::EINVAL),
    ] {
        let asked = MapCreate {
            inner_map_fd,
            ..nested
        };
        assert_eq!(process.map_create(&asked), Err(errno));
    }
}

#[test]
fn elements() {
    let process = process();
    let (map, program) = (array(&process), pass(&process));
    let at = |map_fd, key, flags| {
        process.map_lookup(&Element {
            map_fd,
            key,
            flags,
            ..Element::default()
        })
    };
    let key: Option<&[u8]> = Some(&[0; 4]);
    assert_eq!(at(Fd(99), key, 0), Err(Errno::EBADF));
    assert_eq!(at(program, key, 0), Err(Errno::EINVAL));
    assert_eq!(at(Fd(99), key, 1), Err(Errno::EINVAL), "flags come first");
    assert_eq!(
        at(map, key, 4),
        Err(Errno::EINVAL),
        "there is no lock in it"
    );
    assert_eq!(at(map, None, 0), Err(Errno::EFAULT));
    assert_eq!(at(map, Some(&[0; 3]), 0), Err(Errno::EFAULT));
    assert_eq!(at(map, Some(&[0; 9]), 0), Ok(vec![0; 4]));
    let freeze = |map_fd| process.map_freeze(&MapFreeze { map_fd });
    assert_eq!(freeze(Fd(99)), Err(Errno::EBADF));
    assert_eq!(freeze(program), Err(Errno::EINVAL));
    assert_eq!((freeze(map), freeze(map)), (Ok(()), Err(Errno::EPERM)));
    assert_eq!(put(&process, map, 0, 1), Err(Errno::EPERM));
}

#[test]
fn access_flags_bind_the_descriptor() {
    let process = process();
    let asked = MapCreate {
        flags: MapFlags::RDONLY,
        ..map_of(MapKind::Array, 4, 4, 1)
    };
    let reading = process.map_create(&asked).unwrap();
    assert_eq!(put(&process, reading, 0, 1), Err(Errno::EPERM));
    let id = map_info(&process, reading).id;
    let both = process.map_fd_by_id(&by_id(id)).unwrap();
    assert_eq!(put(&process, both, 0, 1), Ok(()));
    let writing = FdById {
        open_flags: MapFlags::WRONLY,
        ..by_id(id)
    };
    let writing = process.map_fd_by_id(&writing).unwrap();
    assert_eq!(at(&process, writing, 0), Err(Errno::EPERM));
    assert_eq!(at(&process, reading, 0), Ok(1));
}

#[test]
fn batches() {
    let process = process();
    let map = process.map_create(&map_of(MapKind::Hash, 4, 4, 4)).unwrap();
    let numbers: Vec<u8> = [1u32, 2, 3].map(u32::to_ne_bytes).concat();
    let all = Batch {
        keys: Some(&numbers),
        values: Some(&numbers),
        count: 3,
        map_fd: map,
        ..Batch::default()
    };
    let answer = process.map_update_batch(&all);
    assert_eq!((answer.count, answer.error), (Some(3), None));
    let answer = process.map_lookup_batch(&Batch { count: 4, ..all });
    assert_eq!((answer.count, answer.error), (Some(3), Some(Errno::ENOENT)));
    assert_eq!(
        process.map_lookup_batch(&Batch { flags: 1, ..all }).error,
        Some(Errno::EINVAL)
    );
    assert_eq!(
        process
            .map_lookup_batch(&Batch {
                elem_flags: 1,
                ..all
            })
            .error,
        Some(Errno::EINVAL)
    );
    assert_eq!(
        process
            .map_lookup_batch(&Batch {
                map_fd: Fd(99),
                ..all
            })
            .error,
        Some(Errno::EBADF)
    );
    assert_eq!(process.map_delete_batch(&all).count, Some(3));
    let answer = process.map_take_batch(&all);
    assert_eq!((answer.count, answer.error), (Some(0), Some(Errno::ENOENT)));
    let jumps = process
        .map_create(&map_of(MapKind::ProgArray, 4, 4, 1))
        .unwrap();
    let answer = process.map_lookup_batch(&Batch {
        map_fd: jumps,
        ..all
    });
    assert_eq!((answer.count, answer.error), (None, Some(Errno::ENOTSUPP)));
}

#[test]
fn batches_of_descriptors() {
    let process = process();
    let inner = array(&process);
    let maps = outer(&process, MapKind::ArrayOfMaps, inner);
    let answer = process.map_update_batch(&Batch {
        keys: Some(&[0; 4]),
        values: Some(&inner.0.to_ne_bytes()),
        count: 1,
        map_fd: maps,
        ..Batch::default()
    });
    assert_eq!((answer.count, answer.error), (Some(1), None));
    let id = map_info(&process, inner).id;
    assert_eq!(at(&process, maps, 0), Ok(id));
}

#[test]
fn loading_programs() {
    let process = process();
    let (map, program) = (array(&process), pass(&process));
    let text = insns("r0 = 0\nexit");
    let right = loading(ProgramKind::SocketFilter, &text);
    for (asked, errno) in [
        (
            ProgLoad {
                flags: 1 << 20,
                ..right
            },
            Errno::EINVAL,
        ),
        (ProgLoad { kind: 99, ..right }, Errno::EINVAL),
        (ProgLoad { kind: 0, ..right }, Errno::EINVAL),
        (
            ProgLoad {
                insn_cnt: 0,
                ..right
            },
            Errno::E2BIG,
        ),
        (
            ProgLoad {
                insn_cnt: 1_000_001,
                ..right
            },
            Errno::E2BIG,
        ),
        (
            ProgLoad {
                insns: None,
                ..right
            },
            Errno::EFAULT,
        ),
        (
            ProgLoad {
                license: None,
                ..right
            },
            Errno::EFAULT,
        ),
        (
            ProgLoad {
                name: name("a b"),
                ..right
            },
            Errno::EINVAL,
        ),
        (
            ProgLoad {
                ifindex: 1,
                ..right
            },
            Errno::EINVAL,
        ),
        (
            ProgLoad {
                ifindex: 1,
                kind: 6,
                ..right
            },
            Errno::EOPNOTSUPP,
        ),
        (
            ProgLoad {
                ifindex: 999,
                kind: 6,
                ..right
            },
            Errno::EINVAL,
        ),
        (
            ProgLoad {
                attach_fd: Fd(99),
                ..right
            },
            Errno::EINVAL,
        ),
        (
            ProgLoad {
                attach_fd: program,
                ..right
            },
            Errno::EINVAL,
        ),
        (
            ProgLoad {
                attach_btf_id: 1,
                ..right
            },
            Errno::EINVAL,
        ),
        (
            ProgLoad {
                kind: 8,
                expected_attach_type: 2,
                ..right
            },
            Errno::EINVAL,
        ),
        (
            ProgLoad {
                kind: 9,
                expected_attach_type: 1,
                ..right
            },
            Errno::EINVAL,
        ),
        (ProgLoad { kind: 18, ..right }, Errno::EINVAL),
        (ProgLoad { kind: 25, ..right }, Errno::EINVAL),
        (ProgLoad { kind: 30, ..right }, Errno::EINVAL),
        (ProgLoad { kind: 32, ..right }, Errno::EINVAL),
        (ProgLoad { kind: 31, ..right }, Errno::EINVAL),
        (
            ProgLoad {
                insn_cnt: 1,
                ..right
            },
            Errno::EINVAL,
        ),
    ] {
        assert_eq!(process.prog_load(&asked).result, Err(errno), "{asked:?}");
    }
    for asked in [
        ProgLoad {
            expected_attach_type: 1,
            ..right
        },
        ProgLoad {
            name: name("a.b"),
            ..right
        },
        ProgLoad { kind: 9, ..right },
        ProgLoad { kind: 21, ..right },
        ProgLoad {
            kind: 31,
            flags: 16,
            ..right
        },
        ProgLoad {
            kind: 30,
            expected_attach_type: AttachKind::SkLookup.number(),
            ..right
        },
    ] {
        assert!(process.prog_load(&asked).result.is_ok(), "{asked:?}");
    }
    for (fd, errno) in [(Fd(99), Errno::EBADF), (program, Errno::EINVAL)] {
        let text = insns_with_map(fd, "r0 = 0\nexit");
        assert_eq!(load(&process, ProgramKind::SocketFilter, &text), Err(errno));
    }
    let mut by_position = insns_with_map(map, "r0 = 0\nexit");
    by_position[1] = 0x51;
    let by_position = loading(ProgramKind::SocketFilter, &by_position);
    assert_eq!(process.prog_load(&by_position).result, Err(Errno::EPROTO));
}

#[test]
fn asking_for_a_log() {
    let process = process();
    let bad = insns("call 9999\nexit");
    let right = insns("r0 = 0\nexit");
    let with = |insns: &[u8], level, size, has_buffer| {
        let log = LogRequest {
            level,
            size,
            has_buffer,
        };
        let asked = ProgLoad {
            log,
            ..loading(ProgramKind::SocketFilter, insns)
        };
        process.prog_load(&asked)
    };
    for (level, size, has_buffer) in [
        (0, 100, true),
        (1, 100, false),
        (1, 0, true),
        (16, 100, true),
        (1, 1 << 30, true),
    ] {
        assert_eq!(
            with(&right, level, size, has_buffer).result,
            Err(Errno::EINVAL)
        );
    }
    assert!(with(&right, 1, 0, false).result.is_ok());
    assert!(with(&right, 1, 200, true).result.is_ok());
    let said = with(&bad, 1, 400, true);
    assert_eq!(said.result, Err(Errno::EINVAL));
    assert_eq!(said.log.bytes.last(), Some(&0));
    assert_eq!(said.log.bytes.len(), said.log.true_size as usize);
    let cut = with(&bad, 1, 10, true);
    assert_eq!((cut.result, cut.log.bytes.len()), (Err(Errno::ENOSPC), 10));
    assert_eq!(cut.log.true_size, said.log.true_size);
}

#[test]
fn running_programs() {
    let process = process();
    let xdp = load(&process, ProgramKind::Xdp, &insns("r0 = 2\nexit")).unwrap();
    let skb = pass(&process);
    let kprobe = load(&process, ProgramKind::Kprobe, &insns("r0 = 0\nexit")).unwrap();
    let packet = [0; 64];
    let right = ProgTestRun {
        prog_fd: xdp,
        data_in: Some(&packet),
        data_size_in: 64,
        ..ProgTestRun::default()
    };
    let answer = process.prog_test_run(&right).unwrap();
    assert_eq!(
        (answer.retval, answer.data_size_out, answer.error),
        (2, 64, None)
    );
    let short = ProgTestRun {
        has_data_out: true,
        data_size_out: 10,
        ..right
    };
    let answer = process.prog_test_run(&short).unwrap();
    assert_eq!((answer.data_out.len(), answer.data_size_out), (10, 64));
    assert_eq!(answer.error, Some(Errno::ENOSPC));
    let context = ProgTestRun {
        has_ctx_out: true,
        ctx_size_out: 500,
        ..right
    };
    assert_eq!(process.prog_test_run(&context).unwrap().ctx_size_out, 24);
    let context = ProgTestRun {
        prog_fd: skb,
        ..context
    };
    assert_eq!(process.prog_test_run(&context).unwrap().ctx_size_out, 192);
    for (asked, errno) in [
        (
            ProgTestRun {
                data_size_in: 13,
                ..right
            },
            Errno::EINVAL,
        ),
        (
            ProgTestRun {
                data_size_in: 0,
                data_in: None,
                ..right
            },
            Errno::EINVAL,
        ),
        (
            ProgTestRun {
                data_in: None,
                ..right
            },
            Errno::EFAULT,
        ),
        (
            ProgTestRun {
                ctx_size_in: 4,
                ..right
            },
            Errno::EINVAL,
        ),
        (
            ProgTestRun {
                ctx_in: Some(&[1; 300]),
                ctx_size_in: 300,
                ..right
            },
            Errno::E2BIG,
        ),
        (ProgTestRun { flags: 1, ..right }, Errno::EINVAL),
        (
            ProgTestRun {
                batch_size: 1,
                ..right
            },
            Errno::EINVAL,
        ),
        (
            ProgTestRun {
                prog_fd: skb,
                cpu: 1,
                ..right
            },
            Errno::EINVAL,
        ),
        (
            ProgTestRun {
                prog_fd: skb,
                flags: 2,
                ..right
            },
            Errno::EINVAL,
        ),
        (
            ProgTestRun {
                prog_fd: kprobe,
                ..right
            },
            Errno::ENOTSUPP,
        ),
        (
            ProgTestRun {
                prog_fd: Fd(99),
                ..right
            },
            Errno::EBADF,
        ),
    ] {
        assert_eq!(
            process.prog_test_run(&asked).err(),
            Some(errno),
            "{asked:?}"
        );
    }
}

#[test]
fn runs_are_counted_while_somebody_wants_it() {
    let process = process();
    let program = pass(&process);
    let run = || {
        let asked = ProgTestRun {
            prog_fd: program,
            data_in: Some(&[0; 64]),
            data_size_in: 64,
            repeat: 5,
            ..ProgTestRun::default()
        };
        process.prog_test_run(&asked).unwrap();
        prog_info(&process, program).run_cnt
    };
    assert_eq!(
        process.enable_stats(&EnableStats { kind: 1 }),
        Err(Errno::EINVAL)
    );
    assert_eq!(run(), 0);
    let counting = process.enable_stats(&EnableStats { kind: 0 }).unwrap();
    assert_eq!(run(), 5);
    process.close(counting).unwrap();
    assert_eq!(run(), 5);
}

#[test]
fn ids_and_what_they_stand_for() {
    let process = process();
    let (map, program) = (array(&process), pass(&process));
    let last = NextId {
        start_id: i32::MAX as u32,
    };
    assert_eq!(process.map_next_id(&last), Err(Errno::EINVAL));
    assert_eq!(process.map_fd_by_id(&by_id(0)), Err(Errno::ENOENT));
    let both = FdById {
        open_flags: 24,
        ..by_id(0)
    };
    assert_eq!(process.map_fd_by_id(&both), Err(Errno::EINVAL));
    assert_eq!(process.btf_fd_by_id(&both), Err(Errno::EINVAL));
    assert_eq!(process.obj_info(Fd(99)), Err(Errno::EBADFD));
    assert_eq!(process.obj_info(Fd(0)), Err(Errno::EINVAL));
    let info = prog_info(&process, program);
    assert_eq!(info.tag, [0x59, 0xf4, 0xa9, 0x31, 0x74, 0x4d, 0xcd, 0xc6]);
    assert!(info.gpl_compatible);
    assert_eq!(info.prog_tags, [info.tag]);
    let info = map_info(&process, map);
    assert_eq!((info.kind, info.id, info.max_entries), (2, 1, 1));
    // A closed id is not given again at once.
    process.close(map).unwrap();
    let next = array(&process);
    assert_eq!(map_info(&process, next).id, 2);
}

#[test]
fn the_rest() {
    let process = process();
    let (map, program) = (array(&process), pass(&process));
    for (prog_fd, map_fd, flags, answer) in [
        (program, map, 0, Ok(())),
        (program, map, 1, Err(Errno::EINVAL)),
        (map, map, 0, Err(Errno::EINVAL)),
        (Fd(99), Fd(99), 0, Err(Errno::EBADF)),
        (program, program, 0, Err(Errno::EINVAL)),
    ] {
        let asked = ProgBindMap {
            prog_fd,
            map_fd,
            flags,
        };
        assert_eq!(process.prog_bind_map(&asked), answer);
    }
    for (flags, bpffs_fd, errno) in [
        (1, Fd(0), Errno::EINVAL),
        (0, Fd(99), Errno::EBADF),
        (0, program, Errno::EINVAL),
    ] {
        let asked = TokenCreate { flags, bpffs_fd };
        assert_eq!(process.token_create(&asked), Err(errno));
    }
    for (prog_fd, stream_id, answer) in [
        (program, 1, Ok(vec![])),
        (program, 3, Err(Errno::ENOENT)),
        (map, 1, Err(Errno::EINVAL)),
        (Fd(99), 1, Err(Errno::EBADF)),
    ] {
        let asked = StreamRead {
            prog_fd,
            stream_id,
            buffer_bytes: 64,
        };
        assert_eq!(process.stream_read(&asked), answer);
    }
    let open = RawTracepointOpen {
        name: Some(b"osmia_none"),
        prog_fd: program,
        cookie: 0,
    };
    assert_eq!(process.raw_tracepoint_open(&open), Err(Errno::EINVAL));
    let raw = load(&process, ProgramKind::RawTracepoint, &insns("r0 = 0\nexit")).unwrap();
    let open = RawTracepointOpen {
        prog_fd: raw,
        ..open
    };
    assert_eq!(process.raw_tracepoint_open(&open), Err(Errno::ENOENT));
    let asked = TaskFdQuery {
        fd: map,
        pid: std::process::id(),
        ..TaskFdQuery::default()
    };
    assert_eq!(process.task_fd_query(&asked), Err(Errno::ENOTSUPP));
}

#[test]
fn who_has_no_capabilities() {
    let root = process();
    let (map, program) = (array(&root), pass(&root));
    let user = Process::new(
        root.kernel(),
        Credentials {
            uid: 1000,
            gid: 1000,
            capable: false,
        },
    );
    let right = map_of(MapKind::Array, 4, 4, 1);
    assert_eq!(user.map_create(&right), Err(Errno::EPERM));
    assert_eq!(
        load(&user, ProgramKind::SocketFilter, &insns("r0 = 0\nexit")),
        Err(Errno::EPERM)
    );
    assert_eq!(user.btf_load(&BtfLoad::default()).result, Err(Errno::EPERM));
    assert_eq!(user.map_next_id(&NextId::default()), Err(Errno::EPERM));
    assert_eq!(user.map_fd_by_id(&by_id(1)), Err(Errno::EPERM));
    assert_eq!(
        user.enable_stats(&EnableStats { kind: 0 }),
        Err(Errno::EPERM)
    );
    // What it was given it may use.
    assert_eq!(at(&root.fork(), map, 0), Ok(0));
    assert!(root.fork().obj_info(program).is_ok());
}
