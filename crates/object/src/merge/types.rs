//! Types and debug information of several images as those of one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use osmia_btf::{
    Body, Btf, BtfBuilder, BtfExt, CoreRelo, ExtSection, FuncInfo, Kind, LineInfo, Linkage, SecVar,
    StrOff, Type, TypeId, equal_types,
};

use super::Moved;
use crate::ObjectError;
use crate::image::{Image, SectionIndex, SymbolIndex};
use crate::read::{Placed, lay_out};

/// Sections that exist in types only.
const EXTERNS: [&str; 2] = [CONFIGURATION, ".ksyms"];
const CONFIGURATION: &str = ".kconfig";

/// Gives `merged` the types and debug information of all images.
pub(super) fn join(
    merged: &mut Image,
    images: &[Image],
    moves: &[Moved],
    owners: &BTreeMap<String, (SymbolIndex, usize)>,
) -> Result<(), ObjectError> {
    let mut builder = BtfBuilder::new();
    let ids = copy_types(&mut builder, images, owners);
    if ids.iter().all(Vec::is_empty) {
        return Ok(());
    }
    let mut sections: BTreeMap<String, Vec<SecVar>> = BTreeMap::new();
    let mut declared: BTreeSet<String> = BTreeSet::new();
    let mut configuration: Vec<(Placed, TypeId)> = Vec::new();
    for (position, image) in images.iter().enumerate() {
        let Some(btf) = &image.btf else { continue };
        for ty in btf.own_types() {
            let Body::DataSec(section) = ty.body() else {
                continue;
            };
            let is_extern_section = EXTERNS.contains(&ty.name());
            let moved = image
                .section_named(ty.name())
                .and_then(|(index, _)| moves[position].sections[index.index()]);
            let offset = match moved {
                Some((_, offset)) => offset,
                None if is_extern_section => 0,
                None => continue,
            };
            let vars = sections.entry(ty.name().to_owned()).or_default();
            for entry in section.vars() {
                let var = btf.type_at(entry.var);
                let linkage = match var.body() {
                    Body::Var(var) => var.linkage,
                    Body::Func(func) => func.linkage,
                    _ => continue,
                };
                let name = var.name();
                if let (CONFIGURATION, Body::Var(body)) = (ty.name(), var.body()) {
                    if let Some(place) = Placed::new(btf, name, body.ty)
                        && declared.insert(name.to_owned())
                    {
                        configuration.push((place, ids[position][entry.var.0 as usize]));
                    }
                    continue;
                }
                let keep = if is_extern_section {
                    declared.insert(name.to_owned())
                } else if linkage == Linkage::Extern {
                    false
                } else {
                    owners
                        .get(name)
                        .is_none_or(|(_, owner)| *owner == position || linkage == Linkage::Static)
                };
                let place = u64::from(entry.offset).checked_add(offset);
                if let (true, Some(Ok(place))) = (keep, place.map(u32::try_from)) {
                    vars.push(SecVar {
                        var: ids[position][entry.var.0 as usize],
                        offset: place,
                        size: entry.size,
                    });
                }
            }
        }
    }
    place_configuration(&mut builder, configuration);
    for (name, mut vars) in sections {
        if vars.is_empty() {
            continue;
        }
        vars.sort_by_key(|var| var.offset);
        let size = merged.section_named(&name).map_or(0, |(_, section)| {
            u32::try_from(section.size).unwrap_or(u32::MAX)
        });
        builder.datasec(&name, size, &vars);
    }
    merged.ext = join_ext(&mut builder, images, moves, &ids, merged);
    let btf = builder
        .build(merged.endian)
        .map_err(|error| ObjectError::Btf {
            section: ".BTF",
            error: Box::new(error),
        })?;
    merged.btf = Some(Arc::new(btf));
    Ok(())
}

/// Writes the section of configuration variables that all images together ask for.
fn place_configuration(builder: &mut BtfBuilder, configuration: Vec<(Placed, TypeId)>) {
    if configuration.is_empty() {
        return;
    }
    let ids: BTreeMap<String, TypeId> = configuration
        .iter()
        .map(|(place, id)| (place.name.clone(), *id))
        .collect();
    let mut places: Vec<Placed> = configuration.into_iter().map(|(place, _)| place).collect();
    let Some(bytes) = lay_out(&mut places) else {
        return;
    };
    let vars: Vec<SecVar> = places
        .iter()
        .filter_map(|place| {
            Some(SecVar {
                var: *ids.get(&place.name)?,
                offset: place.offset,
                size: place.size,
            })
        })
        .collect();
    builder.datasec(CONFIGURATION, bytes, &vars);
}

/// Copies every type but sections, to which nothing refers; of equal ones the first, and of the
/// declarations of a global name the one where it is defined. Returns, for each image, the new ids
/// by old one.
fn copy_types(
    builder: &mut BtfBuilder,
    images: &[Image],
    owners: &BTreeMap<String, (SymbolIndex, usize)>,
) -> Vec<Vec<TypeId>> {
    let with_types: Vec<&Btf> = images
        .iter()
        .filter_map(|image| image.btf.as_deref())
        .collect();
    let classes = equal_types(&with_types);
    let typed = || {
        let typed = images.iter().enumerate();
        let typed = typed.filter_map(|(position, image)| Some((position, image.btf.as_deref()?)));
        typed.zip(&classes)
    };
    let mut chosen: BTreeMap<&str, (u32, usize, Type<'_>)> = BTreeMap::new();
    for ((position, btf), classes) in typed() {
        for (ty, class) in btf.own_types().zip(classes.iter().skip(1)) {
            let Some((_, owner)) = owners.get(ty.name()).filter(|_| is_declaration(ty)) else {
                continue;
            };
            if position == *owner || !chosen.contains_key(ty.name()) {
                chosen.insert(ty.name(), (*class, position, ty));
            }
        }
    }
    let mut known: BTreeMap<u32, TypeId> = BTreeMap::from([(0, TypeId::VOID)]);
    let mut next = builder.next_id().0;
    let mut firsts = Vec::new();
    let mut ids: Vec<Vec<TypeId>> = vec![Vec::new(); images.len()];
    for ((position, btf), classes) in typed() {
        let own = &mut ids[position];
        own.push(TypeId::VOID);
        for (ty, class) in btf.own_types().zip(classes.iter().skip(1)) {
            let itself = (*class, position, ty);
            let (class, position, ty) = match chosen.get(ty.name()) {
                Some(chosen) if is_declaration(ty) => *chosen,
                _ => itself,
            };
            own.push(if ty.kind() == Kind::DataSec {
                TypeId::VOID
            } else {
                *known.entry(class).or_insert_with(|| {
                    firsts.push((position, ty));
                    next += 1;
                    TypeId(next - 1)
                })
            });
        }
    }
    for (position, ty) in firsts {
        builder.copy_type(ty, |id| {
            let new = ids[position].get(id.0 as usize);
            new.copied().unwrap_or(TypeId::VOID)
        });
    }
    ids
}

/// A variable or function that other objects can name.
fn is_declaration(ty: Type<'_>) -> bool {
    match ty.body() {
        Body::Var(var) => var.linkage != Linkage::Static,
        Body::Func(func) => func.linkage != Linkage::Static,
        _ => false,
    }
}

/// What records have in common: moved to where their instructions and types are now.
trait Record: Copy {
    fn moved(
        self,
        bytes: u32,
        id: impl Fn(TypeId) -> TypeId,
        string: impl FnMut(StrOff) -> StrOff,
    ) -> Option<Self>;
}

impl Record for FuncInfo {
    fn moved(
        self,
        bytes: u32,
        id: impl Fn(TypeId) -> TypeId,
        _: impl FnMut(StrOff) -> StrOff,
    ) -> Option<Self> {
        Some(FuncInfo {
            insn_bytes: self.insn_bytes.checked_add(bytes)?,
            func: id(self.func),
        })
    }
}

impl Record for LineInfo {
    fn moved(
        self,
        bytes: u32,
        _: impl Fn(TypeId) -> TypeId,
        mut string: impl FnMut(StrOff) -> StrOff,
    ) -> Option<Self> {
        Some(LineInfo {
            insn_bytes: self.insn_bytes.checked_add(bytes)?,
            file: string(self.file),
            text: string(self.text),
            line_column: self.line_column,
        })
    }
}

impl Record for CoreRelo {
    fn moved(
        self,
        bytes: u32,
        id: impl Fn(TypeId) -> TypeId,
        mut string: impl FnMut(StrOff) -> StrOff,
    ) -> Option<Self> {
        Some(CoreRelo {
            insn_bytes: self.insn_bytes.checked_add(bytes)?,
            ty: id(self.ty),
            access: string(self.access),
            kind: self.kind,
        })
    }
}

fn join_ext(
    builder: &mut BtfBuilder,
    images: &[Image],
    moves: &[Moved],
    ids: &[Vec<TypeId>],
    merged: &Image,
) -> Option<BtfExt> {
    images.iter().find_map(|image| image.ext.as_ref())?;
    let mut ext = BtfExt {
        endian: merged.endian,
        funcs: Vec::new(),
        lines: Vec::new(),
        relos: Vec::new(),
    };
    for (position, image) in images.iter().enumerate() {
        let (Some(btf), Some(theirs)) = (&image.btf, &image.ext) else {
            continue;
        };
        let sections = image
            .numbered_sections()
            .map(|(index, section)| (section.name.as_str(), index))
            .collect();
        let from = Source {
            sections,
            btf,
            moved: &moves[position],
            ids: &ids[position],
        };
        from.append(builder, &theirs.funcs, &mut ext.funcs);
        from.append(builder, &theirs.lines, &mut ext.lines);
        from.append(builder, &theirs.relos, &mut ext.relos);
    }
    Some(ext)
}

/// One image as the source of records.
struct Source<'a> {
    sections: BTreeMap<&'a str, SectionIndex>,
    btf: &'a Btf,
    moved: &'a Moved,
    ids: &'a [TypeId],
}

impl Source<'_> {
    fn append<T: Record>(
        &self,
        builder: &mut BtfBuilder,
        sections: &[ExtSection<T>],
        into: &mut Vec<ExtSection<T>>,
    ) {
        let mut known: BTreeMap<StrOff, usize> = into
            .iter()
            .enumerate()
            .map(|(at, section)| (section.name, at))
            .collect();
        for section in sections {
            let name = self.btf.string(section.name).unwrap_or("");
            let place = self
                .sections
                .get(name)
                .and_then(|index| self.moved.sections[index.index()]);
            let Some(Ok(bytes)) = place.map(|(_, offset)| u32::try_from(offset)) else {
                continue;
            };
            let name = builder.string(name);
            let id = |id: TypeId| self.ids.get(id.0 as usize).copied().unwrap_or(TypeId::VOID);
            let records = section.records.iter().filter_map(|record| {
                record.moved(bytes, id, |at| {
                    builder.string(self.btf.string(at).unwrap_or(""))
                })
            });
            match known.get(&name) {
                Some(at) => into[*at].records.extend(records),
                None => {
                    let records = records.collect();
                    known.insert(name, into.len());
                    into.push(ExtSection { name, records });
                }
            }
        }
    }
}
