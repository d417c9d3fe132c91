//! `osmia link`: where programs are attached.

use clap::{Args, Subcommand};
use osmia::Error;
use osmia::live::{LinkRow, ObjectKind, Words};
use serde_json::Value;

use super::flags::NounFlags;
use super::show::{Shower, only, pinnable};
use crate::console::Console;
use crate::exit::Exit;

/// Look at links, pin them and end them, in bpftool's words.
#[derive(Args)]
#[command(after_help = "LINK is `id N` or `pinned PATH`.")]
pub(crate) struct LinkCommand {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    pub(crate) flags: NounFlags,
}

#[derive(Subcommand)]
enum Verb {
    /// Say what is known about links: `[LINK]`
    #[command(alias = "list")]
    Show { words: Vec<String> },
    /// Make a link findable at a path: `LINK PATH`
    Pin { words: Vec<String> },
    /// End what a link attaches: `LINK`
    Detach { words: Vec<String> },
}

impl LinkCommand {
    pub(crate) fn run(self, console: &mut Console) -> Result<Exit, Error> {
        let flags = &self.flags;
        let mut shower = Shower::new(console, flags);
        match self.verb {
            Verb::Show { words } => show(words, flags, &mut shower)?,
            Verb::Pin { words } => {
                let mut words = Words::new(words, "osmia link pin LINK PATH");
                let selector = words.selector()?;
                let path = words.next("a path")?;
                words.end()?;
                only(&flags.live()?, ObjectKind::Link, &selector)?.pin(&path)?;
                shower.done();
            }
            Verb::Detach { words } => {
                let mut words = Words::new(words, "osmia link detach LINK");
                let selector = words.selector()?;
                words.end()?;
                only(&flags.live()?, ObjectKind::Link, &selector)?.detach()?;
                shower.done();
            }
        }
        Ok(Exit::Ok)
    }
}

fn show(words: Vec<String>, flags: &NounFlags, shower: &mut Shower<'_>) -> Result<(), Error> {
    let usage = "osmia link show [id N | pinned PATH]";
    let (rows, is_list) = pinnable(words, usage, flags, ObjectKind::Link, LinkRow::of)?;
    shower.rows(&rows, is_list, |row| Value::Object(row.0.clone()), text);
    Ok(())
}

fn text(row: &LinkRow) -> String {
    let word = |key| row.text(key).unwrap_or_default();
    let mut text = format!("{}: {}", word("id"), word("type"));
    for (key, shown) in [("prog_id", "prog"), ("map_id", "map")] {
        if let Some(id) = row.text(key) {
            text.push_str(&format!("  {shown} {id}"));
        }
    }
    let rest: Vec<String> = row
        .0
        .iter()
        .filter_map(|(key, value)| match key.as_str() {
            "id" | "type" | "prog_id" | "map_id" | "pinned" => None,
            key => Some(format!(
                "{key} {}",
                value.as_str().map_or(value.to_string(), str::to_owned)
            )),
        })
        .collect();
    if !rest.is_empty() {
        text.push_str(&format!("\n\t{}", rest.join("  ")));
    }
    for path in row
        .0
        .get("pinned")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        text.push_str(&format!("\n\tpinned {}", path.as_str().unwrap_or_default()));
    }
    text.push('\n');
    text
}
