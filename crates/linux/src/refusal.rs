//! What people are told when the kernel says no.

use osmia_diag::{Code, Diagnostic};
use osmia_program::{Errno, Fault, HostError, Program};

use crate::codes;

/// Lines of the kernel's log that say most: its end, without the count of instructions.
const LOG_LINES_SHOWN: usize = 12;

/// What was asked, in which words, and what the kernel said.
pub(crate) fn refused(code: Code, what: String, errno: Errno) -> HostError {
    let said = errno
        .name()
        .map_or_else(|| errno.to_string(), str::to_owned);
    if matches!(errno, Errno::EPERM | Errno::EACCES) {
        let message = format!("{what}: {said}, {}", errno.meaning());
        let diagnostic = Diagnostic::error(codes::PRIVILEGE, message)
            .help("it wants root, or CAP_BPF with CAP_PERFMON or CAP_NET_ADMIN as the type of program says")
            .help("`--on user` needs no rights");
        return HostError::new(Fault::Unsupported, diagnostic);
    }
    let message = format!("{what}: {said}, {}", errno.meaning());
    HostError::new(Fault::Input, Diagnostic::error(code, message))
}

/// A program that the kernel's verifier does not take, with the end of its log.
pub(crate) fn rejected(program: &Program, errno: Errno, log: &str) -> HostError {
    let what = format!("the kernel rejects program `{}`", program.name);
    if log.is_empty() {
        return refused(codes::REJECTED, what, errno);
    }
    let lines: Vec<&str> = log.lines().filter(|line| !is_summary(line)).collect();
    let shown = lines.len().saturating_sub(LOG_LINES_SHOWN);
    let last = lines.last().copied().unwrap_or_default();
    let diagnostic = Diagnostic::error(codes::REJECTED, format!("{what}: {last}"))
        .note(format!(
            "the end of its log:\n{}",
            lines[shown..].join("\n")
        ))
        .help("`osmia verify FILE` explains what is missing");
    HostError::new(Fault::Input, diagnostic)
}

fn is_summary(line: &str) -> bool {
    line.starts_with("processed ") && line.contains(" insns ")
}
