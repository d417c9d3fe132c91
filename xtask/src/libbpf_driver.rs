//! Our small C programs over Debian's libbpf, compiled when a judge asks for one.
//!
//! What a driver prints is its judge's business; this file only knows how to build it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::{self, Error};

/// Compiles `drivers/<name>.c` and gives the path of the program.
pub(crate) fn build(name: &str) -> Result<PathBuf, Error> {
    let folder = place::root().join("target/drivers");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("drivers/{name}.c"));
    place::run(
        Command::new("cc")
            .args(["-O1", "-Wall", "-Wextra", "-o"])
            .arg(&path)
            .arg(source)
            .args(["-lbpf", "-lelf", "-lz"]),
    )
    .map_err(|error| format!("this needs a C compiler and libbpf-dev: {error}"))?;
    Ok(path)
}
