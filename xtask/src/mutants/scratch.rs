//! The scratch copy that the mutants are built into.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::list::Mutant;
use crate::place::{self, Error};

/// The variable that names the mutant of a run.
pub(super) const CHOSEN: &str = "OSMIA_MUTANT";

/// What of the sources the judges need.
const SOURCES: [&str; 5] = ["crates", "xtask", "docs", "Cargo.toml", "Cargo.lock"];

/// Asks which mutant is chosen.
const QUESTION: &str = "//! Which of the breakages is chosen.

use std::sync::LazyLock;

pub(crate) fn is(number: usize) -> bool {
    static CHOSEN: LazyLock<Option<usize>> =
        LazyLock::new(|| std::env::var(\"OSMIA_MUTANT\").ok()?.parse().ok());
    *CHOSEN == Some(number)
}
";

/// Where the copy is built: dependencies are those of the workspace, so they are there already.
pub(super) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| place::root().join("target"), PathBuf::from)
}

/// Copies the sources with every mutant in them.
///
/// # Errors
/// If the text of a mutant is not exactly once in its file: the list has to follow the code.
pub(super) fn copy(mutants: &[Mutant]) -> Result<tempfile::TempDir, Error> {
    let root = place::root();
    let copy = tempfile::tempdir()?;
    let listed = place::run(
        Command::new("git")
            .current_dir(&root)
            .args(["ls-files", "-z"])
            .args(SOURCES),
    )?;
    for path in String::from_utf8(listed)?.split_terminator('\0') {
        let (from, to) = (root.join(path), copy.path().join(path));
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        // What is listed may be deleted and not committed yet.
        if from.exists() {
            fs::copy(from, to)?;
        }
    }
    let verifier = copy.path().join("crates/verify/src");
    for (number, mutant) in mutants.iter().enumerate() {
        let path = verifier.join(mutant.file);
        let text = fs::read_to_string(&path)?;
        let count = text.matches(mutant.find).count();
        if count != 1 {
            return Err(format!("{}: found {count} times in {}", mutant.name, mutant.file).into());
        }
        let (find, replace) = (mutant.find, mutant.replace);
        let both = format!("(if crate::mutant::is({number}) {{ {replace} }} else {{ {find} }})");
        fs::write(&path, text.replacen(find, &both, 1))?;
    }
    fs::write(verifier.join("mutant.rs"), QUESTION)?;
    let library = verifier.join("lib.rs");
    let text = fs::read_to_string(&library)?;
    fs::write(
        &library,
        format!("#![allow(unused_parens)]\n{text}\nmod mutant;\n"),
    )?;
    Ok(copy)
}
