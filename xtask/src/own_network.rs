//! A job in a network of its own: nobody else's packets, addresses and programs.

use std::process::Command;

use crate::Verdict;
use crate::place::Error;

/// Set for the process inside of it.
const INSIDE: &str = "OSMIA_OWN_NETWORK";

/// True if this process has a network of its own.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs this command again in a network of its own.
pub(crate) fn enter() -> Result<Verdict, Error> {
    let status = Command::new("unshare")
        .arg("--net")
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(INSIDE, "1")
        .status()
        .map_err(|error| format!("unshare: {error}"))?;
    match status.code() {
        Some(0) => Ok(Verdict::Holds),
        Some(1) => Ok(Verdict::Fails),
        _ => Err(format!("the job ended with {status}").into()),
    }
}
