//! The JSON of a run: schema `osmia.run/1`, described in `docs/json.md`.

use osmia::{Event, GlobalValue, MapContents, Outcome, Shown, VerdictCount};
use serde::Serialize;

use super::report::{Final, ProgramName};
use crate::console::Console;

const SCHEMA: &str = "osmia.run/1";

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Line<'a> {
    Start {
        schema: &'a str,
        program: &'a ProgramName,
        #[serde(skip_serializing_if = "Option::is_none")]
        pcap: Option<&'a str>,
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
    Result {
        schema: &'a str,
        outcome: Outcome,
        program: &'a ProgramName,
        packets: u64,
        packets_skipped: u64,
        verdicts: &'a [VerdictCount],
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

pub(super) fn start(console: &mut Console, program: &ProgramName, pcap: Option<&str>) {
    console.value(&Line::Start {
        schema: SCHEMA,
        program,
        pcap,
    });
}

pub(super) fn event(console: &mut Console, event: &Event<'_>) {
    match event {
        Event::Trace { packet, cpu, text } => console.value(&Line::Trace {
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
            bytes: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            value,
            lost: *lost,
        }),
        Event::Packet { .. } => {}
    }
}

pub(super) fn finish(console: &mut Console, end: &Final<'_>) {
    let summary = end.summary;
    console.value(&Line::Result {
        schema: SCHEMA,
        outcome: summary.outcome,
        program: end.program,
        packets: summary.packets,
        packets_skipped: summary.skipped,
        verdicts: &summary.verdicts,
        trace_lines: summary.trace_lines,
        records: summary.records,
        records_lost: summary.records_lost,
        insns: summary.insns,
        duration_ns: summary.duration_ns,
        globals: &end.globals,
        maps: &end.maps,
    });
}
