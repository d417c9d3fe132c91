//! Programs that make system calls for the process that runs them.

mod support;

use osmia_program::{Errno, MapKind, ProgramKind};
use osmia_user::Process;
use osmia_user::bpf::{Element, Fd, MapCreate, ProgLoad, ProgTestRun};
use support::{insns, loading, map_info, map_of, name, process, prog_info};

/// `BPF_F_SLEEPABLE`
const SLEEPABLE: u32 = 1 << 4;

/// Runs a system call program on a context; what it returned, and the context it left.
fn run(process: &Process, program: Fd, ctx: &[u8]) -> (i32, Vec<u8>) {
    let answer = process.prog_test_run(&ProgTestRun {
        prog_fd: program,
        ctx_in: Some(ctx),
        ctx_size_in: ctx.len() as u32,
        ..ProgTestRun::default()
    });
    let answer = answer.expect("it runs");
    (answer.retval as i32, answer.ctx_out)
}

fn call(process: &Process, text: &str) -> i32 {
    let insns = insns(text);
    let asked = ProgLoad {
        flags: SLEEPABLE,
        ..loading(ProgramKind::Syscall, &insns)
    };
    let program = process.prog_load(&asked).result.expect("it loads");
    run(process, program, &[0; 8]).0
}

/// `BPF_MAP_CREATE` of an array with one element of eight bytes, and the text behind it.
fn creating(rest: &str) -> String {
    format!(
        "*(u32 *)(r10 - 16) = 2
         *(u32 *)(r10 - 12) = 4
         *(u32 *)(r10 - 8) = 8
         *(u32 *)(r10 - 4) = 1
         r1 = 0
         r2 = r10
         r2 += -16
         r3 = 16
         call 166
         {rest}"
    )
}

#[test]
fn what_a_program_opens_is_its_processs() {
    let process = process();
    let fd = call(&process, &creating("exit"));
    let info = map_info(&process, Fd(fd));
    assert_eq!((info.kind, info.value_size), (MapKind::Array.number(), 8));
}

#[test]
fn what_a_program_closes_is_gone() {
    let process = process();
    let closed = call(&process, &creating("r1 = r0\ncall 168\nexit"));
    assert_eq!(closed, 0);
    let again = call(&process, "r1 = 77\ncall 168\nexit");
    assert_eq!(again, -Errno::EBADF.0);
}

#[test]
fn not_every_command_is_a_programs() {
    let process = process();
    // `BPF_PROG_TEST_RUN`
    let refused = "*(u64 *)(r10 - 8) = 0\nr1 = 10\nr2 = r10\nr2 += -8\nr3 = 8\ncall 166\nexit";
    assert_eq!(call(&process, refused), -Errno::EINVAL.0);
}

/// As `bpf_load_and_run` of libbpf does it: an array with the data, the loader, one run.
#[test]
fn a_light_skeleton_loads_its_programs() {
    const DATA: &[u8] = include_bytes!("data/hello.loader.data");
    const INSNS: &[u8] = include_bytes!("data/hello.loader.insns");
    let process = process();
    let map = process.map_create(&MapCreate {
        name: name("__loader.map"),
        ..map_of(MapKind::Array, 4, DATA.len() as u32, 1)
    });
    let map = map.expect("a right map");
    let filled = process.map_update(&Element {
        map_fd: map,
        key: Some(&[0; 4]),
        value: Some(DATA),
        flags: 0,
    });
    filled.expect("a right value");
    let loader = process.prog_load(&ProgLoad {
        flags: SLEEPABLE,
        fd_array: Some(&map.0.to_ne_bytes()),
        name: name("__loader.prog"),
        ..loading(ProgramKind::Syscall, INSNS)
    });
    let loader = loader.result.expect("it loads");
    // The context: its size, then three maps (descriptor, size, initial value) and a program.
    let mut ctx = vec![0; 24 + 3 * 16 + 8];
    let size = ctx.len() as u32;
    ctx[..4].copy_from_slice(&size.to_ne_bytes());
    let (result, ctx) = run(&process, loader, &ctx);
    assert_eq!(result, 0);
    let fd = |at: usize| {
        Fd(i32::from_ne_bytes(
            ctx[at..at + 4].try_into().expect("four"),
        ))
    };
    let names = [24, 40, 56].map(|at| map_info(&process, fd(at)).name);
    assert_eq!(
        names,
        ["protocols", "hello_bp.bss", "hello_bp.rodata"].map(name)
    );
    let program = prog_info(&process, fd(72));
    assert_eq!(
        (program.name, program.kind),
        (name("hello"), ProgramKind::Xdp.number())
    );
}
