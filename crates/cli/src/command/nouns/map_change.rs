//! Verbs of `osmia map` on single elements, and those that make and change maps.

use clap::Subcommand;
use osmia::live::{
    Elements, Entry, Handle, Live, MapCreation, ObjectKind, Refused, Selector, Value, Words,
};
use osmia::{Error, MapKind};
use serde_json::json;

use super::flags::NounFlags;
use super::hex;
use super::map::entry_text;
use super::show::{Shower, only};
use crate::exit::Exit;

#[derive(Subcommand)]
pub(super) enum Verb {
    /// Make a map and pin it: `PATH type T key N value N entries N name NAME [flags F] [inner_map MAP]`
    Create { words: Vec<String> },
    /// Store a value: `MAP [key DATA] [value DATA|PROG|MAP] [any|exist|noexist]`
    Update { words: Vec<String> },
    /// Print a key's value: `MAP [key DATA]`
    Lookup { words: Vec<String> },
    /// Print the key behind another, the first without one: `MAP [key DATA]`
    Getnext { words: Vec<String> },
    /// Remove a key: `MAP key DATA`
    Delete { words: Vec<String> },
    /// Make a map findable at a path: `MAP PATH`
    Pin { words: Vec<String> },
    /// Print a queue's or stack's next value: `MAP`
    Peek { words: Vec<String> },
    /// Put a value on a stack: `MAP value DATA`
    Push { words: Vec<String> },
    /// Take a stack's next value: `MAP`
    Pop { words: Vec<String> },
    /// Put a value into a queue: `MAP value DATA`
    Enqueue { words: Vec<String> },
    /// Take a queue's next value: `MAP`
    Dequeue { words: Vec<String> },
    /// Let no system call write to it any more: `MAP`
    Freeze { words: Vec<String> },
}

impl Verb {
    pub(super) fn run(self, flags: &NounFlags, shower: &mut Shower<'_>) -> Result<Exit, Error> {
        match self {
            Verb::Create { words } => create(words, flags, shower),
            Verb::Update { words } | Verb::Push { words } | Verb::Enqueue { words } => {
                update(words, flags, shower)
            }
            Verb::Lookup { words } => lookup(words, flags, shower),
            Verb::Getnext { words } => next_key(words, flags, shower),
            Verb::Delete { words } => delete(words, flags, shower),
            Verb::Pin { words } => pin(words, flags, shower),
            Verb::Peek { words } => next_value(words, flags, shower, false),
            Verb::Pop { words } | Verb::Dequeue { words } => next_value(words, flags, shower, true),
            Verb::Freeze { words } => freeze(words, flags, shower),
        }
    }
}

/// The map a verb is about, which its first words say.
fn map(words: &mut Words, flags: &NounFlags) -> Result<Handle, Error> {
    let selector = words.selector()?;
    only(&flags.live()?, ObjectKind::Map, &selector)
}

/// The words `key DATA`, if they are there.
fn key(words: &mut Words, elements: &Elements<'_>) -> Result<Option<Vec<u8>>, Error> {
    match words.take_if("key") {
        true => words.bytes(elements.key_bytes(), "key").map(Some),
        false => Ok(None),
    }
}

fn create(words: Vec<String>, flags: &NounFlags, shower: &mut Shower<'_>) -> Result<Exit, Error> {
    let mut words = Words::new(
        words,
        "osmia map create PATH type T key N value N entries N name NAME [flags F] [inner_map MAP]",
    );
    let path = words.next("a path")?;
    let mut asked = MapCreation {
        kind: MapKind::Unspec,
        key_size: 0,
        value_size: 0,
        max_entries: 0,
        name: String::new(),
        flags: 0,
        inner: None,
    };
    let live = flags.live()?;
    let mut inner = None;
    while !words.is_empty() {
        let size = |words: &mut Words| words.number("a size").map(|size| size as u32);
        if words.take_if("type") {
            let name = words.next("a map type")?;
            asked.kind = MapKind::from_name(&name)
                .ok_or_else(|| words.mistake(format!("`{name}` is no map type")))?;
        } else if words.take_if("key") {
            asked.key_size = size(&mut words)?;
        } else if words.take_if("value") {
            asked.value_size = size(&mut words)?;
        } else if words.take_if("entries") {
            asked.max_entries = size(&mut words)?;
        } else if words.take_if("flags") {
            asked.flags = size(&mut words)?;
        } else if words.take_if("name") {
            asked.name = words.next("a name")?;
        } else if words.take_if("inner_map") {
            let selector = words.selector()?;
            inner = Some(only(&live, ObjectKind::Map, &selector)?);
        } else {
            words.end()?;
        }
    }
    if asked.kind == MapKind::Unspec {
        return Err(words.mistake("`type T` is missing"));
    }
    asked.inner = inner.as_ref().map(Handle::fd);
    live.create_map(&asked)?.pin(&path)?;
    shower.done();
    Ok(Exit::Ok)
}

fn update(words: Vec<String>, flags: &NounFlags, shower: &mut Shower<'_>) -> Result<Exit, Error> {
    let usage = "osmia map update MAP [key DATA] [value DATA|PROG|MAP] [any|exist|noexist]";
    let mut words = Words::new(words, usage);
    let map = map(&mut words, flags)?;
    let elements = map.elements()?;
    let key = key(&mut words, &elements)?;
    let mut value = Vec::new();
    // A program or map that goes in is held until it is there.
    let mut held = None;
    if words.take_if("value") {
        if is_selector(&words) {
            let selector = words.selector()?;
            let object = slotted(map.live(), &elements, &selector)?;
            value = object.fd().to_ne_bytes().to_vec();
            held = Some(object);
        } else {
            let one = words.bytes(elements.info().u32("value_size") as usize, "value")?;
            value = per_cpu(&elements, &one);
        }
    }
    const NEW_ONLY: u64 = 1;
    const KNOWN_ONLY: u64 = 2;
    let mode = if words.take_if("noexist") {
        NEW_ONLY
    } else if words.take_if("exist") {
        KNOWN_ONLY
    } else {
        words.take_if("any");
        0
    };
    words.end()?;
    let stored = elements.update(key.as_deref().unwrap_or_default(), &value, mode);
    drop(held);
    stored.map_err(|errno| Refused::new("update of the map", errno))?;
    shower.done();
    Ok(Exit::Ok)
}

fn is_selector(words: &Words) -> bool {
    matches!(words.peek(), Some("id" | "pinned" | "tag" | "name"))
}

/// What a map of programs or maps is to hold.
fn slotted(live: &Live, elements: &Elements<'_>, selector: &Selector) -> Result<Handle, Error> {
    let kind = MapKind::from_number(elements.info().u32("type"));
    let kind = match kind {
        Some(MapKind::ArrayOfMaps | MapKind::HashOfMaps) => ObjectKind::Map,
        _ => ObjectKind::Program,
    };
    only(live, kind, selector)
}

/// The same value for every CPU.
fn per_cpu(elements: &Elements<'_>, one: &[u8]) -> Vec<u8> {
    if !elements.is_per_cpu() {
        return one.to_vec();
    }
    let mut slot = one.to_vec();
    slot.resize(one.len().next_multiple_of(8), 0);
    slot.repeat(elements.value_bytes() / slot.len().max(1))
}

fn show(entry: &Entry, map: &Handle, shower: &mut Shower<'_>) -> Result<(), Error> {
    let types = map.map_types()?;
    shower.either(
        || entry.to_json(types.as_ref()),
        || match entry.formatted(types.as_ref()) {
            Some(typed) => Shower::typed(&typed),
            None => entry_text(entry),
        },
    );
    Ok(())
}

fn lookup(words: Vec<String>, flags: &NounFlags, shower: &mut Shower<'_>) -> Result<Exit, Error> {
    let mut words = Words::new(words, "osmia map lookup MAP [key DATA]");
    let map = map(&mut words, flags)?;
    let elements = map.elements()?;
    let key = key(&mut words, &elements)?.unwrap_or_default();
    words.end()?;
    let entry = elements.entry(&key, elements.lookup(&key, 0))?;
    match entry.value {
        Ok(_) => show(&entry, &map, shower)?,
        Err(_) => shower.either(
            || json!(null),
            || format!("key:\n{}\n\nNot found\n", hex::lines(&key)),
        ),
    }
    Ok(Exit::Ok)
}

fn next_key(words: Vec<String>, flags: &NounFlags, shower: &mut Shower<'_>) -> Result<Exit, Error> {
    let mut words = Words::new(words, "osmia map getnext MAP [key DATA]");
    let map = map(&mut words, flags)?;
    let elements = map.elements()?;
    let key = key(&mut words, &elements)?;
    words.end()?;
    let next = elements.next_key(key.as_deref());
    let next = next.map_err(|errno| Refused::new("next key", errno))?;
    let digits = |bytes: &[u8]| -> serde_json::Value {
        bytes
            .iter()
            .map(|byte| json!(format!("0x{byte:02x}")))
            .collect()
    };
    shower.either(
        || json!({ "key": key.as_deref().map(digits), "next_key": digits(&next) }),
        || {
            let given = key
                .as_deref()
                .map_or("None".to_owned(), |key| format!("\n{}", hex::lines(key)));
            let blank = if key.is_some() { "" } else { " " };
            format!("key:{blank}{given}\nnext key:\n{}\n", hex::lines(&next))
        },
    );
    Ok(Exit::Ok)
}

fn delete(words: Vec<String>, flags: &NounFlags, shower: &mut Shower<'_>) -> Result<Exit, Error> {
    let mut words = Words::new(words, "osmia map delete MAP key DATA");
    let map = map(&mut words, flags)?;
    let elements = map.elements()?;
    let Some(key) = key(&mut words, &elements)? else {
        return Err(words.mistake("`key DATA` is missing"));
    };
    words.end()?;
    let gone = elements.delete(&key);
    gone.map_err(|errno| Refused::new("such key to delete", errno))?;
    shower.done();
    Ok(Exit::Ok)
}

fn pin(words: Vec<String>, flags: &NounFlags, shower: &mut Shower<'_>) -> Result<Exit, Error> {
    let mut words = Words::new(words, "osmia map pin MAP PATH");
    let selector = words.selector()?;
    let path = words.next("a path")?;
    words.end()?;
    only(&flags.live()?, ObjectKind::Map, &selector)?.pin(&path)?;
    shower.done();
    Ok(Exit::Ok)
}

fn next_value(
    words: Vec<String>,
    flags: &NounFlags,
    shower: &mut Shower<'_>,
    takes: bool,
) -> Result<Exit, Error> {
    let mut words = Words::new(words, "osmia map peek|pop|dequeue MAP");
    let map = map(&mut words, flags)?;
    words.end()?;
    let elements = map.elements()?;
    let bytes = match takes {
        true => elements.take(&[]),
        false => elements.lookup(&[], 0),
    };
    let entry = elements.entry(&[], bytes)?;
    match &entry.value {
        Ok(Value::One(_) | Value::PerCpu(_)) => show(&entry, &map, shower)?,
        Err(_) => shower.either(|| json!(null), || "the map is empty\n".to_owned()),
    }
    Ok(Exit::Ok)
}

fn freeze(words: Vec<String>, flags: &NounFlags, shower: &mut Shower<'_>) -> Result<Exit, Error> {
    let mut words = Words::new(words, "osmia map freeze MAP");
    let map = map(&mut words, flags)?;
    words.end()?;
    let frozen = map.elements()?.freeze();
    frozen.map_err(|errno| Refused::new("freezing the map", errno))?;
    shower.done();
    Ok(Exit::Ok)
}
