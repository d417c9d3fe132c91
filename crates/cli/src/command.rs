//! The commands. Each file holds one: its flags, what they do, and its two renderings.

mod btf;
mod completions;
mod feature;
mod inspect;
mod object;
mod run;
mod verify;

use clap::{Parser, Subcommand};
use osmia::Error;

use crate::console::Console;
use crate::exit::Exit;

/// Run and inspect eBPF programs in an ordinary process: no root, no kernel, no clang.
#[derive(Parser)]
#[command(
    name = "osmia",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
#[command(after_help = "\
Exit codes: 0 ok, 1 the answer is no (bad object, trap), 2 wrong usage, 3 not possible here, 4 a bug in osmia.")]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(Box<run::Run>),
    Verify(verify::Verify),
    Inspect(inspect::Inspect),
    Btf(btf::BtfCommand),
    Feature(feature::FeatureCommand),
    Completions(completions::Completions),
}

impl Cli {
    /// True if results and diagnostics are to be JSON.
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            Command::Run(run) => run.json,
            Command::Verify(verify) => verify.json,
            Command::Inspect(inspect) => inspect.json,
            Command::Btf(btf) => btf.json(),
            Command::Feature(feature) => feature.json(),
            Command::Completions(_) => false,
        }
    }

    /// Does what was asked.
    pub(crate) fn run(self, console: &mut Console) -> Result<Exit, Error> {
        match self.command {
            Command::Run(run) => run.run(console),
            Command::Verify(verify) => verify.run(console),
            Command::Inspect(inspect) => inspect.run(console),
            Command::Btf(btf) => btf.run(console),
            Command::Feature(feature) => feature.run(console),
            Command::Completions(completions) => Ok(completions.run(console)),
        }
    }
}
