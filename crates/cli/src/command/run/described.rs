//! Running on descriptions: a file's, or lines of JSON as they come in.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::Ordering;

use osmia::{Description, Error, Host, HostProgram, Input, Loaded, Place, RunOptions, RunSummary};

use super::report::Report;
use super::stdin::Stdin;
use super::stop_on_interrupt;
use crate::console::Console;

/// Runs a program on everything that is described.
pub(super) fn run(
    loaded: &Loaded<'_, Place>,
    program: &str,
    path: &Path,
    options: &RunOptions,
    report: &mut Report,
    console: &mut Console,
) -> Result<RunSummary, Error> {
    let stop = stop_on_interrupt();
    let mut source = if path.as_os_str() == "-" {
        Source::Lines {
            lines: BufReader::new(Stdin::until(&stop)),
            number: 0,
        }
    } else {
        Source::Whole(Some(Description::open(path)?))
    };
    let mut waiting = VecDeque::new();
    let resident = loaded.program(program).map(HostProgram::program);
    let mut next = || {
        while waiting.is_empty() {
            let description = match source.next()? {
                Ok(description) => description,
                Err(error) => return Some(Err(error)),
            };
            let target = loaded.host().target();
            match description.inputs(resident?, target, &options.task) {
                Ok(inputs) => waiting.extend(inputs),
                Err(error) => return Some(Err(error)),
            }
        }
        waiting.pop_front().map(Ok::<Input, Error>)
    };
    // A mistake in the first description is said before anything runs.
    let mut first = next();
    if let Some(Err(error)) = first {
        return Err(error);
    }
    report.start(console);
    let mut inputs = || first.take().or_else(&mut next);
    let mut summary = loaded.run_described(program, &mut inputs, options, &mut |event| {
        report.event(console, &event);
        if stop.load(Ordering::Relaxed) || console.is_closed() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    if stop.load(Ordering::Relaxed) {
        summary.interrupted();
    }
    Ok(summary)
}

/// Where descriptions come from.
enum Source {
    Whole(Option<Description>),
    Lines {
        lines: BufReader<Stdin>,
        number: usize,
    },
}

impl Source {
    fn next(&mut self) -> Option<Result<Description, Error>> {
        let (lines, number) = match self {
            Source::Whole(description) => return description.take().map(Ok),
            Source::Lines { lines, number } => (lines, number),
        };
        let mut line = String::new();
        loop {
            line.clear();
            *number += 1;
            match lines.read_line(&mut line) {
                Ok(0) => return None,
                Ok(_) if line.trim().is_empty() => {}
                Ok(_) => return Some(Description::from_json("-", *number, line)),
                Err(error) => return Some(Err(Error::io(Path::new("-"), &error))),
            }
        }
    }
}
