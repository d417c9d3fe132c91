//! Whether objects agree on what a name means: each declares it with a type, and the instructions
//! of each were compiled for that type.

use std::collections::BTreeMap;

use osmia_btf::{Body, Btf, Linkage, TypeId, describe};

use crate::ObjectError;
use crate::error::clip;
use crate::image::{Image, SymbolIndex};

/// Comparisons of one pair of declarations; those that need more are taken as equal.
const STEPS_MAX: u32 = 4096;

/// Compares each declaration of a global name with the first one.
pub(super) fn check(
    images: &[Image],
    owners: &BTreeMap<String, (SymbolIndex, usize)>,
) -> Result<(), ObjectError> {
    let mut known: BTreeMap<&str, (&Image, &Btf, TypeId)> = BTreeMap::new();
    for image in images {
        let Some(btf) = &image.btf else { continue };
        for ty in btf.own_types() {
            let declared = match ty.body() {
                Body::Var(var) if var.linkage != Linkage::Static => var.ty,
                Body::Func(func) if func.linkage != Linkage::Static => func.proto,
                _ => continue,
            };
            if !owners.contains_key(ty.name()) {
                continue;
            }
            let Some((first, types, id)) = known.get(ty.name()) else {
                known.insert(ty.name(), (image, btf, declared));
                continue;
            };
            let mut agree = Agree {
                one: types,
                other: btf,
                steps_left: STEPS_MAX,
            };
            if !agree.types(*id, declared, false) {
                return Err(ObjectError::Merge {
                    file: image.name.clone(),
                    what: format!(
                        "`{}` is declared as {}, but in {} as {}",
                        clip(ty.name()),
                        describe(btf, declared),
                        clip(&first.name),
                        describe(types, *id)
                    ),
                });
            }
        }
    }
    Ok(())
}

struct Agree<'a> {
    one: &'a Btf,
    other: &'a Btf,
    steps_left: u32,
}

impl Agree<'_> {
    /// Qualifiers and typedefs aside. Behind a pointer a named structure is its name, as it may be
    /// declared only.
    fn types(&mut self, one: TypeId, other: TypeId, behind_pointer: bool) -> bool {
        let Some(left) = self.steps_left.checked_sub(1) else {
            return true;
        };
        self.steps_left = left;
        let (a, b) = (self.one.resolve(one), self.other.resolve(other));
        match (a.body(), b.body()) {
            (Body::Void, Body::Void) => true,
            (Body::Int(x), Body::Int(y)) => x.size == y.size && x.encoding == y.encoding,
            (Body::Float(x), Body::Float(y)) => x == y,
            (Body::Ptr(x), Body::Ptr(y)) => self.types(x, y, true),
            (Body::Array(x), Body::Array(y)) => {
                // `extern int table[];`
                (x.len == y.len || x.len == 0 || y.len == 0)
                    && self.types(x.element, y.element, behind_pointer)
            }
            (Body::Enum(x) | Body::Enum64(x), Body::Enum(y) | Body::Enum64(y)) => {
                a.name() == b.name() && x.size == y.size
            }
            (Body::FuncProto(x), Body::FuncProto(y)) => {
                x.len() == y.len()
                    && self.types(x.result, y.result, behind_pointer)
                    && x.params()
                        .zip(y.params())
                        .all(|(x, y)| self.types(x.ty, y.ty, behind_pointer))
            }
            (
                Body::Struct(_) | Body::Union(_) | Body::Fwd(_),
                Body::Struct(_) | Body::Union(_) | Body::Fwd(_),
            ) if behind_pointer && !a.is_anonymous() => a.name() == b.name(),
            (Body::Struct(x), Body::Struct(y)) | (Body::Union(x), Body::Union(y)) => {
                a.name() == b.name()
                    && x.size == y.size
                    && x.len() == y.len()
                    && x.members().zip(y.members()).all(|(x, y)| {
                        x.name == y.name
                            && x.bit_offset == y.bit_offset
                            && self.types(x.ty, y.ty, behind_pointer)
                    })
            }
            _ => false,
        }
    }
}
