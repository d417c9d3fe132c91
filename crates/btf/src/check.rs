//! What records say: names and references in bounds, values that kinds can have, and no type that
//! contains itself. After this, nothing that reads a [`Btf`] needs to doubt it.

use crate::kind::RECORD_BYTES;
use crate::limits::NESTING_MAX;
use crate::ty::word;
use crate::{Body, Btf, BtfError, Kind, Type, TypeId};

pub(crate) fn check(btf: &Btf) -> Result<(), BtfError> {
    let check = Check {
        btf,
        types: btf.type_count(),
        strings: btf.strings_len().max(1),
    };
    for ty in btf.own_types() {
        check.one(ty)?;
    }
    Nesting::new(btf, Through::Declarators).check()?;
    Nesting::new(btf, Through::Values).check()
}

struct Check<'a> {
    btf: &'a Btf,
    types: u32,
    strings: u32,
}

impl<'a> Check<'a> {
    fn one(&self, ty: Type<'a>) -> Result<(), BtfError> {
        let kind = ty.kind();
        self.name(ty, ty.name_off().0, "the name")?;
        if ty.kind_flag() && !flag_allowed(kind) {
            return Err(self.record(ty, "has the kind flag, which means nothing for it".into()));
        }
        if let Some(target) = ty.target() {
            self.reference(ty, target)?;
        }
        match ty.body() {
            Body::Int(int) => {
                let bits = u32::from(int.bits) + u32::from(int.offset);
                if bits > 128 || u64::from(bits) > u64::from(int.size) * 8 {
                    return Err(self.record(
                        ty,
                        format!(
                            "has {} bits from bit {}, but {} bytes",
                            int.bits, int.offset, int.size
                        ),
                    ));
                }
            }
            Body::Array(array) => {
                self.reference(ty, array.element)?;
                self.reference(ty, array.index)?;
            }
            Body::Struct(composite) | Body::Union(composite) => {
                let bits = u64::from(composite.size) * 8;
                for member in composite.places() {
                    self.name(ty, member.name_off.0, "a member's name")?;
                    self.reference(ty, member.ty)?;
                    if u64::from(member.bit_offset) + u64::from(member.bitfield_bits) > bits {
                        return Err(self.record(
                            ty,
                            format!(
                                "has {} bytes, but its member {:?} is at bit {}",
                                composite.size,
                                self.btf.string_or_empty(member.name_off),
                                member.bit_offset
                            ),
                        ));
                    }
                }
            }
            Body::Enum(enumeration) | Body::Enum64(enumeration) => {
                // clang writes an enumeration that is only declared with no size at all.
                let declared_only = enumeration.size == 0 && enumeration.is_empty();
                if !declared_only && !matches!(enumeration.size, 1 | 2 | 4 | 8) {
                    return Err(self.record(
                        ty,
                        format!("has {} bytes, not 1, 2, 4 or 8", enumeration.size),
                    ));
                }
                let step = if kind == Kind::Enum64 { 12 } else { 8 };
                for enumerator in tail(ty).chunks_exact(step) {
                    self.name(ty, word(enumerator, 0), "an enumerator's name")?;
                }
            }
            Body::FuncProto(_) => {
                for param in tail(ty).chunks_exact(8) {
                    self.name(ty, word(param, 0), "a parameter's name")?;
                    self.reference(ty, TypeId(word(param, 4)))?;
                }
            }
            Body::Func(func) => {
                self.kind_of(ty, func.proto, "FUNC_PROTO", |kind| kind == Kind::FuncProto)?;
            }
            Body::DataSec(section) => {
                for var in section.vars() {
                    self.reference(ty, var.var)?;
                    self.kind_of(ty, var.var, "VAR or FUNC", |kind| {
                        matches!(kind, Kind::Var | Kind::Func)
                    })?;
                }
            }
            Body::Float(size) if !matches!(size, 2 | 4 | 8 | 12 | 16) => {
                return Err(self.record(ty, format!("has {size} bytes, not 2, 4, 8, 12 or 16")));
            }
            Body::DeclTag(tag) => self.component(ty, tag.target, tag.component)?,
            _ => {}
        }
        Ok(())
    }

    fn component(
        &self,
        ty: Type<'a>,
        target: TypeId,
        component: Option<u32>,
    ) -> Result<(), BtfError> {
        let raw = word(ty.record, 12) as i32;
        if raw < -1 {
            return Err(self.record(ty, format!("tags component {raw}")));
        }
        let Some(component) = component else {
            return Ok(());
        };
        let tagged = self.btf.type_at(target);
        let components = match tagged.body() {
            Body::Struct(composite) | Body::Union(composite) => composite.len(),
            Body::Func(func) => match self.btf.type_at(func.proto).body() {
                Body::FuncProto(proto) => proto.len(),
                _ => 0,
            },
            _ => 0,
        };
        if component as usize >= components {
            return Err(self.record(
                ty,
                format!(
                    "tags component {component} of {} {target}, which has {components}",
                    tagged.kind()
                ),
            ));
        }
        Ok(())
    }

    fn name(&self, ty: Type<'a>, at: u32, what: &'static str) -> Result<(), BtfError> {
        if at < self.strings {
            return Ok(());
        }
        Err(BtfError::Name {
            id: ty.id,
            offset: self.offset(ty),
            what,
            string: at,
            strings: self.strings,
        })
    }

    fn reference(&self, ty: Type<'a>, target: TypeId) -> Result<(), BtfError> {
        if target.0 < self.types {
            return Ok(());
        }
        Err(BtfError::Reference {
            id: ty.id,
            kind: ty.kind(),
            offset: self.offset(ty),
            target,
            what: format!("but the last type is {}", TypeId(self.types - 1)),
        })
    }

    fn kind_of(
        &self,
        ty: Type<'a>,
        target: TypeId,
        expected: &str,
        allowed: impl Fn(Kind) -> bool,
    ) -> Result<(), BtfError> {
        let kind = self.btf.type_at(target).kind();
        if allowed(kind) {
            return Ok(());
        }
        Err(BtfError::Reference {
            id: ty.id,
            kind: ty.kind(),
            offset: self.offset(ty),
            target,
            what: format!("which is {kind}, not {expected}"),
        })
    }

    fn record(&self, ty: Type<'a>, what: String) -> BtfError {
        BtfError::Record {
            id: ty.id,
            kind: ty.kind(),
            offset: self.offset(ty),
            what,
        }
    }

    fn offset(&self, ty: Type<'a>) -> usize {
        self.btf.record_offset(ty.id).unwrap_or(0)
    }
}

fn tail(ty: Type<'_>) -> &[u8] {
    ty.record.get(RECORD_BYTES..).unwrap_or(&[])
}

fn flag_allowed(kind: Kind) -> bool {
    // Tags have it since Linux 6.14, where it marks attributes other than btf_*_tag.
    matches!(
        kind,
        Kind::Struct
            | Kind::Union
            | Kind::Enum
            | Kind::Enum64
            | Kind::Fwd
            | Kind::DeclTag
            | Kind::TypeTag
    )
}

/// Which references count as "contains".
#[derive(Copy, Clone, PartialEq, Eq)]
enum Through {
    /// What a C declarator is made of: pointers, arrays, prototypes, modifiers, typedefs. Ends at
    /// structures, unions and enumerations. A cycle here cannot be written in C.
    Declarators,
    /// What a value is made of: members, elements, modifiers, typedefs. Ends at pointers. A cycle
    /// here would have infinite size.
    Values,
}

/// Depth-first, without recursion: a hostile chain is as long as the file.
struct Nesting<'a> {
    btf: &'a Btf,
    through: Through,
    /// 0 unknown, `OPEN` on the path, else one more than the depth of the deepest part.
    depths: Vec<u16>,
    path: Vec<Step<'a>>,
}

const OPEN: u16 = u16::MAX;

struct Step<'a> {
    id: TypeId,
    parts: Parts<'a>,
    deepest: u16,
}

impl<'a> Nesting<'a> {
    fn new(btf: &'a Btf, through: Through) -> Self {
        Nesting {
            btf,
            through,
            depths: vec![0; btf.own_count() as usize],
            path: Vec::new(),
        }
    }

    fn check(mut self) -> Result<(), BtfError> {
        for ty in self.btf.own_types() {
            let slot = (ty.id.0 - self.btf.first_id) as usize;
            if self.depths[slot] != 0 {
                continue;
            }
            let parts = Parts::of(ty, self.through);
            if parts.is_empty() {
                self.depths[slot] = 1;
            } else {
                self.walk(ty.id, parts)?;
            }
        }
        Ok(())
    }

    fn walk(&mut self, root: TypeId, parts: Parts<'a>) -> Result<(), BtfError> {
        let mut step = self.open(root, parts);
        loop {
            if let Some((id, parts)) = self.next_unknown(&mut step)? {
                let inner = self.open(id, parts);
                self.path.push(std::mem::replace(&mut step, inner));
                continue;
            }
            let depth = step.deepest + 1;
            if depth > NESTING_MAX {
                return Err(BtfError::Nesting {
                    id: step.id,
                    kind: self.btf.type_at(step.id).kind(),
                    offset: self.btf.record_offset(step.id).unwrap_or(0),
                });
            }
            self.depths[(step.id.0 - self.btf.first_id) as usize] = depth;
            match self.path.pop() {
                Some(outer) => step = outer,
                None => return Ok(()),
            }
            step.deepest = step.deepest.max(depth);
        }
    }

    fn open(&mut self, id: TypeId, parts: Parts<'a>) -> Step<'a> {
        self.depths[(id.0 - self.btf.first_id) as usize] = OPEN;
        Step {
            id,
            parts,
            deepest: 0,
        }
    }

    /// Takes account of parts of known depth until one comes that has to be walked.
    fn next_unknown(&self, step: &mut Step<'a>) -> Result<Option<(TypeId, Parts<'a>)>, BtfError> {
        for part in step.parts.by_ref() {
            // The base was checked on its own and cannot refer to this BTF.
            let Some(slot) = part.0.checked_sub(self.btf.first_id) else {
                continue;
            };
            match self.depths[slot as usize] {
                0 => {
                    let parts = Parts::of(self.btf.type_at(part), self.through);
                    if !parts.is_empty() {
                        return Ok(Some((part, parts)));
                    }
                    step.deepest = step.deepest.max(1);
                }
                OPEN => {
                    return Err(BtfError::Cycle {
                        id: part,
                        kind: self.btf.type_at(part).kind(),
                        offset: self.btf.record_offset(part).unwrap_or(0),
                    });
                }
                depth => step.deepest = step.deepest.max(depth),
            }
        }
        Ok(None)
    }
}

/// The types that a type contains: one of its own, then one in each entry of its tail.
struct Parts<'a> {
    first: Option<TypeId>,
    entries: &'a [u8],
    entry_bytes: usize,
}

impl<'a> Parts<'a> {
    fn of(ty: Type<'a>, through: Through) -> Self {
        let target = Some(TypeId(ty.size_or_type()));
        let (first, entries, entry_bytes): (_, &[u8], _) = match (ty.kind(), through) {
            (
                Kind::Typedef
                | Kind::Volatile
                | Kind::Const
                | Kind::Restrict
                | Kind::TypeTag
                | Kind::Var,
                _,
            )
            | (Kind::Ptr, Through::Declarators) => (target, &[], 1),
            (Kind::Array, _) => (Some(TypeId(word(tail(ty), 0))), &[], 1),
            (Kind::Struct | Kind::Union, Through::Values) => (None, tail(ty), 12),
            (Kind::FuncProto, Through::Declarators) => (target, tail(ty), 8),
            _ => (None, &[], 1),
        };
        Parts {
            first,
            entries,
            entry_bytes,
        }
    }

    fn is_empty(&self) -> bool {
        self.first.is_none() && self.entries.is_empty()
    }
}

impl Iterator for Parts<'_> {
    type Item = TypeId;

    fn next(&mut self) -> Option<TypeId> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let (entry, rest) = self.entries.split_at_checked(self.entry_bytes)?;
        self.entries = rest;
        // In members and parameters the type comes after the name.
        Some(TypeId(word(entry, 4)))
    }
}
