//! Object files: read, joined, and linked for a target.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use osmia_btf::Btf;
use osmia_diag::Diagnostic;
use osmia_object::{BtfSectionError, ExternKind, LinkOptions, LinkProblem};
use osmia_program::{AttachKind, Fault, ProgramSet, Target};

use crate::{Error, Linked, limits};

/// What one object file, or several joined, declares. The same bytes give the same value anywhere.
///
/// ```
/// # let hello = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/hello.bpf.o");
/// let object = osmia::Object::open(hello)?;
/// let names: Vec<&str> = object.declared().programs().iter().map(|p| p.name.as_str()).collect();
/// assert_eq!(names, ["hello"]);
/// # Ok::<(), osmia::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Object {
    declared: osmia_object::Object,
}

impl Object {
    /// Reads an object file.
    ///
    /// # Errors
    /// If the file cannot be read or is not an eBPF object.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = read_file(path, "OBJECT_BYTES_MAX", limits::OBJECT_BYTES_MAX)?;
        Self::from_bytes(&bytes, &path.display().to_string())
    }

    /// Reads an object from memory; `name` stands for its file's name.
    ///
    /// # Errors
    /// If it is not an eBPF object.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self, Error> {
        osmia_object::Object::parse(bytes, name)
            .map(|declared| Self { declared })
            .map_err(|error| Error::new(Fault::Input, error.to_diagnostic()).in_file(name))
    }

    /// Reads several object files and links them statically; one is taken as it is.
    ///
    /// # Errors
    /// If one cannot be read, or they do not fit together.
    pub fn open_all<P: AsRef<Path>>(paths: &[P]) -> Result<Self, Error> {
        let mut objects = Vec::new();
        for path in paths {
            objects.push(Self::open(path)?);
        }
        if objects.len() == 1 {
            return Ok(objects.remove(0));
        }
        let name = paths
            .first()
            .map(|path| path.as_ref().display().to_string())
            .unwrap_or_default();
        let declared = objects.into_iter().map(|object| object.declared).collect();
        osmia_object::Object::merge(declared, &name)
            .map(|declared| Self { declared })
            .map_err(|error| Error::new(Fault::Input, error.to_diagnostic()))
    }

    /// Everything it declares.
    pub fn declared(&self) -> &osmia_object::Object {
        &self.declared
    }

    /// Remarks and warnings; the object is usable nevertheless.
    pub fn notes(&self) -> &[Diagnostic] {
        self.declared.notes()
    }

    /// True if linking asks for types of the kernel.
    pub fn needs_kernel_types(&self) -> bool {
        let core = self
            .declared
            .btf_ext()
            .is_some_and(|ext| ext.relos.iter().any(|part| !part.records.is_empty()));
        let externs = self.declared.externs().iter().any(|external| {
            matches!(
                external.kind,
                ExternKind::Variable { .. } | ExternKind::Function { .. }
            )
        });
        let attach = self.declared.programs().iter().any(|program| {
            matches!(
                program.hook.attach,
                Some(
                    AttachKind::TraceRawTp
                        | AttachKind::TraceFentry
                        | AttachKind::TraceFexit
                        | AttachKind::ModifyReturn
                        | AttachKind::TraceIter
                        | AttachKind::LsmMac
                )
            )
        });
        core || externs || attach
    }

    /// Links its programs for a target.
    ///
    /// # Errors
    /// Everything that is wrong with the programs, or with the options.
    pub fn link(&self, target: &Target, options: &LinkOptions) -> Result<Linked, Error> {
        let mut notes = Vec::new();
        let set: ProgramSet = self
            .declared
            .link_noting(target, options, &mut notes)
            .map_err(|error| Error {
                fault: if error.problems.iter().all(is_usage) {
                    Fault::Usage
                } else {
                    Fault::Input
                },
                diagnostics: error.to_diagnostics(),
            })?;
        Ok(Linked::new(
            self.declared.name(),
            self.declared.endian(),
            set,
            notes,
        ))
    }
}

/// True for what the caller got wrong, not the object.
fn is_usage(problem: &LinkProblem) -> bool {
    matches!(
        problem,
        LinkProblem::UnknownType { .. }
            | LinkProblem::NoProgram { .. }
            | LinkProblem::NoVariable { .. }
            | LinkProblem::NoMap { .. }
            | LinkProblem::FixedMap { .. }
            | LinkProblem::Value { .. }
            | LinkProblem::PlainValue { .. }
    )
}

/// Reads the BTF of a file: raw, or the `.BTF` section of an ELF file.
///
/// # Errors
/// If the file cannot be read or holds none.
pub fn read_btf(path: &Path, base: Option<Arc<Btf>>) -> Result<Btf, Error> {
    let name = path.display().to_string();
    let bytes = read_file(path, "OBJECT_BYTES_MAX", limits::OBJECT_BYTES_MAX)?;
    let raw = match osmia_object::btf_section(&bytes) {
        Ok(section) => section.to_vec(),
        // Not ELF: BTF as it is, or nothing we know, of which the BTF reader complains.
        Err(BtfSectionError::NotElf) => bytes,
        Err(error) => {
            return Err(Error::new(Fault::Input, error.to_diagnostic()).in_file(&name));
        }
    };
    Btf::parse(raw, base)
        .map_err(|error| Error::new(Fault::Input, error.to_diagnostic()).in_file(&name))
}

/// The bytes of a file up to a named limit.
pub(crate) fn read_file(path: &Path, limit: &str, max: u64) -> Result<Vec<u8>, Error> {
    let failed = |error: io::Error| Error::io(path, &error);
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > max {
        return Err(Error::too_large(path, limit, max));
    }
    Ok(bytes)
}
