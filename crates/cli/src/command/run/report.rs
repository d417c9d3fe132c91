//! What a run says, told twice: as text and as JSON.

use osmia::{
    Engine, Error, Event, GlobalValue, HostProgram, LiveSummary, Loaded, MapContents, Place,
    PlacedProgram, RunSummary, TierTimes,
};
use serde::Serialize;

use super::engine::How;
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

/// Where the inputs of a run come from.
#[derive(Clone, Debug)]
pub(in crate::command) enum Input {
    /// A capture, by its name.
    Capture(String),
    /// A description, by its name.
    Description(String),
    /// The command line.
    Bytes,
    /// A command's processes.
    Command(String),
}

impl Input {
    /// What one input is called, if there may be several.
    pub(super) fn noun(&self) -> Option<&'static str> {
        match self {
            Input::Capture(_) => Some("packet"),
            Input::Description(_) => Some("run"),
            Input::Bytes | Input::Command(_) => None,
        }
    }
}

/// What is known at the end.
#[derive(Debug)]
pub(super) struct Final<'a> {
    pub(super) program: &'a ProgramName,
    pub(super) input: &'a Input,
    /// Which compiler's code the program has come to.
    pub(super) tier: Option<u8>,
    /// What runs took in both, if they were compared.
    pub(super) tier_times: Option<TierTimes>,
    pub(super) summary: &'a RunSummary,
    pub(super) globals: Vec<GlobalValue>,
    pub(super) maps: Vec<MapContents>,
}

/// What a command and the programs that listened to it came to.
#[derive(Debug)]
pub(super) struct LiveReport<'a> {
    pub(super) command: String,
    pub(super) summary: &'a LiveSummary,
}

/// The one that tells.
pub(super) struct Report {
    json: bool,
    trace_pipe: bool,
    how: How,
    program: ProgramName,
    input: Input,
}

impl Report {
    pub(super) fn new(
        json: bool,
        loaded: &Loaded<'_, Place>,
        program: &str,
        input: Input,
        how: How,
    ) -> Self {
        let spec = loaded.set().program(program);
        Self {
            json,
            trace_pipe: false,
            how,
            program: ProgramName {
                name: program.to_owned(),
                kind: spec.map_or("unspec", |program| program.hook.kind.name()),
                section: spec.map(|p| p.section.clone()).unwrap_or_default(),
            },
            input,
        }
    }

    /// With what programs print in the form of Linux' `trace_pipe`.
    pub(super) fn trace_pipe(mut self, wanted: bool) -> Self {
        self.trace_pipe = wanted;
        self
    }

    /// Before the first packet.
    pub(super) fn start(&self, console: &mut Console) {
        for note in self.how.notes(&self.program.name) {
            console.diagnostic(&note);
        }
        if self.json {
            json::start(console, &self.program, &self.input, &self.how);
        }
    }

    /// As it happens.
    pub(super) fn event(&self, console: &mut Console, event: &Event<'_>) {
        if self.json {
            json::event(console, event);
        } else {
            text::event(console, event, &self.input, self.trace_pipe);
        }
        if console.is_live() && matches!(event, Event::Packet { .. } | Event::Run { .. }) {
            console.flush();
        }
    }

    /// The program, if it is machine code of this process'.
    fn compiled<'l>(&self, loaded: &'l Loaded<'_, Place>) -> Option<&'l PlacedProgram> {
        let is_native = matches!(self.how.engine, Engine::Native | Engine::Both);
        let program = loaded.program(&self.program.name);
        program.filter(|_| is_native)
    }

    /// After the command has ended.
    pub(super) fn finish_live(
        &self,
        console: &mut Console,
        loaded: &Loaded<'_, Place>,
        live: &LiveReport<'_>,
    ) -> Result<(), Error> {
        let (globals, maps) = (loaded.globals()?, loaded.map_contents()?);
        if self.json {
            json::finish_live(console, live, &globals, &maps);
        } else {
            text::finish_live(console, live, &globals, &maps);
        }
        Ok(())
    }

    /// After the last packet.
    pub(super) fn finish(
        &self,
        console: &mut Console,
        loaded: &Loaded<'_, Place>,
        summary: &RunSummary,
    ) -> Result<(), Error> {
        let end = Final {
            program: &self.program,
            input: &self.input,
            // Programs that run often rise.
            tier: self.compiled(loaded).and_then(HostProgram::tier),
            tier_times: self.compiled(loaded).and_then(HostProgram::tier_times),
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
