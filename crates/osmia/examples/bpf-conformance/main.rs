//! Speaks the plugin protocol of the `bpf_conformance` suite, so that the suite can drive Osmia:
//! `bpf-conformance [MEMORY]` runs one program in the interpreter and prints its result.
//!
//! MEMORY is hexadecimal, blanks allowed, and left out when there is none. Standard input is one line
//! of hexadecimal, the program. It gets the address of writable memory in r1 and its length in r2.
//! r0 is printed in hexadecimal; what goes wrong is said on standard error.

mod helpers;
mod hex;
mod plugin;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::process::ExitCode;

fn main() -> ExitCode {
    let memory = std::env::args().nth(1).unwrap_or_default();
    let mut program = String::new();
    if let Err(error) = std::io::stdin().read_to_string(&mut program) {
        eprintln!("the program cannot be read: {error}");
        return ExitCode::FAILURE;
    }
    match plugin::run(&memory, &program) {
        Ok(value) => {
            println!("{value:x}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
