//! Links of programs whose kernels need code patched under them: functions, many probes, tables of
//! operations, events that fire everywhere. `tests/both` has the others, beside Linux's answers.

use std::sync::Arc;

use osmia_btf::{BtfBuilder, Endian, Int, Kind, Linkage, NewMember, TypeId};
use osmia_program::{AttachKind, Errno, MapFlags, MapKind, ProgramKind};
use osmia_user::bpf::{
    BtfLoad, Element, Fd, KprobeMulti, LinkCreate, LinkDetach, LinkDetail, LinkInfoDetail,
    LinkUpdate, MapCreate, ObjInfo, PerfEventOpen, PerfEventSource, ProgLoad, RawTracepointOpen,
    TaskFdQuery,
};
use osmia_user::{Credentials, Kernel, Process, UserOptions};

mod support;
use support::{insns, load, loading, map_of};

/// Bytes of the table's value, where its parts are, and the flag that it may be replaced.
const VALUE_BYTES: usize = 128;
const SSTHRESH: usize = 64;
const CONG_AVOID: usize = 72;
const UNDO_CWND: usize = 80;
const NAME: usize = 104;
const REPLACE: u32 = 4;

/// A machine with some types of the kernel: two functions, a hook, a table of operations.
fn process() -> Process {
    let mut btf = BtfBuilder::new();
    let int = btf.int("int", 4, Int::SIGNED);
    let proto = btf.func_proto(int, &[("a", int)]);
    for name in ["vfs_read", "vfs_write", "bpf_lsm_file_open"] {
        btf.func(name, Linkage::Static, proto);
    }
    let byte = btf.int("char", 1, Int::SIGNED);
    let chars = btf.array(byte, int, 16);
    let function = btf.ptr(proto);
    let members = [
        NewMember::new("ssthresh", function, 0),
        NewMember::new("cong_avoid", function, 8),
        NewMember::new("undo_cwnd", function, 16),
        NewMember::new("flags", int, 32),
        NewMember::new("name", chars, 40),
    ];
    let table = btf.structure("tcp_congestion_ops", 64, &members);
    let counts = [
        NewMember::new("refcnt", int, 0),
        NewMember::new("state", int, 4),
    ];
    let common = btf.structure("bpf_struct_ops_common_value", 8, &counts);
    let members = [
        NewMember::new("common", common, 0),
        NewMember::new("data", table, 64),
    ];
    btf.structure("bpf_struct_ops_tcp_congestion_ops", 128, &members);
    let options = UserOptions {
        btf: Some(Arc::new(btf.build(Endian::NATIVE).expect("right types"))),
        ..UserOptions::default()
    };
    let kernel = Kernel::new(options).expect("there is memory");
    Process::new(&kernel, Credentials::ROOT)
}

fn type_id(process: &Process, name: &str, kind: Kind) -> u32 {
    let btf = process.kernel().target().btf.as_ref().expect("types");
    btf.find(name, kind).map_or(0, |TypeId(id)| id)
}

/// A program for a function, by its name.
fn traced(process: &Process, kind: ProgramKind, attach: AttachKind, name: &str) -> Fd {
    let code = insns("r0 = 0\nexit");
    let asked = ProgLoad {
        expected_attach_type: attach.number(),
        attach_btf_id: type_id(process, name, Kind::Func),
        ..loading(kind, &code)
    };
    process.prog_load(&asked).result.expect("a right program")
}

fn open(process: &Process, prog_fd: Fd) -> Result<Fd, Errno> {
    process.raw_tracepoint_open(&RawTracepointOpen {
        prog_fd,
        ..RawTracepointOpen::default()
    })
}

fn told(process: &Process, link: Fd) -> LinkInfoDetail {
    match process.obj_info(link) {
        Ok(ObjInfo::Link(info)) => info.detail,
        other => panic!("no link: {other:?}"),
    }
}

#[test]
fn a_program_is_at_a_function_once() {
    let process = process();
    let fentry = traced(
        &process,
        ProgramKind::Tracing,
        AttachKind::TraceFentry,
        "vfs_read",
    );
    let link = open(&process, fentry).unwrap();
    assert_eq!(open(&process, fentry), Err(Errno::EBUSY));
    let asked = LinkCreate {
        prog_fd: fentry,
        attach_type: AttachKind::TraceFentry.number(),
        detail: LinkDetail::Tracing {
            target_btf_id: 0,
            cookie: 7,
        },
        ..LinkCreate::default()
    };
    assert_eq!(process.link_create(&asked), Err(Errno::EBUSY));
    assert_eq!(
        process.link_detach(&LinkDetach { link_fd: link }),
        Err(Errno::EOPNOTSUPP)
    );
    process.close(link).unwrap();
    let link = process.link_create(&asked).unwrap();
    let target_btf_id = type_id(&process, "vfs_read", Kind::Func);
    assert!(matches!(
        told(&process, link),
        LinkInfoDetail::Tracing { attach_type: 24, target_btf_id: id, cookie: 7, .. } if id == target_btf_id
    ));
    // Others may stand beside it.
    let fexit = traced(
        &process,
        ProgramKind::Tracing,
        AttachKind::TraceFexit,
        "vfs_read",
    );
    open(&process, fexit).unwrap();
}

#[test]
fn hooks_of_security_are_functions_with_a_name() {
    let process = process();
    let program = traced(
        &process,
        ProgramKind::Lsm,
        AttachKind::LsmMac,
        "bpf_lsm_file_open",
    );
    open(&process, program).unwrap();
    let code = insns("r0 = 0\nexit");
    let other = ProgLoad {
        expected_attach_type: AttachKind::LsmMac.number(),
        attach_btf_id: type_id(&process, "vfs_read", Kind::Func),
        ..loading(ProgramKind::Lsm, &code)
    };
    assert_eq!(process.prog_load(&other).result, Err(Errno::EINVAL));
}

#[test]
fn many_functions_are_found_by_name_or_address() {
    let process = process();
    let code = insns("r0 = 0\nexit");
    let asked = ProgLoad {
        expected_attach_type: AttachKind::TraceKprobeMulti.number(),
        ..loading(ProgramKind::Kprobe, &code)
    };
    let program = process.prog_load(&asked).result.unwrap();
    let link = |probes: KprobeMulti<'_>| {
        process.link_create(&LinkCreate {
            prog_fd: program,
            attach_type: AttachKind::TraceKprobeMulti.number(),
            detail: LinkDetail::KprobeMulti(probes),
            ..LinkCreate::default()
        })
    };
    let cookies = [2_u64.to_ne_bytes(), 1_u64.to_ne_bytes()].concat();
    let named = KprobeMulti {
        count: 2,
        symbols: Some(vec![b"vfs_write", b"vfs_read"]),
        cookies: Some(&cookies),
        ..KprobeMulti::default()
    };
    let LinkInfoDetail::KprobeMulti { addrs, cookies, .. } =
        told(&process, link(named.clone()).unwrap())
    else {
        panic!("another link");
    };
    // In the order of addresses: `vfs_read` comes first among the types.
    assert_eq!(cookies, [1, 2]);
    assert!(addrs[0] < addrs[1]);
    let bytes: Vec<u8> = addrs.iter().flat_map(|addr| addr.to_ne_bytes()).collect();
    let by_address = KprobeMulti {
        count: 2,
        addrs: Some(&bytes),
        ..KprobeMulti::default()
    };
    link(by_address.clone()).unwrap();
    let missing = KprobeMulti {
        symbols: Some(vec![b"vfs_write", b"nothing"]),
        ..named.clone()
    };
    assert_eq!(link(missing), Err(Errno::ESRCH));
    let both = KprobeMulti {
        addrs: Some(&bytes),
        ..named
    };
    assert_eq!(link(both), Err(Errno::EINVAL));
    let elsewhere = [1_u64.to_ne_bytes(); 2].concat();
    let wrong = KprobeMulti {
        addrs: Some(&elsewhere),
        ..by_address
    };
    assert_eq!(link(wrong), Err(Errno::EINVAL));
}

/// A table that a link can register, with a name.
fn table(process: &Process, name: &str) -> Fd {
    let value_type = type_id(process, "bpf_struct_ops_tcp_congestion_ops", Kind::Struct);
    let mut own = BtfBuilder::new();
    own.int("int", 4, Int::SIGNED);
    let own = own.to_bytes(Endian::NATIVE);
    let own = BtfLoad {
        btf: Some(&own),
        btf_size: own.len() as u32,
        ..BtfLoad::default()
    };
    let asked = MapCreate {
        flags: MapFlags::LINK,
        // The loader's own types, which nothing is looked up in.
        btf_fd: process.btf_load(&own).result.expect("right types"),
        btf_vmlinux_value_type_id: value_type,
        ..map_of(MapKind::StructOps, 4, VALUE_BYTES as u32, 1)
    };
    let map = process.map_create(&asked).expect("a right map");
    let mut value = [0; VALUE_BYTES];
    for (member, offset) in (0..).zip([SSTHRESH, CONG_AVOID, UNDO_CWND]) {
        let code = insns("r0 = 0\nexit");
        let asked = ProgLoad {
            expected_attach_type: member,
            attach_btf_id: type_id(process, "tcp_congestion_ops", Kind::Struct),
            ..loading(ProgramKind::StructOps, &code)
        };
        let program = process.prog_load(&asked).result.expect("a right program");
        value[offset..offset + 4].copy_from_slice(&program.0.to_ne_bytes());
    }
    value[NAME..NAME + name.len()].copy_from_slice(name.as_bytes());
    let asked = Element {
        map_fd: map,
        key: Some(&[0; 4]),
        value: Some(&value),
        flags: 0,
    };
    process.map_update(&asked).expect("a right table");
    map
}

#[test]
fn a_table_of_operations_is_registered_by_a_link() {
    let process = process();
    let link = |map: Fd| {
        process.link_create(&LinkCreate {
            prog_fd: map,
            attach_type: AttachKind::StructOps.number(),
            ..LinkCreate::default()
        })
    };
    let (first, second, other) = (
        table(&process, "osmia"),
        table(&process, "osmia"),
        table(&process, "other"),
    );
    assert_eq!(link(support::array(&process)), Err(Errno::EINVAL));
    let registered = link(first).unwrap();
    assert_eq!(link(second), Err(Errno::EEXIST), "the name is taken");
    let update = |new_fd, flags, old_fd| {
        process.link_update(&LinkUpdate {
            link_fd: registered,
            new_fd,
            flags,
            old_fd,
        })
    };
    assert_eq!(update(other, 0, Fd(0)), Err(Errno::EINVAL), "another name");
    assert_eq!(update(second, REPLACE, other), Err(Errno::EPERM));
    assert_eq!(update(second, REPLACE, first), Ok(()));
    assert!(matches!(
        told(&process, registered),
        LinkInfoDetail::StructOps { map_id: 1.. }
    ));
    process
        .link_detach(&LinkDetach {
            link_fd: registered,
        })
        .unwrap();
    assert_eq!(
        told(&process, registered),
        LinkInfoDetail::StructOps { map_id: 0 }
    );
    assert_eq!(update(first, 0, Fd(0)), Err(Errno::ENOLINK));
    link(first).unwrap();
}

#[test]
fn events_are_asked_about_by_descriptor() {
    let process = process();
    let event = |source| {
        let asked = PerfEventOpen { source, cpu: None };
        process.perf_event_open(&asked).unwrap()
    };
    let ask = |fd| {
        process.task_fd_query(&TaskFdQuery {
            pid: std::process::id(),
            fd,
            buffer_bytes: 32,
            has_buffer: true,
            ..TaskFdQuery::default()
        })
    };
    let code = insns("r0 = 0\nexit");
    let kprobe = load(&process, ProgramKind::Kprobe, &code).unwrap();
    let tracepoint = load(&process, ProgramKind::Tracepoint, &code).unwrap();
    let probe = event(PerfEventSource::Kprobe {
        function: "vfs_read".to_owned(),
        offset: 4,
        return_probe: false,
    });
    assert_eq!(ask(probe), Err(Errno::ENOENT));
    assert_eq!(
        process.perf_event_set_bpf(probe, tracepoint),
        Err(Errno::EINVAL)
    );
    process.perf_event_set_bpf(probe, kprobe).unwrap();
    let told = ask(probe).unwrap();
    assert_eq!((told.fd_type, told.probe_offset), (2, 4));
    assert_eq!(told.buffer, b"vfs_read\0");
    let entered = event(PerfEventSource::Tracepoint {
        name: "sched_switch".to_owned(),
    });
    let asked = LinkCreate {
        prog_fd: tracepoint,
        target: entered.0 as u32,
        attach_type: AttachKind::PerfEvent.number(),
        ..LinkCreate::default()
    };
    let link = process.link_create(&asked).unwrap();
    assert_eq!(process.link_create(&asked), Err(Errno::EEXIST));
    assert_eq!(ask(entered).unwrap().fd_type, 1);
    process.close(link).unwrap();
    assert_eq!(ask(entered), Err(Errno::ENOENT));
}
