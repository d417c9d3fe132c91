//! Known differences between the verifier and the kernel: `tests/kernel/disagreements.toml`, a reason each.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use crate::place::{self, Error};

const FILE: &str = "tests/kernel/disagreements.toml";

/// The known differences in one case file, judged in one mode.
pub(super) struct Known {
    /// By case: whether we accept it.
    listed: BTreeMap<String, bool>,
    /// Differences that nobody listed.
    unlisted: Vec<String>,
}

impl Known {
    /// Those of a case file: `cases` is its name without the ending.
    pub(super) fn read(cases: &Path, mode: &str) -> Result<Known, Error> {
        let text = std::fs::read_to_string(place::root().join(FILE))?;
        let table = DeTable::parse(&text)?;
        let stem = cases.file_stem().unwrap_or_default().to_string_lossy();
        let mut listed = BTreeMap::new();
        let rows = table.get_ref().get("difference");
        let rows = rows.and_then(|rows| rows.get_ref().as_array());
        for row in rows.into_iter().flatten() {
            let word = |key: &str| {
                let value = row.get_ref().get(key).map(|value| value.get_ref());
                let text = value.and_then(DeValue::as_str);
                text.ok_or_else(|| format!("{FILE}: a difference without `{key}`"))
            };
            let reason = word("reason")?;
            if reason.trim().is_empty() {
                return Err(format!("{FILE}: {} has no reason", word("case")?).into());
            }
            let accepts = match (word("osmia")?, word("linux")?) {
                ("accept", "reject") => true,
                ("reject", "accept") => false,
                other => return Err(format!("{FILE}: {other:?} is no difference").into()),
            };
            if word("cases")? == stem && word("mode")? == mode {
                listed.insert(word("case")?.to_owned(), accepts);
            }
        }
        Ok(Known {
            listed,
            unlisted: Vec::new(),
        })
    }

    /// A difference was found.
    pub(super) fn found(&mut self, case: &str, accepts: bool) {
        match self.listed.remove(case) {
            Some(listed) if listed == accepts => {}
            _ => self.unlisted.push(case.to_owned()),
        }
    }

    /// Prints what the list does not say, and what it says although it is gone; true if neither is so.
    pub(super) fn holds(&self, complete: bool) -> bool {
        for case in &self.unlisted {
            println!("not in {FILE}: {case}");
        }
        let gone: Vec<&String> = self.listed.keys().filter(|_| complete).collect();
        for case in &gone {
            println!("in {FILE}, but there is no such difference: {case}");
        }
        self.unlisted.is_empty() && gone.is_empty()
    }
}
