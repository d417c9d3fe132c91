//! Speaks the plugin protocol of the `bpf_conformance` suite, so that the suite can drive Osmia:
//! `bpf-conformance [MEMORY [OPTIONS]]` runs one program and prints its result: interpreted, or as machine
//! code if OPTIONS, which the suite passes on, is `native`.
//!
//! MEMORY is hexadecimal, blanks allowed, and left out when there is none. Standard input is one line
//! of hexadecimal, the program. It gets the address of writable memory in r1 and its length in r2.
//! r0 is printed in hexadecimal; what goes wrong is said on standard error. The exit code is 1 for that, and 3 if the
//! program is fine but none for machine code, because the verifier cannot show that it is safe.

mod helpers;
mod hex;
mod plugin;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::process::ExitCode;

use plugin::Problem;

/// What the program is to run as.
const NATIVE: &str = "native";

fn main() -> ExitCode {
    let memory = std::env::args().nth(1).unwrap_or_default();
    let options = std::env::args().nth(2).unwrap_or_default();
    let run = match options.trim() {
        "" => plugin::interpret,
        NATIVE => plugin::run_native,
        other => {
            eprintln!("there is no option `{other}`, only `{NATIVE}`");
            return ExitCode::FAILURE;
        }
    };
    let mut program = String::new();
    if let Err(error) = std::io::stdin().read_to_string(&mut program) {
        eprintln!("the program cannot be read: {error}");
        return ExitCode::FAILURE;
    }
    match run(&memory, &program) {
        Ok(value) => {
            println!("{value:x}");
            ExitCode::SUCCESS
        }
        Err(Problem::Refused(message)) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
        Err(Problem::NotNative(message)) => {
            eprintln!("not machine code: {message}");
            ExitCode::from(3)
        }
    }
}
