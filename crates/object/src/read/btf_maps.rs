//! `SEC(".maps")`: maps defined by the types of a structure's members.
//!
//! A number is the length of an array that a member points to (`__uint`), or the value of an
//! enumerator (`__ulong`); a type is what a member points to (`__type`).

mod slots;

use osmia_btf::{Body, Btf, Kind, Linkage, Type, TypeId};
use osmia_diag::{Diagnostic, Place};
use osmia_program::{MapBtf, MapFlags, MapKind, MapOrigin, MapSpec, Pinning};

use crate::error::{Errors, clip};
use crate::image::Image;
use crate::object::Notes;
use crate::{Function, MapDecl, ObjectError, ProgramDecl, codes, limits};

/// Bytes of a page, as libbpf rounds ring buffers to on every machine Osmia knows.
const PAGE_BYTES: u32 = 4096;

const SECTION: &str = ".maps";

/// A definition as it is being read.
struct Definition {
    spec: MapSpec,
    key: Option<TypeId>,
    value: Option<TypeId>,
    /// Where the member `values` begins, in bytes.
    values_at: Option<u32>,
}

/// Every map of `.maps`, in the order of the section. `first` maps of the object come before.
pub(super) fn maps(
    image: &Image,
    first: usize,
    programs: &[ProgramDecl],
    functions: &[Function],
    errors: &mut Errors,
    notes: &mut Notes,
) -> Vec<MapDecl> {
    let Some((index, section)) = image.section_named(SECTION) else {
        return Vec::new();
    };
    let Some(btf) = &image.btf else {
        if section.size > 0 {
            errors.push(ObjectError::Map {
                map: SECTION.into(),
                section: SECTION.into(),
                offset: 0,
                what: "maps are defined by types, and the object has none".into(),
                help: Some("compile with -g"),
            });
        }
        return Vec::new();
    };
    let Some(Body::DataSec(vars)) = btf
        .find(SECTION, Kind::DataSec)
        .map(|id| btf.type_at(id).body())
    else {
        return Vec::new();
    };
    let mut maps = Vec::new();
    let mut values_at = Vec::new();
    for entry in vars.vars() {
        if maps.len() > limits::MAPS_MAX {
            return maps;
        }
        let var = btf.type_at(entry.var);
        let Body::Var(body) = var.body() else {
            continue;
        };
        if body.linkage == Linkage::Extern {
            continue;
        }
        let name = var.name();
        let mut fail = |what: String, help| {
            errors.push(ObjectError::Map {
                map: clip(name),
                section: SECTION.into(),
                offset: u64::from(entry.offset),
                what,
                help,
            });
        };
        let definition = btf.resolve(body.ty);
        if definition.kind() != Kind::Struct {
            fail(
                format!(
                    "it is defined by a {}, expected a structure",
                    definition.kind()
                ),
                None,
            );
            continue;
        }
        let end = u64::from(entry.offset) + u64::from(entry.size);
        if end > section.size {
            fail(
                format!(
                    "it ends at {end:#x}, the section has {:#x} bytes",
                    section.size
                ),
                None,
            );
            continue;
        }
        let mut unknown = Vec::new();
        match define(btf, definition, name, false, &mut unknown) {
            Ok(mut definition) => {
                definition.spec.btf = types_of(image, &definition);
                values_at.push(definition.values_at);
                maps.push(MapDecl {
                    spec: definition.spec,
                    section_name: SECTION.into(),
                    section: Some(index),
                    offset: u64::from(entry.offset),
                    size: u64::from(entry.size),
                });
            }
            Err(what) => fail(what, None),
        }
        for field in unknown {
            let note = Diagnostic::note_only(
                codes::OBJECT_NOTE,
                format!(
                    "map `{}` sets `{}`, which is not known",
                    clip(name),
                    clip(field)
                ),
            );
            let place = Place::none()
                .section(SECTION)
                .offset(u64::from(entry.offset));
            notes.add(&image.name, note.at(place));
        }
    }
    slots::fill(
        image, first, programs, functions, &mut maps, &values_at, errors,
    );
    maps
}

fn types_of(image: &Image, definition: &Definition) -> Option<MapBtf> {
    if definition.key.is_none() && definition.value.is_none() {
        return None;
    }
    Some(MapBtf {
        btf: image.btf.clone()?,
        key: definition.key,
        value: definition.value,
    })
}

/// Reads one structure. `unknown` collects members that mean nothing here.
fn define<'a>(
    btf: &'a std::sync::Arc<Btf>,
    structure: Type<'a>,
    name: &str,
    is_inner: bool,
    unknown: &mut Vec<&'a str>,
) -> Result<Definition, String> {
    let Some(members) = structure.composite() else {
        return Err(format!("it is defined by a {}", structure.kind()));
    };
    // Every map may be of the same structure, so both have to be short.
    if members.len() > limits::MAP_MEMBERS_MAX {
        return Err(format!(
            "it sets {} attributes, more than MAP_MEMBERS_MAX = {}",
            members.len(),
            limits::MAP_MEMBERS_MAX
        ));
    }
    if name.len() > limits::NAME_BYTES_MAX {
        return Err(format!(
            "its name has {} bytes, more than NAME_BYTES_MAX = {}",
            name.len(),
            limits::NAME_BYTES_MAX
        ));
    }
    let mut spec = MapSpec::new(name, MapKind::Unspec, 0, 0, 0);
    spec.origin = MapOrigin::Btf;
    let mut found = Definition {
        spec,
        key: None,
        value: None,
        values_at: None,
    };
    let mut has_kind = false;
    for (position, member) in members.members().enumerate() {
        let number = || {
            number(btf, member.ty).ok_or_else(|| {
                format!(
                    "`{}` is a {}, expected a number as __uint makes it",
                    clip(member.name),
                    btf.resolve(member.ty).kind()
                )
            })
        };
        let small = || {
            number().and_then(|number| {
                u32::try_from(number)
                    .map_err(|_| format!("`{}` is {number}, which does not fit", member.name))
            })
        };
        match member.name {
            "type" => {
                let number = small()?;
                found.spec.kind = MapKind::from_number(number)
                    .ok_or_else(|| format!("map type {number} is not known"))?;
                has_kind = true;
            }
            "max_entries" => found.spec.max_entries = small()?,
            "map_flags" => found.spec.flags = MapFlags(small()?),
            "numa_node" => found.spec.numa_node = Some(small()?),
            "map_extra" => found.spec.extra = number()?,
            "key_size" => settle(&mut found.spec.key_size, small()?, "key")?,
            "value_size" => settle(&mut found.spec.value_size, small()?, "value")?,
            "key" => {
                let (id, size) = pointed(btf, member.ty, "key")?;
                settle(&mut found.spec.key_size, size, "key")?;
                found.key = Some(id);
            }
            "value" => {
                let (id, size) = pointed(btf, member.ty, "value")?;
                settle(&mut found.spec.value_size, size, "value")?;
                found.value = Some(id);
            }
            "values" => {
                if is_inner {
                    return Err("an inner map cannot hold maps of its own".into());
                }
                if position + 1 != members.len() {
                    return Err("`values` has to be the last member".into());
                }
                let kind = found.spec.kind;
                if !kind.is_map_in_map() && kind != MapKind::ProgArray {
                    return Err(format!(
                        "`values` is for maps of maps and program arrays, its type is {kind}"
                    ));
                }
                settle(&mut found.spec.value_size, 4, "value")?;
                if !member.bit_offset.is_multiple_of(8) {
                    return Err("`values` does not begin at a byte".into());
                }
                found.values_at = Some(member.bit_offset / 8);
                found.spec.inner = inner(btf, member.ty, name, kind, unknown)?;
            }
            "pinning" => {
                if is_inner {
                    return Err("an inner map cannot be pinned".into());
                }
                found.spec.pinning = match small()? {
                    0 => Pinning::None,
                    1 => Pinning::ByName,
                    other => return Err(format!("pinning {other} is not known, 1 is by name")),
                };
            }
            other => unknown.push(other),
        }
    }
    if !has_kind {
        return Err("it does not say what type of map it is (`type`)".into());
    }
    if matches!(found.spec.kind, MapKind::Ringbuf | MapKind::UserRingbuf) {
        found.spec.max_entries = ring_bytes(found.spec.max_entries);
    }
    if found.spec.kind.is_map_in_map() && found.spec.value_size == 0 {
        found.spec.value_size = 4;
    }
    Ok(found)
}

fn settle(size: &mut u32, new: u32, what: &str) -> Result<(), String> {
    if *size != 0 && *size != new {
        return Err(format!(
            "its {what} has {size} bytes in one place and {new} in another"
        ));
    }
    *size = new;
    Ok(())
}

/// `int (*name)[number]`, or an enumeration of one value.
fn number(btf: &Btf, id: TypeId) -> Option<u64> {
    let ty = btf.resolve(id);
    match ty.body() {
        Body::Ptr(target) => match btf.resolve(target).body() {
            Body::Array(array) => Some(u64::from(array.len)),
            _ => None,
        },
        Body::Enum(values) | Body::Enum64(values) => {
            (values.len() == 1).then_some(values.enumerator(0)?.bits)
        }
        _ => None,
    }
}

/// `typeof(type) *name`: the type and its size.
fn pointed(btf: &Btf, id: TypeId, what: &str) -> Result<(TypeId, u32), String> {
    let ty = btf.skip_modifiers(id);
    let Body::Ptr(target) = ty.body() else {
        return Err(format!(
            "`{what}` is a {}, expected a type as __type makes it",
            ty.kind()
        ));
    };
    match btf.size_of(target).map(u32::try_from) {
        Some(Ok(size)) => Ok((target, size)),
        _ => Err(format!("the type of `{what}` has no size")),
    }
}

/// `typeof(value) *values[]`: what the slots hold.
fn inner<'a>(
    btf: &'a std::sync::Arc<Btf>,
    id: TypeId,
    name: &str,
    kind: MapKind,
    unknown: &mut Vec<&'a str>,
) -> Result<Option<Box<MapSpec>>, String> {
    let Body::Array(array) = btf.resolve(id).body() else {
        return Err("`values` is not an array".into());
    };
    if array.len != 0 {
        return Err(format!(
            "`values` has a length, {}; it has to be open",
            array.len
        ));
    }
    let Body::Ptr(target) = btf.resolve(array.element).body() else {
        return Err("`values` is not an array of pointers".into());
    };
    let target = btf.resolve(target);
    if kind == MapKind::ProgArray {
        return match target.kind() {
            Kind::FuncProto => Ok(None),
            other => Err(format!("`values` points to {other}, expected functions")),
        };
    }
    if target.kind() != Kind::Struct {
        return Err(format!(
            "`values` points to {}, expected maps",
            target.kind()
        ));
    }
    let mut definition = define(btf, target, &format!("{name}.inner"), true, unknown)
        .map_err(|what| format!("its inner map: {what}"))?;
    if definition.key.is_some() || definition.value.is_some() {
        definition.spec.btf = Some(MapBtf {
            btf: btf.clone(),
            key: definition.key,
            value: definition.value,
        });
    }
    Ok(Some(Box::new(definition.spec)))
}

/// A ring buffer has a power of two of pages; what is given is rounded up to it.
fn ring_bytes(given: u32) -> u32 {
    if given == 0 {
        return 0;
    }
    if given.is_multiple_of(PAGE_BYTES) && given.is_power_of_two() {
        return given;
    }
    given
        .checked_next_power_of_two()
        .map_or(given, |bytes| bytes.max(PAGE_BYTES))
}
