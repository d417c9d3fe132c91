//! What lies at an offset of a kernel type.

use osmia_btf::{Body, Btf, Composite, Member, TypeId};

/// Structures in structures: as deep as any real one, and an end for the others.
const DEPTH_MAX: u32 = 32;

/// What is at an offset of a type.
pub(super) enum Found<'b> {
    Number,
    Pointer(Field<'b>),
    /// A part of a pointer.
    Part,
    Beyond,
}

/// A member that is a pointer.
pub(super) struct Field<'b> {
    pub(super) name: &'b str,
    pub(super) target: TypeId,
    /// It shares its place with others.
    pub(super) in_union: bool,
}

/// What an access of so many bytes at an offset of a type touches.
pub(super) fn find(btf: &Btf, ty: TypeId, offset: u64, bytes: u64, depth: u32) -> Found<'_> {
    if depth > DEPTH_MAX {
        return Found::Number;
    }
    match btf.resolve(ty).body() {
        Body::Struct(composite) | Body::Union(composite)
            if offset + bytes > u64::from(composite.size) && !ends_open(btf, &composite) =>
        {
            Found::Beyond
        }
        // Members come one after the other, so the one that is asked for is the last that begins before.
        Body::Struct(structure) => (structure.places().rev())
            .find_map(|member| in_member(btf, &member, offset, bytes, depth))
            .unwrap_or(Found::Number),
        Body::Union(union) => {
            let shared = union.len() > 1;
            let mut found = Found::Number;
            for member in union.places() {
                found = in_member(btf, &member, offset, bytes, depth).unwrap_or(found);
                if let Found::Pointer(field) = &mut found {
                    field.in_union |= shared;
                    break;
                }
            }
            found
        }
        Body::Array(array) => {
            let element = btf.size_of(array.element).unwrap_or(0);
            match offset.checked_rem(element) {
                Some(within) if within + bytes <= element => {
                    match btf.resolve(array.element).body() {
                        Body::Ptr(target) if within == 0 && bytes == 8 => Found::Pointer(Field {
                            name: "",
                            target,
                            in_union: false,
                        }),
                        _ => find(btf, array.element, within, bytes, depth + 1),
                    }
                }
                _ => Found::Number,
            }
        }
        _ => Found::Number,
    }
}

/// True for structures that end in an array without a length.
fn ends_open(btf: &Btf, composite: &Composite<'_>) -> bool {
    composite.places().next_back().is_some_and(
        |member| matches!(btf.resolve(member.ty).body(), Body::Array(array) if array.len == 0),
    )
}

/// What an access touches of a member, if it is inside of it; nothing is known of bitfields.
fn in_member<'b>(
    btf: &'b Btf,
    member: &Member<'_>,
    offset: u64,
    bytes: u64,
    depth: u32,
) -> Option<Found<'b>> {
    let within = offset.checked_sub(u64::from(member.bit_offset / 8))?;
    let length = btf.size_of(member.ty).unwrap_or(0);
    if within + bytes > length || btf.bitfield_bits(member) != 0 {
        return None;
    }
    Some(match btf.resolve(member.ty).body() {
        Body::Ptr(_) if within != 0 || bytes != 8 => Found::Part,
        Body::Ptr(target) => Found::Pointer(Field {
            name: btf.string(member.name_off).unwrap_or_default(),
            target,
            in_union: false,
        }),
        _ => find(btf, member.ty, within, bytes, depth + 1),
    })
}
