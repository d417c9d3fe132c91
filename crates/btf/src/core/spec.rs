//! An access path (`0:1:2`) as a walk through types: from the root through members and elements.

use crate::core::{CoreError, Relo};
use crate::query::describe;
use crate::{Array, Body, Btf, StrOff, Type, TypeId, limits};

/// One step of a walk.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// For a member or enumerator, the type that has it; for an element, the element's type.
    pub(crate) ty: TypeId,
    /// Which member, element or enumerator.
    pub(crate) index: u32,
    /// Name of the member or enumerator; `None` for an element.
    pub(crate) name: Option<StrOff>,
}

/// A walk in one BTF. Members without a name leave no step: the next named one is found through
/// them by name.
#[derive(Clone)]
pub(crate) struct Spec<'a> {
    pub(crate) btf: &'a Btf,
    pub(crate) root: TypeId,
    pub(crate) steps: Vec<Step>,
    /// Steps with unnamed members counted, which is what the limit is about.
    pub(crate) raw_len: usize,
    pub(crate) bit_offset: u64,
}

impl<'a> Spec<'a> {
    pub(crate) fn new(btf: &'a Btf, root: TypeId) -> Self {
        Spec {
            btf,
            root,
            steps: Vec::new(),
            raw_len: 0,
            bit_offset: 0,
        }
    }

    /// Follows the path of a relocation in the object's own BTF.
    pub(crate) fn local(btf: &'a Btf, relo: &Relo<'_>) -> Result<Self, CoreError> {
        let wrong = |problem: String| CoreError::Access {
            kind: relo.kind,
            ty: describe(btf, relo.ty),
            access: relo.access.to_owned(),
            problem,
        };
        let mut spec = Spec::new(btf, relo.ty);
        if relo.kind.is_about_type() {
            if relo.access != "0" {
                return Err(wrong("should be \"0\" for a whole type".into()));
            }
            return Ok(spec);
        }
        let path = parse_path(relo.access).map_err(wrong)?;
        let Some((&first, rest)) = path.split_first() else {
            return Err(wrong("is empty".into()));
        };
        let mut ty = btf.resolve(relo.ty);
        spec.raw_len = path.len();
        if relo.kind.is_about_enumerator() {
            let name = match (ty.enumeration(), rest) {
                (Some(_), []) => enumerator_name(ty, first),
                _ => None,
            };
            let Some(name) = name else {
                return Err(wrong("is not one enumerator of it".into()));
            };
            spec.steps.push(Step {
                ty: ty.id,
                index: first,
                name: Some(name),
            });
            return Ok(spec);
        }
        spec.steps.push(Step {
            ty: ty.id,
            index: first,
            name: None,
        });
        spec.advance(first, ty.id)
            .ok_or_else(|| wrong("goes through a type without size".into()))?;
        let mut next = ty.id;
        for &index in rest {
            ty = btf.resolve(next);
            match ty.body() {
                Body::Struct(composite) | Body::Union(composite) => {
                    let Some(member) = composite.member(index as usize) else {
                        return Err(wrong(format!(
                            "asks for member {index} of {}, which has {}",
                            describe(btf, ty.id),
                            composite.len()
                        )));
                    };
                    spec.bit_offset += u64::from(member.bit_offset);
                    if !member.name.is_empty() {
                        spec.steps.push(Step {
                            ty: ty.id,
                            index,
                            name: Some(member.name_off),
                        });
                    }
                    next = member.ty;
                }
                Body::Array(array) => {
                    if index >= array.len && !spec.is_flexible(&array) {
                        return Err(wrong(format!(
                            "asks for element {index} of an array of {}",
                            array.len
                        )));
                    }
                    next = btf.resolve(array.element).id;
                    spec.steps.push(Step {
                        ty: next,
                        index,
                        name: None,
                    });
                    spec.advance(index, next)
                        .ok_or_else(|| wrong("goes through a type without size".into()))?;
                }
                _ => {
                    return Err(wrong(format!(
                        "goes into {}, which has no parts",
                        describe(btf, ty.id)
                    )));
                }
            }
        }
        Ok(spec)
    }

    /// Moves on by `index` elements of type `element`.
    pub(crate) fn advance(&mut self, index: u32, element: TypeId) -> Option<()> {
        let bits = self
            .btf
            .size_of(element)?
            .checked_mul(8)?
            .checked_mul(u64::from(index))?;
        self.bit_offset = self.bit_offset.checked_add(bits)?;
        Some(())
    }

    /// An array without length that is the last member of the structure the walk is in has as many
    /// elements as one asks for.
    pub(crate) fn is_flexible(&self, array: &Array) -> bool {
        let Some(Step {
            ty,
            index,
            name: Some(_),
        }) = self.steps.last()
        else {
            return false;
        };
        array.len == 0 && *index + 1 == self.btf.type_at(*ty).vlen()
    }
}

pub(crate) fn enumerator_name(ty: Type<'_>, index: u32) -> Option<StrOff> {
    let step = if ty.kind() == crate::Kind::Enum64 {
        12
    } else {
        8
    };
    let at = 12 + (index as usize).checked_mul(step)?;
    ty.record
        .get(at..at + 4)
        .map(|_| StrOff(crate::ty::word(ty.record, at)))
}

fn parse_path(text: &str) -> Result<Vec<u32>, String> {
    let mut path = Vec::with_capacity(8);
    for part in text.split(':') {
        let Ok(index) = part.parse::<u32>() else {
            return Err(format!("has {part:?} where a number should be"));
        };
        if path.len() == limits::ACCESS_PATH_MAX {
            return Err(format!(
                "is longer than ACCESS_PATH_MAX = {}",
                limits::ACCESS_PATH_MAX
            ));
        }
        path.push(index);
    }
    Ok(path)
}
