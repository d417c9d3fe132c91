//! Files of cases, as they are read and as they are blessed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::case::{Case, Line, expected_line, line};

/// Between cases.
const SEPARATOR: &str = "====";

/// A file of cases.
#[derive(Clone, Debug)]
pub struct CaseFile {
    /// Where it is.
    pub path: PathBuf,
    /// The folder below `tests/both` it lies in: what it is about.
    pub folder: String,
    /// Its cases.
    pub cases: Vec<Case>,
    text: String,
}

/// Every file below a folder, in order.
///
/// # Errors
/// If one cannot be read or is not made of cases.
pub fn files(root: &Path) -> Result<Vec<CaseFile>, String> {
    let mut paths = Vec::new();
    collect(root, &mut paths).map_err(|error| format!("{}: {error}", root.display()))?;
    paths.sort();
    paths
        .into_iter()
        .map(|path| CaseFile::read(root, path))
        .collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "txt") {
            found.push(path);
        }
    }
    Ok(())
}

impl CaseFile {
    fn read(root: &Path, path: PathBuf) -> Result<CaseFile, String> {
        let said = |what: String| format!("{}: {what}", path.display());
        let text = std::fs::read_to_string(&path).map_err(|error| said(error.to_string()))?;
        let mut cases = Vec::new();
        let (mut one, mut first) = (String::new(), 1);
        for (number, line) in text.lines().enumerate() {
            if line == SEPARATOR {
                cases.push(Case::parse(&one, first).map_err(said)?);
                one.clear();
                first = number + 2;
            } else {
                one.push_str(line);
                one.push('\n');
            }
        }
        cases.push(Case::parse(&one, first).map_err(said)?);
        let below = path.strip_prefix(root).unwrap_or(&path);
        let folder = below
            .parent()
            .map_or_else(String::new, |parent| parent.to_string_lossy().into_owned());
        Ok(CaseFile {
            folder,
            cases,
            text,
            path,
        })
    }

    /// Writes the file anew with the answers of the steps, by line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn bless(&self, answers: &BTreeMap<usize, String>) -> std::io::Result<()> {
        let mut out = String::new();
        for (number, text) in self.text.lines().enumerate() {
            if matches!(line(text), Line::Expected(_)) {
                continue;
            }
            out.push_str(text);
            out.push('\n');
            if let Some(answer) = answers.get(&(number + 1)) {
                out.push_str(&expected_line(answer));
                out.push('\n');
            }
        }
        if out == self.text {
            return Ok(());
        }
        std::fs::write(&self.path, out)
    }
}
