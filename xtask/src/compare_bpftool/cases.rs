//! What both tools are asked.

use std::path::Path;

use super::{Counts, Tools};
use crate::examples;
use crate::place::{self, Error};

/// Loads what the kernel takes, and asks about every program and map of it, then about maps of every kind.
pub(super) fn run(tools: &Tools, folder: &Path, counts: &mut Counts) -> Result<(), Error> {
    let objects = examples::objects(&place::root())?;
    let objects = objects.iter().filter(|object| is_asked_about(object));
    for (number, object) in objects.enumerate() {
        let scratch = folder.join(format!("object-{number}"));
        let (programs, maps) = (scratch.join("programs"), scratch.join("maps"));
        std::fs::create_dir_all(&scratch)?;
        let name = object.file_name().unwrap_or_default().to_string_lossy();
        let paths = (object.display().to_string(), programs.display().to_string());
        let pinned = maps.display().to_string();
        let loaded = tools.bpftool(&["prog", "loadall", &paths.0, &paths.1, "pinmaps", &pinned]);
        if loaded.is_err() {
            counts
                .skipped
                .push(format!("{name}: bpftool does not load it"));
        }
        for path in files(&programs) {
            program(tools, &path, counts);
        }
        for path in files(&maps) {
            map(tools, &path, counts);
        }
        std::fs::remove_dir_all(&scratch)?;
    }
    kinds(tools, folder, counts)
}

/// The examples, and of the programs for `compare-kernel` those whose instructions vary most.
fn is_asked_about(object: &Path) -> bool {
    const OTHERS: [&str; 3] = ["casts.bpf.o", "control.bpf.o", "views.bpf.o"];
    let is_example = object
        .parent()
        .is_some_and(|folder| folder.ends_with("examples"));
    is_example || OTHERS.iter().any(|name| object.ends_with(name))
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<String> = entries
        .map(|entry| entry.path().display().to_string())
        .collect();
    files.sort();
    files
}

fn program(tools: &Tools, path: &str, counts: &mut Counts) {
    tools.compare(&["prog", "show", "pinned", path], counts);
    tools.compare(&["-f", "prog", "show", "pinned", path], counts);
    for beside in ["", "opcodes", "linum"] {
        let mut words = vec!["prog", "dump", "xlated", "pinned", path];
        words.extend((!beside.is_empty()).then_some(beside));
        tools.compare(&words, counts);
    }
    tools.compare(&["btf", "dump", "prog", "pinned", path], counts);
}

fn map(tools: &Tools, path: &str, counts: &mut Counts) {
    tools.compare(&["map", "show", "pinned", path], counts);
    tools.compare(&["map", "dump", "pinned", path], counts);
    for part in ["key", "value", "kv", "all"] {
        tools.compare(&["btf", "dump", "map", "pinned", path, part], counts);
    }
}

/// A map of a kind: type, bytes of key and value, and elements that are stored in it.
type Kind = (
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const KINDS: [Kind; 8] = [
    (
        "hash",
        "4",
        "8",
        &[
            ("1 2 3 4", "1 2 3 4 5 6 7 8"),
            ("hex 0a 0b 0c 0d", "hex 01 02 03 04 05 06 07 ff"),
        ],
    ),
    ("array", "4", "4", &[("1 0 0 0", "9 9 9 9")]),
    (
        "lru_hash",
        "4",
        "20",
        &[(
            "0 0 0 0",
            "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
        )],
    ),
    ("percpu_array", "4", "4", &[("0 0 0 0", "7 0 0 0")]),
    (
        "percpu_hash",
        "4",
        "12",
        &[("0 0 0 1", "1 0 0 0 2 0 0 0 3 0 0 0")],
    ),
    ("lpm_trie", "8", "1", &[("24 0 0 0 10 0 0 0", "1")]),
    ("queue", "0", "4", &[]),
    ("stack", "0", "4", &[]),
];

fn kinds(tools: &Tools, folder: &Path, counts: &mut Counts) -> Result<(), Error> {
    for (kind, key, value, elements) in KINDS {
        let path = folder.join(kind).display().to_string();
        let flags = if kind == "lpm_trie" { "1" } else { "0" };
        tools.bpftool(&[
            "map", "create", &path, "type", kind, "key", key, "value", value, "entries", "4",
            "name", kind, "flags", flags,
        ])?;
        let on = |verb, rest: &[&str], counts: &mut Counts| {
            let mut words = vec!["map", verb, "pinned", path.as_str()];
            words.extend(rest);
            tools.compare(&words, counts);
        };
        on("show", &[], counts);
        on("dump", &[], counts);
        for (key, value) in elements {
            let key: Vec<&str> = key.split(' ').collect();
            let value: Vec<&str> = value.split(' ').collect();
            let with = |key: &[&'static str]| [&["key"], key].concat();
            let update = [with(&key), vec!["value"], value].concat();
            on("update", &update, counts);
            on("lookup", &with(&key), counts);
            on("getnext", &[], counts);
            on("dump", &[], counts);
        }
        if key == "0" {
            on("push", &["value", "1", "2", "3", "4"], counts);
            on("peek", &[], counts);
            on("pop", &[], counts);
            on("pop", &[], counts);
            on("pop", &[], counts);
        } else {
            on(
                "lookup",
                &[&["key"], vec!["3"; key.parse()?].as_slice()].concat(),
                counts,
            );
        }
        if kind != "lpm_trie" {
            // Only the first to ask may: the second is told that it is frozen.
            tools.ours(&["map", "freeze", "pinned", &path])?;
            on("show", &[], counts);
        }
        std::fs::remove_file(&path)?;
    }
    Ok(())
}
