//! The JSON of a run: schema `osmia.run/1`, described in `docs/json.md`.

use osmia::{
    Change, Ended, Engine, Event, Form, GlobalValue, Listener, MapContents, Outcome, RedirectCount,
    Shown, Standing, VerdictCount,
};
use serde::Serialize;

use super::engine::{How, Resident};
use super::report::{Final, Input, LiveReport, ProgramName};
use crate::console::Console;

const SCHEMA: &str = "osmia.run/1";

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Line<'a> {
    Start {
        schema: &'a str,
        program: &'a ProgramName,
        engine: Engine,
        programs: Vec<ResidentProgram<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        pcap: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ctx: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        command: Option<&'a str>,
    },
    Trace {
        packet: u64,
        cpu: u32,
        text: &'a str,
    },
    Record {
        packet: u64,
        map: &'a str,
        cpu: u32,
        bytes: String,
        value: &'a Shown,
        lost: u64,
    },
    Run {
        run: u64,
        verdict: String,
        value: i32,
        changes: &'a [Change],
        #[serde(skip_serializing_if = "Option::is_none")]
        packet: Option<String>,
        #[serde(skip_serializing_if = "str::is_empty")]
        output: &'a str,
    },
    Result {
        schema: &'a str,
        outcome: Outcome,
        program: &'a ProgramName,
        verified: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        tier: Option<u8>,
        #[serde(skip_serializing_if = "Option::is_none")]
        tier_ns: Option<[u64; 2]>,
        packets: u64,
        packets_skipped: u64,
        verdicts: &'a [VerdictCount],
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        redirected: &'a [RedirectCount],
        trace_lines: u64,
        records: u64,
        records_lost: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        insns: Option<u64>,
        duration_ns: u64,
        globals: &'a [GlobalValue],
        maps: &'a [MapContents],
    },
}

/// A program that listened to a command.
#[derive(Serialize)]
struct ListenerLine<'a> {
    name: &'a str,
    section: &'a str,
    outcome: Outcome,
    verified: bool,
    events: u64,
    trace_lines: u64,
    records: u64,
    records_lost: u64,
}

impl<'a> ListenerLine<'a> {
    fn of(one: &'a Listener) -> Self {
        let summary = &one.summary;
        Self {
            name: &one.program,
            section: &one.section,
            outcome: summary.outcome,
            verified: summary.standing == Standing::Verified,
            events: summary.packets,
            trace_lines: summary.heard.trace_lines,
            records: summary.heard.records,
            records_lost: summary.heard.records_lost,
        }
    }
}

/// The last line of a command's run.
#[derive(Serialize)]
struct CommandLine<'a> {
    r#type: &'static str,
    schema: &'a str,
    command: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<i32>,
    programs: Vec<ListenerLine<'a>>,
    globals: &'a [GlobalValue],
    maps: &'a [MapContents],
}

pub(super) fn finish_live(
    console: &mut Console,
    live: &LiveReport<'_>,
    globals: &[GlobalValue],
    maps: &[MapContents],
) {
    let (status, signal) = match live.summary.ended {
        Ended::Exited(status) => (Some(status), None),
        Ended::Killed(signal) => (None, Some(signal)),
    };
    console.value(&CommandLine {
        r#type: "result",
        schema: SCHEMA,
        command: &live.command,
        status,
        signal,
        programs: live
            .summary
            .listeners
            .iter()
            .map(ListenerLine::of)
            .collect(),
        globals,
        maps,
    });
}

/// What a resident program is run as.
#[derive(Serialize)]
struct ResidentProgram<'a> {
    name: &'a str,
    engine: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_bytes: Option<usize>,
    /// Why the compiler does not take it.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_compiled: Option<&'a str>,
}

impl<'a> ResidentProgram<'a> {
    fn of(resident: &'a Resident) -> Self {
        let code_bytes = match resident.form {
            Form::Native { code_bytes } => Some(code_bytes),
            Form::Interpreted { .. } | Form::Kernel => None,
        };
        Self {
            name: &resident.name,
            engine: resident.form.name(),
            tier: code_bytes.map(|_| 1),
            code_bytes,
            not_compiled: resident.not_compiled().map(|why| why.message.as_str()),
        }
    }
}

pub(super) fn start(console: &mut Console, program: &ProgramName, input: &Input, how: &How) {
    let (pcap, ctx, command) = match input {
        Input::Capture(name) => (Some(&**name), None, None),
        Input::Description(name) => (None, Some(&**name), None),
        Input::Bytes => (None, None, None),
        Input::Command(command) => (None, None, Some(&**command)),
    };
    console.value(&Line::Start {
        schema: SCHEMA,
        program,
        engine: how.engine,
        programs: how.programs.iter().map(ResidentProgram::of).collect(),
        pcap,
        ctx,
        command,
    });
}

pub(in crate::command) fn event(console: &mut Console, event: &Event<'_>) {
    match event {
        Event::Trace {
            packet, cpu, text, ..
        } => console.value(&Line::Trace {
            packet: *packet,
            cpu: *cpu,
            text,
        }),
        Event::Record {
            packet,
            map,
            cpu,
            lost,
            bytes,
            value,
        } => console.value(&Line::Record {
            packet: *packet,
            map,
            cpu: *cpu,
            bytes: hex(bytes),
            value,
            lost: *lost,
        }),
        Event::Run {
            number,
            verdict,
            changes,
            packet,
            sequence,
        } => console.value(&Line::Run {
            run: *number,
            verdict: verdict.label(),
            value: verdict.value(),
            changes,
            packet: packet.map(hex),
            output: &String::from_utf8_lossy(sequence),
        }),
        Event::Packet { .. } => {}
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn finish(console: &mut Console, end: &Final<'_>) {
    let summary = end.summary;
    console.value(&Line::Result {
        schema: SCHEMA,
        outcome: summary.outcome,
        program: end.program,
        verified: summary.standing == Standing::Verified,
        tier: end.tier,
        tier_ns: end.tier_times.map(|times| [times.first, times.second]),
        packets: summary.packets,
        packets_skipped: summary.skipped,
        verdicts: &summary.verdicts,
        redirected: &summary.redirects,
        trace_lines: summary.heard.trace_lines,
        records: summary.heard.records,
        records_lost: summary.heard.records_lost,
        insns: summary.insns,
        duration_ns: summary.duration_ns,
        globals: &end.globals,
        maps: &end.maps,
    });
}
