//! Types and debug information of several images as those of one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use osmia_btf::{
    Body, Btf, BtfBuilder, BtfExt, CoreRelo, ExtSection, FuncInfo, Kind, LineInfo, Linkage, SecVar,
    StrOff, TypeId,
};

use super::Moved;
use crate::ObjectError;
use crate::image::{Image, SymbolIndex};
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
    let mut ids: Vec<Vec<TypeId>> = Vec::new();
    for image in images {
        ids.push(match &image.btf {
            Some(btf) => copy_types(&mut builder, btf),
            None => Vec::new(),
        });
    }
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

/// Copies every type but sections, to which nothing refers. Returns the new ids by old one.
fn copy_types(builder: &mut BtfBuilder, btf: &Btf) -> Vec<TypeId> {
    let mut ids = vec![TypeId::VOID];
    let mut next = builder.next_id().0;
    for ty in btf.own_types() {
        if ty.kind() == Kind::DataSec {
            ids.push(TypeId::VOID);
        } else {
            ids.push(TypeId(next));
            next += 1;
        }
    }
    for ty in btf.own_types().filter(|ty| ty.kind() != Kind::DataSec) {
        builder.copy_type(ty, |id| {
            ids.get(id.0 as usize).copied().unwrap_or(TypeId::VOID)
        });
    }
    ids
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
        let from = Source {
            image,
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
    image: &'a Image,
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
        for section in sections {
            let name = self.btf.string(section.name).unwrap_or("");
            let place = self
                .image
                .section_named(name)
                .and_then(|(index, _)| self.moved.sections[index.index()]);
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
            match into.iter_mut().find(|known| known.name == name) {
                Some(known) => known.records.extend(records),
                None => {
                    let records = records.collect();
                    into.push(ExtSection { name, records });
                }
            }
        }
    }
}
