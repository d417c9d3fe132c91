//! Variables of the kernel, made by its types and filled by descriptions.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use osmia::{Description, Host, LinkOptions, Object, RunOptions, UserHost, UserOptions};
use osmia_btf::{Btf, BtfBuilder, Endian, Int, Linkage, NewMember, SecVar, TypeId};

/// A kernel with a variable for each CPU in a section of those, and one that is for all.
fn kernel() -> Arc<Btf> {
    let mut types = BtfBuilder::new();
    let int = types.int("int", 4, Int::SIGNED);
    let long = types.int("long int", 8, Int::SIGNED);
    let members = [
        NewMember::new("load", long, 8),
        NewMember::new("cpu", int, 16),
    ];
    let queue = types.structure("rq", 24, &members);
    let mut variable = |name: &str, ty: TypeId| types.var(name, Linkage::Global, ty);
    let queues = variable("runqueues", queue);
    let number = variable("cpu_number", int);
    let active = variable("nr_active", int);
    let place = |var, offset, size| SecVar { var, offset, size };
    types.datasec(
        ".data..percpu",
        28,
        &[place(queues, 0, 24), place(number, 24, 4)],
    );
    types.datasec(".data", 4, &[place(active, 0, 4)]);
    Arc::new(types.build(Endian::NATIVE).expect("right types"))
}

/// The program's variables after a run on CPU 1 of three.
fn globals(description: &str) -> String {
    let host = UserHost::new(UserOptions {
        btf: Some(kernel()),
        cpus: 3,
        ..UserOptions::default()
    });
    let host = host.expect("there is memory");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/variables.bpf.o");
    let object = Object::open(&path).expect("it is committed");
    let linked = object.link(host.target(), &LinkOptions::default());
    let linked = linked.expect("the kernel has its variables");
    let loaded = linked.load(&host, &["sum"]).expect("it loads");
    let described = Description::from_toml("test", description.to_owned()).expect("it is TOML");
    let options = RunOptions {
        cpu: 1,
        ..RunOptions::default()
    };
    let program = linked.set().program("sum").expect("it is there");
    let inputs = described.inputs(program, host.target(), &options.task);
    let mut inputs = inputs.expect("it is described well").into_iter().map(Ok);
    let ran = loaded.run_described("sum", &mut || inputs.next(), &options, &mut |_| {
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

#[test]
fn what_nobody_described_is_zero_but_for_the_numbers_of_cpus() {
    assert_eq!(globals(""), "active 0, cpus 3, load 0, loads 0, own 1");
}

#[test]
fn a_list_is_a_value_for_each_cpu_and_anything_else_for_all() {
    let each =
        "variables.runqueues = [{ load = 5 }, { load = 7, cpu = 1 }]\nvariables.nr_active = 9";
    assert_eq!(globals(each), "active 9, cpus 3, load 7, loads 12, own 1");
    let all = "variables.runqueues = { load = 5 }";
    assert_eq!(globals(all), "active 0, cpus 1, load 5, loads 15, own 1");
}
