//! Reno's window on a described connection: before, call, after (RFC 5681's rules, in segments).

use std::sync::Arc;

use osmia_btf::{BtfBuilder, Endian, NewMember};
use osmia_isa::{MapRef, Resolve, assemble};
use osmia_program::{KfuncRef, Program, ProgramKind, ProgramParts, kfunc};
use osmia_vm::heap::{ObjectAccess, Tag};
use osmia_vm::map::Runs;
use osmia_vm::{Code, Environment, Layer, Machine};

const MEMBERS: [&str; 7] = [
    "snd_cwnd",
    "snd_ssthresh",
    "snd_cwnd_cnt",
    "snd_cwnd_clamp",
    "prior_cwnd",
    "max_packets_out",
    "is_cwnd_limited",
];
const BYTES: usize = 4 * MEMBERS.len();

/// Names of kernel functions, by their place in the table.
struct Names;

impl Resolve for Names {
    fn helper(&self, _: &str) -> Option<i32> {
        None
    }

    fn kfunc(&self, name: &str) -> Option<(i32, i16)> {
        let position = kfunc::ALL.iter().position(|kfunc| kfunc.name == name)?;
        Some((position as i32 + 1, 0))
    }

    fn map(&self, _: &str) -> Option<MapRef> {
        None
    }
}

/// Calls a function with a connection and two numbers: what it returns, and the window and the count
/// behind it.
fn called(function: &str, connection: [u32; 7], args: [u32; 2]) -> (u64, u32, u32) {
    let mut btf = BtfBuilder::new();
    let number = btf.int("u32", 4, 0);
    let members: Vec<_> = (MEMBERS.iter().zip(0..))
        .map(|(name, at)| NewMember::new(name, number, 4 * at))
        .collect();
    btf.structure("tcp_sock", BYTES as u32, &members);
    let types = btf.build(Endian::NATIVE).expect("right types");

    let runs = Arc::new(Runs::new(1));
    let tag = Tag::named("tcp_sock");
    let address = (runs.heap()).allocate(&runs, BYTES, ObjectAccess::Read, tag);
    let address = address.expect("memory");
    let object = runs.heap().object(address).expect("it was just made");
    let bytes: Vec<u8> = connection
        .iter()
        .flat_map(|one| one.to_ne_bytes())
        .collect();
    object.write(0, &bytes);

    let [second, third] = args;
    let text = format!("r1 = *(u64 *)(r1 + 0)\nr2 = {second}\nr3 = {third}\ncall {function}\nexit");
    let insns = assemble(&text, &Names).expect("right text").slots;
    let program = Program::new(ProgramParts {
        kfuncs: vec![KfuncRef {
            insn: 3,
            name: function.to_owned(),
        }],
        ..ProgramParts::bare("reno", ProgramKind::Syscall, insns)
    });
    let code = Code::prepare(&Arc::new(program.expect("a right program")), &[]);
    let env = Environment {
        types: Some(Arc::new(types)),
        ..Environment::repeatable(0)
    };
    let mut machine = Machine::among(&runs, env).expect("memory");
    machine
        .input(
            ProgramKind::Syscall,
            &[],
            &address.to_ne_bytes(),
            Layer::Ethernet,
        )
        .expect("a right input");
    let result = machine
        .run(&code.expect("it has all it calls"))
        .expect("no trap");
    let mut after = [0; 12];
    object.read(0, &mut after);
    let word =
        |at: usize| u32::from_ne_bytes([after[at], after[at + 1], after[at + 2], after[at + 3]]);
    (result.value, word(0), word(8))
}

#[test]
fn a_loss_halves_the_window_and_is_taken_back() {
    let connection = [11, 9, 0, 100, 20, 0, 0];
    assert_eq!(called("tcp_reno_ssthresh", connection, [0, 0]), (5, 11, 0));
    assert_eq!(
        called("tcp_reno_ssthresh", [3, 9, 0, 100, 0, 0, 0], [0, 0]).0,
        2
    );
    assert_eq!(called("tcp_reno_undo_cwnd", connection, [0, 0]).0, 20);
}

#[test]
fn a_slow_start_ends_at_the_threshold_and_at_the_clamp() {
    let slow = |connection, acked| called("tcp_slow_start", connection, [acked, 0]);
    assert_eq!(slow([4, 10, 0, 100, 0, 0, 0], 3), (0, 7, 0));
    assert_eq!(slow([4, 10, 0, 100, 0, 0, 0], 9), (3, 10, 0));
    assert_eq!(slow([4, 10, 0, 6, 0, 0, 0], 9), (3, 6, 0));
}

#[test]
fn behind_it_a_whole_window_is_worth_a_segment() {
    let more = |connection, per, acked| {
        let (_, window, count) = called("tcp_cong_avoid_ai", connection, [per, acked]);
        (window, count)
    };
    assert_eq!(more([10, 5, 0, 100, 0, 0, 0], 10, 4), (10, 4));
    assert_eq!(more([10, 5, 8, 100, 0, 0, 0], 10, 4), (11, 2));
    assert_eq!(more([10, 5, 12, 100, 0, 0, 0], 10, 4), (11, 4));
    assert_eq!(more([10, 5, 0, 10, 0, 0, 0], 10, 25), (10, 5));
}

#[test]
fn only_a_window_that_is_full_grows() {
    let after = |connection, acked| {
        let (_, window, count) = called("tcp_reno_cong_avoid", connection, [0, acked]);
        (window, count)
    };
    // Nobody fills it.
    assert_eq!(after([10, 20, 0, 100, 0, 4, 0], 5), (10, 0));
    // Half full is enough for a slow start, but not behind it.
    assert_eq!(after([10, 20, 0, 100, 0, 6, 0], 5), (15, 0));
    assert_eq!(after([10, 5, 0, 100, 0, 6, 0], 5), (10, 0));
    assert_eq!(after([10, 5, 0, 100, 0, 6, 1], 5), (10, 5));
    // What a slow start leaves over counts on.
    assert_eq!(after([18, 20, 0, 100, 0, 0, 1], 7), (20, 5));
}
