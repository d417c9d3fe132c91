//! Tables of kernel operations in the target's layout.
//!
//! The object declares the members it uses; the kernel has more of them, elsewhere, and wraps the
//! whole in a structure of its own. Members go by name.

use std::collections::BTreeMap;

use osmia_btf::{Body, Btf, Kind, TypeId, essential_name};
use osmia_program::{Initial, MapOrigin, MapSpec, Target};

use crate::image::SectionKind;
use crate::object::FunctionIndex;
use crate::{LinkProblem, MapDecl, Object};

/// What each function implements: `tcp_congestion_ops.ssthresh`.
pub(super) type Operations = BTreeMap<FunctionIndex, String>;

/// Fills in every struct_ops map. Without BTF of the target they keep the object's layout.
pub(super) fn lay_out(
    object: &Object,
    target: &Target,
    maps: &mut [MapSpec],
    problems: &mut Vec<LinkProblem>,
) -> Operations {
    let mut operations = Operations::new();
    for (decl, spec) in object.maps.iter().zip(maps) {
        if decl.spec.origin != MapOrigin::StructOps {
            continue;
        }
        if let Err(what) = table(object, target, decl, spec, &mut operations) {
            problems.push(LinkProblem::StructOps {
                map: decl.spec.name.clone(),
                what,
            });
        }
    }
    operations
}

fn table(
    object: &Object,
    target: &Target,
    decl: &MapDecl,
    spec: &mut MapSpec,
    operations: &mut Operations,
) -> Result<(), String> {
    let (Some(types), Initial::Value(local)) = (&decl.spec.btf, &decl.spec.initial) else {
        return Ok(());
    };
    let btf = types.btf.as_ref();
    let id = types.value.unwrap_or(TypeId::VOID);
    let name = essential_name(btf.type_at(id).name());
    let functions = functions(object, decl)?;
    let Some(members) = btf.type_at(id).composite() else {
        return Ok(());
    };
    for member in members.members() {
        if let Some(function) = functions.get(&(member.bit_offset / 8)) {
            operations.insert(*function, format!("{name}.{}", member.name));
        }
    }
    let named = |function: &FunctionIndex| object.functions[function.index()].name.clone();
    let Some(kernel) = target.btf.as_deref() else {
        spec.initial = Initial::Operations {
            value: local.clone(),
            programs: functions
                .iter()
                .map(|(at, each)| (*at, named(each)))
                .collect(),
        };
        return Ok(());
    };
    let layout = Layout::find(kernel, name)
        .ok_or_else(|| format!("target {} has no operations `{name}`", target.name))?;
    let mut value = vec![0; layout.value_bytes as usize];
    let mut programs = Vec::new();
    for member in members.members() {
        let at = member.bit_offset / 8;
        let theirs = kernel.type_at(layout.table).composite().and_then(|table| {
            table
                .members()
                .find(|theirs| theirs.name == essential_name(member.name))
        });
        let size = btf
            .size_of(member.ty)
            .and_then(|size| usize::try_from(size).ok());
        let bytes = size.and_then(|size| {
            let start = at as usize;
            local.get(start..start.checked_add(size)?)
        });
        let Some(theirs) = theirs else {
            // A member of a newer kernel may be declared as long as it is not used.
            let unused = !functions.contains_key(&at)
                && bytes.is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0));
            if unused {
                continue;
            }
            return Err(format!(
                "`{name}` of target {} has no member `{}`",
                target.name, member.name
            ));
        };
        let offset = layout.data_offset + theirs.bit_offset / 8;
        if let Some(function) = functions.get(&at) {
            programs.push((offset, named(function)));
            continue;
        }
        let mismatch = || {
            format!(
                "member `{}` has another type on target {}",
                member.name, target.name
            )
        };
        if member.bitfield_bits != 0 || theirs.bitfield_bits != 0 {
            return Err(format!("member `{}` is a bitfield", member.name));
        }
        if btf.resolve(member.ty).kind() != kernel.resolve(theirs.ty).kind()
            || btf.size_of(member.ty) != kernel.size_of(theirs.ty)
        {
            return Err(mismatch());
        }
        let bytes = bytes.ok_or_else(mismatch)?;
        let start = offset as usize;
        value
            .get_mut(start..start + bytes.len())
            .ok_or_else(mismatch)?
            .copy_from_slice(bytes);
    }
    spec.value_size = layout.value_bytes;
    spec.initial = Initial::Operations { value, programs };
    Ok(())
}

/// Functions by the offset of the pointer that holds them.
fn functions(object: &Object, decl: &MapDecl) -> Result<BTreeMap<u32, FunctionIndex>, String> {
    let mut functions = BTreeMap::new();
    let Some(section) = decl.section else {
        return Ok(functions);
    };
    // Sorted by offset, and there may be many tables: each looks at its own only.
    let relocations = &object.image.section(section).relocations;
    let first = relocations.partition_point(|relocation| relocation.offset < decl.offset);
    for relocation in &relocations[first..] {
        let at = relocation.offset - decl.offset;
        if at >= decl.size {
            break;
        }
        let symbol = object.image.symbol(relocation.symbol);
        let function = symbol
            .section()
            .filter(|section| object.image.section(*section).kind == SectionKind::Code)
            .and_then(|section| {
                let slot = u32::try_from(symbol.value / 8).ok()?;
                object.function_at(section, slot)
            });
        match (u32::try_from(at), function) {
            (Ok(at), Some(function)) => functions.insert(at, function),
            _ => return Err(format!("the pointer at offset {at} holds no program")),
        };
    }
    Ok(functions)
}

/// Where the kernel keeps a table.
struct Layout {
    table: TypeId,
    value_bytes: u32,
    data_offset: u32,
}

impl Layout {
    fn find(kernel: &Btf, name: &str) -> Option<Layout> {
        let table = kernel.find(name, Kind::Struct)?;
        let value = kernel.find(&format!("bpf_struct_ops_{name}"), Kind::Struct)?;
        let Body::Struct(value) = kernel.type_at(value).body() else {
            return None;
        };
        let data = value.members().find(|member| member.ty == table)?;
        (value.size <= crate::limits::OPERATIONS_BYTES_MAX).then_some(Layout {
            table,
            value_bytes: value.size,
            data_offset: data.bit_offset / 8,
        })
    }
}
