//! Many objects, many threads: nothing is left over and nothing grows with what is gone.

mod support;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use osmia_program::{AttachKind, MapKind, ProgramKind};
use osmia_user::bpf::{Element, Fd, NextId, ObjGet, ObjPin, ProgLoad};
use osmia_user::{Credentials, Process};
use support::*;

#[test]
fn ten_thousand_maps() {
    let process = process();
    let maps: Vec<_> = (0..10_000).map(|_| array(&process)).collect();
    assert_eq!(map_ids(&process).len(), 10_000);
    let program = using(&process, maps[5_000]);
    for map in maps {
        process.close(map).unwrap();
    }
    assert_eq!(map_ids(&process), [5_001]);
    process.close(program).unwrap();
    assert_eq!(map_ids(&process), NONE);
}

/// Names in a hundred directories; the map is there until the last of them goes. `cargo xtask load` makes a million.
#[test]
fn a_hundred_thousand_pins() {
    const DIRECTORIES: u32 = 100;
    const PINS: u32 = 1_000;
    let process = process();
    let map = array(&process);
    let path = |directory: u32, pin: u32| format!("/sys/fs/bpf/{directory}/{pin}");
    for directory in 0..DIRECTORIES {
        process.mkdir(&format!("/sys/fs/bpf/{directory}")).unwrap();
        for pin in 0..PINS {
            let path = path(directory, pin);
            let pin = ObjPin {
                path: Some(path.as_bytes()),
                bpf_fd: map,
                ..ObjPin::default()
            };
            process.obj_pin(&pin).unwrap();
        }
    }
    process.close(map).unwrap();
    assert_eq!(map_ids(&process).len(), 1);
    let again = ObjGet {
        path: Some(b"/sys/fs/bpf/99/999"),
        ..ObjGet::default()
    };
    let map = process.obj_get(&again).unwrap();
    process.close(map).unwrap();
    for directory in 0..DIRECTORIES {
        assert_eq!(map_ids(&process).len(), 1);
        for pin in 0..PINS {
            process.unlink(&path(directory, pin)).unwrap();
        }
        process.rmdir(&format!("/sys/fs/bpf/{directory}")).unwrap();
    }
    assert_eq!(map_ids(&process), NONE);
}

/// Dropped one inside the other, they would need more stack than there is.
#[test]
fn a_chain_of_programs_and_maps_goes_as_a_whole() {
    let process = process();
    let load = |map: Option<Fd>| {
        let text = "r0 = 2\nexit";
        let insns = map.map_or_else(|| insns(text), |map| insns_with_map(map, text));
        let asked = ProgLoad {
            expected_attach_type: AttachKind::XdpDevmap.number(),
            ..loading(ProgramKind::Xdp, &insns)
        };
        process.prog_load(&asked).result.unwrap()
    };
    let mut last = load(None);
    for _ in 0..5_000 {
        let devices = process
            .map_create(&map_of(MapKind::Devmap, 4, 8, 1))
            .unwrap();
        let value = [1u32.to_ne_bytes(), last.0.to_ne_bytes()].concat();
        let put = Element {
            map_fd: devices,
            key: Some(&[0; 4]),
            value: Some(&value),
            flags: 0,
        };
        process.map_update(&put).unwrap();
        process.close(last).unwrap();
        last = load(Some(devices));
        process.close(devices).unwrap();
    }
    assert_eq!(prog_ids(&process).len(), 5_001);
    process.close(last).unwrap();
    assert_eq!((map_ids(&process), prog_ids(&process)), (vec![], vec![]));
}

/// What one thread does in a round: makes, holds in every way there is, finds by id, lets go.
fn round(process: &Process, thread: usize, round: usize) {
    let inner = array(process);
    let maps = outer(process, MapKind::HashOfMaps, inner);
    put(process, maps, 0, inner.0).unwrap();
    let jumps = process
        .map_create(&map_of(MapKind::ProgArray, 4, 4, 1))
        .unwrap();
    let program = using(process, jumps);
    put(process, jumps, 0, program.0).unwrap();
    let path = format!("/sys/fs/bpf/{thread}_{round}");
    let pin = ObjPin {
        path: Some(path.as_bytes()),
        bpf_fd: jumps,
        ..ObjPin::default()
    };
    process.obj_pin(&pin).unwrap();
    for fd in [inner, jumps, program] {
        process.close(fd).unwrap();
    }
    let again = ObjGet {
        path: Some(path.as_bytes()),
        ..ObjGet::default()
    };
    let jumps = process.obj_get(&again).unwrap();
    assert!(at(process, jumps, 0).is_ok());
    process.unlink(&path).unwrap();
    let inner = process
        .map_fd_by_id(&by_id(at(process, maps, 0).unwrap()))
        .unwrap();
    for fd in [inner, jumps, maps] {
        process.close(fd).unwrap();
    }
}

#[test]
fn threads_that_make_find_and_close_at_once() {
    let first = process();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|thread| {
                let process = Process::new(first.kernel(), Credentials::ROOT);
                scope.spawn(move || (0..200).for_each(|number| round(&process, thread, number)))
            })
            .collect();
        // Somebody who takes hold of whatever there is, in whatever state.
        let watcher = Process::new(first.kernel(), Credentials::ROOT);
        let done = &done;
        scope.spawn(move || {
            let mut start_id = 0;
            while !done.load(Relaxed) {
                start_id = watcher.map_next_id(&NextId { start_id }).unwrap_or(0);
                if let Ok(fd) = watcher.map_fd_by_id(&by_id(start_id)) {
                    assert_ne!(map_info(&watcher, fd).id, 0);
                    watcher.close(fd).unwrap();
                }
                if let Ok(id) = watcher.prog_next_id(&NextId { start_id: 0 })
                    && let Ok(fd) = watcher.prog_fd_by_id(&by_id(id))
                {
                    assert_eq!(prog_info(&watcher, fd).id, id);
                    watcher.close(fd).unwrap();
                }
            }
        });
        for worker in workers {
            worker.join().unwrap();
        }
        done.store(true, Relaxed);
    });
    assert_eq!((map_ids(&first), prog_ids(&first)), (vec![], vec![]));
}
