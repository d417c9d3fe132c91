//! The ELF file itself: header, sections, symbols, relocations.

use object::Endianness;
use object::elf::{self, FileHeader64};
use object::read::elf::SectionTable;
use object::read::elf::{
    CompressionHeader as _, FileHeader as _, Rel as _, Rela as _, SectionHeader as _, Sym as _,
};
use osmia_isa::Endian;

use super::fixup;
use super::inflate::{Codec, inflate};
use crate::image::{
    Binding, Image, Relocation, Section, SectionIndex, SectionKind, Symbol, SymbolIndex,
    SymbolKind, SymbolPlace,
};
use crate::{ObjectError, limits};

type Header = FileHeader64<Endianness>;
type Sections<'a> = SectionTable<'a, Header>;

/// The machine number of eBPF; old compilers wrote 0.
const MACHINES: [u16; 2] = [247, 0];

/// Reads and checks a whole file.
pub(crate) fn read(bytes: &[u8], name: &str) -> Result<Image, ObjectError> {
    let header = header(bytes, name)?;
    let endian = header.endian().map_err(malformed("the header"))?;
    let sections = header
        .sections(endian, bytes)
        .map_err(malformed("the section table"))?;
    refuse_overlap(&sections, endian)?;

    let mut names = NameBudget::new(bytes.len());
    let mut inflated = limits::INFLATED_BYTES_MAX;
    let mut slots = limits::SLOTS_MAX;
    let mut read_sections = Vec::with_capacity(sections.len());
    let (mut btf_at, mut ext_at) = (None, None);
    for (index, section) in sections.iter().enumerate() {
        let section_name = sections
            .section_name(endian, section)
            .map_err(malformed_at("the name of a section", index))?;
        let section_name = names.take(section_name)?;
        let read = read_section(bytes, endian, section, section_name, &mut inflated)?;
        if read.kind == SectionKind::Code {
            slots = slots
                .checked_sub(read.data.len() / 8)
                .ok_or(ObjectError::Limit {
                    what: "instructions",
                    limit: "SLOTS_MAX",
                    max: limits::SLOTS_MAX as u64,
                })?;
        }
        match read.name.as_str() {
            ".BTF" if index != 0 => btf_at = Some(index),
            ".BTF.ext" if index != 0 => ext_at = Some(index),
            _ => {}
        }
        read_sections.push(read);
    }
    let symbols = read_symbols(bytes, endian, &sections, &mut read_sections, &mut names)?;
    read_relocations(bytes, endian, &sections, &mut read_sections, &symbols)?;

    let mut image = Image {
        name: name.to_owned(),
        endian: match endian {
            Endianness::Little => Endian::Little,
            Endianness::Big => Endian::Big,
        },
        sections: read_sections,
        symbols,
        btf: None,
        ext: None,
        notes: Vec::new(),
    };
    let btf = btf_at.map(|at| std::mem::take(&mut image.sections[at].data));
    let ext = ext_at.map(|at| std::mem::take(&mut image.sections[at].data));
    fixup::attach_types(&mut image, btf, ext)?;
    Ok(image)
}

fn header<'a>(bytes: &'a [u8], name: &str) -> Result<&'a Header, ObjectError> {
    if bytes.is_empty() {
        return Err(ObjectError::Empty);
    }
    if bytes.len() > limits::FILE_BYTES_MAX {
        return Err(ObjectError::Limit {
            what: "bytes in the file",
            limit: "FILE_BYTES_MAX",
            max: limits::FILE_BYTES_MAX as u64,
        });
    }
    if !bytes.starts_with(&elf::ELFMAG) {
        return Err(ObjectError::NotElf {
            looks: crate::error::Looks::of(bytes, name),
        });
    }
    if bytes.get(4) == Some(&elf::ELFCLASS32.0) {
        return Err(ObjectError::Class32);
    }
    let header = Header::parse(bytes).map_err(malformed("the header"))?;
    let endian = header.endian().map_err(malformed("the header"))?;
    let machine = header.e_machine(endian).0;
    if !MACHINES.contains(&machine) {
        return Err(ObjectError::Machine { machine });
    }
    let kind = header.e_type(endian);
    if kind != elf::ET_REL {
        return Err(ObjectError::FileType { kind: kind.0 });
    }
    Ok(header)
}

/// Sections that share bytes would let a small file become a large one.
fn refuse_overlap(sections: &Sections<'_>, endian: Endianness) -> Result<(), ObjectError> {
    let mut ranges: Vec<(u64, u64, usize)> = sections
        .iter()
        .enumerate()
        .filter_map(|(index, section)| {
            let (start, size) = section.file_range(endian)?;
            (size > 0 && section.sh_type(endian) != elf::SHT_NULL)
                .then(|| (start, start.saturating_add(size), index))
        })
        .collect();
    ranges.sort_unstable();
    for pair in ranges.windows(2) {
        let [(_, end, first), (start, _, second)] = pair else {
            continue;
        };
        if start < end {
            let name = |index: usize| {
                sections
                    .section(object::SectionIndex(index))
                    .and_then(|section| sections.section_name(endian, section))
                    .map(|name| crate::error::clip(&String::from_utf8_lossy(name)))
                    .unwrap_or_else(|_| format!("#{index}"))
            };
            return Err(ObjectError::Overlap {
                first: name(*first),
                second: name(*second),
                offset: *start,
            });
        }
    }
    Ok(())
}

/// Sections that tell a loader nothing.
fn is_ignored(name: &str) -> bool {
    name.starts_with(".debug_") || name.starts_with(".zdebug_") || name == ".llvm_addrsig"
}

fn read_section(
    bytes: &[u8],
    endian: Endianness,
    header: &elf::SectionHeader64<Endianness>,
    name: String,
    inflated: &mut u64,
) -> Result<Section, ObjectError> {
    let flags = header.sh_flags(endian);
    let kind = match header.sh_type(endian) {
        elf::SHT_PROGBITS if is_ignored(&name) => SectionKind::Other,
        elf::SHT_PROGBITS if flags.contains(elf::SHF_EXECINSTR) => SectionKind::Code,
        elf::SHT_PROGBITS => SectionKind::Bits,
        elf::SHT_NOBITS => SectionKind::Zero,
        _ => SectionKind::Other,
    };
    let fail = |what: String| ObjectError::Section {
        section: crate::error::clip(&name),
        offset: header.sh_offset(endian),
        what,
    };
    let mut size = header.sh_size(endian);
    let data = match kind {
        SectionKind::Other => Vec::new(),
        SectionKind::Zero => {
            if size > limits::ZERO_SECTION_BYTES_MAX {
                return Err(fail(format!(
                    "it has {size} bytes, more than ZERO_SECTION_BYTES_MAX = {}",
                    limits::ZERO_SECTION_BYTES_MAX
                )));
            }
            Vec::new()
        }
        SectionKind::Code | SectionKind::Bits => {
            let compression = header
                .compression(endian, bytes)
                .map_err(|error| fail(error.to_string()))?;
            let data = header.data(endian, bytes).map_err(|_| {
                fail(format!(
                    "its {size} bytes at offset {:#x} end outside the file of {} bytes",
                    header.sh_offset(endian),
                    bytes.len()
                ))
            })?;
            match compression {
                None => data.to_vec(),
                Some((compressed, ..)) => {
                    let codec = match compressed.ch_type(endian) {
                        elf::ELFCOMPRESS_ZLIB => Codec::Zlib,
                        elf::ELFCOMPRESS_ZSTD => Codec::Zstd,
                        other => {
                            return Err(fail(format!("its compression {} is not known", other.0)));
                        }
                    };
                    let packed = data
                        .get(size_of_val(compressed)..)
                        .ok_or_else(|| fail("its compression header is cut off".into()))?;
                    let out = inflate(codec, packed, compressed.ch_size(endian), inflated)
                        .map_err(fail)?;
                    size = out.len() as u64;
                    out
                }
            }
        }
    };
    if kind == SectionKind::Code && !size.is_multiple_of(8) {
        return Err(fail(format!(
            "it holds instructions, but its {size} bytes are not a multiple of 8"
        )));
    }
    let align = header.sh_addralign(endian).max(1);
    Ok(Section {
        kind,
        size,
        // Nonsense here only matters to static linking, which needs some number.
        align: if align.is_power_of_two() && align <= 4096 {
            align
        } else {
            1
        },
        file_offset: header.sh_offset(endian),
        data,
        relocations: Vec::new(),
        name,
    })
}

fn read_symbols(
    bytes: &[u8],
    endian: Endianness,
    sections: &Sections<'_>,
    read: &mut Vec<Section>,
    names: &mut NameBudget,
) -> Result<Vec<Symbol>, ObjectError> {
    let table = sections
        .symbols(endian, bytes, elf::SHT_SYMTAB)
        .map_err(malformed("the symbol table"))?;
    let mut symbols = Vec::with_capacity(table.len());
    let mut common = Vec::new();
    for (index, symbol) in table.enumerate() {
        let name = table
            .symbol_name(endian, symbol)
            .map_err(malformed_at("the name of a symbol", index.0))?;
        let name = names.take(name)?;
        let shndx = symbol.st_shndx(endian);
        let place = match shndx {
            elf::SHN_UNDEF => SymbolPlace::Undefined,
            elf::SHN_ABS => SymbolPlace::Absolute,
            elf::SHN_COMMON => {
                common.push(index.0);
                SymbolPlace::Absolute
            }
            _ => {
                let section = table
                    .symbol_section(endian, symbol, index)
                    .map_err(malformed_at("the section of a symbol", index.0))?
                    .map_or(0, |section| section.0);
                if section == 0 || section >= read.len() {
                    return Err(ObjectError::Symbol {
                        index: index.0,
                        name: crate::error::clip(&name),
                        what: format!("it is in section {section}, the file has {}", read.len()),
                    });
                }
                SymbolPlace::Section(SectionIndex(section as u32))
            }
        };
        symbols.push(Symbol {
            place,
            value: symbol.st_value(endian),
            size: symbol.st_size(endian),
            kind: match symbol.st_type() {
                elf::STT_NOTYPE => SymbolKind::Untyped,
                elf::STT_OBJECT => SymbolKind::Variable,
                elf::STT_FUNC => SymbolKind::Function,
                elf::STT_SECTION => SymbolKind::Section,
                _ => SymbolKind::Other,
            },
            binding: match symbol.st_bind() {
                elf::STB_GLOBAL => Binding::Global,
                elf::STB_WEAK => Binding::Weak,
                _ => Binding::Local,
            },
            hidden: matches!(symbol.st_visibility(), elf::STV_HIDDEN | elf::STV_INTERNAL),
            name,
        });
    }
    check_symbols(&symbols, read)?;
    if !common.is_empty() {
        place_common(&common, &mut symbols, read)?;
    }
    Ok(symbols)
}

/// Gives tentative definitions (`int x;` with `-fcommon`) a place in `.bss`, as a linker does. They
/// yield to a definition in another object, as weak ones do.
fn place_common(
    common: &[usize],
    symbols: &mut [Symbol],
    sections: &mut Vec<Section>,
) -> Result<(), ObjectError> {
    const BSS: &str = ".bss";
    let is_bss = |section: &Section| section.kind == SectionKind::Zero && section.name == BSS;
    let at = sections.iter().position(is_bss).unwrap_or_else(|| {
        sections.push(Section {
            name: BSS.to_owned(),
            kind: SectionKind::Zero,
            size: 0,
            align: 1,
            file_offset: 0,
            data: Vec::new(),
            relocations: Vec::new(),
        });
        sections.len() - 1
    });
    let bss = &mut sections[at];
    for &index in common {
        let symbol = &mut symbols[index];
        // Its value is its alignment.
        let align = match symbol.value {
            align if align.is_power_of_two() && align <= 4096 => align,
            _ => 8,
        };
        let start = bss.size.next_multiple_of(align);
        let end = start
        .checked_add(symbol.size)
        .filter(|end| *end <= limits::ZERO_SECTION_BYTES_MAX)
        .ok_or_else(|| ObjectError::Symbol {
            index,
            name: crate::error::clip(&symbol.name),
            what: format!(
                "with its {} bytes the variables that start at zero exceed ZERO_SECTION_BYTES_MAX = {}",
                symbol.size,
                limits::ZERO_SECTION_BYTES_MAX
            ),
        })?;
        bss.size = end;
        bss.align = bss.align.max(align);
        symbol.place = SymbolPlace::Section(SectionIndex(at as u32));
        symbol.value = start;
        symbol.kind = SymbolKind::Variable;
        symbol.binding = Binding::Weak;
    }
    Ok(())
}

/// Every function and variable lies inside its section.
fn check_symbols(symbols: &[Symbol], sections: &[Section]) -> Result<(), ObjectError> {
    for (index, symbol) in symbols.iter().enumerate() {
        let SymbolPlace::Section(section) = symbol.place else {
            continue;
        };
        let section = &sections[section.index()];
        if section.kind == SectionKind::Other {
            continue;
        }
        let end = symbol.value.checked_add(symbol.size);
        if end.is_none_or(|end| end > section.size) {
            return Err(ObjectError::Symbol {
                index,
                name: crate::error::clip(&symbol.name),
                what: format!(
                    "it is at {:#x} with {} bytes, its section {} has {}",
                    symbol.value,
                    symbol.size,
                    crate::error::clip(&section.name),
                    section.size
                ),
            });
        }
    }
    Ok(())
}

fn read_relocations(
    bytes: &[u8],
    endian: Endianness,
    sections: &Sections<'_>,
    read: &mut [Section],
    symbols: &[Symbol],
) -> Result<(), ObjectError> {
    for (index, header) in sections.iter().enumerate() {
        let rel = header
            .rel(endian, bytes)
            .map_err(malformed_at("a relocation section", index))?;
        let rela = header
            .rela(endian, bytes)
            .map_err(malformed_at("a relocation section", index))?;
        if rel.is_none() && rela.is_none() {
            continue;
        }
        let target = header.info_link(endian).0;
        let Some(section) = read.get_mut(target) else {
            return Err(ObjectError::Section {
                section: crate::error::clip(&read[index].name),
                offset: header.sh_offset(endian),
                what: format!(
                    "it relocates section {target}, the file has {} sections",
                    read.len()
                ),
            });
        };
        // Debug information was not read, and BTF's own relocations are already in its bytes.
        if section.data.is_empty() || section.name.starts_with(".BTF") {
            continue;
        }
        let found: Vec<(u64, u32, u32, i64)> = match (rel, rela) {
            (Some((rel, _)), _) => rel
                .iter()
                .map(|rel| {
                    (
                        rel.r_offset(endian),
                        rel.r_sym(endian),
                        rel.r_type(endian).0,
                        0,
                    )
                })
                .collect(),
            (None, Some((rela, _))) => rela
                .iter()
                .map(|rela| {
                    (
                        rela.r_offset(endian),
                        rela.r_sym(endian, false),
                        rela.r_type(endian, false).0,
                        rela.r_addend(endian),
                    )
                })
                .collect(),
            (None, None) => Vec::new(),
        };
        for (offset, symbol, kind, addend) in found {
            if offset >= section.size {
                return Err(ObjectError::Relocation {
                    section: crate::error::clip(&section.name),
                    offset,
                    what: format!("it is outside the section of {} bytes", section.size),
                });
            }
            if symbol as usize >= symbols.len() {
                return Err(ObjectError::Relocation {
                    section: crate::error::clip(&section.name),
                    offset,
                    what: format!(
                        "it refers to symbol {symbol}, the file has {}",
                        symbols.len()
                    ),
                });
            }
            if section.kind == SectionKind::Code && !offset.is_multiple_of(8) {
                return Err(ObjectError::Relocation {
                    section: crate::error::clip(&section.name),
                    offset,
                    what: "it is not at the beginning of an instruction".into(),
                });
            }
            section.relocations.push(Relocation {
                offset,
                symbol: SymbolIndex(symbol),
                kind,
                addend,
            });
        }
        section
            .relocations
            .sort_by_key(|relocation| relocation.offset);
    }
    Ok(())
}

/// Counts the bytes of names copied out of string tables.
struct NameBudget(usize);

impl NameBudget {
    fn new(file_bytes: usize) -> Self {
        Self(file_bytes.saturating_mul(limits::NAME_BYTES_PER_FILE_BYTE))
    }

    fn take(&mut self, name: &[u8]) -> Result<String, ObjectError> {
        if name.len() > limits::NAME_BYTES_MAX {
            return Err(ObjectError::Limit {
                what: "bytes in the name of a section or symbol",
                limit: "NAME_BYTES_MAX",
                max: limits::NAME_BYTES_MAX as u64,
            });
        }
        self.0 = self.0.checked_sub(name.len()).ok_or(ObjectError::Limit {
            what: "bytes of names for each byte of the file",
            limit: "NAME_BYTES_PER_FILE_BYTE",
            max: limits::NAME_BYTES_PER_FILE_BYTE as u64,
        })?;
        Ok(String::from_utf8_lossy(name).into_owned())
    }
}

fn malformed(what: &'static str) -> impl Fn(object::read::Error) -> ObjectError {
    move |error| ObjectError::Malformed {
        what,
        index: None,
        reason: error.to_string(),
    }
}

fn malformed_at(what: &'static str, index: usize) -> impl Fn(object::read::Error) -> ObjectError {
    move |error| ObjectError::Malformed {
        what,
        index: Some(index),
        reason: error.to_string(),
    }
}
