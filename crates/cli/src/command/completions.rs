//! `osmia completions`: a script that teaches a shell our flags.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use crate::console::Console;
use crate::exit::Exit;

/// Print a completion script for a shell.
#[derive(Args)]
#[command(after_help = "\
Examples:
  osmia completions bash > ~/.local/share/bash-completion/completions/osmia
  osmia completions zsh > ~/.zfunc/_osmia
  osmia completions fish > ~/.config/fish/completions/osmia.fish")]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, console: &mut Console) -> Exit {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "osmia", &mut script);
        console.text(&String::from_utf8_lossy(&script));
        Exit::Ok
    }
}
