//! A program that runs again finds what changed between its runs, and nothing that the run before left.

use std::sync::Arc;

use osmia_isa::{NoNames, assemble};
use osmia_program::ProgramKind;
use osmia_vm::{Code, Environment, Layer, Machine};

use super::Case;
use crate::native::NativeCode;
use crate::{Tiers, pages};

fn code(text: &str) -> Arc<Code> {
    let slots = assemble(text, &NoNames).expect("right assembly").slots;
    let case = Case::new(slots, Vec::new(), vec![0; 14]);
    let code = Code::prepare(&case.program, &[]).expect("nothing is missing");
    let lowered = case.lowered(&[]).expect("it has a native form");
    let native = NativeCode::new(lowered, &code, pages::vouch_for_test(), Tiers::First);
    assert!(code.set_native(Box::new(native.expect("memory"))));
    code
}

fn machine(packet: &[u8]) -> Machine {
    let mut machine = Machine::new(Environment::repeatable(1)).expect("memory");
    take(&mut machine, packet);
    machine
}

fn take(machine: &mut Machine, packet: &[u8]) {
    machine
        .input(ProgramKind::Xdp, packet, &[], Layer::Ethernet)
        .expect("a packet");
}

fn run(machine: &mut Machine, code: &Arc<Code>) -> u64 {
    machine.run(code).expect("it is sound").value
}

const LENGTH: &str = "\
r2 = *(u32 *)(r1 + 0)
r0 = *(u32 *)(r1 + 4)
r0 -= r2
exit
";

#[test]
fn another_packet_is_seen() {
    let (code, mut machine) = (code(LENGTH), machine(&[0; 14]));
    assert_eq!(
        [run(&mut machine, &code), run(&mut machine, &code)],
        [14; 2]
    );
    take(&mut machine, &[0; 9000]);
    assert_eq!(
        [run(&mut machine, &code), run(&mut machine, &code)],
        [9000; 2]
    );
}

#[test]
fn another_cpu_is_seen() {
    let code = code("call 8\nexit\n");
    let mut machine = machine(&[0; 14]);
    for cpu in [0_u32, 3] {
        machine.environment().cpu = cpu;
        assert_eq!(
            [run(&mut machine, &code), run(&mut machine, &code)],
            [u64::from(cpu); 2]
        );
    }
}

#[test]
fn another_program_is_run() {
    let (one, two) = (code("r0 = 1\nexit\n"), code("r0 = 2\nexit\n"));
    let mut machine = machine(&[0; 14]);
    let all = [&one, &one, &two, &one].map(|code| run(&mut machine, code));
    assert_eq!(all, [1, 1, 2, 1]);
}

#[test]
fn what_helpers_did_to_the_packet_stays_and_nothing_else() {
    // The head moves by one byte a run.
    let head = code("r2 = 1\ncall 44\nexit\n");
    let length = code(LENGTH);
    let mut machine = machine(&[0; 20]);
    for left in [19, 18, 17] {
        assert_eq!(run(&mut machine, &head), 0);
        assert_eq!(run(&mut machine, &length), left);
    }
}

#[test]
fn the_stack_is_clear_again() {
    let code = code("r0 = *(u64 *)(r10 - 8)\n*(u64 *)(r10 - 8) = 5\nexit\n");
    let mut machine = machine(&[0; 14]);
    assert_eq!([run(&mut machine, &code), run(&mut machine, &code)], [0; 2]);
}
