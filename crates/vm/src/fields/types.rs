//! Whether structures of a program can be objects, or hold each other, as they say
//! (`btf_parse_struct_metas`, `btf_check_and_fixup_fields` in `kernel/bpf/btf.c`, 6.18).

use osmia_btf::{Body, Btf, Kind, Type, TypeId};
use osmia_program::Errno;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{FieldKind, Fields, OBJECT_FIELDS, parse};

/// Structures whose holders are looked at.
const SPECIAL: [&str; 6] = [
    "bpf_spin_lock",
    "bpf_list_head",
    "bpf_list_node",
    "bpf_rb_root",
    "bpf_rb_node",
    "bpf_refcount",
];

/// Whether every structure with special fields has them as the kernel wants them: what it asks when
/// types are loaded.
///
/// # Errors
/// The kernel's errno.
pub fn check_object_types(btf: &Btf) -> Result<(), Errno> {
    let pointers = (btf.own_types()).filter(|ty| is_object_pointer(btf, *ty));
    let special: FxHashSet<TypeId> = (SPECIAL.iter())
        .filter_map(|name| btf.find(name, Kind::Struct))
        .chain(pointers.map(|ty| ty.id()))
        .collect();
    if special.is_empty() {
        return Ok(());
    }
    let mut known: FxHashMap<&str, Fields> = FxHashMap::default();
    for ty in btf.own_types().filter(|ty| ty.kind() == Kind::Struct) {
        let Some(composite) = ty.composite() else {
            continue;
        };
        if !(composite.members()).any(|member| special.contains(&member.ty)) {
            continue;
        }
        let fields = parse(btf, ty.id(), OBJECT_FIELDS, composite.size);
        // Members that do not count, for where they lie or how large they are, are an error here.
        let fields = fields.map_err(|error| error.0)?.ok_or(Errno::EFAULT)?;
        known.insert(ty.name(), fields);
    }
    known
        .values()
        .try_for_each(|fields| check_held(fields, &known))
}

/// True for pointers that are tagged to own, or to remember, an object.
fn is_object_pointer(btf: &Btf, ty: Type<'_>) -> bool {
    let Body::Ptr(pointee) = ty.body() else {
        return false;
    };
    let tag = btf.type_at(pointee);
    tag.kind() == Kind::TypeTag && ["kptr", "kptr_untrusted", "percpu_kptr"].contains(&tag.name())
}

/// What lists and trees consist of must be objects, and must not hold each other in a circle.
fn check_held(fields: &Fields, known: &FxHashMap<&str, Fields>) -> Result<(), Errno> {
    let is_root = |kind: &FieldKind| matches!(kind, FieldKind::List(_) | FieldKind::Tree(_));
    let is_node = |kind: &FieldKind| matches!(kind, FieldKind::ListNode | FieldKind::TreeNode);
    let is_held = fields.find(is_node).is_some();
    for field in fields.iter() {
        if let FieldKind::List(root) | FieldKind::Tree(root) = &field.kind {
            let element = known.get(&*root.of).ok_or(Errno::EFAULT)?;
            if is_held && element.find(is_root).is_some() {
                return Err(Errno::ELOOP);
            }
        }
    }
    Ok(())
}
