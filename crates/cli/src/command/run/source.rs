//! Bytes given on the command line: a file's, or hexadecimal digits.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use osmia::{Error, hex, limits};

use super::stdin::Stdin;

/// Where bytes come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Bytes(Vec<u8>),
    File(PathBuf),
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("hex:") {
            Some(digits) => hex::parse(digits).map(Self::Bytes),
            None => Ok(Self::File(text.into())),
        }
    }
}

impl Source {
    /// The bytes.
    pub(super) fn read(&self) -> Result<Vec<u8>, Error> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::File(path) => {
                let mut bytes = Vec::new();
                File::open(path)
                    .and_then(|file| {
                        file.take(limits::INPUT_BYTES_MAX + 1)
                            .read_to_end(&mut bytes)
                    })
                    .map_err(|error| Error::io(path, &error))?;
                if bytes.len() as u64 > limits::INPUT_BYTES_MAX {
                    return Err(Error::too_large(
                        path,
                        "INPUT_BYTES_MAX",
                        limits::INPUT_BYTES_MAX,
                    ));
                }
                Ok(bytes)
            }
        }
    }
}

/// Opens a capture, `-` for stdin until the flag is raised, and says how long it is if that can be
/// known.
pub(super) fn open(
    path: &Path,
    stop: &Arc<AtomicBool>,
) -> Result<(Box<dyn Read>, Option<u64>), Error> {
    if path.as_os_str() == "-" {
        return Ok((Box::new(Stdin::until(stop)), None));
    }
    let file = File::open(path).map_err(|error| Error::io(path, &error))?;
    let metadata = file.metadata().map_err(|error| Error::io(path, &error))?;
    if metadata.is_dir() {
        return Err(Error::io(path, &io::ErrorKind::IsADirectory.into()));
    }
    let bytes = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(file), bytes))
}
