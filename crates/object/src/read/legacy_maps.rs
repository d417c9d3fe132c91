//! `SEC("maps")`: maps defined by numbers. Every loader of its time had its own structure, so the
//! size of a definition is what the symbols say, and what follows the first five numbers is
//! read by size.

use std::collections::BTreeMap;

use osmia_btf::{Kind, TypeId};
use osmia_diag::{Diagnostic, Place};
use osmia_program::{
    Initial, MapBtf, MapFlags, MapIndex, MapKind, MapOrigin, MapSpec, Pinning, SlotContent,
};

use crate::error::{Errors, clip};
use crate::image::{Image, SectionIndex, SectionKind, Symbol, SymbolKind};
use crate::object::Notes;
use crate::{MapDecl, ObjectError, codes, limits};

/// Bytes of the numbers that every structure begins with: type, key, value, entries; flags follow.
const SHORTEST: usize = 16;
/// Bytes of iproute2's `bpf_elf_map`.
const IPROUTE2: usize = 36;

/// The links between maps that a definition may ask for.
struct Nesting {
    map: usize,
    size: usize,
    /// iproute2: the map's own number. Kernel samples: position of the inner map.
    id: u32,
    inner_id: u32,
    inner_slot: u32,
}

/// Every map of `maps` and `maps/…` sections, in the order of the file.
pub(super) fn maps(image: &Image, errors: &mut Errors, notes: &mut Notes) -> Vec<MapDecl> {
    let mut maps = Vec::new();
    let mut nestings = Vec::new();
    for (index, mut symbols) in symbols_of_maps(image) {
        let section = image.section(index);
        symbols.sort_by_key(|symbol| symbol.value);
        symbols.dedup_by_key(|symbol| symbol.value);
        for (position, symbol) in symbols.iter().enumerate() {
            if maps.len() > limits::MAPS_MAX {
                return maps;
            }
            let next = symbols
                .get(position + 1)
                .map_or(section.size, |next| next.value);
            let size = match symbol.size {
                0 => next.saturating_sub(symbol.value),
                size => size,
            };
            // In bounds: symbols are checked against their section.
            let start = symbol.value as usize;
            let bytes = section
                .data
                .get(start..start.saturating_add(size as usize))
                .unwrap_or(&[]);
            let place = Place::none()
                .section(clip(&section.name))
                .offset(symbol.value);
            match definition(image, &symbol.name, bytes) {
                Ok((spec, extra)) => {
                    if let Some(extra) = extra {
                        nestings.push(Nesting {
                            map: maps.len(),
                            ..extra
                        });
                    }
                    let known = if bytes.len() >= IPROUTE2 {
                        IPROUTE2
                    } else {
                        28
                    };
                    if bytes.iter().skip(known).any(|byte| *byte != 0) {
                        let note = Diagnostic::note_only(
                            codes::OBJECT_NOTE,
                            format!(
                                "map `{}` is defined by {} bytes, of which the first {known} are understood",
                                clip(&symbol.name),
                                bytes.len()
                            ),
                        );
                        notes.add(&image.name, note.at(place));
                    }
                    maps.push(MapDecl {
                        spec,
                        section_name: section.name.clone(),
                        section: Some(index),
                        offset: symbol.value,
                        size,
                    });
                }
                Err(what) => errors.push(ObjectError::Map {
                    map: clip(&symbol.name),
                    section: clip(&section.name),
                    offset: symbol.value,
                    what,
                    help: None,
                }),
            }
        }
    }
    nest(&mut maps, &nestings, errors);
    maps
}

/// What may name a map, by section of maps.
fn symbols_of_maps(image: &Image) -> BTreeMap<SectionIndex, Vec<&Symbol>> {
    let mut symbols: BTreeMap<_, Vec<&Symbol>> = BTreeMap::new();
    for symbol in &image.symbols {
        let Some(index) = symbol.section() else {
            continue;
        };
        let section = image.section(index);
        if section.kind == SectionKind::Bits
            && (section.name == "maps" || section.name.starts_with("maps/"))
            && !symbol.name.is_empty()
            && matches!(symbol.kind, SymbolKind::Variable | SymbolKind::Untyped)
        {
            symbols.entry(index).or_default().push(symbol);
        }
    }
    symbols
}

fn definition(
    image: &Image,
    name: &str,
    bytes: &[u8],
) -> Result<(MapSpec, Option<Nesting>), String> {
    if bytes.len() < SHORTEST {
        return Err(format!(
            "its definition has {} bytes, at least {SHORTEST} are needed",
            bytes.len()
        ));
    }
    let word = |index: usize| image.word(bytes, index * 4).unwrap_or(0);
    let number = word(0);
    let Some(kind) = MapKind::from_number(number) else {
        return Err(format!("map type {number} is not known"));
    };
    let mut spec = MapSpec::new(name, kind, word(1), word(2), word(3));
    // The value of a map of maps is a number, whether or not the definition says so.
    if kind.is_map_in_map() && spec.value_size == 0 {
        spec.value_size = 4;
    }
    spec.flags = MapFlags(word(4));
    spec.origin = MapOrigin::Legacy;
    spec.btf = annotated_types(image, name);
    let nesting = Nesting {
        map: 0,
        size: bytes.len(),
        id: word(5),
        inner_id: word(7),
        inner_slot: word(8),
    };
    if bytes.len() >= IPROUTE2 {
        if word(6) != 0 {
            spec.pinning = Pinning::ByName;
        }
    } else if bytes.len() >= 28 {
        if spec.flags.has(MapFlags::NUMA_NODE) {
            spec.numa_node = Some(word(6));
        } else if word(6) == 1 {
            spec.pinning = Pinning::ByName;
        }
    }
    Ok((spec, (bytes.len() >= 24).then_some(nesting)))
}

/// `BPF_ANNOTATE_KV_PAIR` leaves a structure with a key and a value.
fn annotated_types(image: &Image, name: &str) -> Option<MapBtf> {
    let btf = image.btf.as_ref()?;
    let pair = btf.find(&format!("____btf_map_{name}"), Kind::Struct)?;
    let pair = btf.type_at(pair).composite()?;
    let ty = |index: usize| -> Option<TypeId> { Some(pair.member(index)?.ty) };
    Some(MapBtf {
        btf: btf.clone(),
        key: ty(0),
        value: ty(1),
    })
}

/// Fills in inner maps: iproute2 links them by number, kernel samples by position.
fn nest(maps: &mut [MapDecl], nestings: &[Nesting], errors: &mut Errors) {
    let mut slots_left = limits::NESTED_SLOTS_MAX;
    for outer in nestings {
        if !maps[outer.map].spec.kind.is_map_in_map() {
            continue;
        }
        if outer.size < IPROUTE2 {
            if let Some(inner) = maps.get(outer.id as usize) {
                let inner = Box::new(inner.spec.clone());
                maps[outer.map].spec.inner = Some(inner);
            }
            continue;
        }
        let inners: Vec<&Nesting> = nestings
            .iter()
            .filter(|inner| {
                inner.size >= IPROUTE2
                    && inner.id != 0
                    && inner.id == outer.inner_id
                    && !maps[inner.map].spec.kind.is_map_in_map()
            })
            .collect();
        let Some(first) = inners.first() else {
            continue;
        };
        let shape = Box::new(maps[first.map].spec.clone());
        let slots: Vec<_> = inners
            .iter()
            .filter(|inner| inner.inner_slot != u32::MAX)
            .map(|inner| {
                let content = SlotContent::Map(MapIndex::from_usize(inner.map));
                (inner.inner_slot, content)
            })
            .collect();
        let Some(left) = slots_left.checked_sub(slots.len()) else {
            errors.push(ObjectError::Limit {
                what: "inner maps in outer ones",
                limit: "NESTED_SLOTS_MAX",
                max: limits::NESTED_SLOTS_MAX as u64,
            });
            return;
        };
        slots_left = left;
        maps[outer.map].spec.inner = Some(shape);
        maps[outer.map].spec.initial = Initial::Slots(slots);
    }
}
