//! A step of a case as a request: attributes filled, buffers laid out.

use osmia_program::attr::{
    ATTR_BYTES, ATTR_BYTES_MAX, Attr, AttrField, AttrLayout, BTF_INFO, Command, InfoLayout,
    LINK_INFO, MAP_INFO, PROG_INFO, Role, layout,
};

use crate::case::{Case, Step, words};
use crate::literal::Names;
use crate::request::{Buffer, Call, Place, Request};

/// Sizes that follow from a buffer unless the case gives them: the pointer, the size, what one
/// counts.
const SIZES: &[(&str, &str, usize)] = &[
    ("insns", "insn_cnt", 8),
    ("log_buf", "log_size", 1),
    ("btf", "btf_size", 1),
    ("btf_log_buf", "btf_log_size", 1),
    ("data_in", "data_size_in", 1),
    ("data_out", "data_size_out", 1),
    ("ctx_in", "ctx_size_in", 1),
    ("ctx_out", "ctx_size_out", 1),
    ("info", "info_len", 1),
    ("iter_info", "iter_info_len", 1),
    ("stream_buf", "stream_buf_len", 1),
    ("buf", "buf_len", 1),
];

/// What a step asks.
pub(crate) fn request(case: &Case, step: &Step, names: &Names) -> Result<Request, String> {
    let argument = |index: usize| {
        let found = step.arguments.get(index).map(|(_, value)| value.as_str());
        found.ok_or_else(|| format!("`{}` takes more", step.verb))
    };
    let path = |index| argument(index).map(str::to_owned);
    let number = |index| names.number("", argument(index)?);
    Ok(match step.verb.as_str() {
        "close" => Request::Close(number(0)? as i32),
        "mkdir" => Request::Mkdir(path(0)?),
        "rmdir" => Request::Rmdir(path(0)?),
        "unlink" => Request::Unlink(path(0)?),
        "rename" => Request::Rename(path(0)?, path(1)?),
        "open" => Request::Open(path(0)?),
        "read" => Request::Read(number(0)? as i32, number(1)? as usize),
        "perf_event" => Request::PerfEvent(number(0)? as u32, number(1)?),
        verb => Request::Bpf(bpf(case, step, command(verb)?, names)?),
    })
}

/// The command a verb names: Linux's name, or `command_N` for a number Linux may not know.
fn command(verb: &str) -> Result<u32, String> {
    if let Some(number) = verb.strip_prefix("command_") {
        return number
            .parse()
            .map_err(|_| format!("`{verb}` has no number"));
    }
    let command = Command::from_name(verb);
    command
        .map(Command::number)
        .ok_or_else(|| format!("there is no command `{verb}`"))
}

fn bpf(case: &Case, step: &Step, command: u32, names: &Names) -> Result<Call, String> {
    // A command Linux does not know gets the attributes of none.
    let known = Command::from_number(command).unwrap_or(Command::MapFreeze);
    let mut filling = Filling {
        case,
        names,
        layout: layout(known),
        attr: Attr::new(known, &[]),
        buffers: Vec::new(),
        given: Vec::new(),
    };
    let (mut size, mut length, mut raw) = (None, None, Vec::new());
    for (name, value) in &step.arguments {
        match name.as_str() {
            // How many bytes of attributes the caller says there are, and how many there are.
            "size" => size = Some(names.number("", value)? as usize),
            "length" => length = Some(names.number("", value)? as usize),
            // Bytes at an offset, whatever lies there.
            "raw" => {
                let (offset, bytes) = value.split_once(':').ok_or("raw=OFFSET:[BYTES]")?;
                raw.push((names.number("", offset)? as usize, brackets(names, bytes)?));
            }
            name => filling.set(name, value)?,
        }
    }
    if known == Command::ProgLoad && !filling.given.iter().any(|name| name == "license") {
        filling.set("license", "\"GPL\"")?;
    }
    filling.sizes();
    let mut attr = filling.attr.bytes().to_vec();
    for (offset, bytes) in raw {
        attr.resize(attr.len().max(offset + bytes.len()), 0);
        attr[offset..offset + bytes.len()].copy_from_slice(&bytes);
    }
    let size = size.unwrap_or(attr.len());
    // More than anybody reads need not be there.
    let there = size.clamp(ATTR_BYTES, ATTR_BYTES_MAX);
    attr.resize(length.unwrap_or(there), 0);
    // A pointer that would lie behind the memory has nowhere to go.
    let room = attr.len();
    let mut buffers = filling.buffers;
    buffers.retain(|buffer| buffer.place.parent.is_some() || buffer.place.offset + 8 <= room);
    Ok(Call {
        command,
        attr,
        size: u32::try_from(size).map_err(|error| error.to_string())?,
        buffers,
    })
}

struct Filling<'a> {
    case: &'a Case,
    names: &'a Names,
    layout: &'static AttrLayout,
    attr: Attr,
    buffers: Vec<Buffer>,
    given: Vec<String>,
}

impl Filling<'_> {
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let field = self
            .layout
            .field(name)
            .ok_or_else(|| format!("the command has no field `{name}`"))?;
        self.given.push(name.to_owned());
        if field.role == Role::Name {
            let text = value.trim_matches('"').as_bytes();
            let mut bytes = [0; 16];
            let room = bytes.get_mut(..text.len()).ok_or("a name has 16 bytes")?;
            room.copy_from_slice(text);
            self.attr.put(field.offset, &bytes);
            return Ok(());
        }
        if let Some(program) = value.strip_prefix('@') {
            let bytes = self.program(program)?;
            self.buffer(field, None, bytes);
        } else if value.starts_with('[') {
            let bytes = brackets(self.names, value)?;
            self.buffer(field, None, bytes);
        } else if value.starts_with('"') {
            let mut bytes = self.names.bytes(value)?;
            bytes.push(0);
            self.buffer(field, None, bytes);
        } else if value.ends_with('}') {
            self.info(field, value)?;
        } else {
            self.attr.set(name, self.names.number(name, value)?);
        }
        Ok(())
    }

    fn buffer(&mut self, field: &AttrField, parent: Option<usize>, bytes: Vec<u8>) {
        self.buffers.push(Buffer {
            name: field.name.to_owned(),
            place: Place {
                parent,
                offset: field.offset,
            },
            bytes,
        });
    }

    fn program(&self, name: &str) -> Result<Vec<u8>, String> {
        let mut programs = self.case.programs.iter();
        let (_, text) = programs
            .find(|(known, _)| known == name)
            .ok_or_else(|| format!("there is no program `{name}`"))?;
        let assembly = osmia_isa::assemble(text, self.names);
        let slots = assembly
            .map_err(|errors| format!("program {name}: {:?}", errors[0]))?
            .slots;
        Ok(osmia_isa::write_slots(&slots, osmia_isa::Endian::Little))
    }

    /// A structure that tells about an object: `map{}`, `prog:40{nr_map_ids=1 map_ids=[0*4]}`.
    fn info(&mut self, field: &AttrField, text: &str) -> Result<(), String> {
        let (head, inside) = text.split_once('{').ok_or("no brace is open")?;
        let inside = inside.trim_end_matches('}');
        let (kind, bytes) = match head.split_once(':') {
            Some((kind, bytes)) => (kind, Some(self.names.number("", bytes)? as usize)),
            None => (head, None),
        };
        let info = info_layout(kind).ok_or_else(|| format!("nothing is told by `{kind}`"))?;
        let parent = self.buffers.len();
        self.buffer(field, None, vec![0; bytes.unwrap_or(info.bytes)]);
        for word in words(inside)? {
            let (name, value) = word.split_once('=').ok_or("a field without a value")?;
            let field = info
                .field(name)
                .ok_or_else(|| format!("{} has no field `{name}`", info.name))?;
            if value.starts_with('[') {
                let bytes = brackets(self.names, value)?;
                self.buffer(field, Some(parent), bytes);
            } else {
                let number = self.names.number(name, value)?.to_le_bytes();
                let place = field.offset..field.offset + field.bytes;
                let bytes = &mut self.buffers[parent].bytes;
                let place = bytes.get_mut(place).ok_or("the structure is cut before")?;
                place.copy_from_slice(&number[..field.bytes]);
            }
        }
        Ok(())
    }

    /// Sizes that were not given.
    fn sizes(&mut self) {
        for (pointer, size, unit) in SIZES {
            let buffer = self.buffers.iter();
            let mut buffer =
                buffer.filter(|one| one.place.parent.is_none() && one.name == *pointer);
            if let Some(buffer) = buffer.next()
                && self.layout.field(size).is_some()
                && !self.given.iter().any(|name| name == size)
            {
                self.attr.set(size, (buffer.bytes.len() / unit) as u64);
            }
        }
    }
}

/// The structure that is told about a kind of object.
pub(crate) fn info_layout(kind: &str) -> Option<&'static InfoLayout> {
    Some(match kind {
        "prog" => &PROG_INFO,
        "map" => &MAP_INFO,
        "btf" => &BTF_INFO,
        "link" => &LINK_INFO,
        _ => return None,
    })
}

fn brackets(names: &Names, text: &str) -> Result<Vec<u8>, String> {
    let inside = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    names.bytes(inside.ok_or_else(|| format!("`{text}` is not in brackets"))?)
}
