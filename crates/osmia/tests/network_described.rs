//! The socket of an event and tracked connections, described and then asked for by programs.

use std::ops::ControlFlow;
use std::path::Path;

use osmia::btf::Kind;
use osmia::{
    Description, Host, LinkOptions, Object, RunOptions, UserHost, UserOptions, user_options,
};

fn object() -> Object {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/network.bpf.o");
    Object::open(&path).expect("it is committed")
}

/// The variables of a program after its runs.
fn globals(options: UserOptions, program: &str, description: &str) -> String {
    let host = UserHost::new(options).expect("there is memory");
    let linked = object().link(host.target(), &LinkOptions::default());
    let linked = linked.expect("the target has what it asks for");
    let loaded = linked.load(&host, &[program]).expect("it loads");
    let described = Description::from_toml("test", description.to_owned()).expect("it is TOML");
    let options = RunOptions::default();
    let judged = linked.set().program(program).expect("it is there");
    let inputs = described.inputs(judged, host.target(), &options.task);
    let mut inputs = inputs.expect("it is described well").into_iter().map(Ok);
    let ran = loaded.run_described(program, &mut || inputs.next(), &options, &mut |_| {
        ControlFlow::Continue(())
    });
    ran.expect("it runs");
    let globals = loaded.globals().expect("they are there");
    let shown = globals
        .iter()
        .map(|global| format!("{} {}", global.name, global.value.text));
    let mut shown: Vec<String> = shown.collect();
    shown.sort_unstable();
    shown.join(", ")
}

/// Types of the running kernel, if it tracks connections.
fn tracking() -> Option<UserOptions> {
    let options = user_options(&object(), None, None, true).ok()?;
    let known = options
        .btf
        .as_ref()
        .is_some_and(|btf| btf.find("nf_conn", Kind::Struct).is_some());
    known.then_some(options)
}

const DATA: &str =
    "data = \"hex:ffffffffffff02000000000108004500001400000000400600000a0000010a000002\"";

#[test]
fn a_packet_has_the_socket_that_is_described() {
    let Some(options) = tracking() else {
        return println!("skipped: the kernel's types have no connections");
    };
    let described = "[socket]\nfamily = 2\ntype = 1\nprotocol = 6\nstate = 1\nmark = 9\n\
                     dst_port = \"443\"\ncookie = 77\nuid = 1000\n";
    let shown = globals(options, "socket", &format!("{DATA}\n{described}"));
    for part in ["cookie 77", "mark 9", "port 443", "uid 1000"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn described_connections_are_found_in_both_directions() {
    let Some(options) = tracking() else {
        return println!("skipped: the kernel's types have no connections");
    };
    let described = "[[connections]]\nprotocol = \"tcp\"\nsource = \"10.0.0.1:1234\"\n\
                     destination = \"10.0.0.2:80\"\nmark = 7\n";
    let shown = globals(options, "connections", &format!("{DATA}\n{described}"));
    for part in ["found 701", "back 711", "missing -2"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn what_is_no_connection_is_said() {
    let complaints = |description: &str| {
        let target = UserOptions::default().target();
        let linked = object().link(&target, &LinkOptions::default());
        let linked = linked.expect("nothing is asked of the target");
        let program = linked.set().program("socket").expect("it is there");
        let described = Description::from_toml("test", description.to_owned()).expect("TOML");
        let task = RunOptions::default().task;
        let error = described
            .inputs(program, &target, &task)
            .expect_err("wrong");
        let said = error.diagnostics.iter();
        said.map(|one| one.message.clone())
            .collect::<Vec<_>>()
            .join("; ")
    };
    let ends = "source = \"10.0.0.1:1\"\ndestination = \"[2001:db8::1]:2\"";
    for (description, said) in [
        ("connections = 3", "connections are not described so"),
        ("[[connections]]", "this connection has no two ends"),
        (
            &format!("[[connections]]\n{ends}"),
            "its ends are of different families",
        ),
        ("[socket]\ncolour = 3", "`bpf_sock` has no `colour`"),
    ] {
        assert_eq!(complaints(description), said);
    }
}
