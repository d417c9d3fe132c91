//! `.struct_ops`: tables of kernel operations, one map each. Their layout is the target's
//! business; here they have the object's own.

use osmia_btf::{Body, Kind};
use osmia_program::{Initial, MapBtf, MapFlags, MapKind, MapOrigin, MapSpec};

use crate::error::{Errors, clip};
use crate::image::{Image, SectionKind};
use crate::{MapDecl, ObjectError, limits};

/// Bit of map flags that asks for a link (`BPF_F_LINK`).
const LINK: u32 = 1 << 13;

/// Whether a section holds tables of operations; then whether they are made by default and
/// attached with a link.
fn flavour(section: &str) -> Option<(bool, bool)> {
    let (name, autocreate) = match section.strip_prefix('?') {
        Some(name) => (name, false),
        None => (section, true),
    };
    match name {
        ".struct_ops" => Some((autocreate, false)),
        ".struct_ops.link" => Some((autocreate, true)),
        _ => None,
    }
}

/// One map for every variable of these sections.
pub(super) fn maps(image: &Image, errors: &mut Errors) -> Vec<MapDecl> {
    let mut maps = Vec::new();
    let Some(btf) = &image.btf else {
        return maps;
    };
    for (index, section) in image.numbered_sections() {
        let Some((autocreate, with_link)) = flavour(&section.name) else {
            continue;
        };
        if section.kind != SectionKind::Bits {
            continue;
        }
        let Some(Body::DataSec(vars)) = btf
            .find(&section.name, Kind::DataSec)
            .map(|id| btf.type_at(id).body())
        else {
            continue;
        };
        let mut end = 0;
        for entry in vars.vars() {
            if maps.len() > limits::MAPS_MAX {
                return maps;
            }
            let var = btf.type_at(entry.var);
            let Body::Var(body) = var.body() else {
                continue;
            };
            let name = var.name();
            let fail = |what: String| ObjectError::Map {
                map: clip(name),
                section: clip(&section.name),
                offset: u64::from(entry.offset),
                what,
                help: None,
            };
            let table = btf.resolve(body.ty);
            let Body::Struct(structure) = table.body() else {
                errors.push(fail(format!(
                    "it is a {}, expected a structure",
                    table.kind()
                )));
                continue;
            };
            if table.name().is_empty() {
                errors.push(fail("its structure has no name".into()));
                continue;
            }
            let start = entry.offset as usize;
            // Tables that share bytes would let a small file ask for a lot of memory.
            if start < end {
                errors.push(fail(format!(
                    "it begins inside the table that ends at {end}"
                )));
                continue;
            }
            let bytes = start
                .checked_add(structure.size as usize)
                .and_then(|end| section.data.get(start..end));
            let Some(bytes) = bytes else {
                errors.push(fail(format!(
                    "its {} bytes end outside the section of {}",
                    structure.size, section.size
                )));
                continue;
            };
            end = start + bytes.len();
            let mut spec = MapSpec::new(name, MapKind::StructOps, 4, structure.size, 1);
            spec.flags = MapFlags(if with_link { LINK } else { 0 });
            spec.origin = MapOrigin::StructOps;
            spec.autocreate = autocreate;
            spec.initial = Initial::Value(bytes.to_vec());
            spec.btf = Some(MapBtf {
                btf: btf.clone(),
                key: None,
                value: Some(table.id()),
            });
            maps.push(MapDecl {
                spec,
                section_name: section.name.clone(),
                section: Some(index),
                offset: u64::from(entry.offset),
                size: u64::from(structure.size),
            });
        }
    }
    maps
}
