//! `osmia feature`: what Linux has for programs, and what of it this host has.

use clap::{Args, Subcommand};
use osmia::{Error, Hook, ProgramType, Release, feature};
use serde_json::{Map, Value};

use crate::console::Console;
use crate::exit::Exit;
use crate::table::{Align, Table, count};

/// List what Linux 6.18 has for programs, and what of it the user-space host has.
#[derive(Args)]
pub(crate) struct FeatureCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    List(List),
}

/// Print a table, or how long each of them is.
#[derive(Args)]
#[command(after_help = "\
Examples:
  osmia feature list
  osmia feature list helpers --type xdp
  osmia feature list map_types --json
  osmia feature list releases --target linux-5.10")]
struct List {
    #[command(subcommand)]
    section: Option<Section>,
    /// Print one JSON value.
    #[arg(short, long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
#[command(rename_all = "snake_case")]
enum Section {
    /// Program types, with their contexts and numbers of helpers
    ProgTypes,
    /// Map types
    MapTypes,
    /// Attach types
    AttachTypes,
    /// Commands of bpf(2)
    Commands,
    Helpers(Helpers),
    /// Kernel functions
    Kfuncs,
    Releases(Releases),
}

/// Helpers, with the programs that may call them
#[derive(Args)]
struct Helpers {
    /// Only those that programs of this type may call: a name of the kernel's (`sched_cls`) or of a
    /// section (`cgroup/connect4`).
    #[arg(long = "type", value_name = "KIND", value_parser = program_type)]
    program_type: Option<ProgramType>,
}

/// Everything a release of Linux has, with the release it came with
#[derive(Args)]
struct Releases {
    /// The release, linux-5.4 to linux-6.18.
    #[arg(long, value_name = "linux-X.Y", default_value_t = Release::LATEST)]
    target: Release,
}

const SCHEMA: &str = "osmia.feature/1";

fn program_type(text: &str) -> Result<ProgramType, String> {
    ProgramType::from_name(text).ok_or_else(|| {
        format!(
            "`{text}` is no program type (xdp, sched_cls) or section name (tc, cgroup/connect4)"
        )
    })
}

impl FeatureCommand {
    pub(crate) fn json(&self) -> bool {
        let Verb::List(list) = &self.verb;
        list.json
    }

    pub(crate) fn run(self, console: &mut Console) -> Result<Exit, Error> {
        let Verb::List(list) = self.verb;
        let sections = match list.section {
            Some(section) => vec![section],
            None => vec![
                Section::ProgTypes,
                Section::MapTypes,
                Section::AttachTypes,
                Section::Commands,
                Section::Helpers(Helpers { program_type: None }),
                Section::Kfuncs,
            ],
        };
        if list.json {
            let mut value = Map::new();
            value.insert("schema".to_owned(), SCHEMA.into());
            value.extend(
                sections
                    .iter()
                    .map(|section| (section.key().to_owned(), section.json())),
            );
            console.value(&Value::Object(value));
            return Ok(Exit::Ok);
        }
        let table = match sections.as_slice() {
            [section] => section.table(),
            sections => summary(sections),
        };
        let (heading, rows) = table.lines();
        console.heading(&heading);
        for row in rows {
            console.line(&row);
        }
        Ok(Exit::Ok)
    }
}

/// How long each table is.
fn summary(sections: &[Section]) -> Table {
    let mut table = Table::new(&[
        ("table", Align::Left),
        ("Linux", Align::Right),
        ("here", Align::Right),
    ]);
    for section in sections {
        let (linux, here) = section.counts();
        let here = here.map_or_else(String::new, |here| count(here as u64));
        table.row([section.key().to_owned(), count(linux as u64), here]);
    }
    table
}

impl Section {
    fn key(&self) -> &'static str {
        match self {
            Section::ProgTypes => "prog_types",
            Section::MapTypes => "map_types",
            Section::AttachTypes => "attach_types",
            Section::Commands => "commands",
            Section::Helpers(_) => "helpers",
            Section::Kfuncs => "kfuncs",
            Section::Releases(_) => "releases",
        }
    }

    /// Rows, and how many of them this host has, where that is a question.
    fn counts(&self) -> (usize, Option<usize>) {
        fn of<T>(rows: &[T], here: impl Fn(&T) -> bool) -> (usize, Option<usize>) {
            (
                rows.len(),
                Some(rows.iter().filter(|row| here(row)).count()),
            )
        }
        match self {
            Section::ProgTypes => of(&feature::prog_types(), |row| row.here),
            Section::MapTypes => of(&feature::map_types(), |row| row.here),
            Section::AttachTypes => (feature::attach_types().len(), None),
            Section::Commands => (feature::commands().len(), None),
            Section::Helpers(helpers) => of(&helpers.rows(), |row| row.here),
            Section::Kfuncs => of(&feature::kfuncs(), |row| row.here),
            Section::Releases(wanted) => (feature::releases(wanted.target).len(), None),
        }
    }

    fn json(&self) -> Value {
        let value = match self {
            Section::ProgTypes => serde_json::to_value(feature::prog_types()),
            Section::MapTypes => serde_json::to_value(feature::map_types()),
            Section::AttachTypes => serde_json::to_value(feature::attach_types()),
            Section::Commands => serde_json::to_value(feature::commands()),
            Section::Helpers(helpers) => serde_json::to_value(helpers.rows()),
            Section::Kfuncs => serde_json::to_value(feature::kfuncs()),
            Section::Releases(wanted) => serde_json::to_value(feature::releases(wanted.target)),
        };
        value.expect("rows of names and numbers")
    }

    fn table(&self) -> Table {
        let names = |heading, names: Vec<&'static str>| {
            let mut table = Table::new(&[(heading, Align::Left)]);
            for name in names {
                table.row([name.to_owned()]);
            }
            table
        };
        match self {
            Section::ProgTypes => prog_types(),
            Section::AttachTypes => names("attach type", feature::attach_types()),
            Section::Commands => names("command", feature::commands()),
            Section::Helpers(helpers) => helpers.table(),
            Section::Releases(wanted) => wanted.table(),
            Section::MapTypes => {
                let rows = feature::map_types().into_iter();
                presence("map type", rows.map(|row| (row.name, row.here)))
            }
            Section::Kfuncs => {
                let rows = feature::kfuncs().into_iter();
                presence("function", rows.map(|row| (row.name, row.here)))
            }
        }
    }
}

impl Releases {
    fn table(&self) -> Table {
        let mut table = Table::new(&[
            ("since", Align::Left),
            ("what", Align::Left),
            ("name", Align::Left),
            ("known from", Align::Left),
        ]);
        for row in feature::releases(self.target) {
            let since = row.since.to_string();
            table.row([
                since,
                row.kind.to_owned(),
                row.name.to_owned(),
                row.source.to_owned(),
            ]);
        }
        table
    }
}

impl Helpers {
    fn rows(&self) -> Vec<feature::HelperFeature> {
        let hook = self.program_type.map(|meant| Hook {
            kind: meant.kind,
            attach: meant.attach,
            target: None,
        });
        feature::helpers(hook.as_ref())
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&[
            ("helper", Align::Left),
            ("#", Align::Right),
            ("here", Align::Left),
            ("needs", Align::Left),
            ("programs", Align::Left),
        ]);
        for row in self.rows() {
            let needs = match (row.gpl_only, row.sleeps) {
                (true, true) => "GPL, sleep",
                (true, false) => "GPL",
                (false, true) => "sleep",
                (false, false) => "",
            };
            table.row([
                row.name.to_owned(),
                row.id.to_string(),
                yes(row.here),
                needs.to_owned(),
                row.programs_text,
            ]);
        }
        table
    }
}

fn prog_types() -> Table {
    let mut table = Table::new(&[
        ("program type", Align::Left),
        ("context", Align::Left),
        ("packet", Align::Left),
        ("helpers", Align::Right),
        ("here", Align::Right),
    ]);
    for row in feature::prog_types() {
        table.row([
            row.name.to_owned(),
            row.context.to_owned(),
            row.packet.to_owned(),
            row.helpers.to_string(),
            row.helpers_here.to_string(),
        ]);
    }
    table
}

fn presence(heading: &str, rows: impl Iterator<Item = (&'static str, bool)>) -> Table {
    let mut table = Table::new(&[(heading, Align::Left), ("here", Align::Left)]);
    for (name, here) in rows {
        table.row([name.to_owned(), yes(here)]);
    }
    table
}

fn yes(here: bool) -> String {
    if here { "yes" } else { "no" }.to_owned()
}
