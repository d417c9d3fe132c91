//! One run as the suite asks for it.

use std::sync::Arc;

use osmia::isa::{Endian, read_slots};
use osmia::{Program, ProgramKind};
use osmia_program::ProgramParts;
use osmia_vm::{Code, Environment, Helpers, Layer, Machine};

use crate::{helpers, hex};

/// Runs the program in hexadecimal on the memory in hexadecimal; says what r0 is at the end.
pub(crate) fn run(memory: &str, program: &str) -> Result<u64, String> {
    let memory = hex::bytes(memory).map_err(|error| format!("memory: {error}"))?;
    let insns = hex::bytes(program).map_err(|error| format!("program: {error}"))?;
    let insns = read_slots(&insns, Endian::Little).map_err(|error| error.to_string())?;
    // Programs of this type get plain writable memory.
    let kind = ProgramKind::Syscall;
    let program = Program::new(ProgramParts::bare("conformance", kind, insns))
        .map_err(|error| error.to_string())?;
    let code = Code::prepare_with(&Arc::new(program), &[], Helpers::Own(&helpers::ALL))
        .map_err(|error| error.to_string())?;
    let mut machine = Machine::new(Environment::repeatable(0)).ok_or("no memory")?;
    machine
        .input(kind, &[], &memory, Layer::Ethernet)
        .map_err(|error| error.to_string())?;
    let outcome = machine.run_on_bytes(&code);
    Ok(outcome.map_err(|trap| trap.to_string())?.value)
}
