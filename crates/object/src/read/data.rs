//! Sections of variables as maps, and the variables in them.

use osmia_btf::{Body, Kind, Linkage, TypeId};
use osmia_diag::{Diagnostic, Place};
use osmia_program::{Initial, MapBtf, MapFlags, MapKind, MapOrigin, MapSpec};

use super::map_names::section_map_name;
use crate::error::{Errors, clip};
use crate::image::{Image, Section, SectionKind, SymbolKind};
use crate::object::{Extern, ExternKind, Notes, Variable};
use crate::{MapDecl, ObjectError, codes};

/// What a section of variables allows programs.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Access {
    ReadWrite,
    ReadOnly,
}

/// Whether a section holds variables that programs refer to.
fn access(section: &Section) -> Option<Access> {
    let is = |name: &str| {
        section
            .name
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    match section.kind {
        SectionKind::Bits if is(".rodata") => Some(Access::ReadOnly),
        SectionKind::Bits if is(".data") => Some(Access::ReadWrite),
        SectionKind::Zero if is(".bss") => Some(Access::ReadWrite),
        _ => None,
    }
}

/// One map for every section of variables that is not empty.
pub(super) fn maps(image: &Image, errors: &mut Errors) -> Vec<MapDecl> {
    let mut maps = Vec::new();
    for (index, section) in image.numbered_sections() {
        let Some(access) = access(section) else {
            continue;
        };
        if section.size == 0 {
            continue;
        }
        let Ok(value_size) = u32::try_from(section.size) else {
            errors.push(ObjectError::Section {
                section: clip(&section.name),
                offset: section.file_offset,
                what: "its variables do not fit into a map".into(),
            });
            continue;
        };
        let value = variables_type(image, &section.name);
        let mut flags = 0;
        if access == Access::ReadOnly {
            flags |= MapFlags::RDONLY_PROG;
        }
        if value.is_some_and(|value| has_visible_variable(image, value)) {
            flags |= MapFlags::MMAPABLE;
        }
        let mut spec = MapSpec::new(
            section_map_name(&image.name, &section.name),
            MapKind::Array,
            4,
            value_size,
            1,
        );
        spec.flags = MapFlags(flags);
        spec.origin = MapOrigin::Data;
        spec.frozen = access == Access::ReadOnly;
        spec.btf = map_btf(image, value);
        if section.kind == SectionKind::Bits {
            spec.initial = Initial::Value(section.data.clone());
        }
        maps.push(MapDecl {
            spec,
            section_name: section.name.clone(),
            section: Some(index),
            offset: 0,
            size: section.size,
        });
    }
    maps
}

/// The DATASEC of a section.
pub(super) fn variables_type(image: &Image, section: &str) -> Option<TypeId> {
    image.btf.as_ref()?.find(section, Kind::DataSec)
}

pub(super) fn map_btf(image: &Image, value: Option<TypeId>) -> Option<MapBtf> {
    Some(MapBtf {
        btf: image.btf.clone()?,
        key: None,
        value: Some(value?),
    })
}

/// A section is mapped into user space if anything in it can be named from there.
pub(super) fn has_visible_variable(image: &Image, section: TypeId) -> bool {
    let Some(btf) = &image.btf else { return false };
    let Body::DataSec(section) = btf.type_at(section).body() else {
        return false;
    };
    section
        .vars()
        .any(|entry| match btf.type_at(entry.var).body() {
            Body::Var(var) => var.linkage != Linkage::Static,
            _ => false,
        })
}

/// Every global variable, by map and offset.
pub(super) fn variables(image: &Image, maps: &[MapDecl], externs: &[Extern]) -> Vec<Variable> {
    let mut by_section = vec![None; image.sections.len()];
    let mut kconfig = None;
    for (index, map) in maps.iter().enumerate() {
        match (map.spec.origin, map.section) {
            (MapOrigin::Data, Some(section)) => by_section[section.index()] = Some(index),
            (MapOrigin::Kconfig, _) => kconfig = Some(index),
            _ => {}
        }
    }
    let mut types = std::collections::BTreeMap::new();
    if let Some(btf) = &image.btf {
        for ty in btf.own_types() {
            if let Body::DataSec(section) = ty.body() {
                for entry in section.vars() {
                    types.insert((ty.name(), btf.type_at(entry.var).name()), entry.var);
                }
            }
        }
    }
    let mut variables: Vec<Variable> = Vec::new();
    for symbol in &image.symbols {
        let Some(section) = symbol.section() else {
            continue;
        };
        let Some(map) = by_section[section.index()] else {
            continue;
        };
        if symbol.kind != SymbolKind::Variable || symbol.name.is_empty() {
            continue;
        }
        let section = image.section(section);
        let (Ok(offset), Ok(size)) = (u32::try_from(symbol.value), u32::try_from(symbol.size))
        else {
            continue;
        };
        variables.push(Variable {
            name: symbol.name.clone(),
            map,
            offset,
            size,
            type_id: types
                .get(&(section.name.as_str(), symbol.name.as_str()))
                .copied(),
        });
    }
    for each in externs {
        if let (ExternKind::Kconfig { offset, size, .. }, Some(map)) = (&each.kind, kconfig) {
            variables.push(Variable {
                name: each.name.clone(),
                map,
                offset: *offset,
                size: *size,
                type_id: each.type_id,
            });
        }
    }
    variables.sort_by(|a, b| (a.map, a.offset, &a.name).cmp(&(b.map, b.offset, &b.name)));
    variables
}

/// Pointers between variables stay as the file has them, without the addresses.
pub(super) fn note_pointers(image: &Image, notes: &mut Notes) {
    for (_, section) in image.numbered_sections() {
        if access(section).is_none() {
            continue;
        }
        let Some(first) = section.relocations.first() else {
            continue;
        };
        let note = Diagnostic::warning(
            codes::OBJECT_NOTE,
            format!(
                "{} initialised with addresses, which no loader fills in",
                match section.relocations.len() {
                    1 => "a pointer is".to_owned(),
                    many => format!("{many} pointers are"),
                }
            ),
        )
        .at(Place::none()
            .section(clip(&section.name))
            .offset(first.offset))
        .help("assign them in the program, or use arrays instead of pointers");
        notes.add(&image.name, note);
    }
}
