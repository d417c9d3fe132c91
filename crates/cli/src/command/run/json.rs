//! The JSON of a run: schema `osmia.run/1`, described in `docs/json.md`.

use osmia::{
    Change, Engine, Event, Form, GlobalValue, MapContents, Outcome, RedirectCount, Shown, Standing,
    VerdictCount,
};
use serde::Serialize;

use super::engine::{How, Resident};
use super::report::{Final, Input, ProgramName};
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
    let (pcap, ctx) = match input {
        Input::Capture(name) => (Some(&**name), None),
        Input::Description(name) => (None, Some(&**name)),
        Input::Bytes => (None, None),
    };
    console.value(&Line::Start {
        schema: SCHEMA,
        program,
        engine: how.engine,
        programs: how.programs.iter().map(ResidentProgram::of).collect(),
        pcap,
        ctx,
    });
}

pub(super) fn event(console: &mut Console, event: &Event<'_>) {
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
        packets: summary.packets,
        packets_skipped: summary.skipped,
        verdicts: &summary.verdicts,
        redirected: &summary.redirects,
        trace_lines: summary.trace_lines,
        records: summary.records,
        records_lost: summary.records_lost,
        insns: summary.insns,
        duration_ns: summary.duration_ns,
        globals: &end.globals,
        maps: &end.maps,
    });
}
