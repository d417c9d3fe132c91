//! What an application asks for that is not so.

use osmia::Fault;
use osmia::embed::{Arg, Helper, Packet, Returns, Sandbox};

use super::{ADD, Pair, builder, loaded, said};

#[test]
fn names_and_types_are_looked_at_when_a_handle_is_made() {
    let (module, _) = loaded(builder()).unwrap();
    let asked = [
        module.program::<Pair>("shared").map(drop),
        module.program::<u64>("share").map(drop),
        module.program::<Pair>("first").map(drop),
        module.program::<Packet>("share").map(drop),
        module.map::<u64, u64>("tables").map(drop),
        module.map::<u32, u64>("table").map(drop),
        module.map::<u64, [u8; 3]>("table").map(drop),
        module.map::<u32, u32>("runs").map(drop),
        module.queue::<u64>("told").map(drop),
        module.global::<u32>("sum").map(drop),
        module.global::<u32>("total").map(drop),
    ];
    let said: Vec<String> = asked.map(|asked| said(&asked.unwrap_err())).into();
    let expected = [
        "run-program: there is no program `shared`",
        "embed-type: program `share` (syscall) cannot be called like this",
        "embed-type: program `first` (xdp) cannot be called like this",
        "embed-type: program `share` (syscall) cannot be called like this",
        "embed-name: there is no map `tables`",
        "embed-type: the key of map `table` has 8 bytes, `u32` has 4",
        "embed-type: the value of map `table` has 8 bytes, `[u8; 3]` has 3",
        "embed-type: map `runs` is of kind percpu_array",
        "embed-type: map `told` is of kind ringbuf",
        "embed-type: global variable `sum` has 8 bytes, `u32` has 4",
        "embed-name: there is no global variable `total`",
    ];
    assert_eq!(said, expected);
}

#[test]
fn helpers_are_looked_at_before_there_is_a_sandbox() {
    let linux = Helper::own(1, "lookup", &[], Returns::Scalar);
    let error = Sandbox::builder()
        .helper(linux, |_| Ok(0))
        .build()
        .unwrap_err();
    assert_eq!(
        said(&error),
        "embed-helper: helper `lookup` (1) cannot be offered: its number is 1; numbers go from 1000 \
         to 2147483647"
    );
    let other = Helper::own(1000, "subtract", &[Arg::Scalar], Returns::Scalar);
    let twice = Sandbox::builder()
        .helper(ADD, |_| Ok(0))
        .helper(other, |_| Ok(0));
    assert_eq!(
        said(&twice.build().unwrap_err()),
        "embed-helper: helper `subtract` (1000) cannot be offered: `add` has its number"
    );
}

#[test]
fn there_are_as_many_workers_as_cpus_each_for_its_sandbox() {
    let (module, mut first) = loaded(builder()).unwrap();
    let second = module.sandbox().worker().unwrap();
    let error = module.sandbox().worker().unwrap_err();
    assert_eq!(error.fault, Fault::Unsupported);
    assert_eq!(
        said(&error),
        "embed-worker: every CPU of the sandbox (2) has its worker"
    );
    drop(second);
    module.sandbox().worker().unwrap();

    let (elsewhere, _) = loaded(builder()).unwrap();
    let share = elsewhere.program("share").unwrap();
    let error = share.run(&mut first, &mut Pair::default()).unwrap_err();
    assert_eq!(
        said(&error),
        "embed-worker: the worker is another sandbox's than the program"
    );
}

#[test]
fn a_budget_ends_a_run_and_nothing_else() {
    let (module, mut worker) = loaded(builder().interpreted()).unwrap();
    let long_run = module.program("long_run").unwrap();
    let mut pair = Pair { key: 1, value: 2 };
    worker.set_insns_max(10_000);
    let error = long_run.run(&mut worker, &mut pair).unwrap_err();
    assert_eq!(
        said(&error),
        "vm-budget: the instruction budget of 10000 is used up"
    );
    assert_eq!(pair, Pair { key: 1, value: 2 }, "as it was");
    let adds = module.program("adds").unwrap();
    assert_eq!(adds.run(&mut worker, &mut pair).unwrap(), 3);
}
