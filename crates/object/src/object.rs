//! What an object file declares, before any machine is known.
//!
//! Making an [`Object`] never looks outside its bytes: the same bytes give the same value anywhere,
//! and every index, offset and size in it is in bounds.

use std::fmt::Write;
use std::sync::Arc;

use osmia_btf::{Btf, BtfExt, TypeId};
use osmia_diag::{Diagnostic, Place};
use osmia_isa::Endian;
use osmia_program::{Hook, MapSpec, ProgramFlags};

use crate::image::{Image, SectionIndex, SymbolIndex};
use crate::section_name::Certainty;
use crate::{ObjectError, elf, limits, read};

/// A function of the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name in the file.
    pub name: String,
    /// The section it is in.
    pub section: SectionIndex,
    /// Its first slot in the section.
    pub start: u32,
    /// Slots it occupies, at least one.
    pub slots: u32,
    /// Visible to others: the verifier checks it on its own.
    pub global: bool,
    /// May be replaced by another of its name when linking statically.
    pub weak: bool,
    /// `static`.
    pub local: bool,
}

impl Function {
    /// The name as people wrote it: Rust's mangling undone.
    pub fn display_name(&self) -> String {
        display_name(&self.name)
    }
}

/// A name as people wrote it: Rust's mangling undone, its hash left out. Long ones are cut.
pub fn display_name(name: &str) -> String {
    let mut short = Short::default();
    // Running out of room is how it ends early: a few bytes of mangled name may mean a megabyte.
    let _ = match rustc_demangle::try_demangle(name) {
        Ok(demangled) => write!(short, "{demangled:#}"),
        Err(_) => short.write_str(name),
    };
    short.0
}

/// Text of at most [`limits::SHOWN_NAME_BYTES_MAX`] bytes.
#[derive(Default)]
struct Short(String);

impl std::fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let room = limits::SHOWN_NAME_BYTES_MAX - self.0.len();
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        let end = text.floor_char_boundary(room);
        self.0.push_str(&text[..end]);
        Err(std::fmt::Error)
    }
}

/// Position of a function in [`Object::functions`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionIndex(pub(crate) u32);

impl FunctionIndex {
    /// As a position in [`Object::functions`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A function that can be loaded.
#[derive(Clone, Debug)]
pub struct ProgramDecl {
    /// Name of its function.
    pub name: String,
    /// Name of its section, with any `?`.
    pub section: String,
    /// The function it begins with.
    pub function: FunctionIndex,
    /// Type, attach type and target, as the section name says.
    pub hook: Hook,
    /// Load flags, as the section name says.
    pub flags: ProgramFlags,
    /// False for sections that begin with `?`.
    pub autoload: bool,
    /// How sure the type is.
    pub certainty: Certainty,
}

/// A map that the object declares or needs for its variables.
#[derive(Clone, Debug)]
pub struct MapDecl {
    /// What it should be.
    pub spec: MapSpec,
    /// Name of the section it stands for or is declared in.
    pub section_name: String,
    /// That section, if it is in the file (`.kconfig` is not).
    pub section: Option<SectionIndex>,
    /// Where in the section its declaration begins.
    pub offset: u64,
    /// Bytes of its declaration.
    pub size: u64,
}

/// A global variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Position of its map in [`Object::maps`].
    pub map: usize,
    /// Offset inside the map's value.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// Its type, if the object has types.
    pub type_id: Option<TypeId>,
}

/// What kind of number, text or switch a `.kconfig` variable holds.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum KconfigType {
    /// `bool`
    Bool,
    /// `enum libbpf_tristate`
    Tristate,
    /// `char`
    Char,
    /// A signed or unsigned integer.
    Int {
        /// Two's complement.
        signed: bool,
    },
    /// `char[N]`
    Text,
}

/// What has to fill an extern in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternKind {
    /// A variable that the loader fills with a value of the kernel's configuration.
    Kconfig {
        /// How the value is written.
        ty: KconfigType,
        /// Offset inside the `.kconfig` map.
        offset: u32,
        /// Bytes.
        size: u32,
    },
    /// A kernel variable; without a type only its address is wanted.
    Variable {
        /// Its type in the object's BTF, `None` for `void`.
        ty: Option<TypeId>,
    },
    /// A kernel function.
    Function {
        /// Its `FUNC` in the object's BTF.
        func: TypeId,
    },
    /// Another object has to define it.
    Object,
}

/// A symbol that the file refers to and does not define.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extern {
    /// Its name.
    pub name: String,
    /// The symbol.
    pub symbol: SymbolIndex,
    /// May be missing.
    pub weak: bool,
    /// Who has to define it.
    pub kind: ExternKind,
    /// Its VAR or FUNC in the object's BTF.
    pub type_id: Option<TypeId>,
}

/// What an object file declares.
#[derive(Clone, Debug)]
pub struct Object {
    pub(crate) image: Image,
    pub(crate) functions: Vec<Function>,
    pub(crate) programs: Vec<ProgramDecl>,
    pub(crate) maps: Vec<MapDecl>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) externs: Vec<Extern>,
    pub(crate) license: String,
    pub(crate) kernel_version: u32,
    pub(crate) notes: Notes,
}

impl Object {
    /// Reads an object file. `name` is the file's name: it names the maps of its variables.
    ///
    /// # Errors
    /// What is wrong with the bytes; nothing of them is kept.
    pub fn parse(bytes: &[u8], name: &str) -> Result<Object, ObjectError> {
        read::interpret(elf::read(bytes, name)?)
    }

    /// Links several objects into one, as `bpftool gen object` does: sections of one name are
    /// joined, externs find their definitions, types and debug information are renumbered.
    ///
    /// # Errors
    /// Two definitions of one name, or objects that do not fit together.
    pub fn merge(objects: Vec<Object>, name: &str) -> Result<Object, ObjectError> {
        let images = objects.into_iter().map(|object| object.image).collect();
        read::interpret(crate::merge::merge(images, name)?)
    }

    /// The file's name as it was given.
    pub fn name(&self) -> &str {
        &self.image.name
    }

    /// Byte order of its instructions and data.
    pub fn endian(&self) -> Endian {
        self.image.endian
    }

    /// Sections, symbols and relocations.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// Functions by section and place.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// Functions that can be loaded, by section and place.
    pub fn programs(&self) -> &[ProgramDecl] {
        &self.programs
    }

    /// Maps, in the order libbpf creates them.
    pub fn maps(&self) -> &[MapDecl] {
        &self.maps
    }

    /// Global variables by map and offset.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// What others have to define.
    pub fn externs(&self) -> &[Extern] {
        &self.externs
    }

    /// Its types.
    pub fn btf(&self) -> Option<&Arc<Btf>> {
        self.image.btf.as_ref()
    }

    /// Its source lines and CO-RE relocations.
    pub fn btf_ext(&self) -> Option<&BtfExt> {
        self.image.ext.as_ref()
    }

    /// The licence it states, empty if none.
    pub fn license(&self) -> &str {
        &self.license
    }

    /// Its `version` section, 0 if none.
    pub fn kernel_version(&self) -> u32 {
        self.kernel_version
    }

    /// Remarks and warnings; the object is usable nevertheless.
    pub fn notes(&self) -> &[Diagnostic] {
        &self.notes.kept
    }

    /// The function that begins at this slot of a section.
    pub fn function_at(&self, section: SectionIndex, slot: u32) -> Option<FunctionIndex> {
        self.functions
            .binary_search_by_key(&(section, slot), |function| {
                (function.section, function.start)
            })
            .ok()
            .map(|index| FunctionIndex(index as u32))
    }
}

/// Remarks, of which only so many are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    pub(crate) kept: Vec<Diagnostic>,
}

impl Notes {
    pub(crate) fn add(&mut self, file: &str, note: Diagnostic) {
        if self.kept.len() < limits::NOTES_MAX {
            self.kept.push(note.in_file(file));
        } else if self.kept.len() == limits::NOTES_MAX {
            self.kept.push(
                Diagnostic::note_only(
                    crate::codes::OBJECT_NOTE,
                    format!(
                        "more remarks than NOTES_MAX = {} are left out",
                        limits::NOTES_MAX
                    ),
                )
                .at(Place::file(file)),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::display_name;
    use crate::limits::SHOWN_NAME_BYTES_MAX;

    #[test]
    fn names_are_shown_as_written_and_never_at_length() {
        for (name, shown) in [
            ("plain", "plain"),
            ("_ZN3xdp5count17h0123456789abcdefE", "xdp::count"),
            ("_RNvC3xdp5count", "xdp::count"),
        ] {
            assert_eq!(display_name(name), shown);
        }
        assert_eq!(display_name(&"é".repeat(1000)).len(), SHOWN_NAME_BYTES_MAX);
        // A tuple of twice the tuple before, and so on: 2 to the 20 parts.
        let mut doubling = "_RMC0TTTTTTTTTTTTTTTTTTTTuuE".to_owned();
        for _ in 1..20 {
            doubling += "BB_E";
        }
        assert!(display_name(&doubling).len() <= SHOWN_NAME_BYTES_MAX);
    }
}
