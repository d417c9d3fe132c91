//! Many objects in the user-space host: a million pins, ten thousand maps and programs, threads that die in the middle of a
//! run. Says how long it takes and whether anything is left over.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use osmia_program::{Errno, MapKind, ProgramKind};
use osmia_user::bpf::{Fd, MapCreate, NextId, ObjGet, ObjPin, ProgLoad, ProgTestRun};
use osmia_user::{Credentials, Kernel, Process, UserOptions};

use crate::Verdict;
use crate::place::Error;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Pins to make, a thousand in a directory
    #[arg(long, default_value_t = 1_000_000)]
    pins: u32,
    /// Maps and programs to make
    #[arg(long, default_value_t = 10_000)]
    maps: u32,
    /// Threads that die in the middle of what they do
    #[arg(long, default_value_t = 1_000)]
    threads: u32,
}

/// Pins in one directory.
const PER_DIRECTORY: u32 = 1_000;
/// CPUs of the host.
const CPUS: u32 = 4;

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let kernel = Kernel::new(UserOptions {
        cpus: CPUS,
        // Programs that say something forever end here.
        insns_max: 100_000,
        ..UserOptions::default()
    })
    .map_err(|error| error.to_string())?;
    let steps: [(&str, u32, Step); 3] = [
        ("pins", options.pins, pins),
        ("maps with a program each", options.maps, maps),
        ("threads that die", options.threads, threads),
    ];
    let mut left = false;
    for (what, count, step) in steps {
        let start = Instant::now();
        step(&kernel, count).map_err(|errno| format!("{what}: {errno}"))?;
        let seconds = start.elapsed().as_secs_f64();
        let process = Process::new(&kernel, Credentials::ROOT);
        let first = NextId { start_id: 0 };
        let over = [process.map_next_id(&first), process.prog_next_id(&first)];
        let is_left = over.iter().any(Result::is_ok);
        let said = if is_left {
            "something is left over"
        } else {
            "nothing is left over"
        };
        println!("{count:>9} {what}: {seconds:.2} s, {said}");
        left |= is_left;
    }
    Ok(if left { Verdict::Fails } else { Verdict::Holds })
}

/// Makes so many and lets go of them.
type Step = fn(&Arc<Kernel>, u32) -> Result<(), Errno>;

fn array(process: &Process) -> Result<Fd, Errno> {
    process.map_create(&MapCreate {
        kind: MapKind::Array.number(),
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        ..MapCreate::default()
    })
}

/// Loads a program that begins with the address of a map in r1.
fn program(process: &Process, map: Fd, rest: &str) -> Result<Fd, Errno> {
    let slots = osmia_isa::assemble(rest, &osmia_isa::NoNames).map_err(|_| Errno::EINVAL)?;
    let mut insns = vec![0x18, 0x11, 0, 0];
    insns.extend(map.0.to_le_bytes());
    insns.extend([0; 8]);
    insns.extend(osmia_isa::write_slots(
        &slots.slots,
        osmia_isa::Endian::Little,
    ));
    let asked = ProgLoad {
        kind: ProgramKind::SocketFilter.number(),
        insn_cnt: (insns.len() / 8) as u32,
        insns: Some(&insns),
        license: Some(b"GPL\0"),
        ..ProgLoad::default()
    };
    process.prog_load(&asked).result
}

fn pins(kernel: &Arc<Kernel>, count: u32) -> Result<(), Errno> {
    let process = Process::new(kernel, Credentials::ROOT);
    let map = array(&process)?;
    let directory = |number: u32| format!("/sys/fs/bpf/{}", number / PER_DIRECTORY);
    let path = |number: u32| format!("{}/{number}", directory(number));
    for number in 0..count {
        if number % PER_DIRECTORY == 0 {
            process.mkdir(&directory(number))?;
        }
        process.obj_pin(&ObjPin {
            path: Some(path(number).as_bytes()),
            bpf_fd: map,
            ..ObjPin::default()
        })?;
    }
    process.close(map)?;
    for number in 0..count {
        let path = path(number);
        let found = process.obj_get(&ObjGet {
            path: Some(path.as_bytes()),
            ..ObjGet::default()
        })?;
        process.close(found)?;
        process.unlink(&path)?;
        if number % PER_DIRECTORY == PER_DIRECTORY - 1 || number == count - 1 {
            process.rmdir(&directory(number))?;
        }
    }
    Ok(())
}

fn maps(kernel: &Arc<Kernel>, count: u32) -> Result<(), Errno> {
    let process = Process::new(kernel, Credentials::ROOT);
    for _ in 0..count {
        let map = array(&process)?;
        program(&process, map, "r0 = 0\nexit")?;
    }
    // The process ends with everything open.
    Ok(())
}

/// Each thread has a map and a program that would loop forever, which the host stops, and then dies with all of it open. What
/// it was reading dies with it.
fn threads(kernel: &Arc<Kernel>, count: u32) -> Result<(), Errno> {
    let dies = |kernel: &Arc<Kernel>| {
        let process = Process::new(kernel, Credentials::ROOT);
        let map = array(&process).expect("there is room");
        let endless = "*(u32 *)(r10 - 4) = 0x6968
            r6 = 0
            r1 = r10
            r1 += -4
            r2 = 4
            call 6
            r1 = 8000000
            r2 = subprog[nothing]
            r3 = 0
            r4 = 0
            call 181
            exit
            nothing:
            r0 = 0
            exit";
        let endless = program(&process, map, endless).expect("it loads");
        let stopped = process.prog_test_run(&ProgTestRun {
            prog_fd: endless,
            data_in: Some(&[0; 64]),
            data_size_in: 64,
            ..ProgTestRun::default()
        });
        assert!(stopped.is_err(), "it does not end by itself");
        kernel.drain(&mut |_| std::panic::resume_unwind(Box::new("on purpose")));
    };
    let mut left = count;
    while left > 0 {
        let together = left.min(CPUS);
        left -= together;
        thread::scope(|scope| {
            let threads: Vec<_> = (0..together)
                .map(|_| scope.spawn(|| dies(kernel)))
                .collect();
            for thread in threads {
                // Those that found nothing to read end by themselves.
                let _ = thread.join();
            }
        });
    }
    kernel.drain(&mut |_| ());
    Ok(())
}
