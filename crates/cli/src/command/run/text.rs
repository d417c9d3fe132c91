//! A run as people read it.

use osmia::{
    Change, Ended, Event, Form, GlobalValue, MapContents, Outcome, RunSummary, Shown, Standing,
    Task,
};

use super::report::{Final, Input, LiveReport};
use crate::console::Console;
use crate::table::{Align, Table, count, counted};

pub(in crate::command) fn event(
    console: &mut Console,
    event: &Event<'_>,
    input: &Input,
    trace_pipe: bool,
) {
    let prefix = |number: &u64| match input.noun() {
        Some(noun) => format!("{noun} {number}: "),
        None => String::new(),
    };
    match event {
        Event::Trace {
            cpu,
            task,
            time_ns,
            text,
            ..
        } if trace_pipe => console.line(&trace_line(*cpu, task, *time_ns, text)),
        Event::Trace { packet, text, .. } => {
            console.line(&format!("{}{text}", prefix(packet)));
        }
        Event::Record {
            packet,
            map,
            lost,
            value,
            ..
        } => {
            if *lost > 0 {
                console.line(&format!("{}{map}: {lost} records lost", prefix(packet)));
            }
            console.line(&format!("{}{map}: {}", prefix(packet), value.text));
        }
        Event::Packet { .. } => {}
        Event::Run {
            number,
            verdict,
            changes,
            packet,
            sequence,
        } => {
            console.text(&String::from_utf8_lossy(sequence));
            console.line(&format!("run {number}: returned {}", verdict.label()));
            for change in *changes {
                let Change {
                    name,
                    before,
                    after,
                } = change;
                console.line(&format!("  {name} = {} (was {})", after.text, before.text));
            }
            if let Some(packet) = packet {
                console.line(&format!("  data = {}", Shown::raw(packet).text));
            }
        }
    }
}

/// A line as Linux' `trace_pipe` has it; nothing here disables interrupts or preemption.
fn trace_line(cpu: u32, task: &Task, time_ns: u64, text: &str) -> String {
    let (seconds, micros) = (time_ns / 1_000_000_000, time_ns / 1_000 % 1_000_000);
    let (comm, pid) = (&task.comm, task.pid);
    format!(
        "{comm:>16}-{pid:<7} [{cpu:03}] ..... {seconds:5}.{micros:06}: bpf_trace_printk: {text}"
    )
}

pub(super) fn finish(console: &mut Console, end: &Final<'_>) {
    let summary = end.summary;
    let told_runs = matches!(end.input, Input::Description(_)) && summary.packets > 0;
    if told_runs || !summary.heard.is_empty() {
        console.line("");
    }
    console.heading(&headline(end));
    verdicts(console, end);
    if summary.heard.records_lost > 0 {
        let lost = counted(summary.heard.records_lost, "record");
        console.line(&format!("  {lost} lost, as nobody read them in time"));
    }
    if summary.skipped > 0 {
        console.line(&format!(
            "  {} passed over, not given to the program",
            counted(summary.skipped, "packet")
        ));
    }
    redirects(console, summary);
    contents(console, &end.globals, &end.maps);
    if let Some(cost) = cost(summary, end.input.noun()) {
        console.line("");
        console.line(&cost);
    }
}

/// What variables and maps hold.
pub(in crate::command) fn contents(
    console: &mut Console,
    globals: &[GlobalValue],
    maps: &[MapContents],
) {
    if !globals.is_empty() {
        console.line("");
        console.heading("variables");
        for global in globals {
            let value = match &global.value.lines {
                Some(lines) => lines.replace('\n', "\n  ").replace('\t', "  "),
                None => global.value.text.clone(),
            };
            console.line(&format!("  {} = {value}", global.name));
        }
    }
    for map in maps {
        console.line("");
        show_map(console, map);
    }
}

/// What a command came to, and what its listeners collected.
pub(super) fn finish_live(
    console: &mut Console,
    live: &LiveReport<'_>,
    globals: &[GlobalValue],
    maps: &[MapContents],
) {
    let listeners = &live.summary.listeners;
    if listeners.iter().any(|one| !one.summary.heard.is_empty()) {
        console.line("");
    }
    let how = match live.summary.ended {
        Ended::Exited(0) => String::new(),
        Ended::Exited(status) => format!(" ended with status {status}"),
        Ended::Killed(signal) => format!(" was ended by signal {signal}"),
    };
    console.heading(&format!("`{}`{how}", live.command));
    let mut table = Table::new(&[
        ("  program", Align::Left),
        ("at", Align::Left),
        ("events", Align::Right),
    ]);
    for one in listeners {
        let name = format!("  {}", one.program);
        table.row([name, one.section.clone(), count(one.summary.packets)]);
    }
    show(console, &table);
    let lost: u64 = listeners
        .iter()
        .map(|one| one.summary.heard.records_lost)
        .sum();
    if lost > 0 {
        let lost = counted(lost, "record");
        console.line(&format!("  {lost} lost, as nobody read them in time"));
    }
    contents(console, globals, maps);
}

/// `hello (xdp): 21 packets of examples/ping.pcap`
fn headline(end: &Final<'_>) -> String {
    let mut line = format!("{} ({}): ", end.program.name, end.program.kind);
    match end.input {
        Input::Capture(name) => {
            let packets = counted(end.summary.packets, "packet");
            line.push_str(&format!("{packets} of {name}"));
        }
        Input::Description(name) => {
            let runs = counted(end.summary.packets, "run");
            line.push_str(&format!("{runs} of {name}"));
        }
        Input::Bytes | Input::Command(_) => line.push_str("one run"),
    }
    line.push_str(match end.summary.outcome {
        Outcome::Complete => "",
        Outcome::Interrupted => ", interrupted",
        Outcome::Trap => ", stopped by a trap",
        Outcome::Difference => ", stopped by a difference",
        Outcome::CaptureError => ", stopped by the capture",
    });
    line.push_str(match end.summary.standing {
        Standing::Verified => ", verified",
        Standing::NotJudged { .. } | Standing::Unverified => ", checked",
    });
    line
}

fn verdicts(console: &mut Console, end: &Final<'_>) {
    match end.input {
        Input::Capture(_) => {}
        Input::Bytes | Input::Command(_) => {
            for verdict in &end.summary.verdicts {
                console.line(&format!("  returned {}", verdict.verdict));
            }
            return;
        }
        // Each run has told its own.
        Input::Description(_) => return,
    }
    let mut table = Table::new(&[
        ("  verdict", Align::Left),
        ("packets", Align::Right),
        ("bytes", Align::Right),
    ]);
    for row in &end.summary.verdicts {
        table.row([
            format!("  {}", row.verdict),
            count(row.packets),
            count(row.bytes),
        ]);
    }
    if !table.is_empty() {
        show(console, &table);
    }
}

/// Where packets went.
fn redirects(console: &mut Console, summary: &RunSummary) {
    let mut table = Table::new(&[
        ("  redirected to", Align::Left),
        ("packets", Align::Right),
        ("copies", Align::Right),
    ]);
    for row in &summary.redirects {
        table.row([
            format!("  {}", row.target),
            count(row.packets),
            count(row.copies),
        ]);
    }
    if !table.is_empty() {
        show(console, &table);
    }
}

fn show_map(console: &mut Console, map: &MapContents) {
    if let Some(why) = map.not_listed {
        console.heading(&format!(
            "map {} ({}, not listed: {why})",
            map.name, map.kind
        ));
        return;
    }
    let filled = map.entries.len() as u64 + map.entries_not_shown;
    let mut title = format!("map {} ({}, ", map.name, map.kind);
    if map.zero_entries > 0 || matches!(map.kind, "array" | "percpu_array") {
        title.push_str(&format!(
            "{} of {} elements not zero)",
            count(filled),
            count(u64::from(map.max_entries))
        ));
    } else {
        title.push_str(&format!(
            "{} of {} entries)",
            count(filled),
            count(u64::from(map.max_entries))
        ));
    }
    console.heading(&title);
    let per_cpu = map.entries.iter().any(|entry| entry.values.len() > 1);
    let mut columns = vec![("  key", Align::Left)];
    if per_cpu {
        columns.push(("cpu", Align::Right));
    }
    columns.push(("value", Align::Left));
    let mut table = Table::new(&columns);
    for entry in &map.entries {
        let key = format!("  {}", entry.key.text);
        let values = entry.value.iter().chain(&entry.values);
        let mut first = true;
        for (cpu, value) in values.enumerate() {
            // CPUs that have nothing to say are left out, but not the only one.
            if per_cpu && value.is_zero && !(entry.values.iter().all(|v| v.is_zero) && cpu == 0) {
                continue;
            }
            let key = if first { key.clone() } else { String::new() };
            first = false;
            let mut cells = vec![key];
            if per_cpu {
                cells.push(cpu.to_string());
            }
            cells.push(value.text.clone());
            table.row(cells);
        }
    }
    if !table.is_empty() {
        show(console, &table);
    }
    if map.elements_not_read > 0 {
        console.line(&format!(
            "  … the last {} were not looked at",
            counted(map.elements_not_read, "element")
        ));
    }
    if map.entries_not_shown > 0 {
        console.line(&format!(
            "  … {} more, not shown",
            count(map.entries_not_shown)
        ));
    }
}

fn show(console: &mut Console, table: &Table) {
    let (heading, rows) = table.lines();
    console.line(&heading);
    for row in rows {
        console.line(&row);
    }
}

/// `1,234 instructions in 56 µs, 58 a packet` or `214 bytes of machine code ran for 3 µs, 140 ns a
/// packet`
fn cost(summary: &RunSummary, noun: Option<&str>) -> Option<String> {
    let packets = summary.packets;
    let (mut line, each) = match (&summary.form, summary.insns) {
        (_, Some(insns)) if insns > 0 => {
            let line = format!("{} in", counted(insns, "instruction"));
            (line, packets.checked_sub(1).map(|_| count(insns / packets)))
        }
        (Form::Native { code_bytes }, _) if packets > 0 => {
            let line = format!(
                "{} of machine code ran for",
                counted(*code_bytes as u64, "byte")
            );
            (line, Some(time(summary.duration_ns / packets)))
        }
        _ => return None,
    };
    line.push_str(&format!(" {}", time(summary.duration_ns)));
    if let (Some(noun), Some(each)) = (noun, each)
        && packets > 1
    {
        line.push_str(&format!(", {each} a {noun}"));
    }
    Some(line)
}

fn time(nanos: u64) -> String {
    match nanos {
        0..10_000 => format!("{} ns", count(nanos)),
        10_000..10_000_000 => format!("{} µs", count(nanos / 1_000)),
        10_000_000..10_000_000_000 => format!("{} ms", count(nanos / 1_000_000)),
        _ => format!("{} s", count(nanos / 1_000_000_000)),
    }
}
