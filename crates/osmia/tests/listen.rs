//! Programs on what the processes of a command do. Where tracing is forbidden the tests say so and pass.

use std::ffi::OsString;
use std::ops::ControlFlow;

use osmia::{
    Ended, Event, Host, LinkOptions, LiveSummary, Object, RunOptions, TreeOptions, UserHost,
};

/// What programs of an example say on a command, and what it came to.
fn run(example: &str, command: &[&str], tree: TreeOptions) -> Option<(Vec<String>, LiveSummary)> {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let object = Object::open(format!("{examples}/{example}.bpf.o")).expect("it is committed");
    let options = osmia::user_options(&object, None, None, true).expect("types");
    let host = UserHost::new(options).expect("memory");
    let mut linked = object
        .link(host.target(), &LinkOptions::default())
        .expect("links");
    if example == "opensnoop" {
        let typed = linked.type_records("events", "event");
        typed.expect("the object has the type");
    }
    let names: Vec<&str> = linked.autoloaded().collect();
    let loaded = linked.load(&host, &names).expect("loads");
    let command: Vec<OsString> = command.iter().map(OsString::from).collect();
    let mut said = Vec::new();
    let ran = loaded.run_command(
        &names,
        &command,
        tree,
        &RunOptions::default(),
        &mut |event| {
            match event {
                Event::Trace { text, .. } => said.push(text.to_owned()),
                Event::Record { value, .. } => said.push(value.text.clone()),
                _ => {}
            }
            ControlFlow::Continue(())
        },
    );
    match ran {
        Ok(summary) => Some((said, summary)),
        Err(error) if error.diagnostics[0].code.id == "trace-refused" => {
            println!("skipped: tracing: {}", error.diagnostics[0].message);
            None
        }
        Err(error) => panic!("{error:?}"),
    }
}

const KILL: TreeOptions = TreeOptions {
    ends_with_us: true,
    signals: false,
};
const LEAVE: TreeOptions = TreeOptions {
    ends_with_us: false,
    signals: false,
};

#[test]
fn every_executed_program_is_greeted() {
    for tree in [KILL, LEAVE] {
        let command = [
            "/bin/sh",
            "-c",
            "/bin/true; /bin/sh -c 'exec /bin/true'; exit 3",
        ];
        let Some((said, summary)) = run("hello_exec", &command, tree) else {
            return;
        };
        let greeted: Vec<&str> = said
            .iter()
            .filter_map(|line| line.split(' ').nth(1))
            .collect();
        assert_eq!(
            greeted,
            ["/bin/sh:", "/bin/true:", "/bin/sh:", "/bin/true:"],
            "{tree:?}"
        );
        assert_eq!(summary.ended, Ended::Exited(3));
        assert_eq!(summary.listeners[0].summary.packets, 4);
    }
}

#[test]
fn a_signal_ends_the_command_as_without_us() {
    let Some((_, summary)) = run("hello_exec", &["/bin/sh", "-c", "kill -TERM $$"], KILL) else {
        return;
    };
    assert_eq!(summary.ended, Ended::Killed(15));
}

#[test]
fn both_ends_of_a_call_belong_together() {
    for tree in [KILL, LEAVE] {
        let command = ["/bin/sh", "-c", "read line < /dev/null; exec 3< /nowhere"];
        let Some((said, _)) = run("opensnoop", &command, tree) else {
            return;
        };
        let of = |name: &str| {
            said.iter()
                .find(|line| line.contains(&format!("\"{name}\"")))
        };
        assert!(
            of("/dev/null").is_some_and(|line| !line.contains(".ret = -")),
            "{said:?}"
        );
        assert!(
            of("/nowhere").is_some_and(|line| line.contains(".ret = -2,")),
            "{said:?}"
        );
    }
}

#[test]
fn a_command_that_is_none_runs_no_program() {
    let object = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/hello_exec.bpf.o"
    );
    let object = Object::open(object).expect("it is committed");
    let host = UserHost::new(osmia::user_options(&object, None, None, true).expect("types"))
        .expect("memory");
    let linked = object
        .link(host.target(), &LinkOptions::default())
        .expect("links");
    let loaded = linked.load(&host, &["hello"]).expect("loads");
    let mut sink = |_: Event<'_>| ControlFlow::Continue(());
    for (command, code) in [
        ("no-such-command", "trace-command"),
        ("/etc/passwd", "trace-command"),
    ] {
        let ran = loaded.run_command(
            &["hello"],
            &[command.into()],
            KILL,
            &RunOptions::default(),
            &mut sink,
        );
        let error = ran.expect_err("it cannot be run");
        if error.diagnostics[0].code.id != "trace-refused" {
            assert_eq!(error.diagnostics[0].code.id, code);
        }
    }
}
