//! The `osmia` command: flags in, text or JSON out, exit codes. Everything else is in the library.

mod command;
mod console;
mod exit;
mod table;

use std::panic;
use std::process::ExitCode;

use clap::Parser;

use command::Cli;
use console::Console;
use exit::Exit;

fn main() -> ExitCode {
    panic::set_hook(Box::new(exit::report_bug));
    let outcome = panic::catch_unwind(|| {
        let cli = match Cli::try_parse_from(command::in_order(std::env::args_os())) {
            Ok(cli) => cli,
            Err(error) => {
                // Help and version come this way too, with exit code 0. A closed pipe is no news.
                let _ = error.print();
                return if error.use_stderr() {
                    Exit::Usage
                } else {
                    Exit::Ok
                };
            }
        };
        let mut console = Console::new(cli.json());
        let exit = match cli.run(&mut console) {
            Ok(exit) => exit,
            Err(error) => {
                for diagnostic in &error.diagnostics {
                    console.diagnostic(diagnostic);
                }
                Exit::of(error.fault)
            }
        };
        console.finish(exit)
    });
    outcome.unwrap_or(Exit::OurFault).into()
}
