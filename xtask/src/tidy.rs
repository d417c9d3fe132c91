//! Habits that code can check, so that reviews need not.
//!
//! Looks only at what git tracks or would track. Every complaint names the file and what would
//! settle it; all checks run even if an early one complains.

mod edges;
mod texts;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::{self, Error};
use crate::{Verdict, corpus, examples, header};

/// The committed files, read when a check asks.
struct Tree {
    root: PathBuf,
    files: Vec<String>,
}

impl Tree {
    fn read() -> Result<Tree, Error> {
        let root = place::root();
        let listed = place::run(Command::new("git").current_dir(&root).args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]))?;
        let files = String::from_utf8(listed)?
            .split_terminator('\0')
            .filter(|file| root.join(file).is_file())
            .map(str::to_owned)
            .collect();
        Ok(Tree { root, files })
    }

    fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    fn text(&self, file: &str) -> Result<String, Error> {
        std::fs::read_to_string(self.path(file)).map_err(|error| format!("{file}: {error}").into())
    }

    fn with_ending(&self, ending: &str) -> impl Iterator<Item = &str> {
        self.files
            .iter()
            .map(String::as_str)
            .filter(move |file| file.ends_with(ending))
    }
}

/// A check adds one line per complaint.
type Check = fn(&Tree, &mut Vec<String>) -> Result<(), Error>;

const CHECKS: [(&str, Check); 14] = [
    ("crate edges", edges::follow_the_rows),
    ("dependency reasons", edges::have_reasons),
    ("crates in ARCHITECTURE.md", edges::are_in_the_architecture),
    ("diagnostic pages", texts::every_code_has_a_page),
    ("examples on pages", texts::pages_show_or_say_why_not),
    ("file lengths", texts::are_not_long),
    ("file headers", texts::say_what_they_are),
    ("unsafe", texts::unsafe_stays_in_its_rooms),
    ("unfinished work", texts::nothing_is_unfinished),
    ("file sizes", texts::are_small),
    ("machine paths", texts::no_machine_paths),
    ("examples", examples_are_current),
    ("corpus", corpus_is_current),
    ("osmia.h", header_is_current),
];

pub(crate) fn run() -> Result<Verdict, Error> {
    let tree = Tree::read()?;
    let mut failed = 0;
    for (name, check) in CHECKS {
        let mut complaints = Vec::new();
        check(&tree, &mut complaints)?;
        println!(
            "{} {name}",
            if complaints.is_empty() {
                "ok    "
            } else {
                "FAILED"
            }
        );
        for complaint in &complaints {
            println!("       {complaint}");
        }
        failed += usize::from(!complaints.is_empty());
    }
    println!(
        "tidy: {} checks, {failed} failed, {} files",
        CHECKS.len(),
        tree.files.len()
    );
    Ok(if failed == 0 {
        Verdict::Holds
    } else {
        Verdict::Fails
    })
}

fn examples_are_current(tree: &Tree, complaints: &mut Vec<String>) -> Result<(), Error> {
    let built = examples::build(&tree.root)?;
    if let Some(note) = &built.note {
        println!("       {note}");
    }
    complaints.extend(built.stale().map(|(path, _)| {
        let path = path.strip_prefix(&tree.root).unwrap_or(path);
        format!("{} is not current: cargo xtask examples", path.display())
    }));
    Ok(())
}

fn header_is_current(tree: &Tree, complaints: &mut Vec<String>) -> Result<(), Error> {
    if !header::is_current(&tree.root)? {
        complaints.push("not current; run `cargo xtask header` and commit the result".to_owned());
    }
    Ok(())
}

fn corpus_is_current(tree: &Tree, complaints: &mut Vec<String>) -> Result<(), Error> {
    complaints.extend(corpus::stale(&tree.root)?.iter().map(|stale| {
        let path = stale.path.strip_prefix(&tree.root).unwrap_or(&stale.path);
        format!("{} is not current: cargo xtask corpus", path.display())
    }));
    Ok(())
}

/// True if the file is Rust source of the product or its tools, not a test or a bench.
fn is_source(file: &str) -> bool {
    file.ends_with(".rs") && file.contains("/src/") && !file.ends_with("/tests.rs")
}

/// The crate folder a file is in: `crates/isa`, `xtask`, `fuzz`.
fn folder_name(manifest: &Path) -> Option<&str> {
    manifest.parent()?.file_name()?.to_str()
}
