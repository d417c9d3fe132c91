//! The flow as an embedder goes it, on the committed examples.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::PathBuf;

use osmia::capture::CaptureReader;
use osmia::{
    Error, Event, Fault, Host, HostMap, LinkOptions, Linked, Object, Outcome, RunOptions,
    RunSummary, UserHost, UserOptions,
};

fn example(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    PathBuf::from(folder).join(name)
}

fn linked(host: &UserHost, name: &str, options: &LinkOptions) -> Result<Linked, Error> {
    Object::open(example(name))?.link(host.target(), options)
}

fn host(options: UserOptions) -> UserHost {
    UserHost::new(options).expect("there is memory")
}

/// Runs on the capture of the examples; gives what was said, too.
fn run(
    host: &UserHost,
    linked: &Linked,
    program: &str,
    stop_after: u64,
) -> (RunSummary, Vec<String>) {
    let loaded = linked.load(host, &[program]).unwrap();
    let mut capture = CaptureReader::new(File::open(example("ping.pcap")).unwrap()).unwrap();
    let mut said = Vec::new();
    let summary = loaded
        .run_capture(
            program,
            &mut capture,
            &RunOptions::default(),
            &mut |event| {
                match &event {
                    Event::Trace { packet, text, .. } => said.push(format!("{packet} {text}")),
                    Event::Record {
                        packet, map, value, ..
                    } => said.push(format!("{packet} {map} {}", value.json)),
                    Event::Packet { packet, .. } if packet.number == stop_after => {
                        return ControlFlow::Break(());
                    }
                    Event::Packet { .. } | Event::Run { .. } => {}
                }
                ControlFlow::Continue(())
            },
        )
        .unwrap();
    said.extend(
        loaded
            .globals()
            .unwrap()
            .iter()
            .map(|global| format!("{} = {}", global.name, global.value.text)),
    );
    (summary, said)
}

#[test]
fn a_seed_makes_runs_repeat_exactly() {
    let seeded = UserOptions {
        seed: Some(7),
        ..UserOptions::default()
    };
    let [first, second] = [seeded.clone(), seeded].map(|options| {
        let host = host(options);
        let linked = linked(&host, "events.bpf.o", &LinkOptions::default()).unwrap();
        let (summary, said) = run(&host, &linked, "report", u64::MAX);
        (summary.insns, summary.heard.records, said)
    });
    assert_eq!(first, second);
    assert_eq!(
        first.1, 34,
        "one record of each kind for each of 17 IPv4 packets"
    );
}

#[test]
fn a_sink_may_stop_the_run_and_keeps_what_was_collected() {
    let host = host(UserOptions::default());
    let linked = linked(&host, "hello.bpf.o", &LinkOptions::default()).unwrap();
    let (summary, said) = run(&host, &linked, "hello", 3);
    assert_eq!(
        (summary.outcome, summary.packets),
        (Outcome::Interrupted, 3)
    );
    assert_eq!(said.last().unwrap(), "counter = 3");
}

#[test]
fn settings_are_made_before_loading() {
    let host = host(UserOptions::default());
    let options = LinkOptions {
        globals: vec![("counter".into(), "40".into())],
        max_entries: vec![("protocols".into(), 1)],
        ..LinkOptions::default()
    };
    let linked = linked(&host, "hello.bpf.o", &options).unwrap();
    let (_, said) = run(&host, &linked, "hello", 2);
    assert_eq!(said.last().unwrap(), "counter = 42");
    let loaded = linked.load(&host, &["hello"]).unwrap();
    assert_eq!(loaded.map("protocols").unwrap().spec().max_entries, 1);
}

#[test]
fn programs_named_by_slots_come_along() {
    let host = host(UserOptions::default());
    let linked = linked(&host, "tailcall.bpf.o", &LinkOptions::default()).unwrap();
    let loaded = linked.load(&host, &["entry"]).unwrap();
    assert!(loaded.program("on_icmp").is_some() && loaded.program("on_tcp").is_some());
    let lone = linked.load(&host, &["on_tcp"]).unwrap();
    assert!(lone.program("entry").is_none());
}

#[test]
fn it_is_clear_whose_fault_it_is() {
    let host = host(UserOptions::default());
    let fault = |result: Result<Linked, Error>| result.unwrap_err().fault;
    assert_eq!(
        fault(linked(&host, "none.o", &LinkOptions::default())),
        Fault::Usage
    );
    assert_eq!(
        fault(linked(&host, "hello.bpf.c", &LinkOptions::default())),
        Fault::Input
    );
    let unknown = LinkOptions {
        globals: vec![("none".into(), "1".into())],
        ..LinkOptions::default()
    };
    assert_eq!(fault(linked(&host, "hello.bpf.o", &unknown)), Fault::Usage);
}

#[test]
fn ten_thousand_short_packets_are_one_warning() {
    use osmia::capture::{CaptureWriter, LinkType};

    let host = host(UserOptions::default());
    let linked = linked(&host, "hello.bpf.o", &LinkOptions::default()).unwrap();
    let loaded = linked.load(&host, &["hello"]).unwrap();
    let mut writer = CaptureWriter::new(Vec::new(), LinkType::ETHERNET).unwrap();
    for _ in 0..10_000 {
        writer.write(&[0; 13], 13, None).unwrap();
    }
    writer.write(&[0; 100_000], 100_000, None).unwrap();
    let file = writer.finish().unwrap();
    let mut capture = CaptureReader::new(file.as_slice()).unwrap();
    let summary = loaded
        .run_capture("hello", &mut capture, &RunOptions::default(), &mut |_| {
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((summary.packets, summary.skipped), (0, 10_001));
    assert_eq!(summary.diagnostics.len(), 1);
}
