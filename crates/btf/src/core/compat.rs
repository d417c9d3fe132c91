//! When a type of the target may stand for one of the object: the loose rules, for fields on the
//! way and for the existence of types, and the deep one, for `type_matches`.
//!
//! The rules are libbpf's (1.6): what is compared, what is not, and where each stops.

use crate::{Body, Btf, Kind, Type, TypeId, essential_name, limits};

/// Comparing exceeded this limit.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exceeded(pub(crate) &'static str);

/// A comparison between the object's BTF and a target's, with what it may still spend.
pub(crate) struct Compare<'a> {
    pub(crate) local: &'a Btf,
    pub(crate) target: &'a Btf,
    pub(crate) steps_left: u32,
}

pub(crate) type Verdict = Result<bool, Exceeded>;

/// The same kind, or both enumerations of whatever width.
pub(crate) fn kinds_compatible(a: Kind, b: Kind) -> bool {
    a == b || a.is_enum() && b.is_enum()
}

impl Compare<'_> {
    pub(crate) fn spend(&mut self) -> Result<(), Exceeded> {
        self.steps_left = self
            .steps_left
            .checked_sub(1)
            .ok_or(Exceeded("COMPARE_STEPS_MAX"))?;
        Ok(())
    }

    /// Whether a field of the target can be what a field of the object stands for. Composite types
    /// always: only their members count. Pointers always: CO-RE ends there.
    pub(crate) fn fields(&mut self, local: TypeId, target: TypeId) -> Verdict {
        let (mut local, mut target) = (self.local.resolve(local), self.target.resolve(target));
        loop {
            self.spend()?;
            if local.kind().is_composite() && target.kind().is_composite() {
                return Ok(true);
            }
            if !kinds_compatible(local.kind(), target.kind()) {
                return Ok(false);
            }
            match (local.body(), target.body()) {
                (Body::Ptr(_) | Body::Float(_), _) => return Ok(true),
                (Body::Fwd(_) | Body::Enum(_) | Body::Enum64(_), _) => {
                    let (a, b) = (essential_name(local.name()), essential_name(target.name()));
                    return Ok(a.is_empty() || b.is_empty() || a == b);
                }
                (Body::Int(a), Body::Int(b)) => return Ok(a.offset == 0 && b.offset == 0),
                (Body::Array(a), Body::Array(b)) => {
                    local = self.local.resolve(a.element);
                    target = self.target.resolve(b.element);
                }
                _ => return Ok(false),
            }
        }
    }

    /// Whether a type of the target, of the right name, exists as the object means it: kinds agree
    /// through pointers, arrays and prototypes; what structures contain does not matter.
    pub(crate) fn types(&mut self, local: TypeId, target: TypeId) -> Verdict {
        let (a, b) = (self.local.type_at(local), self.target.type_at(target));
        if !kinds_compatible(a.kind(), b.kind()) {
            return Ok(false);
        }
        self.types_below(local, target, limits::COMPARE_DEPTH_MAX)
    }

    fn types_below(&mut self, local: TypeId, target: TypeId, depth: u32) -> Verdict {
        let (mut local, mut target, mut depth) = (local, target, depth);
        loop {
            self.spend()?;
            depth = depth.checked_sub(1).ok_or(Exceeded("COMPARE_DEPTH_MAX"))?;
            let (a, b) = (self.local.resolve(local), self.target.resolve(target));
            if !kinds_compatible(a.kind(), b.kind()) {
                return Ok(false);
            }
            match (a.body(), b.body()) {
                (
                    Body::Void
                    | Body::Struct(_)
                    | Body::Union(_)
                    | Body::Enum(_)
                    | Body::Enum64(_)
                    | Body::Fwd(_),
                    _,
                ) => return Ok(true),
                (Body::Int(a), Body::Int(b)) => return Ok(a.offset == 0 && b.offset == 0),
                (Body::Ptr(a), Body::Ptr(b)) => (local, target) = (a, b),
                (Body::Array(a), Body::Array(b)) => (local, target) = (a.element, b.element),
                (Body::FuncProto(a), Body::FuncProto(b)) => {
                    if a.len() != b.len() {
                        return Ok(false);
                    }
                    for (a, b) in a.params().zip(b.params()) {
                        if !self.types_below(a.ty, b.ty, depth)? {
                            return Ok(false);
                        }
                    }
                    (local, target) = (a.result, b.result);
                }
                _ => return Ok(false),
            }
        }
    }

    /// Whether all that the object says about a type holds for the target's: names, sizes and
    /// signs of integers, lengths of arrays, every member and enumerator. Behind a pointer a
    /// structure is only looked at by kind and name.
    pub(crate) fn deep(&mut self, local: TypeId, target: TypeId) -> Verdict {
        self.deep_below(local, target, false, limits::COMPARE_DEPTH_MAX)
    }

    fn deep_below(
        &mut self,
        local: TypeId,
        target: TypeId,
        behind_pointer: bool,
        depth: u32,
    ) -> Verdict {
        let (mut local, mut target) = (local, target);
        let (mut behind_pointer, mut depth) = (behind_pointer, depth);
        loop {
            self.spend()?;
            depth = depth.checked_sub(1).ok_or(Exceeded("COMPARE_DEPTH_MAX"))?;
            let (a, b) = (self.local.resolve(local), self.target.resolve(target));
            if !names_match(a.name(), b.name()) {
                return Ok(false);
            }
            match (a.body(), b.body()) {
                (Body::Void, other) => return Ok(matches!(other, Body::Void)),
                (Body::Fwd(_), _) => {
                    return Ok(match b.kind() {
                        Kind::Fwd => a.kind_flag() == b.kind_flag(),
                        Kind::Struct => behind_pointer && !a.kind_flag(),
                        Kind::Union => behind_pointer && a.kind_flag(),
                        _ => false,
                    });
                }
                (Body::Enum(_) | Body::Enum64(_), _) => return self.enumerations(a, b),
                (Body::Struct(_) | Body::Union(_), _) if behind_pointer => {
                    return Ok(match b.kind() {
                        Kind::Fwd => (a.kind() == Kind::Union) == b.kind_flag(),
                        kind => kind == a.kind(),
                    });
                }
                (Body::Struct(_), Body::Struct(_)) | (Body::Union(_), Body::Union(_)) => {
                    return self.composites(a, b, depth);
                }
                (Body::Int(a), Body::Int(b)) => {
                    return Ok(a.size == b.size && a.is_signed() == b.is_signed());
                }
                (Body::Ptr(a), Body::Ptr(b)) => {
                    behind_pointer = true;
                    (local, target) = (a, b);
                }
                (Body::Array(a), Body::Array(b)) => {
                    if a.len != b.len {
                        return Ok(false);
                    }
                    (local, target) = (a.element, b.element);
                }
                (Body::FuncProto(a), Body::FuncProto(b)) => {
                    if a.len() != b.len() {
                        return Ok(false);
                    }
                    for (a, b) in a.params().zip(b.params()) {
                        if !self.deep_below(a.ty, b.ty, behind_pointer, depth)? {
                            return Ok(false);
                        }
                    }
                    (local, target) = (a.result, b.result);
                }
                _ => return Ok(false),
            }
        }
    }

    fn enumerations(&mut self, local: Type<'_>, target: Type<'_>) -> Verdict {
        let (Some(local), Some(target)) = (local.enumeration(), target.enumeration()) else {
            return Ok(false);
        };
        if local.size != target.size || local.len() > target.len() {
            return Ok(false);
        }
        for wanted in local.enumerators() {
            let mut found = false;
            for offered in target.enumerators() {
                self.spend()?;
                if names_match(wanted.name, offered.name) {
                    found = true;
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn composites(&mut self, local: Type<'_>, target: Type<'_>, depth: u32) -> Verdict {
        let (Some(local), Some(target)) = (local.composite(), target.composite()) else {
            return Ok(false);
        };
        if local.len() > target.len() {
            return Ok(false);
        }
        for wanted in local.members() {
            let mut found = false;
            for offered in target.members() {
                self.spend()?;
                if names_match(wanted.name, offered.name)
                    && self.deep_below(wanted.ty, offered.ty, false, depth)?
                {
                    found = true;
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Equal but for flavours; no name only matches no name.
fn names_match(local: &str, target: &str) -> bool {
    essential_name(local) == essential_name(target)
}

/// Whether a declaration of the object and the target's agree, as far as CO-RE asks it of types:
/// same kinds all the way down pointers and prototypes, names and sizes aside.
pub fn types_compatible(local: &Btf, a: TypeId, target: &Btf, b: TypeId) -> bool {
    let mut compare = Compare {
        local,
        target,
        steps_left: crate::limits::COMPARE_STEPS_MAX,
    };
    compare.types(a, b).unwrap_or(false)
}
