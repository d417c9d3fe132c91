//! Where output goes: results to stdout, diagnostics to stderr, colour only where it is wanted.
//!
//! A reader that went away (`osmia … | head`) ends the output quietly.

use std::env;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use osmia::diag::{Diagnostic, Paint};
use serde::Serialize;

use crate::exit::Exit;

/// Both ends of the conversation.
pub(crate) struct Console {
    stdout: BufWriter<Stdout>,
    failed: Option<io::Error>,
    json: bool,
    out_paint: Paint,
    err_paint: Paint,
    is_live: bool,
}

impl Console {
    /// With `json`, diagnostics are JSON too, one a line.
    pub(crate) fn new(json: bool) -> Self {
        let is_live = io::stdout().is_terminal();
        Self {
            stdout: BufWriter::new(io::stdout()),
            failed: None,
            json,
            out_paint: paint(is_live),
            err_paint: paint(io::stderr().is_terminal()),
            is_live,
        }
    }

    /// One line of the result.
    pub(crate) fn line(&mut self, text: &str) {
        self.write(text.as_bytes());
        self.write(b"\n");
    }

    /// One line that starts a part of the result.
    pub(crate) fn heading(&mut self, text: &str) {
        match self.out_paint {
            Paint::Plain => self.line(text),
            Paint::Ansi => self.line(&format!("\x1b[1m{text}\x1b[0m")),
        }
    }

    /// Text that ends its own lines.
    pub(crate) fn text(&mut self, text: &str) {
        self.write(text.as_bytes());
    }

    /// One JSON value on a line of its own.
    pub(crate) fn value(&mut self, value: &impl Serialize) {
        match serde_json::to_vec(value) {
            Ok(bytes) => {
                self.write(&bytes);
                self.write(b"\n");
            }
            Err(error) => self.fail(error.into()),
        }
    }

    /// Something to say to the person, after everything said so far.
    pub(crate) fn diagnostic(&mut self, diagnostic: &Diagnostic) {
        self.flush();
        let text = if self.json {
            serde_json::to_string(diagnostic).unwrap_or_default()
        } else {
            diagnostic.to_text(self.err_paint)
        };
        // Without a stderr there is nobody to tell.
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// Something longer to say to the person, painted as stderr wants it.
    pub(crate) fn complaint(&mut self, text: impl FnOnce(Paint) -> String) {
        self.flush();
        // Without a stderr there is nobody to tell.
        let _ = writeln!(io::stderr(), "{}", text(self.err_paint));
    }

    /// Shows what was written; live output calls it now and then.
    pub(crate) fn flush(&mut self) {
        if self.failed.is_none()
            && let Err(error) = self.stdout.flush()
        {
            self.fail(error);
        }
    }

    /// True if a person is watching stdout.
    pub(crate) fn is_live(&self) -> bool {
        self.is_live
    }

    /// True if output is for scripts.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// True if nobody reads stdout any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.failed.is_some()
    }

    /// Flushes, and turns an output that could not be written into an exit code.
    pub(crate) fn finish(mut self, exit: Exit) -> Exit {
        self.flush();
        match &self.failed {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                let _ = writeln!(io::stderr(), "error: stdout could not be written: {error}");
                Exit::NotHere
            }
            _ => exit,
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.failed.is_none()
            && let Err(error) = self.stdout.write_all(bytes)
        {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.failed.get_or_insert(error);
    }
}

/// `NO_COLOR` and `CLICOLOR_FORCE` decide, then whether it is a terminal.
fn paint(is_terminal: bool) -> Paint {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let forced =
        is_set("CLICOLOR_FORCE") && env::var_os("CLICOLOR_FORCE").is_some_and(|v| v != "0");
    let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    if !is_set("NO_COLOR") && (forced || (is_terminal && !dumb)) {
        Paint::Ansi
    } else {
        Paint::Plain
    }
}
