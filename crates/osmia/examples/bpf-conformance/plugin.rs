//! One run as the suite asks for it.

use std::sync::Arc;

use osmia::isa::{AluOp, Endian, Insn, Operand, Reg, Slot, Width, encode_onto, read_slots};
use osmia::{Program, ProgramKind};
use osmia_program::{ProgramFlags, ProgramParts};
use osmia_user::UserOptions;
use osmia_verify::Options;
use osmia_vm::{Code, Environment, Helpers, Layer, Machine};

use crate::{helpers, hex};

/// Programs of this type get plain writable memory.
const KIND: ProgramKind = ProgramKind::Syscall;

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The program is not right, or does not end well.
    Refused(String),
    /// Nothing is wrong, but the program is none for machine code.
    NotNative(String),
}

/// A program and its memory.
struct Test {
    insns: Vec<Slot>,
    memory: Vec<u8>,
}

/// Interprets the program in hexadecimal on the memory in hexadecimal; says what r0 is at the end.
pub(crate) fn interpret(memory: &str, program: &str) -> Result<u64, Problem> {
    let Test { insns, memory } = read(memory, program)?;
    let program = build(insns)?;
    let code = Code::prepare_with(&program, &[], Helpers::Own(&helpers::ALL)).map_err(refused)?;
    result(&code, &memory)
}

/// The same as machine code. The verifier has to accept the program, which Linux's would do only of one
/// that gets the length of its memory from somewhere: an instruction more, as the suite has it for Linux.
pub(crate) fn run_native(memory: &str, program: &str) -> Result<u64, Problem> {
    let Test { mut insns, memory } = read(memory, program)?;
    if insns.iter().any(calls_a_helper) {
        return Err(not_native("the suite's helpers are not Linux's"));
    }
    let mut whole = Vec::new();
    encode_onto(&mut whole, &length_in_r2(&memory));
    whole.append(&mut insns);
    let program = build(whole)?;
    let code = Code::prepare(&program, &[]).map_err(not_native)?;
    let (target, options) = (UserOptions::default().target(), Options::default());
    let verdict = osmia_verify::verify(&program, &[], &target, &options);
    let verified = verdict.result.map_err(|why| not_native(&why.message))?;
    let facts = verified.facts(&[], &target, &options);
    let facts = facts.map_err(|why| not_native(format!("{why:?}")))?;
    let native = osmia_jit::compile(&facts, &code).map_err(|why| not_native(format!("{why:?}")))?;
    if !code.set_native(Box::new(native)) {
        return Err(not_native("it has a native form already"));
    }
    result(&code, &memory)
}

fn read(memory: &str, program: &str) -> Result<Test, Problem> {
    let memory = hex::bytes(memory).map_err(|error| refused(format!("memory: {error}")))?;
    let insns = hex::bytes(program).map_err(|error| refused(format!("program: {error}")))?;
    let insns = read_slots(&insns, Endian::Little).map_err(refused)?;
    Ok(Test { insns, memory })
}

fn build(insns: Vec<Slot>) -> Result<Arc<Program>, Problem> {
    let parts = ProgramParts {
        flags: ProgramFlags(ProgramFlags::SLEEPABLE),
        ..ProgramParts::bare("conformance", KIND, insns)
    };
    Program::new(parts).map(Arc::new).map_err(refused)
}

fn result(code: &Arc<Code>, memory: &[u8]) -> Result<u64, Problem> {
    let machine = Machine::new(Environment::repeatable(0));
    let mut machine = machine.ok_or_else(|| refused("no memory"))?;
    let input = machine.input(KIND, &[], memory, Layer::Ethernet);
    input.map_err(refused)?;
    let outcome = machine.run_on_bytes(code).map_err(refused)?;
    Ok(outcome.value)
}

/// A call of a helper by its number.
fn calls_a_helper(slot: &Slot) -> bool {
    const CALL: u8 = 0x85;
    slot.code == CALL && slot.src == 0
}

fn length_in_r2(memory: &[u8]) -> Insn {
    Insn::Alu {
        op: AluOp::Mov,
        width: Width::W64,
        dst: Reg::new(2).expect("there are eleven"),
        src: Operand::Imm(i32::try_from(memory.len()).unwrap_or(i32::MAX)),
    }
}

fn refused(why: impl ToString) -> Problem {
    Problem::Refused(why.to_string())
}

fn not_native(why: impl ToString) -> Problem {
    Problem::NotNative(why.to_string())
}
