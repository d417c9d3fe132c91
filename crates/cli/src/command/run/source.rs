//! Bytes given on the command line: a file's, or hexadecimal digits.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use osmia::{Error, limits};

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
            Some(digits) => parse_hex(digits).map(Self::Bytes),
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

fn parse_hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, ':' | ','))
        .map(|c| {
            c.to_digit(16)
                .map(|digit| digit as u8)
                .ok_or_else(|| format!("`{c}` is not a hexadecimal digit"))
        })
        .collect::<Result<_, _>>()?;
    if !digits.len().is_multiple_of(2) {
        return Err(format!("{} digits do not make whole bytes", digits.len()));
    }
    Ok(digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect())
}

/// Opens a capture, `-` for stdin, and says how long it is if that can be known.
pub(super) fn open(path: &Path) -> Result<(Box<dyn Read>, Option<u64>), Error> {
    if path.as_os_str() == "-" {
        return Ok((Box::new(io::stdin()), None));
    }
    let file = File::open(path).map_err(|error| Error::io(path, &error))?;
    let metadata = file.metadata().map_err(|error| Error::io(path, &error))?;
    if metadata.is_dir() {
        return Err(Error::io(path, &io::ErrorKind::IsADirectory.into()));
    }
    let bytes = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(file), bytes))
}

#[cfg(test)]
mod tests {
    use super::parse_hex;

    #[test]
    fn digits_in_the_usual_spellings() {
        assert_eq!(parse_hex("0aFF 00:01").unwrap(), [10, 255, 0, 1]);
        assert!(parse_hex("").unwrap().is_empty());
        assert!(parse_hex("0").unwrap_err().contains("whole bytes"));
        assert!(parse_hex("0g").unwrap_err().contains("`g`"));
    }
}
