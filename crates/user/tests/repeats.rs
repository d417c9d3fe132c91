//! A program that was loaded before is neither verified nor compiled again.

use std::sync::Arc;

use osmia_isa::{NoNames, assemble};
use osmia_program::{
    Form, Host, HostMap, HostProgram, MapIndex, MapKind, MapSpec, Program, ProgramKind,
    ProgramParts, Run,
};
use osmia_user::{Loads, UserHost, UserMap, UserOptions, UserProgram};

/// Counts its runs in the first value of its map.
const COUNTER: &str = "
r1 = map[idx:0][0]+0
r0 = *(u64 *)(r1 + 0)
r0 += 1
*(u64 *)(r1 + 0) = r0
exit
";

fn host() -> UserHost {
    UserHost::new(UserOptions::default()).expect("memory")
}

fn program(text: &str) -> Program {
    let insns = assemble(text, &NoNames).expect("right text").slots;
    let mut parts = ProgramParts::bare("count", ProgramKind::Xdp, insns);
    parts.maps = vec![MapIndex::from_usize(0)];
    Program::new(parts).expect("a right layout")
}

fn load(host: &UserHost, text: &str, entries: u32) -> (UserMap, UserProgram) {
    let spec = MapSpec::new("counts", MapKind::Array, 4, 8, entries);
    let map = host.create_map(&spec).expect("a right specification");
    let loaded = host
        .load(&program(text), std::slice::from_ref(&map))
        .expect("it is sound");
    assert!(matches!(loaded.form(), Form::Native { .. }));
    (map, loaded)
}

fn run(program: &UserProgram) -> u32 {
    let mut run = Run {
        data: vec![0; 14],
        ..Run::default()
    };
    program.test_run(&mut run).expect("it runs");
    run.retval
}

fn count(map: &UserMap) -> u64 {
    let value = map.lookup(&0_u32.to_ne_bytes()).expect("arrays have it");
    u64::from_ne_bytes(value[..8].try_into().expect("8 bytes"))
}

#[test]
fn a_repeated_load_has_its_own_maps() {
    let host = host();
    let (first_map, first) = load(&host, COUNTER, 1);
    let (second_map, second) = load(&host, COUNTER, 1);
    assert_eq!(
        host.kernel().loads(),
        Loads {
            new: 1,
            repeated: 1
        }
    );
    assert_eq!((run(&first), run(&first), run(&second)), (1, 2, 1));
    assert_eq!((count(&first_map), count(&second_map)), (2, 1));
}

#[test]
fn another_program_or_other_maps_are_no_repetition() {
    let host = host();
    load(&host, COUNTER, 1);
    load(&host, COUNTER, 2);
    load(&host, &COUNTER.replace("+= 1", "+= 2"), 1);
    assert_eq!(
        host.kernel().loads(),
        Loads {
            new: 3,
            repeated: 0
        }
    );
}

#[test]
fn what_is_kept_keeps_no_map_alive() {
    let host = host();
    let (map, program) = load(&host, COUNTER, 1);
    let alive = Arc::downgrade(map.map());
    drop((map, program));
    assert!(alive.upgrade().is_none());
    load(&host, COUNTER, 1);
    assert_eq!(
        host.kernel().loads(),
        Loads {
            new: 1,
            repeated: 1
        }
    );
}

#[test]
fn what_is_rejected_is_judged_again() {
    let host = host();
    let wrong = program("r0 = *(u64 *)(r1 + 4096)\nexit");
    let spec = MapSpec::new("counts", MapKind::Array, 4, 8, 1);
    let map = host.create_map(&spec).expect("a right specification");
    for _ in 0..2 {
        assert!(host.load(&wrong, std::slice::from_ref(&map)).is_err());
    }
    assert_eq!(host.kernel().loads(), Loads::default());
}
