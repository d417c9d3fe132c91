//! Special fields in map values, found by the BTF of the value's type.

use osmia_btf::{Body, Btf, TypeId};
use osmia_program::MapSpec;

/// A kernel pointer in a map value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kptr {
    /// Where it is.
    pub(crate) offset: i64,
    /// It owns what it points to.
    pub(crate) owning: bool,
    /// Name of the type it points to.
    pub(crate) name: String,
}

/// Offset of the `struct bpf_spin_lock` in a map's value.
pub(crate) fn spin_lock(spec: &MapSpec) -> Option<i64> {
    field(spec, "bpf_spin_lock")
}

/// Offset of the `struct bpf_timer` in a map's value.
pub(crate) fn timer(spec: &MapSpec) -> Option<i64> {
    field(spec, "bpf_timer")
}

fn field(spec: &MapSpec, name: &str) -> Option<i64> {
    members(spec).find_map(|(btf, ty, offset)| {
        let ty = btf.resolve(ty);
        (ty.name() == name && matches!(ty.body(), Body::Struct(_))).then_some(offset)
    })
}

/// The kernel pointers in a map's value.
pub(crate) fn kptrs(spec: &MapSpec) -> Vec<Kptr> {
    members(spec)
        .filter_map(|(btf, ty, offset)| {
            let Body::Ptr(target) = btf.resolve(ty).body() else {
                return None;
            };
            let tags = btf.type_tags(target);
            let owning = !tags.contains(&"kptr_untrusted");
            let known = ["kptr", "kptr_untrusted", "percpu_kptr", "uptr"];
            let name = btf.resolve(target).name().to_owned();
            (tags.iter().any(|tag| known.contains(tag))).then_some(Kptr {
                offset,
                owning,
                name,
            })
        })
        .collect()
}

/// The members of a map's value, if it is a structure.
fn members(spec: &MapSpec) -> impl Iterator<Item = (&Btf, TypeId, i64)> {
    let value = spec
        .btf
        .as_ref()
        .and_then(|types| match types.btf.resolve(types.value?).body() {
            Body::Struct(value) => Some((&*types.btf, value)),
            _ => None,
        });
    value.into_iter().flat_map(|(btf, value)| {
        let of_member =
            move |member: osmia_btf::Member<'_>| (btf, member.ty, i64::from(member.bit_offset / 8));
        value.members().map(of_member)
    })
}
