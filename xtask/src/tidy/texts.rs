//! Checks that read the files themselves.

use std::collections::BTreeSet;

use super::{Tree, is_source};
use crate::place::Error;

const LINES_MAX: usize = 900;
const BYTES_MAX: u64 = 1 << 20;

/// Where `unsafe` may be written.
const UNSAFE_ROOMS: [&str; 10] = [
    "crates/benches/src/rbpf_jit.rs",
    "crates/capi/src/interface.rs",
    "crates/jit/src/pages.rs",
    "crates/linux/src/perf.rs",
    "crates/linux/src/ring.rs",
    "crates/linux/src/sys", // sys.rs and what is inside of it
    "crates/trace/src/sys.rs",
    "crates/osmia/tests/embed/allocator.rs",
    "crates/vm/src/memory/",
    "crates/fuzzing/tests/hostile/allocator.rs",
];

/// A long file that is one table or one state machine carries this in its first lines.
const LONG_MARKER: &str = "tidy: one table";

/// How a page begins to say that nothing on it can be run.
const NO_EXAMPLE: &str = "\n\nThere is no example: ";

/// Code pages and codes name each other.
pub(super) fn every_code_has_a_page(
    tree: &Tree,
    complaints: &mut Vec<String>,
) -> Result<(), Error> {
    let mut codes = BTreeSet::new();
    for file in tree.with_ending("/codes.rs") {
        for line in tree.text(file)?.lines() {
            // NAME = "room-word", "title";
            let Some((name, rest)) = line.trim().split_once(" = \"") else {
                continue;
            };
            let constant = name
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_');
            if let (true, Some((code, _))) = (constant, rest.split_once('"')) {
                codes.insert(code.to_owned());
            }
        }
    }
    if codes.is_empty() {
        complaints.push("no diagnostic codes found in any codes.rs".into());
    }
    let folder = "docs/diagnostics/";
    let pages: BTreeSet<String> = tree
        .with_ending(".md")
        .filter_map(|file| file.strip_prefix(folder)?.strip_suffix(".md"))
        .filter(|name| *name != "README")
        .map(str::to_owned)
        .collect();
    for code in codes.difference(&pages) {
        complaints.push(format!("{folder}{code}.md is missing"));
    }
    for page in pages.difference(&codes) {
        complaints.push(format!(
            "{folder}{page}.md explains a code that nobody raises"
        ));
    }
    Ok(())
}

/// Every page has an example, which some test runs, or says why there is none.
pub(super) fn pages_show_or_say_why_not(
    tree: &Tree,
    complaints: &mut Vec<String>,
) -> Result<(), Error> {
    for page in tree.with_ending(".md") {
        if !page.starts_with("docs/diagnostics/") || page.ends_with("/README.md") {
            continue;
        }
        let text = tree.text(page)?;
        if !text.contains("\n```") && !text.contains(NO_EXAMPLE) {
            complaints.push(format!(
                "{page} shows no example; add one, or a paragraph `{} why`",
                NO_EXAMPLE.trim()
            ));
        }
    }
    Ok(())
}

/// No source file past the length at which a second noun hides in it.
pub(super) fn are_not_long(tree: &Tree, complaints: &mut Vec<String>) -> Result<(), Error> {
    for file in tree.with_ending(".rs") {
        let text = tree.text(file)?;
        let lines = text.lines().count();
        if lines > LINES_MAX && !text.lines().take(12).any(|line| line.contains(LONG_MARKER)) {
            complaints.push(format!(
                "{file} has {lines} lines; split it, or say `{LONG_MARKER}` in its head"
            ));
        }
    }
    Ok(())
}

/// A file opens with what it is.
pub(super) fn say_what_they_are(tree: &Tree, complaints: &mut Vec<String>) -> Result<(), Error> {
    for file in tree.with_ending(".rs").filter(|file| is_source(file)) {
        if !tree.text(file)?.starts_with("//!") {
            complaints.push(format!("{file} does not open with `//!` and what it is"));
        }
    }
    Ok(())
}

/// The one keyword that needs a room of its own.
pub(super) fn unsafe_stays_in_its_rooms(
    tree: &Tree,
    complaints: &mut Vec<String>,
) -> Result<(), Error> {
    let keyword = ["un", "safe"].concat();
    for file in tree.with_ending(".rs") {
        if UNSAFE_ROOMS.iter().any(|room| file.starts_with(room)) {
            continue;
        }
        for (number, line) in tree.text(file)?.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let written = code
                .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '"'))
                .any(|word| word == keyword);
            if written || code.contains(&format!("allow({keyword}_code")) {
                complaints.push(format!(
                    "{file}:{}: {keyword} outside its rooms",
                    number + 1
                ));
            }
        }
    }
    Ok(())
}

/// Nothing left for later, nothing skipped.
pub(super) fn nothing_is_unfinished(
    tree: &Tree,
    complaints: &mut Vec<String>,
) -> Result<(), Error> {
    let words = [
        ["to", "do!("],
        ["unimple", "mented!("],
        ["#[ig", "nore"],
        ["TO", "DO"],
        ["FIX", "ME"],
    ]
    .map(|halves| halves.concat());
    for file in tree.with_ending(".rs") {
        for (number, line) in tree.text(file)?.lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(*word)) {
                complaints.push(format!("{file}:{}: {word}", number + 1));
            }
        }
    }
    Ok(())
}

/// The repository stays quick to clone.
pub(super) fn are_small(tree: &Tree, complaints: &mut Vec<String>) -> Result<(), Error> {
    for file in &tree.files {
        let bytes = std::fs::metadata(tree.path(file))?.len();
        if bytes >= BYTES_MAX {
            complaints.push(format!(
                "{file} has {bytes} bytes, the limit is {BYTES_MAX}"
            ));
        }
    }
    Ok(())
}

/// Nothing committed says where it was made: not the text, not the objects' debug information.
pub(super) fn no_machine_paths(tree: &Tree, complaints: &mut Vec<String>) -> Result<(), Error> {
    let roots = [
        ["/ho", "me/"],
        ["/ro", "ot/"],
        ["/Use", "rs/"],
        ["/wo", "rk/"],
    ]
    .map(|halves| halves.concat());
    for file in &tree.files {
        let bytes = std::fs::read(tree.path(file))?;
        for root in &roots {
            if bytes
                .windows(root.len())
                .any(|window| window == root.as_bytes())
            {
                complaints.push(format!("{file} contains a path under {root}"));
            }
        }
    }
    Ok(())
}
