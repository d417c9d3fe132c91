//! Descriptions of what programs run on: contexts by the names of their fields, tasks, files, stacks.
//!
//! A [`Description`] is a text in TOML or JSON, read but not yet judged. [`Description::inputs`] lays
//! it out for one program, by the UAPI's tables and the BTF in force, and yields one [`Input`] a run.
//! Nothing here runs anything.

mod arguments;
mod context;
mod event;
mod fields;
mod iterator;
mod json;
mod known;
mod layout;
mod network;
mod prototype;
mod record;
mod registers;
mod text;
mod toml;
mod tree;
mod variables;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use osmia_btf::Btf;
use osmia_diag::Diagnostic;
use osmia_program::{Fault, Program, Scene, Target, Task};
use osmia_user::capture::{CaptureReader, Framing, Packet};

pub(crate) use context::Form;
pub(crate) use fields::{Spelling, spelling};

use self::context::Subject;
use self::layout::Builder;
use self::text::Text;
use self::tree::{Entry, Tree};
use crate::object::read_file;
use crate::{Error, codes, limits};
pub(crate) use tree::Node;

/// One run: everything a host is given.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// The packet or other data.
    pub data: Vec<u8>,
    /// The context.
    pub ctx: Vec<u8>,
    /// What surrounds it.
    pub scene: Arc<Scene>,
    /// The CPU it runs on, if it is said.
    pub cpu: Option<u32>,
}

/// A text that describes events, as it was written.
#[derive(Clone, Debug)]
pub struct Description {
    text: Text,
    root: Node,
}

impl Description {
    /// Reads a file: JSON if its name ends in `.json`, TOML otherwise.
    ///
    /// # Errors
    /// If it cannot be read, or is not what its name says.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let bytes = read_file(path, "DESCRIPTION_BYTES_MAX", limits::DESCRIPTION_BYTES_MAX)?;
        let name = path.display().to_string();
        let text = String::from_utf8(bytes).map_err(|_| {
            let diagnostic = Diagnostic::error(codes::CTX_SYNTAX, "the file is not text (UTF-8)");
            Error::new(Fault::Usage, diagnostic).in_file(&name)
        })?;
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            Self::from_json(&name, 1, text)
        } else {
            Self::from_toml(&name, text)
        }
    }

    /// Reads TOML; `name` stands for its file's name.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_toml(name: &str, text: String) -> Result<Self, Error> {
        Self::new(name, 1, text, toml::parse)
    }

    /// Reads JSON; `name` stands for its file's name and `line` is the number of its first line.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_json(name: &str, line: usize, text: String) -> Result<Self, Error> {
        Self::new(name, line, text, json::parse)
    }

    fn new(
        name: &str,
        first_line: usize,
        text: String,
        parse: fn(&Text) -> Result<Node, Box<Diagnostic>>,
    ) -> Result<Self, Error> {
        let text = Text {
            name: name.to_owned(),
            text,
            first_line,
        };
        match parse(&text) {
            Ok(root) => Ok(Self { text, root }),
            Err(problem) => Err(Error::new(Fault::Usage, *problem)),
        }
    }

    /// Lays the events out for a program on a target; `task` is the one of descriptions that do not
    /// say another.
    ///
    /// # Errors
    /// Everything that is wrong with the description.
    pub fn inputs(
        &self,
        program: &Program,
        target: &Target,
        task: &Task,
    ) -> Result<Vec<Input>, Error> {
        let subject = Subject {
            program,
            kernel: target.btf.as_deref(),
        };
        let mut problems = Vec::new();
        let mut inputs = Vec::new();
        for event in self.events(&mut problems) {
            let objects = event
                .entry("ctx")
                .and_then(|ctx| iterator::objects(&ctx.value));
            let Some(objects) = objects else {
                let ctx = event.entry("ctx").map(|entry| &entry.value);
                let input = self.input(&event, ctx, subject, task, &mut problems);
                match event.entry("pcap") {
                    None => inputs.push(input),
                    Some(entry) => match packets(&self.text, &entry.value, program) {
                        Ok(packets) => inputs.extend(packets.into_iter().map(|data| Input {
                            data,
                            ..input.clone()
                        })),
                        Err(problem) => problems.push(*problem),
                    },
                }
                continue;
            };
            for object in objects {
                inputs.push(self.input(&event, Some(object), subject, task, &mut problems));
            }
        }
        if problems.is_empty() {
            return Ok(inputs);
        }
        // The common part is laid out for every event; what is wrong with it is said once.
        let mut said = Vec::new();
        for problem in problems {
            if !said.contains(&problem) {
                said.push(problem);
            }
        }
        said.sort_by_key(|problem| (problem.place.line, problem.place.column));
        said.truncate(limits::DESCRIPTION_PROBLEMS_MAX);
        Err(Error {
            fault: Fault::Usage,
            diagnostics: said,
        })
    }

    /// The events: the items of a list, those under `event` each with what is common to all, or the
    /// whole.
    fn events(&self, problems: &mut Vec<Diagnostic>) -> Vec<Node> {
        let items = match &self.root.value {
            Tree::List(items) => return items.clone(),
            _ => match self.root.entry("event") {
                Some(entry) => &entry.value,
                None => return vec![self.root.clone()],
            },
        };
        let (Tree::List(items), Tree::Table(common)) = (&items.value, &self.root.value) else {
            problems.push(self.text.complaint(
                codes::CTX_VALUE,
                &items.span,
                "events are not described so",
                "expected a list: [[event]]",
            ));
            return Vec::new();
        };
        items.iter().map(|item| with_common(item, common)).collect()
    }

    fn input(
        &self,
        event: &Node,
        ctx: Option<&Node>,
        subject: Subject<'_>,
        task: &Task,
        problems: &mut Vec<Diagnostic>,
    ) -> Input {
        let mut builder = Builder::new(&self.text, subject.kernel);
        let Tree::Table(entries) = &event.value else {
            builder.wrong(event, "this is no event", "a table");
            problems.append(&mut builder.problems);
            return Input::default();
        };
        for entry in entries {
            if !event::NAMES.contains(&entry.name.as_str()) {
                builder.unknown(entry, "a description", event::NAMES);
            }
        }
        let cpu = event::fill(&mut builder, event, task);
        context::fill(&mut builder, subject, ctx);
        if let Some(entry) = event.entry("data") {
            builder.data = event::bytes(&mut builder, &entry.value);
        }
        builder.make_objects();
        known::recognise(&mut builder);
        problems.append(&mut builder.problems);
        Input {
            data: builder.data,
            ctx: builder.context,
            scene: Arc::new(builder.scene),
            cpu,
        }
    }
}

/// The packets of a capture that a description names.
fn packets(text: &Text, node: &Node, program: &Program) -> Result<Vec<Vec<u8>>, Box<Diagnostic>> {
    let complain = |message: String, label: &str| {
        Box::new(text.complaint(codes::CTX_VALUE, &node.span, message, label))
    };
    let Tree::Text(path) = &node.value else {
        return Err(complain("this is no file".to_owned(), "expected its name"));
    };
    let Some(framing) = Framing::new(program.hook.kind, false) else {
        let message = format!("{} programs take no packets", program.hook.kind);
        return Err(complain(message, "packets for them"));
    };
    let unreadable = |why: String| complain(why, "this capture");
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut reader =
        CaptureReader::new(file).map_err(|error| unreadable(error.to_diagnostic().message))?;
    let (mut packet, mut packets) = (Packet::default(), Vec::new());
    while reader
        .read(&mut packet)
        .map_err(|error| unreadable(error.to_diagnostic().message))?
    {
        let framed = framing.apply(&mut packet);
        if framed
            .map_err(|error| unreadable(error.to_diagnostic().message))?
            .is_ok()
        {
            packets.push(packet.data.clone());
        }
        if packets.len() > limits::DESCRIBED_PACKETS_MAX {
            let most = limits::DESCRIBED_PACKETS_MAX;
            let message = format!("more than DESCRIBED_PACKETS_MAX = {most} packets");
            return Err(complain(message, "too long; run it with `--pcap`"));
        }
    }
    Ok(packets)
}

/// The input of an event that was put together rather than written. What the types in force do not
/// have is left out.
pub(crate) fn laid_out(event: &Node, program: &Program, target: &Target, task: &Task) -> Input {
    let description = Description {
        text: Text::default(),
        root: Node::table(Vec::new()),
    };
    let subject = Subject {
        program,
        kernel: target.btf.as_deref(),
    };
    let ctx = event.entry("ctx").map(|entry| &entry.value);
    description.input(event, ctx, subject, task, &mut Vec::new())
}

/// The scene of a run that nobody described: the task, as an object where there are types.
pub fn plain_scene(kernel: Option<&Btf>, task: &Task) -> Scene {
    let text = Text::default();
    let nothing = Node::table(Vec::new());
    let mut builder = Builder::new(&text, kernel);
    event::fill(&mut builder, &nothing, task);
    known::recognise(&mut builder);
    builder.scene
}

/// An event with what is common to all: tables are joined, the event's own entries win.
fn with_common(event: &Node, common: &[Entry]) -> Node {
    let Tree::Table(own) = &event.value else {
        return event.clone();
    };
    let mut entries = own.clone();
    for entry in common.iter().filter(|entry| entry.name != "event") {
        match entries.iter_mut().find(|own| own.name == entry.name) {
            None => entries.push(entry.clone()),
            Some(own) => {
                if let Tree::Table(more) = &entry.value.value {
                    own.value = with_common(&own.value, more);
                }
            }
        }
    }
    Node {
        span: event.span.clone(),
        value: Tree::Table(entries),
    }
}
