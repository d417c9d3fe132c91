//! Initialised slots of maps of maps and program arrays: relocations inside the definitions.

use std::collections::BTreeMap;

use osmia_program::{Initial, MapIndex, MapKind, SlotContent};

use super::SECTION;
use crate::error::{Errors, clip};
use crate::image::{Image, SectionIndex, SymbolKind};
use crate::{Function, MapDecl, ObjectError, ProgramDecl, limits};

/// Reads initialised slots: each is a relocation at its place in the definition.
pub(super) fn fill(
    image: &Image,
    first: usize,
    programs: &[ProgramDecl],
    functions: &[Function],
    maps: &mut [MapDecl],
    values_at: &[Option<u32>],
    errors: &mut Errors,
) {
    let Some((index, section)) = image.section_named(SECTION) else {
        return;
    };
    let by_offset: BTreeMap<u64, usize> = maps
        .iter()
        .enumerate()
        .map(|(index, map)| (map.offset, index))
        .collect();
    let program_at: BTreeMap<(SectionIndex, u64), usize> = programs
        .iter()
        .enumerate()
        .map(|(index, program)| {
            let function = &functions[program.function.index()];
            ((function.section, u64::from(function.start) * 8), index)
        })
        .collect();
    if section.relocations.len() > limits::INITIAL_SLOTS_MAX {
        errors.push(ObjectError::Limit {
            what: "initialised slots of maps",
            limit: "INITIAL_SLOTS_MAX",
            max: limits::INITIAL_SLOTS_MAX as u64,
        });
        return;
    }
    let mut slots: Vec<Vec<(u32, SlotContent)>> = vec![Vec::new(); maps.len()];
    for relocation in &section.relocations {
        let symbol = image.symbol(relocation.symbol);
        let map = by_offset
            .range(..=relocation.offset)
            .next_back()
            .map(|(_, map)| *map)
            .filter(|map| relocation.offset < maps[*map].offset + maps[*map].size);
        let mut fail = |map: &str, what: String, help| {
            errors.push(ObjectError::Map {
                map: clip(map),
                section: SECTION.into(),
                offset: relocation.offset,
                what,
                help,
            });
        };
        let Some(map) = map else {
            fail(SECTION, "an initial value lies in no map".into(), None);
            continue;
        };
        let name = &maps[map].spec.name;
        let start = values_at[map].map(|at| maps[map].offset + u64::from(at));
        let slot = start
            .and_then(|start| relocation.offset.checked_sub(start))
            .filter(|distance| distance.is_multiple_of(8))
            .and_then(|distance| u32::try_from(distance / 8).ok());
        let Some(slot) = slot else {
            fail(
                name,
                "something other than `values` is initialised".into(),
                None,
            );
            continue;
        };
        let content = if maps[map].spec.kind == MapKind::ProgArray {
            let program = symbol
                .section()
                .filter(|_| symbol.kind == SymbolKind::Function)
                .and_then(|section| program_at.get(&(section, symbol.value)))
                .map(|program| &programs[*program]);
            match program {
                Some(program) => SlotContent::Program(program.name.clone()),
                None => {
                    fail(
                        name,
                        format!(
                            "slot {slot} holds `{}`, which is not a program",
                            clip(&symbol.name)
                        ),
                        Some("give the function a section of its own: SEC(\"…\")"),
                    );
                    continue;
                }
            }
        } else {
            let inner = by_offset
                .get(&symbol.value)
                .filter(|_| symbol.section() == Some(index));
            match inner {
                Some(inner) => SlotContent::Map(MapIndex::from_usize(first + *inner)),
                None => {
                    fail(
                        name,
                        format!(
                            "slot {slot} holds `{}`, which is not a map",
                            clip(&symbol.name)
                        ),
                        Some("declare the inner map with SEC(\".maps\")"),
                    );
                    continue;
                }
            }
        };
        slots[map].push((slot, content));
    }
    for (map, slots) in maps.iter_mut().zip(slots) {
        if !slots.is_empty() {
            map.spec.initial = Initial::Slots(slots);
        }
    }
}
