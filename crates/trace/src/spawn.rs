//! Starting the command: found as a shell finds it, under the filter from its first instruction.

use std::ffi::{CString, OsStr, OsString};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use osmia_diag::Diagnostic;
use osmia_program::{Errno, Fault, HostError};

use crate::filter::Insn;
use crate::{codes, sys};

/// A child that waits to be let go.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) process: u32,
    go: std::io::PipeWriter,
    failure: std::io::PipeReader,
    command: String,
}

fn cannot(command: &OsStr, why: impl std::fmt::Display) -> HostError {
    let message = format!("`{}` cannot be started: {why}", command.display());
    HostError::new(Fault::Usage, Diagnostic::error(codes::COMMAND, message))
}

/// The file that a name stands for: a path as it is, else the first executable file of that name in
/// the folders of `PATH`.
fn find(name: &OsStr) -> Result<PathBuf, HostError> {
    let is_path = name.as_bytes().contains(&b'/');
    let runs = |path: &Path| {
        let metadata = path.metadata().ok()?;
        (metadata.is_file() && metadata.permissions().mode() & 0o111 != 0).then_some(())
    };
    if is_path {
        return Ok(name.into());
    }
    let folders = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    let mut files = std::env::split_paths(&folders).map(|folder| folder.join(name));
    let found = files.find(|path| runs(path).is_some());
    found.ok_or_else(|| cannot(name, "there is no such command"))
}

fn c_string(text: &OsStr) -> Result<CString, HostError> {
    CString::new(text.as_bytes()).map_err(|_| cannot(text, "a zero byte in the command line"))
}

/// Starts a command that waits.
pub(crate) fn start(command: &[OsString], filter: &[Insn]) -> Result<Waiting, HostError> {
    let Some(name) = command.first() else {
        return Err(cannot(OsStr::new(""), "no command was given"));
    };
    let path = find(name)?;
    let path = c_string(path.as_os_str())?;
    let arguments: Vec<CString> = command
        .iter()
        .map(|word| c_string(word))
        .collect::<Result<_, _>>()?;
    let variables = std::env::vars_os().map(|(name, value)| {
        let mut line = name;
        line.push("=");
        line.push(value);
        c_string(&line)
    });
    let environment: Vec<CString> = variables.collect::<Result<_, _>>()?;
    let pipe = || std::io::pipe().map_err(|error| cannot(name, error));
    let ((waits, go), (failure, fails)) = (pipe()?, pipe()?);
    let child = sys::Child {
        path: &path,
        arguments: &arguments,
        environment: &environment,
        filter,
        go: waits.as_fd(),
        failure: fails.as_fd(),
    };
    let process = sys::fork(&child).map_err(|errno| cannot(name, errno.meaning()))?;
    Ok(Waiting {
        process,
        go,
        failure,
        command: name.to_string_lossy().into_owned(),
    })
}

impl Waiting {
    /// Lets it go.
    pub(crate) fn go(&mut self) -> Result<(), HostError> {
        let command = OsStr::new(&self.command);
        self.go
            .write_all(&[1])
            .map_err(|error| cannot(command, error))
    }

    /// Why it did not come to run the program; `None` if it does.
    pub(crate) fn failure(mut self) -> Option<HostError> {
        let mut errno = [0; 4];
        self.failure.read_exact(&mut errno).ok()?;
        let errno = Errno(i32::from_ne_bytes(errno));
        let text = std::io::Error::from_raw_os_error(errno.0);
        Some(cannot(OsStr::new(&self.command), text))
    }
}
