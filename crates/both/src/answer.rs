//! What came back, as one line: the result, then every field and buffer that changed.
//!
//! What cannot be the same twice is not shown: addresses, times, native code, texts of logs. Ids are
//! shown by the name of the object they belong to.

use std::fmt::Write as _;

use osmia_program::Errno;
use osmia_program::attr::{
    Attr, AttrField, BTF_INFO, Command, InfoLayout, LINK_INFO, MAP_INFO, PROG_INFO, Role, layout,
};

use crate::call::info_layout;
use crate::case::Step;
use crate::literal::Names;
use crate::request::{Call, Request, Returned};

/// Fields and buffers whose contents nobody can foretell.
const HIDDEN: &[&str] = &[
    "duration",
    "log_buf",
    "log_true_size",
    "btf_log_buf",
    "btf_log_true_size",
    "btf_log_size",
    "jited_prog_len",
    "jited_prog_insns",
    "xlated_prog_len",
    "xlated_prog_insns",
    "load_time",
    "created_by_uid",
    "netns_dev",
    "netns_ino",
    "nr_jited_ksyms",
    "nr_jited_func_lens",
    "nr_jited_line_info",
    "jited_line_info_rec_size",
    "jited_ksyms",
    "jited_func_lens",
    "jited_line_info",
    "run_time_ns",
    "run_cnt",
    "verified_insns",
    "probe_addr",
    "attach_btf_id",
    "tracing.target_btf_id",
];

/// Fields that hold ids, and what of.
const IDS: &[(&str, &InfoLayout)] = &[
    ("prog_id", &PROG_INFO),
    ("prog_ids", &PROG_INFO),
    ("map_id", &MAP_INFO),
    ("map_ids", &MAP_INFO),
    ("struct_ops.map_id", &MAP_INFO),
    ("sockmap.map_id", &MAP_INFO),
    ("btf_id", &BTF_INFO),
    ("attach_btf_obj_id", &BTF_INFO),
    ("target_obj_id", &BTF_INFO),
    ("link_id", &LINK_INFO),
    ("link_ids", &LINK_INFO),
];

/// What a field holds the id of; `own` is what the command or the structure is about.
fn id_of(field: &str, own: Option<&'static InfoLayout>) -> Option<&'static str> {
    let own = own.filter(|_| matches!(field, "id" | "next_id"));
    let named = IDS.iter().find(|(name, _)| *name == field);
    own.or(named.map(|(_, info)| *info)).map(|info| info.name)
}

/// What the ids of a command are of.
fn walked(command: Command) -> Option<&'static InfoLayout> {
    match command {
        Command::ProgGetNextId => Some(&PROG_INFO),
        Command::MapGetNextId => Some(&MAP_INFO),
        Command::BtfGetNextId => Some(&BTF_INFO),
        Command::LinkGetNextId => Some(&LINK_INFO),
        _ => None,
    }
}

/// The answer of a step.
pub(crate) fn line(step: &Step, request: &Request, returned: &Returned, names: &Names) -> String {
    let mut out = result(request, returned.result);
    match request {
        Request::Bpf(call) => {
            if let Some(command) = Command::from_number(call.command) {
                fields(&mut out, command, call, returned, names);
            }
            // How far a copy came before its memory ended is nobody's business.
            let whole = returned.result != -i64::from(Errno::EFAULT.0);
            let buffers = call.buffers.iter().zip(&returned.buffers);
            for (buffer, after) in buffers.filter(|_| whole) {
                if buffer.bytes == *after || HIDDEN.contains(&buffer.name.as_str()) {
                    continue;
                }
                match info_of(step, &buffer.name) {
                    Some(info) if buffer.place.parent.is_none() => {
                        structure(&mut out, info, &buffer.name, after, names);
                    }
                    _ => match id_of(&buffer.name, None) {
                        Some(kind) => ids(&mut out, &buffer.name, kind, after, names),
                        None => _ = write!(out, " {}={}", buffer.name, bytes(after)),
                    },
                }
            }
        }
        Request::Read(..) if returned.result > 0 => {
            if let Some(read) = returned.buffers.first() {
                let read = &read[..read.len().min(returned.result as usize)];
                _ = write!(out, " {:?}", String::from_utf8_lossy(read));
            }
        }
        _ => {}
    }
    out
}

/// True if the call gives a descriptor when it succeeds.
pub(crate) fn gives_fd(request: &Request) -> bool {
    match request {
        Request::Open(_) | Request::PerfEvent(..) => true,
        Request::Bpf(call) => matches!(
            Command::from_number(call.command),
            Some(
                Command::MapCreate
                    | Command::ProgLoad
                    | Command::ObjGet
                    | Command::ProgGetFdById
                    | Command::MapGetFdById
                    | Command::BtfGetFdById
                    | Command::LinkGetFdById
                    | Command::RawTracepointOpen
                    | Command::BtfLoad
                    | Command::LinkCreate
                    | Command::EnableStats
                    | Command::IterCreate
                    | Command::TokenCreate
            )
        ),
        _ => false,
    }
}

/// The structure a step asks to be told about.
pub(crate) fn info_of(step: &Step, buffer: &str) -> Option<&'static InfoLayout> {
    let (_, text) = step.arguments.iter().find(|(name, _)| name == buffer)?;
    let (head, _) = text.split_once('{')?;
    info_layout(head.split(':').next()?)
}

fn result(request: &Request, result: i64) -> String {
    match result {
        0.. if gives_fd(request) => "fd".to_owned(),
        0.. => result.to_string(),
        _ => {
            let errno = Errno(-result as i32);
            let name = errno.name().map(str::to_owned);
            name.unwrap_or_else(|| format!("errno {}", errno.0))
        }
    }
}

fn fields(out: &mut String, command: Command, call: &Call, returned: &Returned, names: &Names) {
    let mut before = Attr::new(command, &call.attr);
    let after = Attr::new(command, &returned.attr);
    // Where a buffer is, and whatever other field has its address there, is nobody's business.
    for buffer in call
        .buffers
        .iter()
        .filter(|buffer| buffer.place.parent.is_none())
    {
        let place = buffer.place.offset;
        before.put(place, &after.bytes()[place..place + 8]);
    }
    let mut last = None;
    for field in layout(command).fields {
        let same_place = last == Some(field.offset);
        if field.role == Role::Pointer || same_place || HIDDEN.contains(&field.name) {
            continue;
        }
        if before.field(field.name) != after.field(field.name) {
            last = Some(field.offset);
            let value = after.number(field.name);
            one(out, field, walked(command), value, names);
        }
    }
}

fn structure(out: &mut String, info: &'static InfoLayout, name: &str, after: &[u8], names: &Names) {
    _ = write!(out, " {name}={{");
    let start = out.len();
    let mut covered = 0;
    for field in info.fields {
        let Some(bytes) = after.get(field.offset..field.offset + field.bytes) else {
            continue;
        };
        // Of members that share a place the first one is shown.
        if field.offset < covered || HIDDEN.contains(&field.name) || field.role == Role::Pointer {
            covered = covered.max(field.offset + field.bytes);
            continue;
        }
        covered = field.offset + field.bytes;
        if bytes.iter().all(|&byte| byte == 0) {
            continue;
        }
        match field.role {
            Role::Name if field.name == "tag" => _ = write!(out, " tag={}", hex(bytes)),
            Role::Name => {
                let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
                _ = write!(out, " {}={:?}", field.name, String::from_utf8_lossy(text));
            }
            _ => one(out, field, Some(info), number(bytes), names),
        }
    }
    if out.len() > start {
        out.remove(start);
    }
    out.push('}');
}

fn one(
    out: &mut String,
    field: &AttrField,
    own: Option<&'static InfoLayout>,
    value: u64,
    names: &Names,
) {
    let shown = match id_of(field.name, own) {
        Some(kind) => id(kind, value, names),
        None => shown(value, field.bytes),
    };
    _ = write!(out, " {}={shown}", field.name);
}

fn ids(out: &mut String, name: &str, kind: &'static str, bytes: &[u8], names: &Names) {
    let ids = bytes.as_chunks::<4>().0.iter();
    let ids: Vec<_> = ids
        .map(|bytes| id(kind, u64::from(u32::from_le_bytes(*bytes)), names))
        .collect();
    _ = write!(out, " {name}=[{}]", ids.join(" "));
}

fn id(kind: &'static str, value: u64, names: &Names) -> String {
    match names.objects.get(&(kind, value)) {
        _ if value == 0 => "0".to_owned(),
        Some(name) => name.clone(),
        None => "other".to_owned(),
    }
}

/// Small numbers as people count, negative ones with their sign, large ones in hexadecimal.
fn shown(value: u64, bytes: usize) -> String {
    let signed = match bytes {
        4 => i64::from(value as u32 as i32),
        _ => value as i64,
    };
    match signed {
        -4096..=-1 => signed.to_string(),
        0..=0xffff => value.to_string(),
        _ => format!("{value:#x}"),
    }
}

/// Zeroes from here on are counted rather than written.
const ZEROES: usize = 8;

/// Bytes as cases write them.
fn bytes(all: &[u8]) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut rest = all;
    while !rest.is_empty() {
        let zeroes = rest.iter().take_while(|&&byte| byte == 0).count();
        if zeroes >= ZEROES {
            words.push(format!("0*{zeroes}"));
            rest = &rest[zeroes..];
            continue;
        }
        let run = rest
            .windows(ZEROES)
            .position(|window| window == [0; ZEROES]);
        let (now, later) = rest.split_at(run.unwrap_or(rest.len()));
        words.push(format!("x{}", hex(now)));
        rest = later;
    }
    format!("[{}]", words.join(" "))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn number(bytes: &[u8]) -> u64 {
    let mut value = [0; 8];
    value[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(value)
}
