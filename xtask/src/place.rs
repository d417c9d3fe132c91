//! Where things are: the repository, the cache outside it, and the tools a job may ask for.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What stops a job: a sentence for a person.
pub(crate) type Error = Box<dyn std::error::Error>;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Clang for eBPF: `$CLANG`, else the version the committed objects were made with.
pub(crate) fn clang() -> String {
    std::env::var("CLANG").unwrap_or_else(|_| "clang-19".into())
}

/// The matching `llvm-strip`: `$LLVM_STRIP`, else by the version at the end of [`clang`].
pub(crate) fn llvm_strip() -> String {
    std::env::var("LLVM_STRIP").unwrap_or_else(|_| clang().replace("clang", "llvm-strip"))
}

/// True if `tool --version` runs.
pub(crate) fn is_installed(tool: &str) -> bool {
    Command::new(tool)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

/// Runs a command to its end; its standard error is part of the message if it fails.
pub(crate) fn run(command: &mut Command) -> Result<Vec<u8>, Error> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?}: {}\n{said}", output.status).into());
    }
    Ok(output.stdout)
}

/// Our command, built.
pub(crate) fn built_osmia() -> Result<PathBuf, Error> {
    let root = root();
    run(Command::new("cargo")
        .current_dir(&root)
        .args(["build", "-p", "osmia-cli"]))?;
    Ok(root.join("target/debug/osmia"))
}

/// Where downloads and what is built from them are kept: `$OSMIA_CACHE`, else the user's cache.
pub(crate) fn cache() -> Result<PathBuf, Error> {
    let folder = match std::env::var_os("OSMIA_CACHE") {
        Some(folder) => PathBuf::from(folder),
        None => {
            let home = std::env::var_os("HOME").ok_or("neither OSMIA_CACHE nor HOME is set")?;
            Path::new(&home).join(".cache/osmia")
        }
    };
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Bytes from their hexadecimal digits.
pub(crate) fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let nibble = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| Some(nibble(pair[0])? << 4 | nibble(*pair.get(1)?)?))
        .collect()
}

/// Why this process may not load programs, if it may not.
pub(crate) fn missing_privilege() -> Option<&'static str> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    const CAP_SYS_ADMIN: u64 = 1 << 21;
    match effective {
        None => Some("this is not Linux"),
        Some(capabilities) if capabilities & CAP_SYS_ADMIN == 0 => {
            Some("loading programs into the kernel needs root")
        }
        Some(_) => None,
    }
}
