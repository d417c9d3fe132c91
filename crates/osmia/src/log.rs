//! A kernel verifier's log, explained like a rejection of ours.

use std::io::Read;
use std::path::Path;

use osmia_verify::Mistake;
use osmia_verify::explain::{Explanation, explain, read_log};
use serde::Serialize;

use crate::object::read_file;
use crate::{Error, limits};

/// What a log says.
#[derive(Clone, Debug, Serialize)]
pub struct ExplainedLog {
    /// The program, if the loader said its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// True if the log ends without a complaint.
    pub accepted: bool,
    /// Why the program was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

/// Explains the log in a file; `-` is standard input.
///
/// # Errors
/// If it cannot be read.
pub fn explain_log(path: &Path) -> Result<ExplainedLog, Error> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        let mut input = std::io::stdin().take(limits::LOG_BYTES_MAX);
        input
            .read_to_end(&mut bytes)
            .map_err(|error| Error::io(path, &error))?;
        bytes
    } else {
        read_file(path, "LOG_BYTES_MAX", limits::LOG_BYTES_MAX)?
    };
    let log = read_log(&String::from_utf8_lossy(&bytes));
    let mistake = Mistake::of(&log.message);
    let explanation = (!log.accepted).then(|| explain(&log.trace, mistake, &log.message, None));
    Ok(ExplainedLog {
        program: log.program,
        accepted: log.accepted,
        explanation,
    })
}
