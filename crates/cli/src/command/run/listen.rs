//! Running on what the processes of a command do.

use std::ffi::OsString;
use std::ops::ControlFlow;

use clap::ValueEnum;
use osmia::{Ended, Error, Loaded, Outcome, Place, TreeOptions, glob, listening_places};

use super::Run;
use super::report::{LiveReport, Report};
use crate::console::Console;
use crate::exit::Exit;

/// The shell's way to say that a signal ended a command.
const BY_SIGNAL: u8 = 128;

/// What becomes of the command if osmia is ended.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum OnExit {
    /// It ends, too
    #[default]
    Kill,
    /// It goes on
    Leave,
}

/// Prints the places where programs can listen.
pub(super) fn list(pattern: &str, console: &mut Console) -> Exit {
    let plain = ["tracepoint/", "tp/", "tracepoint:"]
        .iter()
        .find_map(|prefix| pattern.strip_prefix(prefix));
    let plain = &plain.unwrap_or(pattern).replace(':', "/");
    let mut places: Vec<String> = listening_places()
        .filter(|name| glob::matches(plain, name))
        .collect();
    places.sort();
    for place in &places {
        console.line(&format!("tracepoint/{place}"));
    }
    if places.is_empty() {
        Exit::Negative
    } else {
        Exit::Ok
    }
}

/// A command as one line.
pub(super) fn shown(command: &[OsString]) -> String {
    let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

impl Run {
    /// Runs the command given behind `--`, and the programs on it.
    pub(super) fn run_command(
        &self,
        loaded: &Loaded<'_, Place>,
        programs: &[&str],
        report: &Report,
        console: &mut Console,
    ) -> Result<Exit, Error> {
        // Ctrl-C is the command's; we go when it goes.
        let _ = ctrlc::set_handler(|| {});
        let tree = TreeOptions {
            ends_with_us: self.on_exit == OnExit::Kill,
            ..TreeOptions::default()
        };
        report.start(console);
        console.flush();
        let summary = loaded.run_command(
            programs,
            &self.command,
            tree,
            &self.options(),
            &mut |event| {
                report.event(console, &event);
                // The command writes to the same terminal.
                console.flush();
                match console.is_closed() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            },
        )?;
        let mut trapped = false;
        for listener in &summary.listeners {
            for diagnostic in &listener.summary.diagnostics {
                console.diagnostic(&self.with_flags(diagnostic));
            }
            trapped |= listener.summary.outcome == Outcome::Trap;
        }
        let live = LiveReport {
            command: shown(&self.command),
            summary: &summary,
        };
        report.finish_live(console, loaded, &live)?;
        Ok(match summary.ended {
            _ if trapped => Exit::Negative,
            Ended::Exited(status) => Exit::Commands(status),
            Ended::Killed(signal) => Exit::Commands(BY_SIGNAL.saturating_add(signal as u8)),
        })
    }
}
