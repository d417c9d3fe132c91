//! An object file's parts without their bytes' order or encoding: sections, symbols, relocations.
//!
//! An `Image` is made from one ELF file, or from several by static linking; what reads meaning
//! out of it does not care which. Every index in it is in bounds.

use std::sync::Arc;

use osmia_btf::{Btf, BtfExt};
use osmia_diag::Diagnostic;
use osmia_isa::Endian;

/// Position of a section, as in ELF. 0 is the null section.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SectionIndex(pub(crate) u32);

impl SectionIndex {
    /// As a position in [`Image::sections`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Position of a symbol, as in ELF. 0 is the null symbol.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SymbolIndex(pub(crate) u32);

impl SymbolIndex {
    /// As a position in [`Image::symbols`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a section holds, as far as ELF says.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum SectionKind {
    /// Instructions.
    Code,
    /// Bytes.
    Bits,
    /// Bytes that start at zero and are not in the file.
    Zero,
    /// Anything else: tables, debug information, notes. Its bytes are not kept.
    Other,
}

/// A section.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: SectionKind,
    /// Bytes it occupies once loaded.
    pub size: u64,
    /// Alignment in bytes, a power of two.
    pub align: u64,
    /// Where its bytes begin in the file.
    pub file_offset: u64,
    /// Its bytes, decompressed; empty for kinds without.
    pub data: Vec<u8>,
    /// Relocations of its bytes, by offset.
    pub relocations: Vec<Relocation>,
}

/// Where a symbol is defined.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum SymbolPlace {
    /// Nowhere here: an extern.
    Undefined,
    /// In a section.
    Section(SectionIndex),
    /// A number, not a place.
    Absolute,
}

/// What a symbol names.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum SymbolKind {
    /// Not said.
    Untyped,
    /// A variable.
    Variable,
    /// A function.
    Function,
    /// A section.
    Section,
    /// A source file, or something rarer.
    Other,
}

/// Who can see a symbol.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// This file.
    Local,
    /// Every file; there may be only one.
    Global,
    /// Every file; another may take its place, and nothing may be there at all.
    Weak,
}

/// A symbol.
#[derive(Clone, Debug)]
pub struct Symbol {
    /// Its name, empty for most section symbols.
    pub name: String,
    /// Where it is defined.
    pub place: SymbolPlace,
    /// Offset inside its section.
    pub value: u64,
    /// Bytes, 0 if not said.
    pub size: u64,
    /// What it names.
    pub kind: SymbolKind,
    /// Who can see it.
    pub binding: Binding,
    /// `__hidden`: visible to the other files of a static link only.
    pub hidden: bool,
}

impl Symbol {
    /// True for what another file or the kernel has to define.
    pub fn is_extern(&self) -> bool {
        self.place == SymbolPlace::Undefined
            && self.binding != Binding::Local
            && !self.name.is_empty()
    }

    /// The section it is defined in.
    pub fn section(&self) -> Option<SectionIndex> {
        match self.place {
            SymbolPlace::Section(section) => Some(section),
            _ => None,
        }
    }
}

/// A place to be filled in once a symbol's address is known.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// Offset inside the section.
    pub offset: u64,
    /// What to refer to.
    pub symbol: SymbolIndex,
    /// `R_BPF_…`
    pub kind: u32,
    /// Added to what the bytes say (RELA; 0 for REL).
    pub addend: i64,
}

/// The parts of an object file.
#[derive(Clone, Debug)]
pub struct Image {
    /// The file's name as the user gave it.
    pub name: String,
    /// Byte order of all its numbers.
    pub endian: Endian,
    /// Sections by index.
    pub sections: Vec<Section>,
    /// Symbols by index.
    pub symbols: Vec<Symbol>,
    /// Its types, with sizes and offsets of sections of variables filled in.
    pub btf: Option<Arc<Btf>>,
    /// Source lines and CO-RE relocations.
    pub ext: Option<BtfExt>,
    /// Remarks about the file.
    pub notes: Vec<Diagnostic>,
}

impl Image {
    /// The section with this index.
    pub fn section(&self, index: SectionIndex) -> &Section {
        &self.sections[index.index()]
    }

    /// The symbol with this index.
    pub fn symbol(&self, index: SymbolIndex) -> &Symbol {
        &self.symbols[index.index()]
    }

    /// Sections with their indices, the null section left out.
    pub fn numbered_sections(&self) -> impl Iterator<Item = (SectionIndex, &Section)> {
        self.sections
            .iter()
            .enumerate()
            .skip(1)
            .map(|(index, section)| (SectionIndex(index as u32), section))
    }

    /// The first section of this name.
    pub fn section_named(&self, name: &str) -> Option<(SectionIndex, &Section)> {
        self.numbered_sections()
            .find(|(_, section)| section.name == name)
    }

    /// Four bytes of a section's data as a number.
    pub(crate) fn word(&self, data: &[u8], at: usize) -> Option<u32> {
        let bytes: [u8; 4] = data.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(match self.endian {
            Endian::Little => u32::from_le_bytes(bytes),
            Endian::Big => u32::from_be_bytes(bytes),
        })
    }
}
