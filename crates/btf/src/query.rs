//! Questions about types that need more than one record.

use rustc_hash::FxHashMap;

use crate::{Body, Btf, Composite, FwdKind, Kind, Member, Type, TypeId, limits};

impl Btf {
    /// The type behind modifiers (`const`, `volatile`, `restrict`, type tags).
    pub fn skip_modifiers(&self, id: TypeId) -> Type<'_> {
        let mut ty = self.type_at(id);
        while ty.kind().is_modifier() {
            ty = self.type_at(TypeId(ty.size_or_type()));
        }
        ty
    }

    /// The type behind modifiers and typedefs.
    pub fn resolve(&self, id: TypeId) -> Type<'_> {
        let mut ty = self.type_at(id);
        while ty.kind().is_modifier() || ty.kind() == Kind::Typedef {
            ty = self.type_at(TypeId(ty.size_or_type()));
        }
        ty
    }

    /// Bytes of a value of this type. `None` for types without values: `void`, functions, forward
    /// declarations, declaration tags, and arrays whose size does not fit.
    pub fn size_of(&self, id: TypeId) -> Option<u64> {
        let mut count: u64 = 1;
        let mut ty = self.resolve(id);
        loop {
            let one = match ty.body() {
                Body::Int(int) => int.size,
                Body::Ptr(_) => self.pointer_bytes(),
                Body::Struct(composite) | Body::Union(composite) => composite.size,
                Body::Enum(enumeration) | Body::Enum64(enumeration) => enumeration.size,
                Body::Float(size) => size,
                Body::DataSec(section) => section.size,
                Body::Var(var) => {
                    ty = self.resolve(var.ty);
                    continue;
                }
                Body::Array(array) => {
                    count = count.checked_mul(u64::from(array.len))?;
                    ty = self.resolve(array.element);
                    continue;
                }
                _ => return None,
            };
            return count.checked_mul(u64::from(one));
        }
    }

    /// Alignment of a value of this type, as C has it; packed structures are recognised by their
    /// members' offsets. `None` where [`Btf::size_of`] has none.
    pub fn align_of(&self, id: TypeId) -> Option<u32> {
        self.align_with(id, &mut FxHashMap::default())
    }

    /// The same, remembering structures: nested ones would be visited again and again.
    pub(crate) fn align_with(
        &self,
        id: TypeId,
        known: &mut FxHashMap<TypeId, Option<u32>>,
    ) -> Option<u32> {
        let ty = self.resolve(id);
        let natural = |size: u32| size.min(self.pointer_bytes()).max(1);
        match ty.body() {
            Body::Int(int) => Some(natural(int.size)),
            Body::Enum(enumeration) | Body::Enum64(enumeration) => Some(natural(enumeration.size)),
            Body::Float(size) => Some(natural(size)),
            Body::Ptr(_) => Some(self.pointer_bytes()),
            Body::Array(array) => self.align_with(array.element, known),
            Body::Var(var) => self.align_with(var.ty, known),
            Body::Struct(composite) | Body::Union(composite) => {
                if let Some(align) = known.get(&ty.id) {
                    return *align;
                }
                let align = self.align_of_composite(composite, known);
                known.insert(ty.id, align);
                align
            }
            _ => None,
        }
    }

    fn align_of_composite(
        &self,
        composite: Composite<'_>,
        known: &mut FxHashMap<TypeId, Option<u32>>,
    ) -> Option<u32> {
        let mut greatest = 1;
        for member in composite.members() {
            let align = self.align_with(member.ty, known)?;
            greatest = greatest.max(align);
            if self.bitfield_bits(&member) == 0
                && !u64::from(member.bit_offset).is_multiple_of(8 * u64::from(align))
            {
                return Some(1);
            }
        }
        // A size that is no multiple of it is a packed structure's.
        Some(if composite.size.is_multiple_of(greatest) {
            greatest
        } else {
            1
        })
    }

    /// Width of a bitfield in bits, 0 for other members. Old compilers say it in the integer.
    pub fn bitfield_bits(&self, member: &Member<'_>) -> u32 {
        if member.bitfield_bits != 0 {
            return u32::from(member.bitfield_bits);
        }
        match self.resolve(member.ty).body() {
            Body::Int(int) if u64::from(int.bits) != u64::from(int.size) * 8 && int.bits != 0 => {
                u32::from(int.bits)
            }
            _ => 0,
        }
    }

    /// The tags of a type (`component` `None`) or of one of its members or parameters.
    pub fn decl_tags(&self, target: TypeId, component: Option<u32>) -> Vec<&str> {
        self.types()
            .filter_map(|ty| match ty.body() {
                Body::DeclTag(tag) if tag.target == target && tag.component == component => {
                    Some(ty.name())
                }
                _ => None,
            })
            .collect()
    }

    /// The type tags around a type, outermost first, as in `__kptr *`.
    pub fn type_tags(&self, id: TypeId) -> Vec<&str> {
        let mut tags = Vec::new();
        let mut ty = self.type_at(id);
        while ty.kind().is_modifier() {
            if ty.kind() == Kind::TypeTag {
                tags.push(ty.name());
            }
            ty = self.type_at(TypeId(ty.size_or_type()));
        }
        tags
    }
}

/// A type in a few words, for messages: `struct task_struct`, `unsigned int *`, `enum <unnamed>`.
pub fn describe(btf: &Btf, id: TypeId) -> String {
    let ty = btf.type_at(id);
    let named = |word: &str| match shown_name(ty.name()) {
        "" => format!("{word} <unnamed>"),
        name => format!("{word} {name}"),
    };
    match ty.body() {
        Body::Void => "void".to_owned(),
        Body::Struct(_) => named("struct"),
        Body::Union(_) => named("union"),
        Body::Enum(_) | Body::Enum64(_) => named("enum"),
        Body::Fwd(FwdKind::Struct) => named("struct"),
        Body::Fwd(FwdKind::Union) => named("union"),
        Body::Ptr(target) => match btf.skip_modifiers(target).kind() {
            Kind::FuncProto => "pointer to function".to_owned(),
            Kind::Ptr => format!("{}*", describe(btf, target)),
            _ => format!("{} *", describe(btf, target)),
        },
        Body::Array(array) => format!("{}[{}]", describe(btf, array.element), array.len),
        Body::Const(target) => format!("const {}", describe(btf, target)),
        Body::Volatile(target) => format!("volatile {}", describe(btf, target)),
        Body::Restrict(target) | Body::TypeTag(target) => describe(btf, target),
        Body::FuncProto(_) => "function".to_owned(),
        Body::Func(_) => named("function"),
        Body::Var(_) => named("variable"),
        Body::DataSec(_) => named("section"),
        Body::DeclTag(_) => named("tag"),
        Body::Int(_) | Body::Float(_) | Body::Typedef(_) => shown_name(ty.name()).to_owned(),
    }
}

/// A name for a message, cut if it is long.
pub(crate) fn shown_name(name: &str) -> &str {
    &name[..name.floor_char_boundary(limits::SHOWN_NAME_BYTES_MAX)]
}
