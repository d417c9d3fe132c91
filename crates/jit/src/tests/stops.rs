//! Long runs end when they are to, in both engines, and the machine goes on.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use osmia_isa::{NoNames, assemble};
use osmia_program::ProgramKind;
use osmia_vm::{Cause, Code, Environment, Layer, Machine};

use super::Case;
use crate::native::NativeCode;
use crate::{Tiers, pages};

/// Sixty-four billion turns.
const LONG: &str = "\
r1 = 8000000
r2 = subprog[outer]
r3 = 0
r4 = 0
call 181
r0 = 2
exit
outer:
r1 = 8000
r2 = subprog[inner]
r3 = 0
r4 = 0
call 181
r0 = 0
exit
inner:
r0 = 0
exit
";

/// As many turns of jumps that count, in a function called by a loop.
const COUNTED: &str = "\
r1 = 8000000
r2 = subprog[turn]
r3 = 0
r4 = 0
call 181
r0 = 2
exit
turn:
may_goto +1
goto -2
r0 = 0
exit
";

fn code(text: &str, native: bool) -> Arc<Code> {
    let slots = assemble(text, &NoNames).expect("right assembly").slots;
    let case = Case::new(slots, Vec::new(), vec![0; 14]);
    let code = Code::prepare(&case.program, &[]).expect("nothing is missing");
    if native {
        let lowered = case.lowered(&[]).expect("it has a native form");
        let native = NativeCode::new(lowered, &code, pages::vouch_for_test(), Tiers::default());
        assert!(code.set_native(Box::new(native.expect("memory"))));
    }
    code
}

fn machine() -> Machine {
    let mut environment = Environment::repeatable(1);
    environment.insns_max = u64::MAX;
    let mut machine = Machine::new(environment).expect("memory");
    machine
        .input(ProgramKind::Xdp, &[0; 14], &[], Layer::Ethernet)
        .expect("a packet");
    machine
}

/// A run that is stopped, then one that ends by itself.
fn check(machine: &mut Machine, text: &str, native: bool) {
    let start = Instant::now();
    let trap = machine.run(&code(text, native)).expect_err("it is stopped");
    assert!(matches!(trap.cause, Cause::Stopped), "{trap}");
    assert!(start.elapsed() < Duration::from_secs(60));
    machine.stop().lift();
    let short = machine.run(&code("r0 = 7\nexit\n", native));
    assert_eq!(short.expect("it ends").value, 7);
}

#[test]
fn a_time_limit_ends_long_runs() {
    for text in [LONG, COUNTED] {
        for native in [true, false] {
            let mut machine = machine();
            machine.limit_time(Some(Duration::from_millis(20)));
            check(&mut machine, text, native);
        }
    }
}

#[test]
fn another_thread_ends_a_run() {
    for native in [true, false] {
        let mut machine = machine();
        let stop = machine.stop().clone();
        let other = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            stop.ask();
        });
        check(&mut machine, LONG, native);
        other.join().expect("it ends");
    }
}
