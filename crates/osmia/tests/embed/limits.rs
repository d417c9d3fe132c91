//! Runs that take too long, or that somebody ends.

use std::thread;
use std::time::{Duration, Instant};

use osmia::Object;
use osmia::embed::{Builder, Program, Sandbox, Worker};

use super::{Pair, said};

const LIMIT: Duration = Duration::from_millis(20);
/// Long enough for a machine that others use, too.
const PATIENCE: Duration = Duration::from_secs(60);
const STOPPED: &str = "vm-stopped: the run was stopped";

fn loaded(builder: Builder) -> (Program<Pair>, Worker) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/long.bpf.o");
    let object = Object::open(path).expect("it is committed");
    let sandbox = builder.cpus(1).build().expect("memory");
    let module = sandbox.load(&object).expect("it is safe");
    let mut worker = sandbox.worker().expect("the only one");
    // What the interpreter counts is another limit.
    worker.set_insns_max(u64::MAX);
    (module.program("take_time").expect("it is there"), worker)
}

fn run(program: &Program<Pair>, worker: &mut Worker, key: u64) -> Result<u32, String> {
    let result = program.run(worker, &mut Pair { key, value: 0 });
    result.map_err(|error| said(&error))
}

/// A run that is ended, and others around it that are not.
fn check(program: &Program<Pair>, worker: &mut Worker, lift: impl Fn(&mut Worker)) {
    let start = Instant::now();
    assert_eq!(run(program, worker, 1), Err(STOPPED.to_owned()));
    assert!(start.elapsed() < PATIENCE);
    lift(worker);
    assert_eq!(run(program, worker, 0), Ok(1));
}

#[test]
fn a_time_limit_ends_every_run_that_takes_longer() {
    for builder in [Sandbox::builder(), Sandbox::builder().interpreted()] {
        let (program, worker) = loaded(builder);
        let mut worker = worker.with_time_limit(LIMIT);
        for _ in 0..3 {
            check(&program, &mut worker, |_| {});
        }
        worker.set_time_limit(None);
        assert_eq!(run(&program, &mut worker, 0), Ok(1));
    }
}

#[test]
fn another_thread_ends_a_run() {
    for builder in [Sandbox::builder(), Sandbox::builder().interpreted()] {
        let (program, mut worker) = loaded(builder);
        let stop = worker.stop();
        let other = thread::spawn(move || {
            thread::sleep(LIMIT);
            stop.ask();
        });
        check(&program, &mut worker, |worker| worker.stop().lift());
        other.join().expect("it ends");
    }
}
