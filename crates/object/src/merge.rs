//! Static linking: several images as one.
//!
//! Sections of one name are joined, global symbols of one name become one (a strong definition
//! before a weak one, a definition before an extern) and have to be declared alike, equal types become
//! one. What lost to another definition stays in its section, unreachable.

mod declarations;
mod types;

use std::collections::BTreeMap;

use crate::error::clip;
use crate::image::{
    Binding, Image, Relocation, Section, SectionIndex, SectionKind, Symbol, SymbolIndex,
    SymbolKind, SymbolPlace,
};
use crate::{ObjectError, limits};

/// Sections that have to be the same in every object.
const EQUAL: [&str; 2] = ["license", "version"];

/// Where the parts of one image went.
struct Moved {
    /// Section and offset of each section that was kept.
    sections: Vec<Option<(SectionIndex, u64)>>,
    symbols: Vec<SymbolIndex>,
}

/// Links images into one of this name.
pub(crate) fn merge(images: Vec<Image>, name: &str) -> Result<Image, ObjectError> {
    let Some(first) = images.first() else {
        return Err(ObjectError::Merge {
            file: name.to_owned(),
            what: "there is no object to link".into(),
        });
    };
    let mut merged = Image {
        name: name.to_owned(),
        endian: first.endian,
        sections: vec![null_section()],
        symbols: vec![null_symbol()],
        btf: None,
        ext: None,
        notes: Vec::new(),
    };
    let mut by_name = BTreeMap::new();
    let mut owners = BTreeMap::new();
    let mut moves = Vec::with_capacity(images.len());
    for (position, image) in images.iter().enumerate() {
        if image.endian != merged.endian {
            return Err(ObjectError::Merge {
                file: image.name.clone(),
                what: format!("it has the other byte order than {}", clip(&images[0].name)),
            });
        }
        let sections = join_sections(&mut merged, image, &mut by_name)?;
        let symbols = join_symbols(&mut merged, image, position, &sections, &mut owners)?;
        moves.push(Moved { sections, symbols });
    }
    for (image, moved) in images.iter().zip(&moves) {
        move_relocations(&mut merged, image, moved);
        merged.notes.extend(image.notes.iter().cloned());
    }
    for section in &mut merged.sections {
        section
            .relocations
            .sort_by_key(|relocation| relocation.offset);
    }
    declarations::check(&images, &owners)?;
    types::join(&mut merged, &images, &moves, &owners)?;
    Ok(merged)
}

fn null_section() -> Section {
    Section {
        name: String::new(),
        kind: SectionKind::Other,
        size: 0,
        align: 1,
        file_offset: 0,
        data: Vec::new(),
        relocations: Vec::new(),
    }
}

fn null_symbol() -> Symbol {
    Symbol {
        name: String::new(),
        place: SymbolPlace::Undefined,
        value: 0,
        size: 0,
        kind: SymbolKind::Untyped,
        binding: Binding::Local,
        hidden: false,
    }
}

fn join_sections(
    merged: &mut Image,
    image: &Image,
    by_name: &mut BTreeMap<String, SectionIndex>,
) -> Result<Vec<Option<(SectionIndex, u64)>>, ObjectError> {
    let mut places = vec![None; image.sections.len()];
    for (index, section) in image.numbered_sections() {
        if section.kind == SectionKind::Other || section.name.starts_with(".BTF") {
            continue;
        }
        let fail = |what: String| ObjectError::Merge {
            file: image.name.clone(),
            what: format!("section {}: {what}", clip(&section.name)),
        };
        let known = by_name.get(&section.name).copied();
        let Some(known) = known else {
            let new = SectionIndex(merged.sections.len() as u32);
            by_name.insert(section.name.clone(), new);
            merged.sections.push(Section {
                relocations: Vec::new(),
                ..section.clone()
            });
            places[index.index()] = Some((new, 0));
            continue;
        };
        let into = &mut merged.sections[known.index()];
        if into.kind != section.kind {
            return Err(fail(
                "it holds something else than in the objects before".into(),
            ));
        }
        if EQUAL.contains(&section.name.as_str()) {
            if into.data != section.data {
                return Err(fail("it is not the same in every object".into()));
            }
            places[index.index()] = Some((known, 0));
            continue;
        }
        // To the larger of both alignments, as libbpf's linker.
        let offset = into.size.next_multiple_of(section.align.max(into.align));
        let end = offset + section.size;
        if section.kind == SectionKind::Zero {
            if end > limits::ZERO_SECTION_BYTES_MAX {
                return Err(fail(format!(
                    "together its parts exceed ZERO_SECTION_BYTES_MAX = {}",
                    limits::ZERO_SECTION_BYTES_MAX
                )));
            }
        } else {
            // Sections with bytes are as large as their bytes, so this fits.
            into.data.resize(offset as usize, 0);
            into.data.extend_from_slice(&section.data);
        }
        into.size = end;
        into.align = into.align.max(section.align);
        places[index.index()] = Some((known, offset));
    }
    Ok(places)
}

/// Adds an image's symbols. `owners` says which image defines each global name.
fn join_symbols(
    merged: &mut Image,
    image: &Image,
    position: usize,
    sections: &[Option<(SectionIndex, u64)>],
    owners: &mut BTreeMap<String, (SymbolIndex, usize)>,
) -> Result<Vec<SymbolIndex>, ObjectError> {
    let mut indices = Vec::with_capacity(image.symbols.len());
    for symbol in &image.symbols {
        let mut moved = symbol.clone();
        if let SymbolPlace::Section(section) = symbol.place {
            match sections[section.index()] {
                Some((section, offset)) => {
                    moved.place = SymbolPlace::Section(section);
                    moved.value += offset;
                }
                // What lies in a section nobody reads cannot be referred to.
                None => moved = null_symbol(),
            }
        }
        let is_global = moved.binding != Binding::Local && !moved.name.is_empty();
        let known = owners.get(&moved.name).filter(|_| is_global);
        let Some((known, _)) = known.copied() else {
            let new = SymbolIndex(merged.symbols.len() as u32);
            if is_global {
                owners.insert(moved.name.clone(), (new, position));
            }
            merged.symbols.push(moved);
            indices.push(new);
            continue;
        };
        let before = &mut merged.symbols[known.index()];
        let hidden = before.hidden || moved.hidden;
        let takes_over = match (before.is_extern(), moved.is_extern()) {
            (true, false) => true,
            (false, true) => false,
            // Of two externs one that has to be there makes both so.
            (true, true) => before.binding == Binding::Weak && moved.binding == Binding::Global,
            (false, false) => match (before.binding, moved.binding) {
                // The same licence under the same name in several objects is one.
                _ if is_equal_section(image, symbol) => false,
                (Binding::Global, Binding::Global) => {
                    return Err(ObjectError::Merge {
                        file: image.name.clone(),
                        what: format!(
                            "`{}` is already defined by another object",
                            clip(&moved.name)
                        ),
                    });
                }
                (Binding::Weak, Binding::Global) => true,
                _ => false,
            },
        };
        if takes_over {
            *before = moved;
            owners.insert(before.name.clone(), (known, position));
        }
        merged.symbols[known.index()].hidden = hidden;
        indices.push(known);
    }
    Ok(indices)
}

fn is_equal_section(image: &Image, symbol: &Symbol) -> bool {
    symbol
        .section()
        .is_some_and(|section| EQUAL.contains(&image.section(section).name.as_str()))
}

fn move_relocations(merged: &mut Image, image: &Image, moved: &Moved) {
    for (index, section) in image.numbered_sections() {
        let Some((into, offset)) = moved.sections[index.index()] else {
            continue;
        };
        let into = &mut merged.sections[into.index()];
        into.relocations
            .extend(section.relocations.iter().map(|relocation| Relocation {
                offset: relocation.offset + offset,
                symbol: moved.symbols[relocation.symbol.index()],
                ..*relocation
            }));
    }
}
