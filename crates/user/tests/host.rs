//! The user-space host through the trait that every host has.

use osmia_isa::{NoNames, assemble};
use osmia_program::{
    Errno, Fault, Form, Hook, Host, HostMap, HostProgram, Interpreted, MapIndex, MapKind, MapSpec,
    Program, ProgramFlags, ProgramKind, ProgramParts, RecordSource, Run, Slotted, UpdateMode,
};
use osmia_user::{UserHost, UserOptions};

fn program(kind: ProgramKind, maps: usize, text: &str) -> Program {
    let insns = assemble(text, &NoNames)
        .expect("the test's text assembles")
        .slots;
    Program::new(ProgramParts {
        name: "p".into(),
        section: "test".into(),
        hook: Hook {
            kind,
            attach: None,
            target: None,
        },
        flags: ProgramFlags::default(),
        license: "GPL".into(),
        kernel_version: 0,
        autoload: true,
        insns,
        maps: (0..maps).map(MapIndex::from_usize).collect(),
        functions: Vec::new(),
        debug: None,
        poisons: Vec::new(),
        kfuncs: Vec::new(),
    })
    .expect("the test's program is one")
}

fn host() -> UserHost {
    UserHost::new(UserOptions::default()).expect("there is memory")
}

#[test]
fn a_program_sees_the_packet_and_leaves_it_changed() {
    let host = host();
    let text = "r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\nr0 = 2\nr4 = r2\nr4 += 2\n\
                if r4 > r3 goto +1\n*(u8 *)(r2 + 1) = 7\nexit";
    let program = program(ProgramKind::Xdp, 0, text);
    let loaded = host.load(&program, &[]).unwrap();
    let mut run = Run {
        data: vec![0; 14],
        repeat: 3,
        ..Run::default()
    };
    loaded.test_run(&mut run).unwrap();
    assert_eq!((run.retval, run.insns), (2, None));
    assert_eq!(run.data[..3], [0, 7, 0]);
    assert!(matches!(loaded.form(), Form::Native { .. }));
}

#[test]
fn a_host_that_interprets_counts_instructions() {
    let options = UserOptions {
        native: false,
        ..UserOptions::default()
    };
    let host = UserHost::new(options).expect("there is memory");
    let program = program(ProgramKind::Xdp, 0, "r0 = 2\nexit");
    let loaded = host.load(&program, &[]).unwrap();
    let mut run = Run {
        data: vec![0; 14],
        repeat: 3,
        ..Run::default()
    };
    loaded.test_run(&mut run).unwrap();
    assert_eq!((run.retval, run.insns), (2, Some(6)));
    let why = Interpreted::Asked;
    assert_eq!(*loaded.form(), Form::Interpreted { why });
}

#[test]
fn a_trap_is_the_programs_fault() {
    let text = "r2 = *(u32 *)(r1 + 0)\nr0 = *(u8 *)(r2 + 14)\nexit";
    let program = program(ProgramKind::Xdp, 0, text);
    let refused = host().load(&program, &[]).unwrap_err();
    assert_eq!(refused.fault, Fault::Input, "the verifier rejects it");
    let options = UserOptions {
        unverified: true,
        ..UserOptions::default()
    };
    let host = UserHost::new(options).expect("there is memory");
    let loaded = host.load(&program, &[]).unwrap();
    let mut run = Run {
        data: vec![0; 14],
        ..Run::default()
    };
    assert_eq!(loaded.test_run(&mut run).unwrap_err().fault, Fault::Input);
}

#[test]
fn a_type_without_a_context_of_its_own_is_not_possible_here() {
    let host = host();
    let program = program(ProgramKind::Ext, 0, "r0 = 0\nexit");
    let loaded = host.load(&program, &[]).unwrap();
    let error = loaded.test_run(&mut Run::default()).unwrap_err();
    assert_eq!(error.fault, Fault::Unsupported);
    assert_eq!(error.diagnostic.code.id, "vm-input");
}

#[test]
fn slots_take_what_fits_and_say_what_does_not() {
    let host = host();
    let stages = MapSpec::new("stages", MapKind::ProgArray, 4, 4, 2);
    let stages = host.create_map(&stages).unwrap();
    let program = program(ProgramKind::Xdp, 0, "r0 = 1\nexit");
    let exit = host.load(&program, &[]).unwrap();
    host.set_slot(&stages, 1, Slotted::Program(&exit)).unwrap();
    let error = host
        .set_slot(&stages, 2, Slotted::Program(&exit))
        .unwrap_err();
    assert_eq!(error.fault, Fault::Input);
    assert_eq!(error.diagnostic.code.id, "user-slot");
    let plain = MapSpec::new("m", MapKind::Hash, 4, 4, 1);
    let plain = host.create_map(&plain).unwrap();
    assert!(host.set_slot(&stages, 0, Slotted::Map(&plain)).is_err());
}

#[test]
fn maps_answer_as_the_kernels_do() {
    let spec = MapSpec::new("m", MapKind::Hash, 4, 2, 1);
    let map = host().create_map(&spec).unwrap();
    assert_eq!(map.next_key(None), Err(Errno::ENOENT));
    map.update(&[1; 4], &[2; 2], UpdateMode::NoExist).unwrap();
    let again = map.update(&[1; 4], &[3; 2], UpdateMode::NoExist);
    assert_eq!(again, Err(Errno::EEXIST));
    assert_eq!(map.lookup(&[1; 4]).unwrap(), [2, 2]);
    assert_eq!(map.next_key(None).unwrap(), [1; 4]);
    map.delete(&[1; 4]).unwrap();
    assert_eq!(map.lookup(&[1; 4]), Err(Errno::ENOENT));
    map.freeze().unwrap();
    let frozen = map.update(&[1; 4], &[3; 2], UpdateMode::Any);
    assert_eq!(frozen, Err(Errno::EPERM));
}

#[test]
fn what_programs_say_is_drained_once() {
    let host = host();
    let events = MapSpec::new("events", MapKind::Ringbuf, 0, 0, 4096);
    let events = host.create_map(&events).unwrap();
    // bpf_ringbuf_output of eight bytes of the stack, then bpf_trace_printk of "hi".
    let text = "r1 = 26984\n*(u64 *)(r10 - 8) = r1\n\
        r1 = map[idx:0]\nr2 = r10\nr2 += -8\nr3 = 8\nr4 = 0\ncall 130\n\
        r1 = r10\nr1 += -8\nr2 = 3\ncall 6\nr0 = 0\nexit";
    let program = program(ProgramKind::RawTracepoint, 1, text);
    let loaded = host.load(&program, std::slice::from_ref(&events)).unwrap();
    loaded.test_run(&mut Run::default()).unwrap();
    let mut said = Vec::new();
    host.drain(&mut |record| said.push((record.source, record.bytes)));
    assert_eq!(said.len(), 2);
    assert_eq!(said[0].0, RecordSource::Trace);
    assert!(said[0].1.starts_with(b"hi"));
    assert_eq!(said[1].0, RecordSource::Ringbuf("events".into()));
    assert_eq!(said[1].1, *b"hi\0\0\0\0\0\0");
    host.drain(&mut |_| panic!("nothing is said twice"));
}
