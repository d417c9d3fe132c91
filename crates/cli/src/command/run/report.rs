//! What a run says, told twice: as text and as JSON.

use std::path::Path;

use osmia::{Error, Event, GlobalValue, Loaded, MapContents, RunSummary, UserHost};
use serde::Serialize;

use super::{json, text};
use crate::console::Console;

/// The program that runs, as both renderings name it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ProgramName {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) section: String,
}

/// What is known at the end.
#[derive(Debug)]
pub(super) struct Final<'a> {
    pub(super) program: &'a ProgramName,
    pub(super) capture: Option<&'a str>,
    pub(super) summary: &'a RunSummary,
    pub(super) globals: Vec<GlobalValue>,
    pub(super) maps: Vec<MapContents>,
}

/// The one that tells.
pub(super) struct Report {
    json: bool,
    program: ProgramName,
    capture: Option<String>,
}

impl Report {
    pub(super) fn new(
        json: bool,
        loaded: &Loaded<'_, UserHost>,
        program: &str,
        capture: Option<&Path>,
    ) -> Self {
        let spec = loaded.set().program(program);
        Self {
            json,
            program: ProgramName {
                name: program.to_owned(),
                kind: spec.map_or("unspec", |program| program.hook.kind.name()),
                section: spec.map(|p| p.section.clone()).unwrap_or_default(),
            },
            capture: capture.map(|path| path.display().to_string()),
        }
    }

    /// Before the first packet.
    pub(super) fn start(&self, console: &mut Console) {
        if self.json {
            json::start(console, &self.program, self.capture.as_deref());
        }
    }

    /// As it happens.
    pub(super) fn event(&self, console: &mut Console, event: &Event<'_>) {
        if self.json {
            json::event(console, event);
        } else {
            text::event(console, event, self.capture.is_some());
        }
        if console.is_live() && matches!(event, Event::Packet { .. }) {
            console.flush();
        }
    }

    /// After the last packet.
    pub(super) fn finish(
        &self,
        console: &mut Console,
        loaded: &Loaded<'_, UserHost>,
        summary: &RunSummary,
    ) -> Result<(), Error> {
        let end = Final {
            program: &self.program,
            capture: self.capture.as_deref(),
            summary,
            globals: loaded.globals()?,
            maps: loaded.map_contents()?,
        };
        if self.json {
            json::finish(console, &end);
        } else {
            text::finish(console, &end);
        }
        Ok(())
    }
}
