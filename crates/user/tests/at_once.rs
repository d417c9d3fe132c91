//! Programs of several CPUs run at once, and what ends one of them in the middle ends nothing else.

mod support;

use std::sync::{Arc, Barrier};
use std::thread;

use osmia_program::{Errno, MapKind, ProgramKind};
use osmia_user::bpf::{Fd, ProgTestRun};
use osmia_user::{Credentials, Kernel, Process, UserOptions};
use support::*;

fn kernel(insns_max: u64) -> Arc<Kernel> {
    let options = UserOptions {
        cpus: 2,
        insns_max,
        // Only the interpreter counts instructions.
        native: false,
        ..UserOptions::default()
    };
    Kernel::new(options).expect("there is memory")
}

/// Loads a program that sets its own element of an array of two and looks until the other one is set;
/// it returns whether it was.
fn meeting(process: &Process, map: Fd, own: u32) -> Fd {
    let bytes = insns_with_map(
        map,
        &format!(
            "r6 = r1
             *(u32 *)(r10 - 4) = {own}
             r2 = r10
             r2 += -4
             call 1
             if r0 == 0 goto out
             *(u32 *)(r0 + 0) = 1
             r1 = r6
             r2 = r10
             r2 += -4
             *(u32 *)(r10 - 4) = {other}
             call 1
             if r0 == 0 goto out
             *(u64 *)(r10 - 16) = r0
             r1 = 8000000
             r2 = subprog[look]
             r3 = r10
             r3 += -16
             r4 = 0
             call 181
             r1 = *(u64 *)(r10 - 16)
             r0 = *(u32 *)(r1 + 0)
             out:
             exit
             look:
             r1 = *(u64 *)(r2 + 0)
             r0 = *(u32 *)(r1 + 0)
             if r0 == 0 goto +1
             r0 = 1
             exit",
            other = 1 - own,
        ),
    );
    load(process, ProgramKind::SocketFilter, &bytes).expect("it loads")
}

fn run(process: &Process, program: Fd) -> Result<u32, Errno> {
    let answer = process.prog_test_run(&ProgTestRun {
        prog_fd: program,
        data_in: Some(&[0; 64]),
        data_size_in: 64,
        ..ProgTestRun::default()
    });
    answer.map(|answer| answer.retval)
}

#[test]
fn programs_of_two_processes_see_each_other_while_they_run() {
    let kernel = kernel(u64::MAX / 2);
    let first = Process::new(&kernel, Credentials::ROOT);
    let map = first
        .map_create(&map_of(MapKind::Array, 4, 4, 2))
        .expect("a right map");
    let id = map_info(&first, map).id;
    let ready = Barrier::new(2);
    let met = thread::scope(|scope| {
        let threads = [0, 1].map(|own| {
            let (process, ready) = (Process::new(&kernel, Credentials::ROOT), &ready);
            scope.spawn(move || {
                let map = process.map_fd_by_id(&by_id(id)).expect("it is there");
                let program = meeting(&process, map, own);
                ready.wait();
                run(&process, program)
            })
        });
        threads.map(|thread| thread.join().expect("no panic"))
    });
    assert_eq!(met, [Ok(1), Ok(1)]);
}

/// A run that is stopped leaves the lock it held, the timers and the maps to others.
#[test]
fn a_run_stopped_in_the_middle_leaves_nothing_behind() {
    let kernel = kernel(1_000);
    let process = Process::new(&kernel, Credentials::ROOT);
    let map = array(&process);
    let program = using(&process, map);
    let endless = insns_with_map(
        map,
        "r1 = 8000000
         r2 = subprog[nothing]
         r3 = 0
         r4 = 0
         call 181
         exit
         nothing:
         r0 = 0
         exit",
    );
    let endless = load(&process, ProgramKind::SocketFilter, &endless).expect("it loads");
    for _ in 0..100 {
        assert_eq!(run(&process, endless), Err(Errno::EFAULT));
        assert_eq!(run(&process, program), Ok(0));
    }
    for fd in [endless, program, map] {
        process.close(fd).expect("it is open");
    }
    assert_eq!((map_ids(&process), prog_ids(&process)), (vec![], vec![]));
}

/// What reads the records of programs may fail; the programs go on, and so do other readers.
#[test]
fn a_reader_that_panics_takes_nobody_with_it() {
    let kernel = kernel(1_000);
    let process = Process::new(&kernel, Credentials::ROOT);
    let says = insns(
        "*(u32 *)(r10 - 4) = 0x6968
         r1 = r10
         r1 += -4
         r2 = 4
         call 6
         r0 = 0
         exit",
    );
    let says = load(&process, ProgramKind::SocketFilter, &says).expect("it loads");
    assert_eq!(run(&process, says), Ok(0));
    let dies = thread::scope(|scope| {
        let reader = scope.spawn(|| kernel.drain(&mut |_| panic!("on purpose")));
        reader.join().is_err()
    });
    assert!(dies);
    assert_eq!(run(&process, says), Ok(0));
    let mut heard = 0;
    kernel.drain(&mut |_| heard += 1);
    assert_eq!(heard, 1);
}
