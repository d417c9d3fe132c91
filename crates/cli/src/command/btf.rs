//! `osmia btf`: types of programs and kernels, in bpftool's words.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use osmia::btf::{Btf, TypeId, print};
use osmia::diag::{Diagnostic, Place};
use osmia::live::{BtfRow, ObjectKind, Selector, Words};
use osmia::{Error, Fault, codes, read_btf};
use serde_json::{Map, Value};

use super::nouns::{NounFlags, Shower, asked, only, row_json};
use crate::console::Console;
use crate::exit::Exit;

/// Look at BTF, the types of programs and kernels, in bpftool's words.
#[derive(Args)]
pub(crate) struct BtfCommand {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    flags: NounFlags,
}

#[derive(Subcommand)]
enum Verb {
    /// Say which types a host holds, and who uses them: `[id N]`
    #[command(alias = "list")]
    Show {
        words: Vec<String>,
    },
    Dump(Dump),
}

/// Print types, record by record or as a C header.
#[derive(Args)]
#[command(
    override_usage = "osmia btf dump [OPTIONS] SOURCE [format raw|c] [root_id N]...\n       \
                      SOURCE: file FILE | id N | prog PROG | map MAP [key|value|kv|all]"
)]
#[command(after_help = "\
FILE is raw BTF or an ELF file with a .BTF section; the others are objects of a host.

Examples:
  osmia btf dump file /sys/kernel/btf/vmlinux format c > vmlinux.h
  osmia btf dump file examples/hello.bpf.o
  osmia btf dump -B /sys/kernel/btf/vmlinux file /sys/kernel/btf/btrfs
  osmia btf dump prog name hello format c --on linux")]
struct Dump {
    /// `file FILE`, then `format raw` (default) or `format c`, then `root_id N` for some types only.
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
    /// The BTF that split BTF builds on.
    #[arg(short = 'B', long, value_name = "FILE")]
    base_btf: Option<PathBuf>,
}

const SCHEMA: &str = "osmia.btf/1";

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Format {
    Raw,
    C,
}

/// What the words ask for.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    source: Source,
    format: Format,
    roots: Vec<TypeId>,
}

/// Where types come from.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    File(PathBuf),
    Id(u32),
    Program(Selector),
    Map(Selector, Part),
}

/// Which types of a map are meant.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Part {
    Key,
    Value,
    Both,
    All,
}

impl BtfCommand {
    pub(crate) fn json(&self) -> bool {
        self.flags.is_json()
    }

    pub(crate) fn run(self, console: &mut Console) -> Result<Exit, Error> {
        match self.verb {
            Verb::Dump(dump) => dump.run(&self.flags, console),
            Verb::Show { words } => show(words, &self.flags, console),
        }
    }
}

fn show(words: Vec<String>, flags: &NounFlags, console: &mut Console) -> Result<Exit, Error> {
    let live = flags.live()?;
    let (types, is_list) = asked(words, "osmia btf show [id N]", &live, ObjectKind::Btf)?;
    let users = live.users_of_types()?;
    let mut rows = Vec::new();
    for types in &types {
        rows.push(BtfRow::of(types, &users)?);
    }
    Shower::new(console, flags).rows(&rows, is_list, row_json, text);
    Ok(Exit::Ok)
}

fn text(row: &BtfRow) -> String {
    let name = match (row.name.as_str(), row.kernel) {
        ("", _) => "<anon>".to_owned(),
        (name, true) => format!("[{name}]"),
        (name, false) => name.to_owned(),
    };
    let mut text = format!("{}: name {name}  size {}B", row.id, row.size);
    for (what, ids) in [("prog_ids", &row.prog_ids), ("map_ids", &row.map_ids)] {
        if !ids.is_empty() {
            let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
            text.push_str(&format!("  {what} {}", ids.join(",")));
        }
    }
    text.push('\n');
    text
}

impl Dump {
    fn run(self, flags: &NounFlags, console: &mut Console) -> Result<Exit, Error> {
        let request = Request::from_words(self.words)?;
        let base = match &self.base_btf {
            Some(path) => Some(Arc::new(read_btf(path, None)?)),
            None => None,
        };
        let (btf, name, parts) = request.source.types(base, flags)?;
        if let Some(id) = request.roots.iter().find(|id| btf.ty(**id).is_none()) {
            let message = format!("there is no type {}, ids end at {}", id.0, last_id(&btf));
            let diagnostic = Diagnostic::error(codes::BTF_WORDS, message).at(Place::file(name));
            return Err(Error::new(Fault::Usage, diagnostic));
        }
        let roots = match request.roots.as_slice() {
            [] => parts,
            roots => Some(roots.to_vec()),
        };
        let roots = roots.as_deref();
        match (request.format, flags.is_json()) {
            (Format::Raw, true) => {
                let mut document = Map::new();
                document.insert("schema".to_owned(), SCHEMA.into());
                if let Value::Object(records) = print::dump_raw_json(&btf, roots) {
                    document.extend(records);
                }
                Shower::new(console, flags).value(&Value::Object(document));
            }
            (Format::Raw, false) => console.text(&print::dump_raw(&btf, roots)),
            (Format::C, _) => {
                let header = print::dump_c(&btf, roots).map_err(|error| {
                    Error::new(Fault::Input, error.to_diagnostic()).in_file(&name)
                })?;
                console.text(&header);
            }
        }
        Ok(Exit::Ok)
    }
}

/// The types, how they are called, and which of them are meant if not all.
type Found = (Arc<Btf>, String, Option<Vec<TypeId>>);

impl Source {
    fn types(&self, base: Option<Arc<Btf>>, flags: &NounFlags) -> Result<Found, Error> {
        match self {
            Source::File(file) => {
                let btf = Arc::new(read_btf(file, base)?);
                Ok((btf, file.display().to_string(), None))
            }
            Source::Id(id) => Ok((flags.live()?.btf(*id)?, format!("BTF {id}"), None)),
            Source::Program(selector) => {
                let live = flags.live()?;
                let id = only(&live, ObjectKind::Program, selector)?
                    .info()?
                    .u32("btf_id");
                Ok((live.btf(id)?, format!("BTF {id}"), None))
            }
            Source::Map(selector, part) => {
                let live = flags.live()?;
                let info = only(&live, ObjectKind::Map, selector)?.info()?;
                let id = info.u32("btf_id");
                let key = TypeId(info.u32("btf_key_type_id"));
                let value = TypeId(info.u32("btf_value_type_id"));
                let parts = match part {
                    Part::Key => Some(vec![key]),
                    Part::Value => Some(vec![value]),
                    Part::Both => Some(vec![key, value]),
                    Part::All => None,
                };
                Ok((live.btf(id)?, format!("BTF {id}"), parts))
            }
        }
    }
}

fn last_id(btf: &Btf) -> u32 {
    btf.type_count().saturating_sub(1)
}

impl Request {
    fn from_words(words: Vec<String>) -> Result<Self, Error> {
        let usage = "osmia btf dump file FILE|id N|prog PROG|map MAP [format raw|c] [root_id N]...";
        let mut words = Words::new(words, usage);
        let mistake = |message: String| {
            let diagnostic = Diagnostic::error(codes::BTF_WORDS, message).help(usage);
            Error::new(Fault::Usage, diagnostic)
        };
        let (mut source, mut format, mut roots) = (None, Format::Raw, Vec::new());
        while let Some(word) = words.peek().map(str::to_owned) {
            if words.take_if("file") {
                source = Some(Source::File(words.next("a file")?.into()));
            } else if words.take_if("id") {
                source = Some(Source::Id(words.number("an id")? as u32));
            } else if words.take_if("prog") {
                source = Some(Source::Program(words.selector()?));
            } else if words.take_if("map") {
                let selector = words.selector()?;
                source = Some(Source::Map(selector, part(&mut words)));
            } else if words.take_if("format") {
                format = match words.next("`raw` or `c`")?.as_str() {
                    "raw" => Format::Raw,
                    "c" => Format::C,
                    other => {
                        return Err(mistake(format!(
                            "`{other}` is no format: `raw` and `c` are"
                        )));
                    }
                };
            } else if words.take_if("root_id") {
                roots.push(TypeId(words.number("a type id")? as u32));
            } else {
                return Err(mistake(format!(
                    "`{word}` is not understood: `file`, `id`, `prog`, `map`, `format` and `root_id` are"
                )));
            }
        }
        let source = source.ok_or_else(|| mistake("what to print is missing".to_owned()))?;
        Ok(Self {
            source,
            format,
            roots,
        })
    }
}

/// The word behind a map that says which of its types are meant.
fn part(words: &mut Words) -> Part {
    let parts = [
        ("key", Part::Key),
        ("value", Part::Value),
        ("kv", Part::Both),
        ("all", Part::All),
    ];
    let said = parts.into_iter().find(|(word, _)| words.take_if(word));
    said.map_or(Part::Both, |(_, part)| part)
}

#[cfg(test)]
mod tests {
    use super::{Format, Part, Request, Source};
    use osmia::Error;
    use osmia::btf::TypeId;
    use osmia::live::Selector;

    fn request(words: &str) -> Result<Request, Error> {
        Request::from_words(words.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn bpftools_words() {
        let given = request("file a.o format c root_id 3 root_id 4").unwrap();
        assert_eq!(
            (given.format, given.roots),
            (Format::C, vec![TypeId(3), TypeId(4)])
        );
        assert_eq!(request("file a.o").unwrap().format, Format::Raw);
        let map = Source::Map(Selector::Id(4), Part::Key);
        assert_eq!(request("map id 4 key format raw").unwrap().source, map);
        for wrong in [
            "a.o",
            "file",
            "file a.o format",
            "file a.o format d",
            "file a.o root_id x",
            "prog 4",
        ] {
            assert!(request(wrong).is_err(), "{wrong}");
        }
    }
}
