//! Types of the object: its BTF with what only the ELF file knows filled in.
//!
//! Compilers leave the size of a section of variables and the offsets of the variables in it at 0;
//! both the kernel and readers of values need them. Hidden variables become static ones, as
//! libbpf makes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use osmia_btf::{Body, Btf, BtfError, BtfExt, DataSec, Kind, Linkage};
use osmia_diag::{Diagnostic, Place};
use osmia_isa::Endian;

use crate::image::{Image, SectionIndex, SectionKind, SymbolPlace};
use crate::read::{Placed, lay_out};
use crate::{ObjectError, codes};

/// Parses BTF and .BTF.ext and puts them into the image.
///
/// An object that declares maps or externs by types is unusable without them; any other only
/// loses names and source lines, so damage is a remark there.
pub(super) fn attach_types(
    image: &mut Image,
    btf: Option<Vec<u8>>,
    ext: Option<Vec<u8>>,
) -> Result<(), ObjectError> {
    let Some(bytes) = btf else {
        return Ok(());
    };
    match Btf::parse(bytes.clone(), None).and_then(|btf| filled_in(image, bytes, btf)) {
        Ok(btf) => image.btf = Some(Arc::new(btf)),
        Err(error) if needs_types(image) => {
            return Err(ObjectError::Btf {
                section: ".BTF",
                error: Box::new(error),
            });
        }
        Err(error) => {
            image.notes.push(damaged(".BTF", &error));
            return Ok(());
        }
    }
    let (Some(bytes), Some(btf)) = (ext, &image.btf) else {
        return Ok(());
    };
    match BtfExt::parse(&bytes, btf) {
        Ok(ext) => image.ext = Some(ext),
        // Its CO-RE relocations cannot be told from its lines any more: going on would run
        // instructions with the wrong offsets.
        Err(error) => {
            return Err(ObjectError::Btf {
                section: ".BTF.ext",
                error: Box::new(error),
            });
        }
    }
    Ok(())
}

fn needs_types(image: &Image) -> bool {
    image.sections.iter().any(|section| {
        section.name == ".maps"
            || section.name.starts_with(".struct_ops")
            || section.name.starts_with("?.struct_ops")
    }) || image.symbols.iter().any(|symbol| symbol.is_extern())
}

fn damaged(section: &str, error: &BtfError) -> Diagnostic {
    let told = error.to_diagnostic();
    let mut place = Place::none().section(section);
    place.offset = told.place.offset;
    Diagnostic::warning(
        codes::OBJECT_BTF,
        format!("the types of the object are damaged and not used: {error}"),
    )
    .at(place)
}

/// The same BTF with sections of variables filled in.
fn filled_in(image: &Image, mut bytes: Vec<u8>, btf: Btf) -> Result<Btf, BtfError> {
    let mut writes: Vec<(usize, u32)> = Vec::new();
    let mut variables: BTreeMap<&str, (u32, u64, bool)> = BTreeMap::new();
    for symbol in &image.symbols {
        if let SymbolPlace::Section(section) = symbol.place
            && !symbol.name.is_empty()
        {
            let known = (section.0, symbol.value, symbol.hidden);
            variables.entry(&symbol.name).or_insert(known);
        }
    }
    let sections: BTreeMap<&str, SectionIndex> = image
        .numbered_sections()
        .map(|(index, section)| (section.name.as_str(), index))
        .collect();
    for ty in btf.own_types() {
        let Body::DataSec(section) = ty.body() else {
            continue;
        };
        let Some(at) = btf.record_offset(ty.id()) else {
            continue;
        };
        let name = ty.name();
        if name == ".kconfig" {
            place_configuration(&btf, section, at, &mut writes);
            continue;
        }
        if name == ".ksyms" {
            continue;
        }
        let Some(index) = sections.get(name) else {
            continue;
        };
        let in_file = image.section(*index);
        if matches!(in_file.kind, SectionKind::Code | SectionKind::Other) {
            continue;
        }
        let unfilled = section.size == 0;
        if unfilled {
            writes.push((at + 8, u32::try_from(in_file.size).unwrap_or(u32::MAX)));
        }
        let mut vars: Vec<(u32, usize, osmia_btf::SecVar)> = Vec::new();
        for (position, var) in section.vars().enumerate() {
            let name = btf.type_at(var.var).name();
            let mut offset = var.offset;
            if let Some((place, value, hidden)) = variables.get(name)
                && *place == index.0
            {
                if unfilled {
                    offset = u32::try_from(*value).unwrap_or(u32::MAX);
                }
                if *hidden
                    && let Some(record) = btf.record_offset(var.var)
                    && btf.type_at(var.var).kind() == Kind::Var
                {
                    writes.push((record + 12, 0));
                }
            }
            vars.push((offset, position, var));
        }
        // The kernel wants them in ascending order.
        vars.sort_by_key(|(offset, position, _)| (*offset, *position));
        for (position, (offset, _, var)) in vars.iter().enumerate() {
            let entry = at + 12 + position * 12;
            writes.extend([
                (entry, var.var.0),
                (entry + 4, *offset),
                (entry + 8, var.size),
            ]);
        }
    }
    if writes.is_empty() {
        return Ok(btf);
    }
    for (at, value) in writes {
        let value = match btf.endian() {
            Endian::Little => value.to_le_bytes(),
            Endian::Big => value.to_be_bytes(),
        };
        if let Some(place) = bytes.get_mut(at..at + 4) {
            place.copy_from_slice(&value);
        }
    }
    Btf::parse(bytes, None)
}

/// The loader makes `.kconfig`, so it also says where its variables are; from then on they are
/// ordinary ones.
fn place_configuration(btf: &Btf, section: DataSec<'_>, at: usize, writes: &mut Vec<(usize, u32)>) {
    let mut places = Vec::new();
    let mut vars = BTreeMap::new();
    for entry in section.vars() {
        let var = btf.type_at(entry.var);
        let Body::Var(body) = var.body() else {
            return;
        };
        let Some(place) = Placed::new(btf, var.name(), body.ty) else {
            return;
        };
        places.push(place);
        vars.insert(var.name(), entry.var);
    }
    let Some(bytes) = lay_out(&mut places) else {
        return;
    };
    writes.push((at + 8, bytes));
    for (position, place) in places.iter().enumerate() {
        let Some(var) = vars.get(place.name.as_str()) else {
            continue;
        };
        let entry = at + 12 + position * 12;
        writes.extend([
            (entry, var.0),
            (entry + 4, place.offset),
            (entry + 8, place.size),
        ]);
        if let Some(record) = btf.record_offset(*var) {
            writes.push((record + 12, Linkage::Global.number()));
        }
    }
}
