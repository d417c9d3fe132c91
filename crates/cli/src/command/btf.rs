//! `osmia btf`: types of programs and kernels, in bpftool's words.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use osmia::btf::{Btf, TypeId, print};
use osmia::diag::{Diagnostic, Place};
use osmia::{Error, Fault, codes, read_btf};
use serde_json::{Map, Value};

use crate::console::Console;
use crate::exit::Exit;

/// Look at BTF, the types of programs and kernels.
#[derive(Args)]
pub(crate) struct BtfCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Dump(Dump),
}

/// Print the types of a file, record by record or as a C header.
#[derive(Args)]
#[command(override_usage = "osmia btf dump [OPTIONS] file FILE [format raw|c] [root_id N]...")]
#[command(after_help = "\
FILE is raw BTF or an ELF file with a .BTF section.

Examples:
  osmia btf dump file /sys/kernel/btf/vmlinux format c > vmlinux.h
  osmia btf dump file examples/hello.bpf.o
  osmia btf dump -B /sys/kernel/btf/vmlinux file /sys/kernel/btf/btrfs")]
struct Dump {
    /// `file FILE`, then `format raw` (default) or `format c`, then `root_id N` for some types only.
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
    /// The BTF that split BTF builds on.
    #[arg(short = 'B', long, value_name = "FILE")]
    base_btf: Option<PathBuf>,
    /// Print the records as JSON.
    #[arg(short, long)]
    json: bool,
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
    file: PathBuf,
    format: Format,
    roots: Vec<TypeId>,
}

impl BtfCommand {
    pub(crate) fn json(&self) -> bool {
        let Verb::Dump(dump) = &self.verb;
        dump.json
    }

    pub(crate) fn run(self, console: &mut Console) -> Result<Exit, Error> {
        let Verb::Dump(dump) = self.verb;
        dump.run(console)
    }
}

impl Dump {
    fn run(self, console: &mut Console) -> Result<Exit, Error> {
        let request = Request::from_words(&self.words).map_err(|message| {
            let diagnostic = Diagnostic::error(codes::BTF_WORDS, message)
                .help("osmia btf dump file FILE [format raw|c] [root_id N]...");
            Error::new(Fault::Usage, diagnostic)
        })?;
        let base = match &self.base_btf {
            Some(path) => Some(Arc::new(read_btf(path, None)?)),
            None => None,
        };
        let btf = read_btf(&request.file, base)?;
        let file = request.file.display().to_string();
        if let Some(id) = request.roots.iter().find(|id| btf.ty(**id).is_none()) {
            let message = format!("there is no type {}, ids end at {}", id.0, last_id(&btf));
            let diagnostic = Diagnostic::error(codes::BTF_WORDS, message).at(Place::file(file));
            return Err(Error::new(Fault::Usage, diagnostic));
        }
        let roots = (!request.roots.is_empty()).then_some(request.roots.as_slice());
        match (request.format, self.json) {
            (Format::Raw, true) => {
                let mut document = Map::new();
                document.insert("schema".to_owned(), SCHEMA.into());
                if let Value::Object(records) = print::dump_raw_json(&btf, roots) {
                    document.extend(records);
                }
                console.value(&document);
            }
            (Format::Raw, false) => console.text(&print::dump_raw(&btf, roots)),
            (Format::C, _) => {
                let header = print::dump_c(&btf, roots).map_err(|error| {
                    Error::new(Fault::Input, error.to_diagnostic()).in_file(&file)
                })?;
                console.text(&header);
            }
        }
        Ok(Exit::Ok)
    }
}

fn last_id(btf: &Btf) -> u32 {
    btf.type_count().saturating_sub(1)
}

impl Request {
    fn from_words(words: &[String]) -> Result<Self, String> {
        let (mut file, mut format, mut roots) = (None, Format::Raw, Vec::new());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = |what: &str| {
                let value = words.next();
                value.ok_or_else(|| format!("`{word}` is followed by {what}"))
            };
            match word.as_str() {
                "file" => file = Some(PathBuf::from(value("a file")?)),
                "format" => {
                    format = match value("`raw` or `c`")?.as_str() {
                        "raw" => Format::Raw,
                        "c" => Format::C,
                        other => return Err(format!("`{other}` is no format: `raw` and `c` are")),
                    };
                }
                "root_id" => {
                    let id = value("a type id")?;
                    let id = id
                        .parse()
                        .map_err(|_| format!("`{id}` is not a type id, a number"))?;
                    roots.push(TypeId(id));
                }
                other => {
                    return Err(format!(
                        "`{other}` is not understood: `file`, `format` and `root_id` are"
                    ));
                }
            }
        }
        let file = file.ok_or("`file FILE` is missing")?;
        Ok(Self {
            file,
            format,
            roots,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, Request};
    use osmia::btf::TypeId;

    fn request(words: &str) -> Result<Request, String> {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        Request::from_words(&words)
    }

    #[test]
    fn bpftools_words() {
        let given = request("file a.o format c root_id 3 root_id 4").unwrap();
        assert_eq!(
            (given.format, given.roots),
            (Format::C, vec![TypeId(3), TypeId(4)])
        );
        assert_eq!(request("file a.o").unwrap().format, Format::Raw);
        for wrong in [
            "a.o",
            "file",
            "file a.o format",
            "file a.o format d",
            "file a.o root_id x",
        ] {
            assert!(request(wrong).is_err(), "{wrong}");
        }
    }
}
