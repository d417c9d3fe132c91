//! `osmia map`: maps and what they hold.

use clap::{Args, Subcommand};
use osmia::Error;
use osmia::live::{DumpedMap, Entry, MapRow, ObjectKind, Value as Bytes, Words};
use serde_json::{Value, json};

use super::flags::NounFlags;
use super::show::{Shower, pinnable, row_json};
use super::{hex, map_change};
use crate::console::Console;
use crate::exit::Exit;

/// Look at maps and change what they hold, in bpftool's words.
#[derive(Args)]
#[command(after_help = "\
MAP is `id N`, `pinned PATH` or `name NAME`; DATA is bytes as numbers, or after `hex` as pairs of digits.

Examples:
  osmia map dump name counters --on linux
  osmia map update pinned /sys/fs/bpf/ports key 53 0 0 0 value hex 01 --on linux
  osmia map create /sys/fs/bpf/h type hash key 4 value 8 entries 64 name h --on linux")]
pub(crate) struct MapCommand {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    pub(crate) flags: NounFlags,
}

#[derive(Subcommand)]
enum Verb {
    /// Say what is known about maps: `[MAP]`
    #[command(alias = "list")]
    Show { words: Vec<String> },
    /// Print everything a map holds: `MAP`
    Dump { words: Vec<String> },
    #[command(flatten)]
    Change(map_change::Verb),
}

impl MapCommand {
    pub(crate) fn run(self, console: &mut Console) -> Result<Exit, Error> {
        let mut shower = Shower::new(console, &self.flags);
        match self.verb {
            Verb::Show { words } => show(words, &self.flags, &mut shower)?,
            Verb::Dump { words } => dump(words, &self.flags, &mut shower)?,
            Verb::Change(verb) => return verb.run(&self.flags, &mut shower),
        }
        Ok(Exit::Ok)
    }
}

fn show(words: Vec<String>, flags: &NounFlags, shower: &mut Shower<'_>) -> Result<(), Error> {
    let usage = "osmia map show [id N | pinned PATH | name NAME]";
    let (rows, is_list) = pinnable(words, usage, flags, ObjectKind::Map, MapRow::of)?;
    shower.rows(&rows, is_list, row_json, text);
    Ok(())
}

fn text(row: &MapRow) -> String {
    let mut text = format!("{}: {}", row.id, row.kind);
    if !row.name.is_empty() {
        text.push_str(&format!("  name {}", row.name));
    }
    text.push_str(&format!("  flags {:#x}\n", row.flags));
    text.push_str(&format!(
        "\tkey {}B  value {}B  max_entries {}",
        row.bytes_key, row.bytes_value, row.max_entries
    ));
    if let Some(bytes) = row.bytes_memlock {
        text.push_str(&format!("  memlock {bytes}B"));
    }
    let mut rest = Vec::new();
    if let Some(kind) = &row.owner_prog_type {
        rest.push(format!("owner_prog_type {kind}"));
    }
    if let Some(jited) = row.owner_jited {
        rest.push(
            if jited {
                "owner jited"
            } else {
                "owner not jited"
            }
            .to_owned(),
        );
    }
    if !rest.is_empty() {
        text.push_str(&format!("\n\t{}", rest.join("  ")));
    }
    for path in &row.pinned {
        text.push_str(&format!("\n\tpinned {path}"));
    }
    let mut last = Vec::new();
    if let Some(id) = row.btf_id {
        last.push(format!("btf_id {id}"));
    }
    if row.frozen != 0 {
        last.push("frozen".to_owned());
    }
    if !last.is_empty() {
        text.push_str(&format!("\n\t{}", last.join("  ")));
    }
    text.push('\n');
    text
}

fn dump(words: Vec<String>, flags: &NounFlags, shower: &mut Shower<'_>) -> Result<(), Error> {
    let mut words = Words::new(words, "osmia map dump id N | pinned PATH | name NAME");
    let selector = words.selector()?;
    words.end()?;
    let live = flags.live()?;
    let maps = selector.find(&live, ObjectKind::Map)?;
    let mut dumped = Vec::new();
    for map in &maps {
        dumped.push((MapRow::of(map, Vec::new())?, map.dump()?));
    }
    let several = dumped.len() > 1;
    let json = |(row, dumped): &(MapRow, DumpedMap)| {
        let types = dumped.types.as_ref();
        let elements: Value = dumped
            .entries
            .iter()
            .map(|entry| entry.to_json(types))
            .collect();
        match several {
            true => {
                let mut row = row_json(row);
                row["elements"] = elements;
                row
            }
            false => elements,
        }
    };
    shower.rows(&dumped, several, json, |(row, dumped)| {
        let head = if several { text(row) } else { String::new() };
        head + &dump_text(dumped)
    });
    Ok(())
}

fn dump_text(dumped: &DumpedMap) -> String {
    let types = dumped.types.as_ref();
    if types.is_some() {
        let entries: Value = dumped
            .entries
            .iter()
            .map(|entry| entry.formatted(types).unwrap_or_else(|| json!(null)))
            .collect();
        return Shower::typed(&entries);
    }
    let count = dumped.entries.len();
    let mut text: String = dumped.entries.iter().map(entry_text).collect();
    text.push_str(&format!(
        "Found {count} element{}\n",
        if count == 1 { "" } else { "s" }
    ));
    text
}

/// Bytes of an entry for people.
pub(super) fn entry_text(entry: &Entry) -> String {
    // Above this each goes to lines of its own.
    const LINE_BYTES: usize = 16;
    const BOTH_BYTES: usize = 24;
    let lines = |is_long: bool, name: &str, bytes: &[u8]| {
        let behind = if is_long { '\n' } else { ' ' };
        format!("{name}:{behind}{}", hex::lines(bytes))
    };
    match &entry.value {
        Ok(Bytes::One(value)) => {
            let is_long = entry.key.len() > LINE_BYTES || value.len() > LINE_BYTES;
            let between = match is_long || entry.key.len() + value.len() > BOTH_BYTES {
                true => "\n",
                false => "  ",
            };
            let value = lines(is_long, "value", value);
            match entry.key.is_empty() {
                true => format!("{value}\n"),
                false => format!("{}{between}{value}\n", lines(is_long, "key", &entry.key)),
            }
        }
        Ok(Bytes::PerCpu(slots)) => {
            let mut text = format!("{}\n", lines(true, "key", &entry.key));
            for (cpu, slot) in slots.iter().enumerate() {
                let name = format!("value (CPU {cpu:02})");
                text.push_str(&lines(slot.len() > LINE_BYTES, &name, slot));
                text.push('\n');
            }
            text
        }
        Err(errno) => format!(
            "{}\nvalue: {}\n",
            lines(true, "key", &entry.key),
            errno.meaning()
        ),
    }
}
