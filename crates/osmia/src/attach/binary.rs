//! Functions of programs and libraries: from the name of a file and of a function to a place in the file.

use std::path::{Path, PathBuf};

use object::read::elf::{ElfFile64, ProgramHeader};
use object::{Endianness, Object, ObjectSymbol, SymbolKind};
use osmia_diag::Diagnostic;
use osmia_program::Fault;

use crate::{Error, codes, limits};

/// Where libraries are, and where programs are.
const LIBRARIES: [&str; 6] = [
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
];
const PROGRAMS: [&str; 4] = ["/usr/local/bin", "/usr/bin", "/usr/sbin", "/bin"];

/// A file by its path, or by the name of a library or of a program.
pub(super) fn find(name: &str) -> Result<PathBuf, Error> {
    if name.contains('/') {
        return Ok(PathBuf::from(name));
    }
    let folders: &[&str] = match name.contains(".so") || name.starts_with("lib") {
        true => &LIBRARIES,
        false => &PROGRAMS,
    };
    let found = folders
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.is_file());
    found
        .ok_or_else(|| {
            let message = format!("there is no `{name}` in {}", folders.join(", "));
            problem(message).help("a section may name the file by its whole path")
        })
        .map_err(|diagnostic| Error::new(Fault::Usage, diagnostic))
}

/// How far from a file's beginning a function begins.
pub(super) fn offset_of(path: &Path, function: &str) -> Result<u64, Error> {
    let size = std::fs::metadata(path).map_err(|error| Error::io(path, &error))?;
    if size.len() > limits::BINARY_BYTES_MAX {
        return Err(Error::too_large(
            path,
            "BINARY_BYTES_MAX",
            limits::BINARY_BYTES_MAX,
        ));
    }
    let bytes = std::fs::read(path).map_err(|error| Error::io(path, &error))?;
    let file = ElfFile64::<Endianness>::parse(&*bytes).map_err(|error| {
        let message = format!("{} cannot be read: {error}", path.display());
        Error::new(Fault::Input, problem(message))
    })?;
    let address = symbol(&file, function).ok_or_else(|| not_there(path, &file, function))?;
    let endian = file.endian();
    let segment = file.elf_program_headers().iter().find_map(|segment| {
        let start = segment.p_vaddr(endian);
        let is_in = segment.p_type(endian) == object::elf::PT_LOAD
            && (start..start.saturating_add(segment.p_filesz(endian))).contains(&address);
        is_in.then(|| address - start + segment.p_offset(endian))
    });
    segment.ok_or_else(|| {
        let message = format!("`{function}` of {} lies in no segment", path.display());
        Error::new(Fault::Input, problem(message))
    })
}

/// The address of a function; `name@VERSION` as `name`.
fn symbol(file: &ElfFile64<'_>, function: &str) -> Option<u64> {
    let plain = function.split('@').next()?;
    functions(file)
        .find(|(name, _)| *name == plain)
        .map(|(_, address)| address)
}

/// Functions that are in the file, those that others may use last.
fn functions<'f>(file: &'f ElfFile64<'_>) -> impl Iterator<Item = (&'f str, u64)> {
    file.symbols()
        .chain(file.dynamic_symbols())
        .filter_map(|symbol| {
            let is_function = symbol.kind() == SymbolKind::Text && symbol.is_definition();
            let name = symbol.name().ok().filter(|_| is_function)?;
            Some((name.split('@').next()?, symbol.address()))
        })
}

fn not_there(path: &Path, file: &ElfFile64<'_>, function: &str) -> Error {
    let message = format!("{} has no function `{function}`", path.display());
    let mut diagnostic = problem(message);
    let (mut nearest, mut least) = (None, function.len() / 3 + 1);
    let mut any = false;
    for (name, _) in functions(file) {
        any = true;
        let away = strsim::damerau_levenshtein(name, function);
        if away < least {
            (nearest, least) = (Some(name), away);
        }
    }
    diagnostic = match nearest {
        Some(nearest) => diagnostic.help(format!("did you mean `{nearest}`?")),
        None if !any => diagnostic.note("the file names no functions: it is stripped"),
        None => diagnostic,
    };
    Error::new(Fault::Usage, diagnostic)
}

fn problem(message: String) -> Diagnostic {
    Diagnostic::error(codes::ATTACH_PLACE, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_and_the_nearest_is_named() {
        let path = std::env::current_exe().unwrap();
        let offset = offset_of(&path, "main").unwrap();
        assert!(offset < std::fs::metadata(&path).unwrap().len());
        let error = offset_of(&path, "mian").unwrap_err();
        assert!(format!("{:?}", error.diagnostics).contains("did you mean"));
    }

    #[test]
    fn libraries_are_found_by_name() {
        assert!(find("libnowhere.so.1").is_err());
        assert_eq!(find("./a.out").unwrap(), PathBuf::from("./a.out"));
    }
}
