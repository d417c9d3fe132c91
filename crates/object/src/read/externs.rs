//! What the object refers to and does not define: kernel configuration, kernel variables and
//! functions, and things of other objects.

use std::collections::BTreeMap;

use osmia_btf::{Body, Btf, Kind, TypeId};
use osmia_program::{Initial, MapFlags, MapKind, MapOrigin, MapSpec};

use super::data::{has_visible_variable, map_btf, variables_type};
use super::map_names::section_map_name;
use crate::error::{Errors, clip};
use crate::image::{Binding, Image, SymbolIndex};
use crate::object::{Extern, ExternKind, KconfigType};
use crate::{MapDecl, ObjectError};

const KCONFIG: &str = ".kconfig";
const KSYMS: &str = ".ksyms";

/// Every extern: configuration first, widest alignment first, as libbpf lays them out; then the
/// others in the order of symbols.
pub(super) fn externs(image: &Image, errors: &mut Errors) -> Vec<Extern> {
    let declared = declared(image);
    let mut configuration: Vec<(u32, Extern)> = Vec::new();
    let mut others = Vec::new();
    for (index, symbol) in image.symbols.iter().enumerate() {
        if !symbol.is_extern() {
            continue;
        }
        let mut found = Extern {
            name: symbol.name.clone(),
            symbol: SymbolIndex(index as u32),
            weak: symbol.binding == Binding::Weak,
            kind: ExternKind::Object,
            type_id: None,
        };
        let (Some((section, id)), Some(btf)) = (declared.get(symbol.name.as_str()), &image.btf)
        else {
            others.push(found);
            continue;
        };
        found.type_id = Some(*id);
        match (*section, btf.type_at(*id).body()) {
            (KCONFIG, Body::Var(var)) => match kconfig_type(btf, var.ty) {
                Some((ty, size)) => {
                    let align = btf.align_of(var.ty).unwrap_or(1).max(1);
                    found.kind = ExternKind::Kconfig {
                        ty,
                        offset: 0,
                        size,
                    };
                    configuration.push((align, found));
                }
                None => errors.push(ObjectError::Extern {
                    name: clip(&symbol.name),
                    what: "its type can hold no value of a kernel configuration".into(),
                    help: Some("use bool, char, an integer, char[N] or enum libbpf_tristate"),
                }),
            },
            (KSYMS, Body::Var(var)) => {
                let target = btf.skip_modifiers(var.ty);
                found.kind = ExternKind::Variable {
                    ty: (target.kind() != Kind::Void).then_some(var.ty),
                };
                others.push(found);
            }
            (KSYMS, Body::Func(_)) => {
                found.kind = ExternKind::Function { func: *id };
                others.push(found);
            }
            _ => others.push(found),
        }
    }
    let mut places: Vec<Placed> = configuration
        .iter()
        .map(|(align, each)| Placed {
            name: each.name.clone(),
            align: *align,
            size: match each.kind {
                ExternKind::Kconfig { size, .. } => size,
                _ => 0,
            },
            offset: 0,
        })
        .collect();
    if lay_out(&mut places).is_none() {
        errors.push(ObjectError::Extern {
            name: KCONFIG.into(),
            what: "the variables of the kernel configuration exceed 4 GiB".into(),
            help: None,
        });
    }
    let offsets: BTreeMap<&str, u32> = places
        .iter()
        .map(|place| (place.name.as_str(), place.offset))
        .collect();
    for (_, each) in &mut configuration {
        if let ExternKind::Kconfig { offset, .. } = &mut each.kind {
            *offset = offsets.get(each.name.as_str()).copied().unwrap_or(0);
        }
    }
    configuration.sort_by_key(|(_, each)| match each.kind {
        ExternKind::Kconfig { offset, .. } => offset,
        _ => 0,
    });
    configuration
        .into_iter()
        .map(|(_, each)| each)
        .chain(others)
        .collect()
}

/// A variable of the kernel configuration on its way to a place.
pub(crate) struct Placed {
    pub(crate) name: String,
    pub(crate) align: u32,
    pub(crate) size: u32,
    pub(crate) offset: u32,
}

impl Placed {
    /// What a variable of this type needs; `None` for types that hold no configuration.
    pub(crate) fn new(btf: &Btf, name: &str, ty: TypeId) -> Option<Placed> {
        let (_, size) = kconfig_type(btf, ty)?;
        Some(Placed {
            name: name.to_owned(),
            align: btf.align_of(ty).unwrap_or(1).max(1),
            size,
            offset: 0,
        })
    }
}

/// Places variables as libbpf does: widest alignment first, then smallest, then by name. Returns
/// the bytes of all.
pub(crate) fn lay_out(places: &mut [Placed]) -> Option<u32> {
    places.sort_by(|a, b| (b.align, a.size, &a.name).cmp(&(a.align, b.size, &b.name)));
    let mut end: u32 = 0;
    for place in places {
        place.offset = end.checked_next_multiple_of(place.align)?;
        end = place.offset.checked_add(place.size)?;
    }
    Some(end)
}

/// Externs that have a type: name to section and VAR or FUNC.
fn declared(image: &Image) -> BTreeMap<&str, (&str, TypeId)> {
    let mut declared = BTreeMap::new();
    let Some(btf) = &image.btf else {
        return declared;
    };
    for ty in btf.own_types() {
        let Body::DataSec(section) = ty.body() else {
            continue;
        };
        for entry in section.vars() {
            let var = btf.type_at(entry.var);
            if matches!(ty.name(), KCONFIG | KSYMS) {
                declared.insert(var.name(), (ty.name(), entry.var));
            }
        }
    }
    declared
}

fn kconfig_type(btf: &Btf, id: TypeId) -> Option<(KconfigType, u32)> {
    let ty = btf.resolve(id);
    match ty.body() {
        Body::Int(int) if int.is_bool() => (int.size == 1).then_some((KconfigType::Bool, 1)),
        Body::Int(int) if int.size == 1 => Some((KconfigType::Char, 1)),
        Body::Int(int) if matches!(int.size, 2 | 4 | 8) => {
            let signed = int.is_signed();
            Some((KconfigType::Int { signed }, int.size))
        }
        Body::Enum(values) | Body::Enum64(values)
            if ty.name() == "libbpf_tristate" && values.size == 4 =>
        {
            Some((KconfigType::Tristate, 4))
        }
        Body::Array(array) if array.len > 0 => match btf.resolve(array.element).body() {
            Body::Int(int) if int.size == 1 && !int.is_bool() => {
                Some((KconfigType::Text, array.len))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The map that holds the configuration, if any is asked for.
pub(super) fn kconfig_map(image: &Image, externs: &[Extern]) -> Option<MapDecl> {
    let size = externs
        .iter()
        .filter_map(|each| match each.kind {
            ExternKind::Kconfig { offset, size, .. } => Some(offset + size),
            _ => None,
        })
        .max()?;
    let value = variables_type(image, KCONFIG);
    let mut flags = MapFlags::RDONLY_PROG;
    // libbpf makes declared configuration variables visible before it asks.
    if value.is_some_and(|value| has_visible_variable(image, value)) {
        flags |= MapFlags::MMAPABLE;
    }
    let name = section_map_name(&image.name, KCONFIG);
    let mut spec = MapSpec::new(name, MapKind::Array, 4, size, 1);
    spec.flags = MapFlags(flags);
    spec.origin = MapOrigin::Kconfig;
    spec.frozen = true;
    spec.btf = map_btf(image, value);
    spec.initial = Initial::Empty;
    Some(MapDecl {
        spec,
        section_name: KCONFIG.into(),
        section: None,
        offset: 0,
        size: u64::from(size),
    })
}
