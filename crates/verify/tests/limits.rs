//! Programs as large as programs can be: a verdict or a named limit, in time and memory that grow with
//! the program.

use osmia_isa::{Endian, NoNames, Slot, assemble};
use osmia_program::{KernelVersion, Program, ProgramKind, ProgramParts, Target};
use osmia_verify::{Options, Verdict, verify};

fn judge(insns: Vec<Slot>, options: &Options) -> Verdict {
    let parts = ProgramParts::bare("large", ProgramKind::SocketFilter, insns);
    let program = Program::new(parts).expect("a program's layout");
    let target = Target {
        name: "test".to_owned(),
        endian: Endian::NATIVE,
        kernel: KernelVersion::new(6, 18, 0),
        release: None,
        cpus: 2,
        btf: None,
        module_btfs: Vec::new(),
        kconfig: None,
        ksyms: None,
        kfuncs: None,
        rules: Default::default(),
        own_helpers: Default::default(),
    };
    verify(&program, &[], &target, options)
}

fn text(text: &str) -> Vec<Slot> {
    assemble(text, &NoNames).expect("an assembly text").slots
}

/// Some instructions over and over, then what ends the program.
fn repeat(body: &str, times: usize, end: &str) -> Vec<Slot> {
    let mut insns = text(body).repeat(times);
    insns.extend(text(end));
    insns
}

fn message(verdict: &Verdict) -> &str {
    match &verdict.result {
        Ok(_) => "",
        Err(why) => &why.message,
    }
}

const MANY: usize = 1_000_000;

#[test]
fn a_million_instructions_in_a_row() {
    let verdict = judge(repeat("r0 = 1", MANY - 1, "exit"), &Options::default());
    assert_eq!(message(&verdict), "");
    assert_eq!(verdict.stats.insns, MANY);
    assert!(verdict.stats.states_peak <= 1);
}

#[test]
fn one_instruction_more_is_no_program() {
    let insns = repeat("r0 = 1", MANY, "exit");
    let parts = ProgramParts::bare("large", ProgramKind::SocketFilter, insns);
    assert!(Program::new(parts).is_err());
}

#[test]
fn a_loop_of_a_million_turns() {
    let verdict = judge(
        text("r0 = 0\nturn:\nr0 += 1\nif r0 < 1000000 goto turn\nexit"),
        &Options::default(),
    );
    assert!(message(&verdict).starts_with("BPF program is too large"));
    // As Linux: a state in twenty turns.
    assert!(verdict.stats.states_peak <= MANY / 40 + 1);
}

/// Each branch may go either way and both meet again.
const FORK: &str = "call 7\nif r0 == 0 goto +1\nr6 += 1";

#[test]
fn a_hundred_thousand_branches_that_meet_again() {
    let mut insns = text("r6 = 0");
    insns.extend(repeat(FORK, 100_000, "r0 = 0\nexit"));
    let verdict = judge(insns, &Options::default());
    // All wait at once.
    assert!(
        message(&verdict).contains("jumps is too complex"),
        "{}",
        message(&verdict)
    );
}

#[test]
fn as_many_states_as_there_are_instructions() {
    let options = Options {
        keep_every_state: true,
        ..Options::default()
    };
    let verdict = judge(repeat("goto +0", 200_000, "r0 = 0\nexit"), &options);
    assert_eq!(message(&verdict), "");
    assert!(verdict.stats.states >= 199_999);
}

#[test]
fn calls_deeper_than_frames() {
    // Each function calls the next.
    let insns = repeat("call pc+1\nexit", 12, "r0 = 0\nexit");
    let verdict = judge(insns, &Options::default());
    assert!(
        message(&verdict).contains("too deep"),
        "{}",
        message(&verdict)
    );
}

#[test]
fn chains_of_calls_of_a_long_function() {
    // Many calls of one function which touches the stack first and is long.
    const CALLS: usize = 3_000;
    const LENGTH: usize = 20_000;
    let mut calls = String::new();
    for number in 0..CALLS {
        calls += &format!("call pc+{}\n", CALLS - number + 1);
    }
    let mut insns = text(&format!("{calls}r0 = 0\nexit"));
    insns.extend(text(
        "*(u64 *)(r10 - 8) = 1\nr0 = *(u64 *)(r10 - 8)\nif r0 == 1 goto +1\ngoto +1\nexit",
    ));
    insns.extend(repeat("r0 = 1", LENGTH, "exit"));
    let verdict = judge(insns, &Options::default());
    assert!(
        message(&verdict).starts_with("too many states of the stack"),
        "{}",
        message(&verdict)
    );
}
