//! `osmia verify --explain-log`: the rejection in a kernel's log.

use std::path::PathBuf;

use osmia::{Error, ExplainedLog, explain_log};
use serde::Serialize;

use super::{sarif, story};
use crate::console::Console;
use crate::exit::Exit;

/// JSON: schema `osmia.verify-log/1`, described in `docs/json.md`.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'a str,
    logs: &'a [ExplainedLog],
}

pub(super) fn show(
    console: &mut Console,
    files: &[PathBuf],
    json: bool,
    sarif: bool,
) -> Result<Exit, Error> {
    let mut logs = Vec::new();
    for file in files {
        logs.push(explain_log(file)?);
    }
    let name = |log: &ExplainedLog| log.program.clone().unwrap_or_default();
    if sarif {
        let names: Vec<String> = logs.iter().map(name).collect();
        let found = names.iter().zip(&logs);
        let found =
            found.filter_map(|(name, log)| Some((name.as_str(), log.explanation.as_ref()?)));
        console.value(&sarif::document("", found));
    } else if json {
        console.value(&Document {
            schema: "osmia.verify-log/1",
            logs: &logs,
        });
    } else {
        for log in &logs {
            match &log.explanation {
                Some(explanation) => {
                    console.complaint(|paint| story::text(explanation, &name(log), paint));
                }
                None => console.line("the log ends without a rejection"),
            }
        }
    }
    Ok(if logs.iter().all(|log| log.accepted) {
        Exit::Ok
    } else {
        Exit::Negative
    })
}
