//! The commands. Each file holds one: its flags, what they do, and its two renderings.

mod attach;
mod btf;
mod completions;
mod doctor;
mod feature;
mod inspect;
mod nouns;
mod object;
mod run;
mod verify;

use std::ffi::OsString;

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
    Prog(nouns::prog::ProgCommand),
    Map(nouns::map::MapCommand),
    Link(nouns::link::LinkCommand),
    Btf(btf::BtfCommand),
    Feature(feature::FeatureCommand),
    Attach(attach::Attach),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
}

/// Flags that scripts written for bpftool put before the noun.
const BEFORE_THE_NOUN: [&str; 6] = ["-j", "--json", "-p", "--pretty", "-f", "--bpffs"];

/// The words of a call with such flags behind the command they belong to.
pub(crate) fn in_order(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.collect();
    let is_flag = |word: &OsString| BEFORE_THE_NOUN.iter().any(|flag| word == flag);
    let first = words.iter().skip(1).position(|word| !is_flag(word));
    let flags = first.map_or(1..1, |count| 1..1 + count);
    let flags: Vec<OsString> = words.drain(flags).collect();
    let noun = words.len().min(2);
    words.splice(noun..noun, flags);
    words
}

impl Cli {
    /// True if results and diagnostics are to be JSON.
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            Command::Run(run) => run.json,
            Command::Verify(verify) => verify.json,
            Command::Inspect(inspect) => inspect.json,
            Command::Prog(prog) => prog.flags.is_json(),
            Command::Map(map) => map.flags.is_json(),
            Command::Link(link) => link.flags.is_json(),
            Command::Btf(btf) => btf.json(),
            Command::Feature(feature) => feature.json(),
            Command::Attach(attach) => attach.json,
            Command::Doctor(doctor) => doctor.json,
            Command::Completions(_) => false,
        }
    }

    /// Does what was asked.
    pub(crate) fn run(self, console: &mut Console) -> Result<Exit, Error> {
        match self.command {
            Command::Run(run) => run.run(console),
            Command::Verify(verify) => verify.run(console),
            Command::Inspect(inspect) => inspect.run(console),
            Command::Prog(prog) => prog.run(console),
            Command::Map(map) => map.run(console),
            Command::Link(link) => link.run(console),
            Command::Btf(btf) => btf.run(console),
            Command::Feature(feature) => feature.run(console),
            Command::Attach(attach) => attach.run(console),
            Command::Doctor(doctor) => doctor.run(console),
            Command::Completions(completions) => Ok(completions.run(console)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::in_order;

    fn ordered(words: &str) -> String {
        let words = in_order(words.split_whitespace().map(Into::into));
        let words: Vec<String> = words.iter().map(|w| w.display().to_string()).collect();
        words.join(" ")
    }

    #[test]
    fn flags_before_the_noun_go_behind_it() {
        assert_eq!(ordered("osmia -j -f prog show"), "osmia prog -j -f show");
        assert_eq!(ordered("osmia run -j a.o"), "osmia run -j a.o");
        assert_eq!(ordered("osmia -j"), "osmia -j");
        assert_eq!(ordered("osmia"), "osmia");
    }
}
