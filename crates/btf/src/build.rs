//! Writing BTF: strings once each, types in the order they are added, either byte order.
//!
//! Ids are given out in order, so a type that refers to a later one (a list node to itself) takes
//! [`BtfBuilder::next_id`] plus what it is about to add. Nothing is checked while building:
//! [`BtfBuilder::build`] parses the result, which checks it.

use std::sync::Arc;

use osmia_isa::Endian;
use rustc_hash::FxHashMap;

use crate::kind::{HEADER_BYTES, Info, MAGIC, RECORD_BYTES, VERSION};
use crate::ty::word;
use crate::{Btf, BtfError, FwdKind, Kind, Linkage, StrOff, Type, TypeId};

/// BTF being written.
#[derive(Clone, Debug)]
pub struct BtfBuilder {
    base: Option<Arc<Btf>>,
    first_id: u32,
    first_string: u32,
    words: Vec<u32>,
    count: u32,
    strings: Vec<u8>,
    known: FxHashMap<Box<[u8]>, StrOff>,
}

/// A member to write: name, type, where it begins in bits, and its width if it is a bitfield.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct NewMember<'a> {
    /// Name, empty for anonymous structures and unions.
    pub name: &'a str,
    /// Type.
    pub ty: TypeId,
    /// First bit.
    pub bit_offset: u32,
    /// Width of a bitfield in bits, else 0.
    pub bitfield_bits: u8,
}

impl<'a> NewMember<'a> {
    /// A member that is no bitfield, at a byte offset.
    pub fn new(name: &'a str, ty: TypeId, byte_offset: u32) -> Self {
        NewMember {
            name,
            ty,
            bit_offset: byte_offset * 8,
            bitfield_bits: 0,
        }
    }

    /// A bitfield.
    pub fn bits(name: &'a str, ty: TypeId, bit_offset: u32, bits: u8) -> Self {
        NewMember {
            name,
            ty,
            bit_offset,
            bitfield_bits: bits,
        }
    }
}

impl Default for BtfBuilder {
    fn default() -> Self {
        BtfBuilder::new()
    }
}

impl BtfBuilder {
    /// An empty BTF that stands alone.
    pub fn new() -> Self {
        BtfBuilder {
            base: None,
            first_id: 1,
            first_string: 0,
            words: Vec::new(),
            count: 0,
            strings: vec![0],
            known: FxHashMap::default(),
        }
    }

    /// An empty BTF that goes on from `base`.
    pub fn split(base: Arc<Btf>) -> Self {
        BtfBuilder {
            first_id: base.type_count(),
            first_string: base.strings_len(),
            base: Some(base),
            words: Vec::new(),
            count: 0,
            strings: Vec::new(),
            known: FxHashMap::default(),
        }
    }

    /// The id that the next added type gets.
    pub fn next_id(&self) -> TypeId {
        TypeId(self.first_id + self.count)
    }

    /// A string's offset; equal strings are stored once. A NUL ends it.
    pub fn string(&mut self, text: &str) -> StrOff {
        self.string_bytes(text.as_bytes())
    }

    fn string_bytes(&mut self, text: &[u8]) -> StrOff {
        let text = text.split(|byte| *byte == 0).next().unwrap_or(&[]);
        if text.is_empty() {
            return StrOff(0);
        }
        if let Some(at) = self.known.get(text) {
            return *at;
        }
        let at = StrOff(self.first_string + self.strings.len() as u32);
        self.strings.extend_from_slice(text);
        self.strings.push(0);
        self.known.insert(text.into(), at);
        at
    }

    fn record(&mut self, name: &str, info: Info, last: u32) -> TypeId {
        let name = self.string(name);
        let id = self.next_id();
        self.words.extend([name.0, info.0, last]);
        self.count += 1;
        id
    }

    /// An integer; `encoding` as in [`crate::Int`].
    pub fn int(&mut self, name: &str, bytes: u32, encoding: u8) -> TypeId {
        self.int_bits(name, bytes, encoding, 0, (bytes * 8) as u8)
    }

    /// An integer of which only some bits count.
    pub fn int_bits(
        &mut self,
        name: &str,
        bytes: u32,
        encoding: u8,
        offset: u8,
        bits: u8,
    ) -> TypeId {
        let id = self.record(name, Info::new(Kind::Int, 0, false), bytes);
        self.words
            .push(u32::from(encoding) << 24 | u32::from(offset) << 16 | u32::from(bits));
        id
    }

    /// A floating-point number.
    pub fn float(&mut self, name: &str, bytes: u32) -> TypeId {
        self.record(name, Info::new(Kind::Float, 0, false), bytes)
    }

    fn about(&mut self, kind: Kind, name: &str, target: TypeId) -> TypeId {
        self.record(name, Info::new(kind, 0, false), target.0)
    }

    /// A pointer.
    pub fn ptr(&mut self, target: TypeId) -> TypeId {
        self.about(Kind::Ptr, "", target)
    }

    /// `const`
    pub fn const_(&mut self, target: TypeId) -> TypeId {
        self.about(Kind::Const, "", target)
    }

    /// `volatile`
    pub fn volatile(&mut self, target: TypeId) -> TypeId {
        self.about(Kind::Volatile, "", target)
    }

    /// `restrict`
    pub fn restrict(&mut self, target: TypeId) -> TypeId {
        self.about(Kind::Restrict, "", target)
    }

    /// Another name of a type.
    pub fn typedef(&mut self, name: &str, target: TypeId) -> TypeId {
        self.about(Kind::Typedef, name, target)
    }

    /// A tagged type.
    pub fn type_tag(&mut self, tag: &str, target: TypeId) -> TypeId {
        self.about(Kind::TypeTag, tag, target)
    }

    /// An array.
    pub fn array(&mut self, element: TypeId, index: TypeId, len: u32) -> TypeId {
        let id = self.record("", Info::new(Kind::Array, 0, false), 0);
        self.words.extend([element.0, index.0, len]);
        id
    }

    /// A structure.
    pub fn structure(&mut self, name: &str, bytes: u32, members: &[NewMember<'_>]) -> TypeId {
        self.composite(Kind::Struct, name, bytes, members)
    }

    /// A union.
    pub fn union(&mut self, name: &str, bytes: u32, members: &[NewMember<'_>]) -> TypeId {
        self.composite(Kind::Union, name, bytes, members)
    }

    fn composite(
        &mut self,
        kind: Kind,
        name: &str,
        bytes: u32,
        members: &[NewMember<'_>],
    ) -> TypeId {
        let flag = members.iter().any(|member| member.bitfield_bits != 0);
        let id = self.record(name, Info::new(kind, members.len() as u32, flag), bytes);
        for member in members {
            let name = self.string(member.name);
            let place = if flag {
                u32::from(member.bitfield_bits) << 24 | member.bit_offset & 0xff_ffff
            } else {
                member.bit_offset
            };
            self.words.extend([name.0, member.ty.0, place]);
        }
        id
    }

    /// An enumeration of 32-bit values.
    pub fn enumeration(
        &mut self,
        name: &str,
        bytes: u32,
        signed: bool,
        values: &[(&str, i64)],
    ) -> TypeId {
        let info = Info::new(Kind::Enum, values.len() as u32, signed);
        let id = self.record(name, info, bytes);
        for (name, value) in values {
            let name = self.string(name);
            self.words.extend([name.0, *value as u32]);
        }
        id
    }

    /// An enumeration of 64-bit values.
    pub fn enumeration64(
        &mut self,
        name: &str,
        bytes: u32,
        signed: bool,
        values: &[(&str, u64)],
    ) -> TypeId {
        let info = Info::new(Kind::Enum64, values.len() as u32, signed);
        let id = self.record(name, info, bytes);
        for (name, value) in values {
            let name = self.string(name);
            self.words
                .extend([name.0, *value as u32, (*value >> 32) as u32]);
        }
        id
    }

    /// A forward declaration.
    pub fn fwd(&mut self, name: &str, kind: FwdKind) -> TypeId {
        self.record(name, Info::new(Kind::Fwd, 0, kind == FwdKind::Union), 0)
    }

    /// A prototype: result and named parameters.
    pub fn func_proto(&mut self, result: TypeId, params: &[(&str, TypeId)]) -> TypeId {
        let info = Info::new(Kind::FuncProto, params.len() as u32, false);
        let id = self.record("", info, result.0);
        for (name, ty) in params {
            let name = self.string(name);
            self.words.extend([name.0, ty.0]);
        }
        id
    }

    /// A function.
    pub fn func(&mut self, name: &str, linkage: Linkage, proto: TypeId) -> TypeId {
        self.record(
            name,
            Info::new(Kind::Func, linkage.number(), false),
            proto.0,
        )
    }

    /// A variable.
    pub fn var(&mut self, name: &str, linkage: Linkage, ty: TypeId) -> TypeId {
        let id = self.about(Kind::Var, name, ty);
        self.words.push(linkage.number());
        id
    }

    /// A section of variables: type, offset and size of each.
    pub fn datasec(&mut self, name: &str, bytes: u32, vars: &[crate::SecVar]) -> TypeId {
        let id = self.record(
            name,
            Info::new(Kind::DataSec, vars.len() as u32, false),
            bytes,
        );
        for var in vars {
            self.words.extend([var.var.0, var.offset, var.size]);
        }
        id
    }

    /// A tag of a declaration or, with `component`, of one of its members or parameters.
    pub fn decl_tag(&mut self, tag: &str, target: TypeId, component: Option<u32>) -> TypeId {
        let id = self.about(Kind::DeclTag, tag, target);
        self.words.push(component.unwrap_or(u32::MAX));
        id
    }

    /// Copies one type: its strings are interned here, its references go through `remap`.
    pub fn copy_type(&mut self, ty: Type<'_>, mut remap: impl FnMut(TypeId) -> TypeId) -> TypeId {
        let id = self.next_id();
        let record = ty.record;
        let mut words: Vec<u32> = (0..record.len() / 4)
            .map(|index| word(record, index * 4))
            .collect();
        for (index, slot) in words.iter_mut().enumerate() {
            match field_meaning(ty.kind(), index) {
                Field::String => {
                    let text = ty.btf.string_bytes(StrOff(*slot)).unwrap_or(&[]);
                    *slot = self.string_bytes(text).0;
                }
                Field::Type => *slot = remap(TypeId(*slot)).0,
                Field::Number => {}
            }
        }
        self.words.extend(words);
        self.count += 1;
        id
    }

    /// Appends all own types of `btf`, which must have the same base as this builder or none.
    /// Returns what to add to its ids: see [`Moved`].
    pub fn append(&mut self, btf: &Btf) -> Moved {
        let moved = Moved {
            first: btf.first_id(),
            by: self.next_id().0 - btf.first_id().0,
        };
        for ty in btf.own_types() {
            self.copy_type(ty, |id| moved.id(id));
        }
        moved
    }

    /// The section's bytes.
    pub fn to_bytes(&self, endian: Endian) -> Vec<u8> {
        let types = (self.words.len() * 4) as u32;
        let mut bytes =
            Vec::with_capacity(HEADER_BYTES + self.words.len() * 4 + self.strings.len());
        bytes.extend(match endian {
            Endian::Little => MAGIC.to_le_bytes(),
            Endian::Big => MAGIC.to_be_bytes(),
        });
        bytes.extend([VERSION, 0]);
        let header = [
            HEADER_BYTES as u32,
            0,
            types,
            types,
            self.strings.len() as u32,
        ];
        for word in header.iter().chain(&self.words) {
            bytes.extend(match endian {
                Endian::Little => word.to_le_bytes(),
                Endian::Big => word.to_be_bytes(),
            });
        }
        bytes.extend(&self.strings);
        bytes
    }

    /// Checks and returns what was built, as of `endian`'s machine.
    pub fn build(&self, endian: Endian) -> Result<Btf, BtfError> {
        Btf::parse(self.to_bytes(endian), self.base.clone())
    }
}

/// Where the types of an appended BTF went.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    first: TypeId,
    by: u32,
}

impl Moved {
    /// The new id of a type of the appended BTF. `void` and the base's types keep theirs.
    pub fn id(&self, id: TypeId) -> TypeId {
        if id < self.first {
            id
        } else {
            TypeId(id.0 + self.by)
        }
    }
}

/// What a word of a record is.
pub(crate) enum Field {
    String,
    Type,
    Number,
}

pub(crate) fn field_meaning(kind: Kind, index: usize) -> Field {
    const HEAD: usize = RECORD_BYTES / 4;
    let in_tail = |step: usize| (index - HEAD) % step;
    match (index, kind) {
        (0, _) => Field::String,
        (1, _) => Field::Number,
        (
            2,
            Kind::Ptr
            | Kind::Typedef
            | Kind::Volatile
            | Kind::Const
            | Kind::Restrict
            | Kind::TypeTag
            | Kind::Func
            | Kind::FuncProto
            | Kind::Var
            | Kind::DeclTag,
        ) => Field::Type,
        (2, _) => Field::Number,
        (3 | 4, Kind::Array) => Field::Type,
        (_, Kind::Struct | Kind::Union) => match in_tail(3) {
            0 => Field::String,
            1 => Field::Type,
            _ => Field::Number,
        },
        (_, Kind::Enum) if in_tail(2) == 0 => Field::String,
        (_, Kind::Enum64) if in_tail(3) == 0 => Field::String,
        (_, Kind::FuncProto) if in_tail(2) == 0 => Field::String,
        (_, Kind::FuncProto) => Field::Type,
        (_, Kind::DataSec) if in_tail(3) == 0 => Field::Type,
        _ => Field::Number,
    }
}
