//! Repeating the object's walk in a candidate type of the target: members by name, wherever they
//! are now, elements and enumerators likewise.

use crate::btf::Name;
use crate::core::compat::{Compare, Exceeded};
use crate::core::spec::{Spec, Step, enumerator_name};
use crate::core::{CoreError, ReloKind};
use crate::query::{describe, shown_name};
use crate::{Body, StrOff, TypeId, essential_name, limits};

/// Why a candidate is not the type that the object means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// A type on the way has no member of this name.
    NoMember {
        /// The type, as C.
        within: String,
        /// The member.
        member: String,
    },
    /// The member is there, but is something else.
    MemberType {
        /// The member.
        member: String,
        /// What the object says it is.
        local: String,
        /// What it is in the target.
        target: String,
    },
    /// Where the object has an array, the target has something else.
    NotArray {
        /// What it has.
        target: String,
    },
    /// The array is too short.
    OutOfBounds {
        /// The element asked for.
        index: u32,
        /// How many there are.
        len: u32,
    },
    /// The enumeration lacks the name.
    NoEnumerator {
        /// The name.
        name: String,
    },
    /// The types differ.
    Type,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Mismatch::NoMember { within, member } => write!(f, "{within} has no member `{member}`"),
            Mismatch::MemberType {
                member,
                local,
                target,
            } => write!(f, "its member `{member}` is {target}, not {local}"),
            Mismatch::NotArray { target } => write!(f, "it has {target} in place of the array"),
            Mismatch::OutOfBounds { index, len } => {
                write!(
                    f,
                    "its array has {len} elements, element {index} is asked for"
                )
            }
            Mismatch::NoEnumerator { name } => write!(f, "it has no enumerator `{name}`"),
            Mismatch::Type => f.write_str("its definition differs"),
        }
    }
}

/// The same as [`Mismatch`], cheap enough to be thrown away.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Miss {
    NoMember {
        within: TypeId,
        member: StrOff,
    },
    MemberType {
        member: StrOff,
        local: TypeId,
        target: TypeId,
    },
    NotArray {
        target: TypeId,
    },
    OutOfBounds {
        index: u32,
        len: u32,
    },
    NoEnumerator {
        name: StrOff,
    },
    Type,
}

impl Miss {
    pub(crate) fn explain(self, local: &Spec<'_>, target: &crate::Btf) -> Mismatch {
        let name = |at| shown_name(local.btf.string_or_empty(at)).to_owned();
        match self {
            Miss::NoMember { within, member } => Mismatch::NoMember {
                within: describe(target, within),
                member: name(member),
            },
            Miss::MemberType {
                member,
                local: from,
                target: to,
            } => Mismatch::MemberType {
                member: name(member),
                local: describe(local.btf, from),
                target: describe(target, to),
            },
            Miss::NotArray { target: to } => Mismatch::NotArray {
                target: describe(target, to),
            },
            Miss::OutOfBounds { index, len } => Mismatch::OutOfBounds { index, len },
            Miss::NoEnumerator { name: at } => Mismatch::NoEnumerator { name: name(at) },
            Miss::Type => Mismatch::Type,
        }
    }
}

/// Why the walk ended without an answer.
pub(crate) enum Stop {
    Miss(Miss),
    Exceeded(Exceeded),
    NoSize,
}

impl From<Exceeded> for Stop {
    fn from(exceeded: Exceeded) -> Self {
        Stop::Exceeded(exceeded)
    }
}

impl Stop {
    /// The error if it is one, else the reason.
    pub(crate) fn into_miss(self, kind: ReloKind, local: &Spec<'_>) -> Result<Miss, CoreError> {
        let ty = || describe(local.btf, local.root);
        match self {
            Stop::Miss(miss) => Ok(miss),
            Stop::Exceeded(Exceeded(limit)) => Err(CoreError::TooComplex {
                kind,
                ty: ty(),
                limit,
            }),
            Stop::NoSize => Err(CoreError::Unanswerable {
                kind,
                ty: ty(),
                problem: "the target's type on the way has no size".into(),
            }),
        }
    }
}

/// Repeats `local` in the candidate `root`.
pub(crate) fn walk<'a>(
    kind: ReloKind,
    local: &Spec<'_>,
    compare: &mut Compare<'a>,
    root: TypeId,
) -> Result<Spec<'a>, Stop> {
    let target = compare.target;
    let mut spec = Spec::new(target, root);
    if kind.is_about_type() {
        let same = if kind == ReloKind::TypeMatches {
            compare.deep(local.root, root)?
        } else {
            compare.types(local.root, root)?
        };
        return if same {
            Ok(spec)
        } else {
            Err(Stop::Miss(Miss::Type))
        };
    }
    if kind.is_about_enumerator() {
        return enumerator(local, compare, spec);
    }
    let mut next = root;
    for (position, step) in local.steps.iter().enumerate() {
        next = target.resolve(next).id;
        if let Some(name) = step.name {
            let text = local.btf.string_bytes(name).unwrap_or(&[]);
            let member = Wanted {
                name,
                text,
                ty: local
                    .btf
                    .type_at(step.ty)
                    .composite()
                    .and_then(|composite| composite.member(step.index as usize))
                    .map_or(TypeId::VOID, |member| member.ty),
            };
            next = member
                .find(compare, next, &mut spec)?
                .ok_or(Stop::Miss(Miss::NoMember {
                    within: next,
                    member: name,
                }))?;
            continue;
        }
        // The first step counts whole root values, as if the root were an element already.
        if position > 0 {
            let Body::Array(array) = target.type_at(next).body() else {
                return Err(Stop::Miss(Miss::NotArray { target: next }));
            };
            if step.index >= array.len && !spec.is_flexible(&array) {
                return Err(Stop::Miss(Miss::OutOfBounds {
                    index: step.index,
                    len: array.len,
                }));
            }
            next = target.resolve(array.element).id;
        }
        spec.grow()?;
        spec.steps.push(Step {
            ty: next,
            index: step.index,
            name: None,
        });
        spec.advance(step.index, next).ok_or(Stop::NoSize)?;
    }
    Ok(spec)
}

fn enumerator<'a>(
    local: &Spec<'_>,
    compare: &mut Compare<'a>,
    mut spec: Spec<'a>,
) -> Result<Spec<'a>, Stop> {
    let Some(&Step {
        name: Some(name), ..
    }) = local.steps.first()
    else {
        return Err(Stop::Miss(Miss::Type));
    };
    let ty = compare.target.resolve(spec.root);
    let Some(enumeration) = ty.enumeration() else {
        return Err(Stop::Miss(Miss::Type));
    };
    let wanted = essential_name(local.btf.string_or_empty(name));
    for (index, offered) in enumeration.enumerators().enumerate() {
        compare.spend()?;
        if essential_name(offered.name) == wanted {
            spec.steps.push(Step {
                ty: ty.id,
                index: index as u32,
                name: enumerator_name(ty, index as u32),
            });
            spec.raw_len = 1;
            return Ok(spec);
        }
    }
    Err(Stop::Miss(Miss::NoEnumerator { name }))
}

/// A member looked for.
struct Wanted<'a> {
    name: StrOff,
    text: &'a [u8],
    ty: TypeId,
}

impl Wanted<'_> {
    /// Looks in `within` and in its unnamed members; the walk is extended if it is found. Returns
    /// the member's type.
    fn find(
        &self,
        compare: &mut Compare<'_>,
        within: TypeId,
        spec: &mut Spec<'_>,
    ) -> Result<Option<TypeId>, Stop> {
        let ty = compare.target.resolve(within);
        let Some(composite) = ty.composite() else {
            return Ok(None);
        };
        for (index, member) in composite.places().enumerate() {
            compare.spend()?;
            let named = match compare.target.compare_name(member.name_off, self.text) {
                Name::Same => true,
                Name::Empty => false,
                Name::Other => continue,
            };
            spec.grow()?;
            spec.bit_offset += u64::from(member.bit_offset);
            if !named {
                if let Some(found) = self.find(compare, member.ty, spec)? {
                    return Ok(Some(found));
                }
            } else {
                if !compare.fields(self.ty, member.ty)? {
                    return Err(Stop::Miss(Miss::MemberType {
                        member: self.name,
                        local: self.ty,
                        target: member.ty,
                    }));
                }
                spec.steps.push(Step {
                    ty: ty.id,
                    index: index as u32,
                    name: Some(member.name_off),
                });
                return Ok(Some(member.ty));
            }
            spec.bit_offset -= u64::from(member.bit_offset);
            spec.raw_len -= 1;
        }
        Ok(None)
    }
}

impl Spec<'_> {
    /// Counts one more step, named or not.
    fn grow(&mut self) -> Result<(), Stop> {
        if self.raw_len == limits::ACCESS_PATH_MAX {
            return Err(Stop::Exceeded(Exceeded("ACCESS_PATH_MAX")));
        }
        self.raw_len += 1;
        Ok(())
    }
}
