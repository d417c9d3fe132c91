//! Pointers to memory of processes in map values (`uptr`): what they may lead to
//! (`btf_check_and_fixup_fields` of Linux 6.18).

use osmia_btf::{Body, Btf, Kind, Type, TypeId};
use osmia_program::Errno;

/// Bytes of a page, all that is kept of a process' memory.
const PAGE_BYTES: u64 = 4096;
/// Structures inside of structures are looked into this deep (`MAX_RESOLVE_DEPTH`).
const DEPTH_MAX: u32 = 32;

/// Checks every such pointer in values of a type.
pub(super) fn check(types: &Btf, kernel: Option<&Btf>, value: TypeId) -> Result<(), Errno> {
    inside(types, kernel, types.resolve(value), DEPTH_MAX)
}

fn inside(types: &Btf, kernel: Option<&Btf>, ty: Type<'_>, depth: u32) -> Result<(), Errno> {
    let Some(composite) = ty.composite().filter(|_| depth > 0) else {
        return Ok(());
    };
    for member in composite.members() {
        match target(types, member.ty) {
            Some(target) => fits(types, kernel, target)?,
            None => inside(types, kernel, types.resolve(member.ty), depth - 1)?,
        }
    }
    Ok(())
}

/// What a member points to, if it is such a pointer.
fn target(types: &Btf, member: TypeId) -> Option<Type<'_>> {
    let Body::Ptr(tag) = types.type_at(member).body() else {
        return None;
    };
    let tag = types.type_at(tag);
    match tag.body() {
        Body::TypeTag(target) if tag.name() == "uptr" => Some(types.resolve(target)),
        _ => None,
    }
}

/// A structure of a page at most, and none of the kernel's.
fn fits(types: &Btf, kernel: Option<&Btf>, target: Type<'_>) -> Result<(), Errno> {
    let is_kernels = |kernel: &Btf| kernel.find(target.name(), Kind::Struct).is_some();
    if kernel.is_some_and(is_kernels) {
        return Err(Errno::EINVAL);
    }
    match types.size_of(target.id()) {
        None | Some(0) => Err(Errno::EINVAL),
        Some(bytes) if bytes > PAGE_BYTES => Err(Errno::E2BIG),
        Some(_) => Ok(()),
    }
}
