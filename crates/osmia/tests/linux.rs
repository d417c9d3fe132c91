//! The running kernel as a host: the same object, the same packets, the same answers. Needs root.

use std::fs::File;
use std::ops::ControlFlow;

use osmia::capture::CaptureReader;
use osmia::{Host, LinkOptions, Object, Place, RunOptions, UserHost, UserOptions};

/// The kernel, if this process may use it.
fn kernel(test: &str) -> Option<Place> {
    let place = Place::linux().ok()?;
    let probe = osmia::MapSpec::new("probe", osmia::MapKind::Hash, 4, 4, 1);
    match place.create_map(&probe) {
        Ok(_) => Some(place),
        Err(error) => {
            println!("skipped: {test}: {error}");
            None
        }
    }
}

/// What a program of an example decides, and what it leaves in its variables and maps.
fn left(place: &Place, example: &str, program: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let object = Object::open(format!("{folder}/{example}.bpf.o")).expect("an example");
    let linked = object
        .link(place.target(), &LinkOptions::default())
        .expect("it links");
    let loaded = linked.load(place, &[program]).expect("it loads");
    let packets = File::open(format!("{folder}/ping.pcap")).expect("a capture");
    let mut packets = CaptureReader::new(packets).expect("a capture");
    let mut records = Vec::new();
    let summary = loaded
        .run_capture(
            program,
            &mut packets,
            &RunOptions::default(),
            &mut |event| {
                if let osmia::Event::Record { map, bytes, .. } = event {
                    // Linux fills perf records up to multiples of eight.
                    records.push(format!("{map} {:02x?}", &bytes[..16]));
                }
                ControlFlow::Continue(())
            },
        )
        .expect("it runs");
    // Several maps are read one after the other.
    records.sort();
    let globals = loaded.globals().expect("its variables are read");
    let globals = globals.iter();
    serde_json::json!({
        "verdicts": summary.verdicts,
        "records": records,
        "globals": globals.map(|global| (&global.name, &global.value.json)).collect::<Vec<_>>(),
        "maps": loaded.map_contents().expect("its maps are read"),
    })
    .to_string()
}

#[test]
fn both_hosts_come_to_the_same() {
    let Some(kernel) = kernel("both_hosts_come_to_the_same") else {
        return;
    };
    let cpus = kernel.target().cpus;
    let options = UserOptions {
        cpus,
        ..UserOptions::default()
    };
    let user = Place::User(UserHost::new(options).expect("there is memory"));
    for (example, program) in [
        ("hello", "hello"),
        ("events", "report"),
        ("classify", "classify"),
        ("loop", "sum_bytes"),
        ("percpu", "measure"),
        ("tailcall", "entry"),
    ] {
        assert_eq!(
            left(&user, example, program),
            left(&kernel, example, program),
            "{example}"
        );
    }
}
