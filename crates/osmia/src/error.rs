//! One error for everything the facade does: whose fault it is, and what people are told.

use std::path::Path;

use osmia_diag::{Diagnostic, Place};
use osmia_program::{Errno, Fault, HostError};
use osmia_user::capture::CaptureError;

use crate::codes;

/// Why something could not be done.
#[derive(Clone, Debug)]
pub struct Error {
    /// Whose fault it is; the command line makes its exit code of it.
    pub fault: Fault,
    /// What people are told, the first one the reason; never empty.
    pub diagnostics: Vec<Diagnostic>,
}

impl Error {
    /// A failure with its explanation.
    pub fn new(fault: Fault, diagnostic: Diagnostic) -> Self {
        Self {
            fault,
            diagnostics: vec![diagnostic],
        }
    }

    /// The same failure, in this file unless it names one.
    pub fn in_file(mut self, file: &str) -> Self {
        self.diagnostics = self
            .diagnostics
            .into_iter()
            .map(|diagnostic| diagnostic.in_file(file))
            .collect();
        self
    }

    /// A file that could not be opened or read.
    pub fn io(path: &Path, error: &std::io::Error) -> Self {
        let (fault, message) = match error.kind() {
            std::io::ErrorKind::NotFound => (Fault::Usage, "the file does not exist".to_owned()),
            std::io::ErrorKind::IsADirectory => {
                (Fault::Usage, "this is a directory, not a file".to_owned())
            }
            std::io::ErrorKind::PermissionDenied => {
                (Fault::Unsupported, "permission denied".to_owned())
            }
            _ => (Fault::Unsupported, error.to_string()),
        };
        let diagnostic =
            Diagnostic::error(codes::FILE, message).at(Place::file(path.display().to_string()));
        Self::new(fault, diagnostic)
    }

    /// A file over a named limit.
    pub fn too_large(path: &Path, limit: &str, max: u64) -> Self {
        let diagnostic = Diagnostic::error(
            codes::FILE,
            format!("the file is larger than {limit} = {max} bytes"),
        )
        .at(Place::file(path.display().to_string()));
        Self::new(Fault::Input, diagnostic)
    }

    /// A map that did not do what maps do.
    pub fn map(name: &str, errno: Errno) -> Self {
        let message = format!("map `{name}` could not be read: {errno}");
        Self::new(
            Fault::Internal,
            Diagnostic::error(codes::RUN_MAP_READ, message),
        )
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.diagnostics.first() {
            Some(diagnostic) => f.write_str(&diagnostic.message),
            None => f.write_str("unknown error"),
        }
    }
}

impl std::error::Error for Error {}

impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        Self::new(error.fault, *error.diagnostic)
    }
}

impl From<&CaptureError> for Error {
    fn from(error: &CaptureError) -> Self {
        let fault = match error {
            CaptureError::Io { .. } => Fault::Unsupported,
            _ => Fault::Input,
        };
        Self::new(fault, error.to_diagnostic())
    }
}
