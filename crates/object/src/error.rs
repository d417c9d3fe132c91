//! Why a file is not an object.

use osmia_btf::BtfError;
use osmia_diag::{Code, Diagnostic, Place};

use crate::{codes, limits};

/// What bytes that are not ELF look like.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Looks {
    /// C source.
    CSource,
    /// Rust source.
    RustSource,
    /// LLVM bitcode.
    Bitcode,
    /// An archive of objects.
    Archive,
    /// BTF without an object around it.
    Btf,
    /// A packet capture.
    Capture,
    /// Some text.
    Text,
    /// Nothing known.
    Unknown,
}

impl Looks {
    /// Looks at the first bytes.
    pub(crate) fn of(bytes: &[u8], name: &str) -> Looks {
        let start = &bytes[..bytes.len().min(4096)];
        let has = |needle: &[u8]| start.windows(needle.len()).any(|window| window == needle);
        if start.starts_with(b"BC\xc0\xde") || start.starts_with(b"\xde\xc0\x17\x0b") {
            Looks::Bitcode
        } else if start.starts_with(b"!<arch>\n") {
            Looks::Archive
        } else if start.starts_with(&[0x9f, 0xeb]) || start.starts_with(&[0xeb, 0x9f]) {
            Looks::Btf
        } else if [
            [0xd4, 0xc3, 0xb2, 0xa1],
            [0xa1, 0xb2, 0xc3, 0xd4],
            [0x4d, 0x3c, 0xb2, 0xa1],
            [0x0a, 0x0d, 0x0d, 0x0a],
        ]
        .iter()
        .any(|magic| start.starts_with(magic))
        {
            Looks::Capture
        } else if !start
            .iter()
            .all(|byte| matches!(byte, 9..=13 | 32..=126 | 128..))
        {
            Looks::Unknown
        } else if name.ends_with(".c") || has(b"#include") || has(b"SEC(\"") {
            Looks::CSource
        } else if name.ends_with(".rs") || has(b"#![no_std]") || has(b"fn main()") {
            Looks::RustSource
        } else {
            Looks::Text
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Looks::CSource => "C source",
            Looks::RustSource => "Rust source",
            Looks::Bitcode => "LLVM bitcode",
            Looks::Archive => "an archive of objects",
            Looks::Btf => "BTF without an object around it",
            Looks::Capture => "a packet capture",
            Looks::Text => "text",
            Looks::Unknown => "not an ELF file",
        }
    }
}

/// Why bytes are not an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// There is nothing.
    #[error("the file is empty")]
    Empty,
    /// It does not begin like ELF.
    #[error("this is {}; an eBPF object begins with 7f 45 4c 46", looks.name())]
    NotElf {
        /// What it looks like.
        looks: Looks,
    },
    /// A 32-bit ELF file.
    #[error("this is a 32-bit ELF file, eBPF objects are 64-bit ones")]
    Class32,
    /// For another machine.
    #[error("this is an ELF file for {}, not for eBPF", machine_name(*machine))]
    Machine {
        /// `e_machine`
        machine: u16,
    },
    /// Not what compilers produce with `-c`.
    #[error("this ELF file is {}, a relocatable object was expected", file_type_name(*kind))]
    FileType {
        /// `e_type`
        kind: u16,
    },
    /// Headers or tables contradict the file.
    #[error("{what}{} is malformed: {reason}", index.map(|index| format!(" #{index}")).unwrap_or_default())]
    Malformed {
        /// Which part.
        what: &'static str,
        /// Its position in its table.
        index: Option<usize>,
        /// What the reader found.
        reason: String,
    },
    /// A section cannot be used.
    #[error("section {section} cannot be read: {what}")]
    Section {
        /// Its name.
        section: String,
        /// Its place in the file.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// Two sections share bytes.
    #[error("sections {first} and {second} overlap at offset {offset:#x} of the file")]
    Overlap {
        /// The one that begins first.
        first: String,
        /// The other one.
        second: String,
        /// Where the other one begins.
        offset: u64,
    },
    /// A symbol is out of bounds.
    #[error("symbol #{index} `{name}` is out of bounds: {what}")]
    Symbol {
        /// Its position.
        index: usize,
        /// Its name.
        name: String,
        /// What is wrong.
        what: String,
    },
    /// A relocation is out of bounds.
    #[error("the relocation at {section}+{offset:#x} is out of bounds: {what}")]
    Relocation {
        /// The section it is about.
        section: String,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// Something is larger than allowed.
    #[error("the file has too many {what}: {limit} = {max}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// Name of the limit.
        limit: &'static str,
        /// Its value.
        max: u64,
    },
    /// Its types are damaged and needed.
    #[error("the object's types are damaged: {error}")]
    Btf {
        /// `.BTF` or `.BTF.ext`.
        section: &'static str,
        /// What is wrong with them.
        error: Box<BtfError>,
    },
    /// A map definition is wrong.
    #[error("map `{map}`: {what}")]
    Map {
        /// Its name.
        map: String,
        /// Its section.
        section: String,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        what: String,
        /// What would fix it.
        help: Option<&'static str>,
    },
    /// A function is wrong.
    #[error("function `{function}`: {what}")]
    Function {
        /// Its name.
        function: String,
        /// Its section.
        section: String,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// An extern is wrong.
    #[error("extern `{name}`: {what}")]
    Extern {
        /// Its name.
        name: String,
        /// What is wrong.
        what: String,
        /// What would fix it.
        help: Option<&'static str>,
    },
    /// Objects cannot be linked into one.
    #[error("{what}")]
    Merge {
        /// The file that does not fit to the ones before it.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// Several of these.
    #[error("{} and {} more", errors[0], errors.len() - 1)]
    Several {
        /// At least two.
        errors: Vec<ObjectError>,
    },
}

/// Errors of one object, of which only so many are kept.
#[derive(Debug, Default)]
pub(crate) struct Errors(Vec<ObjectError>);

impl Errors {
    pub(crate) fn push(&mut self, error: ObjectError) {
        if self.0.len() < limits::ERRORS_MAX {
            self.0.push(error);
        }
    }

    /// One error, or several as one.
    ///
    /// # Errors
    /// If there are any.
    pub(crate) fn into_result(mut self) -> Result<(), ObjectError> {
        match self.0.len() {
            0 | 1 => self.0.pop().map_or(Ok(()), Err),
            _ => Err(ObjectError::Several { errors: self.0 }),
        }
    }
}

impl ObjectError {
    /// The stable code; of several errors the first one's.
    pub fn code(&self) -> Code {
        match self {
            ObjectError::Empty => codes::ELF_EMPTY,
            ObjectError::NotElf { .. } => codes::ELF_NOT_ELF,
            ObjectError::Class32 | ObjectError::Machine { .. } | ObjectError::FileType { .. } => {
                codes::ELF_MACHINE
            }
            ObjectError::Malformed { .. } => codes::ELF_MALFORMED,
            ObjectError::Section { .. } => codes::ELF_SECTION,
            ObjectError::Overlap { .. } => codes::ELF_OVERLAP,
            ObjectError::Symbol { .. } => codes::ELF_SYMBOL,
            ObjectError::Relocation { .. } => codes::ELF_RELOCATION,
            ObjectError::Limit { .. } => codes::OBJECT_LIMIT,
            ObjectError::Btf { error, .. } => error.code(),
            ObjectError::Map { .. } => codes::OBJECT_MAP,
            ObjectError::Function { .. } => codes::OBJECT_FUNCTION,
            ObjectError::Extern { .. } => codes::OBJECT_EXTERN,
            ObjectError::Merge { .. } => codes::OBJECT_MERGE,
            ObjectError::Several { errors } => errors
                .first()
                .map_or(codes::ELF_MALFORMED, ObjectError::code),
        }
    }

    fn place(&self) -> Place {
        match self {
            ObjectError::Section { offset, .. } => Place::none().offset(*offset),
            ObjectError::Overlap { offset, .. } => Place::none().offset(*offset),
            ObjectError::Relocation {
                section, offset, ..
            }
            | ObjectError::Map {
                section, offset, ..
            }
            | ObjectError::Function {
                section, offset, ..
            } => Place::none().section(section).offset(*offset),
            ObjectError::Btf { section, error } => {
                let mut place = Place::none().section(*section);
                place.offset = error.offset().map(|offset| offset as u64);
                place
            }
            ObjectError::NotElf { .. } => Place::none().offset(0),
            ObjectError::Class32 => Place::none().offset(4),
            ObjectError::FileType { .. } => Place::none().offset(16),
            ObjectError::Machine { .. } => Place::none().offset(18),
            ObjectError::Merge { file, .. } => Place::file(file),
            _ => Place::none(),
        }
    }

    fn help(&self) -> Option<&'static str> {
        Some(match self {
            ObjectError::Empty => {
                "was the compiler stopped before it wrote anything? build it again"
            }
            ObjectError::NotElf { looks } => match looks {
                Looks::CSource => "compile it first: clang -target bpf -O2 -g -c FILE.c -o FILE.o",
                Looks::RustSource => "build it first for the target bpfel-unknown-none",
                Looks::Bitcode => "finish the build: llc -march=bpf -filetype=obj, or bpf-linker",
                Looks::Archive => "unpack it and give the objects: ar x FILE",
                Looks::Btf => "look at it with: osmia btf dump file FILE",
                Looks::Capture => "give the object first and the capture with --pcap",
                Looks::Text | Looks::Unknown => "give an object made by clang -target bpf -c",
            },
            ObjectError::Class32 | ObjectError::Machine { .. } => {
                "compile for eBPF: clang -target bpf -O2 -g -c FILE.c -o FILE.o"
            }
            ObjectError::FileType { .. } => {
                "give what the compiler writes with -c, before any linking"
            }
            ObjectError::Map { help, .. } | ObjectError::Extern { help, .. } => return *help,
            ObjectError::Merge { .. } | ObjectError::Limit { .. } | ObjectError::Several { .. } => {
                return None;
            }
            _ => "the file is damaged; build or copy it again",
        })
    }

    /// The error for a person; of several errors the first one. The caller adds the file.
    pub fn to_diagnostic(&self) -> Diagnostic {
        if let ObjectError::Several { errors } = self
            && let Some(first) = errors.first()
        {
            return first.to_diagnostic();
        }
        let diagnostic = Diagnostic::error(self.code(), self.to_string()).at(self.place());
        match self.help() {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }

    /// Every error for a person.
    pub fn to_diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            ObjectError::Several { errors } => errors
                .iter()
                .flat_map(ObjectError::to_diagnostics)
                .collect(),
            one => vec![one.to_diagnostic()],
        }
    }
}

fn machine_name(machine: u16) -> String {
    let name = match machine {
        3 => "x86 (32-bit)",
        8 => "MIPS",
        20 | 21 => "PowerPC",
        22 => "s390",
        40 => "Arm (32-bit)",
        62 => "x86-64",
        183 => "AArch64",
        243 => "RISC-V",
        258 => "LoongArch",
        _ => return format!("machine {machine}"),
    };
    name.to_owned()
}

fn file_type_name(kind: u16) -> String {
    match kind {
        2 => "an executable".to_owned(),
        3 => "a shared object".to_owned(),
        4 => "a core dump".to_owned(),
        _ => format!("of type {kind}"),
    }
}

/// A name from a file, short enough to print.
pub(crate) fn clip(name: &str) -> String {
    const LONGEST: usize = 128;
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}
