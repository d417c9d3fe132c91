//! What a test could not run here, said where the test harness does not swallow it.

use std::io::Write;

/// Names on standard error something that a test passes over on this machine, and why.
///
/// The harness keeps what passing tests print with `println!`; a skip has to be seen all the same.
pub fn skipped(what: &str, why: impl std::fmt::Display) {
    // A closed standard error is no reason to fail a test.
    let _ = writeln!(std::io::stderr(), "skipped: {what}: {why}");
}
