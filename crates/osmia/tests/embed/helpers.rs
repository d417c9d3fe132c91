//! Helpers of the application.

use osmia::embed::{Arg, Helper, Program, Returns, Sandbox, Worker};

use super::{ADD, BOTH, Pair, SHOUT, builder, loaded, object, said};

/// Runs a program on a pair in both engines, which agree.
fn run(program: &str, pair: Pair) -> (Result<u32, String>, Pair) {
    let ends = [builder(), builder().interpreted()].map(|builder| {
        let (module, mut worker) = loaded(builder).unwrap();
        let mut pair = pair;
        let end = module.program(program).unwrap().run(&mut worker, &mut pair);
        (end.map_err(|error| said(&error)), pair)
    });
    assert_eq!(ends[0], ends[1]);
    ends[0].clone()
}

#[test]
fn numbers_and_memory_are_passed_and_come_back() {
    assert_eq!(run("adds", Pair { key: 2, value: 3 }).0, Ok(5));
    let swapped = run("swaps", Pair { key: 6, value: 3 });
    assert_eq!(swapped, (Ok(5), Pair { key: 3, value: 6 }));
    let (module, mut worker) = loaded(builder()).unwrap();
    let shouts = module.program("shouts").unwrap();
    shouts.run(&mut worker, &mut Pair::default()).unwrap();
    let text = module.global::<[u8; 8]>("text").unwrap();
    assert_eq!(&text.get(), b"HELLO\0\0\0");
}

#[test]
fn a_helper_that_panics_or_refuses_ends_the_run_and_nothing_else() {
    let pair = |key| Pair { key, value: 1 };
    let panicked = "vm-misuse: add panicked: thirteen";
    assert_eq!(run("adds", pair(13)).0, Err(panicked.to_owned()));
    let refused = "vm-misuse: add does not add fourteen";
    assert_eq!(run("adds", pair(14)).0, Err(refused.to_owned()));
    let (module, mut worker) = loaded(builder()).unwrap();
    let adds: Program<Pair> = module.program("adds").unwrap();
    assert!(adds.run(&mut worker, &mut pair(13)).is_err());
    assert_eq!(adds.run(&mut worker, &mut pair(15)).unwrap(), 16);
}

#[test]
fn the_verifier_holds_programs_to_prototypes() {
    let verified = |add: Helper, both: Helper| {
        let builder = [add, SHOUT, both].into_iter();
        let builder = builder.fold(Sandbox::builder(), |builder, helper| {
            builder.helper(helper, |_| Ok(0))
        });
        let error = builder.build().unwrap().load(&object()).unwrap_err();
        said(&error)
    };
    let memory = Helper::own(
        1000,
        "add",
        &[Arg::FixedRead(4), Arg::Scalar],
        Returns::Scalar,
    );
    assert_eq!(
        verified(memory, BOTH),
        "verify-argument: R1 type=scalar expected=fp, pkt, pkt_meta, map_key, map_value, mem, \
         ringbuf_mem, buf, trusted_ptr_"
    );
    let longer = Helper::own(1002, "both", &[Arg::FixedRead(24)], Returns::Scalar);
    let said = verified(ADD, longer);
    assert!(said.starts_with("verify-stack-bounds: "), "{said}");
    let nothing = Helper::own(1000, "add", &[Arg::Scalar, Arg::Scalar], Returns::Void);
    let said = verified(nothing, BOTH);
    assert!(said.starts_with("verify-register-uninit: "), "{said}");
}

#[test]
fn a_sandbox_without_the_helper_does_not_take_the_program() {
    let error = Sandbox::new().unwrap().load(&object()).unwrap_err();
    assert_eq!(
        error.diagnostics.len(),
        3,
        "one for each program that calls one"
    );
    assert!(
        said(&error).ends_with("invalid func unknown#1000"),
        "{}",
        said(&error)
    );
}

#[test]
fn what_the_prototype_does_not_give_the_helper_does_not_get() {
    let greedy = |call: &mut osmia::embed::HelperCall<'_>| call.get::<[u8; 17]>(1).map(|_| 0);
    let mistaken = |call: &mut osmia::embed::HelperCall<'_>| Ok(call.number(1));
    let run = |mut worker: Worker, swaps: Program<Pair>| {
        said(&swaps.run(&mut worker, &mut Pair::default()).unwrap_err())
    };
    let builder = || {
        let add = Sandbox::builder().helper(ADD, |_| Ok(0));
        add.helper(SHOUT, |_| Ok(0))
    };
    let (module, worker) = loaded(builder().helper(BOTH, greedy)).unwrap();
    assert_eq!(
        run(worker, module.program("swaps").unwrap()),
        "vm-misuse: both asks for 17 bytes of argument 1, which has 16"
    );
    let (module, worker) = loaded(builder().helper(BOTH, mistaken)).unwrap();
    assert_eq!(
        run(worker, module.program("swaps").unwrap()),
        "vm-misuse: both panicked: argument 1 of both is memory"
    );
}
