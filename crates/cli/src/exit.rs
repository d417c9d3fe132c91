//! Exit codes, the same for every command.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{Write, stderr};
use std::panic::PanicHookInfo;
use std::process::ExitCode;

use osmia::Fault;

/// How a command ended.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Ok,
    /// The answer is no: a bad object, a trap.
    Negative,
    /// It was asked the wrong way, or for a file that is not there.
    Usage,
    /// It cannot be done here; the message says what is missing.
    NotHere,
    /// A bug of ours.
    OurFault,
    /// A command was run, and this is how it ended.
    Commands(u8),
}

impl Exit {
    /// The exit code of a failure.
    pub(crate) fn of(fault: Fault) -> Self {
        match fault {
            Fault::Input => Exit::Negative,
            Fault::Usage => Exit::Usage,
            Fault::Unsupported => Exit::NotHere,
            Fault::Internal => Exit::OurFault,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Ok => 0,
            Exit::Negative => 1,
            Exit::Usage => 2,
            Exit::NotHere => 3,
            Exit::OurFault => 4,
            Exit::Commands(status) => status,
        })
    }
}

/// The panic hook: says that it is our fault and what a report needs.
pub(crate) fn report_bug(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("no message");
    let place = info
        .location()
        .map(|place| format!("{}:{}", place.file(), place.line()))
        .unwrap_or_default();
    let mut err = stderr().lock();
    // Nowhere is left to complain if stderr is gone.
    let _ = writeln!(
        err,
        "error[internal]: this is a bug in osmia {}, not in your input\n \
         = note: {message}\n \
         = note: at {place}\n \
         = help: please report it with the command line and the input files",
        env!("CARGO_PKG_VERSION")
    );
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        let _ = writeln!(err, "{trace}");
    }
}
