//! The table of contexts and outcomes against the running kernel's verifier.
//!
//! For every role the kernel takes programs of: every field, loaded and stored in every size, with what
//! the verifier then knows about the value; stores through packet addresses; return values. Needs root.

use osmia_program::context::{
    Context, ContextField, ContextValue, Fields, PacketAccess, Pointee, context, packet_access,
};
use osmia_program::outcome::outcomes;
use serde_json::json;

use crate::Verdict;
use crate::place::Error;
use crate::verdicts::{self, Answer, Place, Question};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only roles whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

/// A tiny program and what our tables say about it.
struct Case<'p> {
    place: &'p Place,
    /// For people: `load 4 of len at 0`.
    about: String,
    text: String,
    accepted: bool,
    /// What the verifier should know about r2 after the load.
    value: Option<ContextValue>,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let places = verdicts::places()?;
    let (open, mut skipped) = verdicts::split(&places)?;
    let wanted = |place: &&&Place| {
        let only = options.only.as_deref().unwrap_or_default();
        place.name.contains(only)
    };
    let mut cases = Vec::new();
    for place in open.iter().filter(wanted) {
        match context(&place.hook) {
            Context::Fields(fields) => fields_of(place, &fields, &mut cases),
            Context::Bytes(bytes) => {
                // Longer contexts than offsets reach have no end to ask about.
                let last = bytes.end.min(i16::MAX as u32 - 7) & !7;
                for offset in [0, 4, 8, 12, 64, last - 8, last] {
                    for size in [1, 2, 4, 8] {
                        let inside = offset >= bytes.start
                            && offset + size <= bytes.end
                            && offset % size == 0;
                        both(
                            place,
                            bytes.name,
                            (offset, size),
                            inside,
                            inside && bytes.writable,
                            &mut cases,
                        );
                    }
                }
            }
            Context::Arguments(_) => {
                skipped.push(format!("{}: arguments are the event's", place.name));
            }
            Context::OfTarget | Context::Nothing => {}
        }
        returns_of(place, &mut cases);
    }
    let questions: Vec<Question<'_>> = (cases.iter())
        .map(|case| Question {
            place: case.place,
            license: "GPL",
            text: case.text.clone(),
        })
        .collect();
    let answers = verdicts::ask(&questions)?;
    let differences: Vec<String> = (cases.iter().zip(&answers))
        .filter_map(|(case, answer)| difference(case, answer))
        .collect();
    for line in skipped
        .iter()
        .map(|why| format!("skipped: {why}"))
        .chain(differences.iter().cloned())
    {
        println!("{line}");
    }
    let (agree, differ) = (cases.len() - differences.len(), differences.len());
    println!(
        "{} roles: {agree} verdicts agree, {differ} differ; {} skipped",
        open.len(),
        skipped.len()
    );
    if options.json {
        println!(
            "{}",
            json!({ "agree": agree, "differ": differences, "skipped": skipped })
        );
    }
    Ok(if differ == 0 {
        Verdict::Holds
    } else {
        Verdict::Fails
    })
}

/// A load and a store.
fn both<'p>(
    place: &'p Place,
    name: &str,
    (offset, size): (u32, u32),
    reads: bool,
    writes: bool,
    cases: &mut Vec<Case<'p>>,
) {
    let (end, bits) = (place.accepted_value(), size * 8);
    cases.push(Case {
        place,
        about: format!("load of {size} at {offset} ({name})"),
        text: format!("r2 = *(u{bits} *)(r1 + {offset})\nr0 = {end}\nexit"),
        accepted: reads,
        value: None,
    });
    cases.push(Case {
        place,
        about: format!("store of {size} at {offset} ({name})"),
        text: format!("r2 = 0\n*(u{bits} *)(r1 + {offset}) = r2\nr0 = {end}\nexit"),
        accepted: writes,
        value: None,
    });
}

fn fields_of<'p>(place: &'p Place, fields: &Fields, cases: &mut Vec<Case<'p>>) {
    for (number, field) in fields.fields.iter().enumerate() {
        for (offset, size) in probes(field) {
            let reads = fields.access(offset.into(), size, false);
            let writes = fields.access(offset.into(), size, true).is_ok();
            let before = cases.len();
            both(
                place,
                field.name,
                (offset, size),
                reads.is_ok(),
                writes,
                cases,
            );
            cases[before].value = reads.ok().map(|field| field.value);
        }
        // What lies between this field and the next, or behind the last.
        let next = fields
            .fields
            .get(number + 1)
            .map_or(fields.bytes, |next| next.offset);
        if next > field.end() || number + 1 == fields.fields.len() {
            for (offset, size) in [
                (field.end(), 1),
                (field.end(), 4),
                (fields.bytes, 4),
                (fields.bytes, 8),
            ] {
                if offset % size == 0 {
                    let reads = fields.access(offset.into(), size, false).is_ok();
                    both(place, "no field", (offset, size), reads, false, cases);
                }
            }
        }
    }
    packet_of(place, fields, cases);
}

/// Accesses worth asking about: every size at the start of elements, and parts inside.
fn probes(field: &ContextField) -> Vec<(u32, u32)> {
    let mut probes = Vec::new();
    for element in [0, 1, field.count - 1] {
        if element >= field.count {
            continue;
        }
        let start = field.offset + element * field.bytes;
        probes.extend([1, 2, 4, 8].map(|size| (start, size)));
        probes.extend([
            (start + 1, 1),
            (start + 2, 2),
            (start + 4, 4),
            (start + 3, 1),
        ]);
    }
    probes.retain(|(offset, size)| *offset % *size == 0 && *offset < field.end());
    probes.sort_unstable();
    probes.dedup();
    probes
}

/// A store to the packet, where there is an address of one.
fn packet_of<'p>(place: &'p Place, fields: &Fields, cases: &mut Vec<Case<'p>>) {
    let readable = |value| {
        let mut all = fields.fields.iter();
        all.find(|field| field.value == value).filter(|field| {
            fields
                .access(field.offset.into(), field.bytes, false)
                .is_ok()
        })
    };
    let (Some(start), Some(end)) = (
        readable(ContextValue::PacketStart),
        readable(ContextValue::PacketEnd),
    ) else {
        return;
    };
    let bits = start.bytes * 8;
    let value = place.accepted_value();
    cases.push(Case {
        place,
        about: "store to the packet".to_owned(),
        text: format!(
            "r2 = *(u{bits} *)(r1 + {})\nr3 = *(u{bits} *)(r1 + {})\nr4 = r2\nr4 += 8\n\
             if r4 > r3 goto +1\n*(u8 *)(r2 + 0) = 0\nr0 = {value}\nexit",
            start.offset, end.offset
        ),
        accepted: packet_access(place.hook.kind) == PacketAccess::ReadWrite,
        value: None,
    });
}

fn returns_of<'p>(place: &'p Place, cases: &mut Vec<Case<'p>>) {
    let allowed = outcomes(&place.hook).allowed;
    for value in [-4096, -4095, -1, 0, 1, 2, 3, 4, 1000] {
        cases.push(Case {
            place,
            about: format!("return of {value}"),
            text: format!("r0 = {value}\nexit"),
            accepted: allowed.is_none_or(|(least, greatest)| (least..=greatest).contains(&value)),
            value: None,
        });
    }
}

fn difference(case: &Case<'_>, answer: &Answer) -> Option<String> {
    let (name, about) = (&case.place.name, &case.about);
    if answer.accepted() != case.accepted {
        let ours = if case.accepted { "allowed" } else { "denied" };
        let theirs = match answer.accepted() {
            true => "accepts it".to_owned(),
            false => format!("says: {}", last_line(&answer.log)),
        };
        return Some(format!(
            "differs: {name}: {about}: {ours} here, the kernel {theirs}"
        ));
    }
    let value = case.value.filter(|_| case.accepted)?;
    let known = known_about_r2(&answer.log)?;
    (!is(known, value))
        .then(|| format!("differs: {name}: {about}: {value:?} here, the kernel knows {known}"))
}

/// The line that says why, which comes before the statistics.
fn last_line(log: &str) -> &str {
    let mut lines = log.lines().rev();
    lines
        .find(|line| !line.starts_with("processed "))
        .unwrap_or_default()
}

/// `R2=…` behind the first instruction.
fn known_about_r2(log: &str) -> Option<&str> {
    let (_, after) = log.split_once("R2=").or_else(|| log.split_once("R2_w="))?;
    after.split([' ', '\n']).next()
}

fn is(known: &str, value: ContextValue) -> bool {
    let name = known.split('(').next().unwrap_or(known);
    let or_null = |what: &str, or_null| match or_null {
        true => format!("{what}_or_null"),
        false => what.to_owned(),
    };
    match value {
        ContextValue::Scalar => name == "scalar" || name.parse::<i64>().is_ok(),
        ContextValue::PacketStart => name == "pkt",
        ContextValue::PacketEnd => name == "pkt_end",
        ContextValue::PacketMeta => name == "pkt_meta",
        ContextValue::Pointer { to, or_null: null } => match to {
            Pointee::Socket => name == or_null("sock", null),
            Pointee::SockCommon => name == or_null("sock_common", null),
            Pointee::FlowKeys => name == "flow_keys",
            Pointee::TracepointBuffer => name == "tp_buffer",
            Pointee::Kernel(structure) => name == format!("trusted_ptr_{structure}"),
        },
    }
}
