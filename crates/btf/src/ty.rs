//! Views of type records. They borrow from the BTF's bytes and decode when asked; parsing has
//! checked everything, so nothing here can fail.

use crate::kind::{Info, RECORD_BYTES};
use crate::{Btf, Kind, StrOff, TypeId};

/// One type.
#[derive(Copy, Clone)]
pub struct Type<'a> {
    pub(crate) btf: &'a Btf,
    pub(crate) id: TypeId,
    pub(crate) record: &'a [u8],
}

/// What a type is, by kind.
#[derive(Copy, Clone, Debug)]
pub enum Body<'a> {
    /// `void`
    Void,
    /// Integer.
    Int(Int),
    /// Pointer to.
    Ptr(TypeId),
    /// Array.
    Array(Array),
    /// Structure.
    Struct(Composite<'a>),
    /// Union.
    Union(Composite<'a>),
    /// Enumeration, 32 bits a value.
    Enum(Enumeration<'a>),
    /// Forward declaration.
    Fwd(FwdKind),
    /// Another name of.
    Typedef(TypeId),
    /// Volatile.
    Volatile(TypeId),
    /// Const.
    Const(TypeId),
    /// Restrict.
    Restrict(TypeId),
    /// Function.
    Func(Func),
    /// Prototype.
    FuncProto(FuncProto<'a>),
    /// Variable.
    Var(Var),
    /// Section of variables.
    DataSec(DataSec<'a>),
    /// Floating point, its size.
    Float(u32),
    /// Tag of a declaration; the tag is the type's name.
    DeclTag(DeclTag),
    /// Tag of a type; the tag is the type's name.
    TypeTag(TypeId),
    /// Enumeration, 64 bits a value.
    Enum64(Enumeration<'a>),
}

/// Integer.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Int {
    /// Bytes it occupies.
    pub size: u32,
    /// Bits that count.
    pub bits: u8,
    /// Where they begin (old compilers' bitfields only).
    pub offset: u8,
    /// Encoding bits: 1 signed, 2 character, 4 boolean.
    pub encoding: u8,
}

impl Int {
    /// Two's complement.
    pub const SIGNED: u8 = 1;
    /// Shown as a character.
    pub const CHAR: u8 = 2;
    /// `_Bool`.
    pub const BOOL: u8 = 4;

    /// Two's complement.
    pub fn is_signed(&self) -> bool {
        self.encoding & Int::SIGNED != 0
    }

    /// Marked as a character.
    pub fn is_char(&self) -> bool {
        self.encoding & Int::CHAR != 0
    }

    /// `_Bool`.
    pub fn is_bool(&self) -> bool {
        self.encoding & Int::BOOL != 0
    }

    fn from_words(size: u32, word: u32) -> Int {
        Int {
            size,
            bits: word as u8,
            offset: (word >> 16) as u8,
            encoding: (word >> 24 & 0xf) as u8,
        }
    }
}

/// Array.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// Type of an element.
    pub element: TypeId,
    /// Type of an index, formal only.
    pub index: TypeId,
    /// Number of elements; 0 for a flexible array.
    pub len: u32,
}

/// What a forward declaration stands for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum FwdKind {
    /// `struct name;`
    Struct,
    /// `union name;`
    Union,
}

/// Where a name can be seen from.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Linkage {
    /// This file.
    Static,
    /// Every file.
    Global,
    /// Defined elsewhere.
    Extern,
    /// A number without meaning yet.
    Other(u32),
}

impl Linkage {
    pub(crate) fn from_number(number: u32) -> Linkage {
        match number {
            0 => Linkage::Static,
            1 => Linkage::Global,
            2 => Linkage::Extern,
            other => Linkage::Other(other),
        }
    }

    /// The number in BTF.
    pub fn number(self) -> u32 {
        match self {
            Linkage::Static => 0,
            Linkage::Global => 1,
            Linkage::Extern => 2,
            Linkage::Other(number) => number,
        }
    }
}

/// Function: prototype and linkage.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Func {
    /// Its `FUNC_PROTO`.
    pub proto: TypeId,
    /// Its linkage.
    pub linkage: Linkage,
}

/// Variable: type and linkage.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Var {
    /// Its type.
    pub ty: TypeId,
    /// Its linkage.
    pub linkage: Linkage,
}

/// Tag of a declaration.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct DeclTag {
    /// What is tagged.
    pub target: TypeId,
    /// Which member or parameter of it; `None` is all of it.
    pub component: Option<u32>,
}

/// Structure or union.
#[derive(Copy, Clone)]
pub struct Composite<'a> {
    btf: &'a Btf,
    tail: &'a [u8],
    flag: bool,
    /// Bytes it occupies.
    pub size: u32,
}

/// Member of a structure or union.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name; empty for an anonymous structure or union.
    pub name: &'a str,
    /// Where the name is.
    pub name_off: StrOff,
    /// Its type.
    pub ty: TypeId,
    /// Where it begins, in bits.
    pub bit_offset: u32,
    /// Its width in bits if it is a bitfield, else 0. Old compilers put it in the integer instead:
    /// see [`Btf::bitfield_bits`].
    pub bitfield_bits: u8,
}

impl<'a> Composite<'a> {
    /// Number of members.
    pub fn len(&self) -> usize {
        self.tail.len() / 12
    }

    /// No members at all.
    pub fn is_empty(&self) -> bool {
        self.tail.is_empty()
    }

    /// One member, in the order of declaration.
    pub fn member(&self, index: usize) -> Option<Member<'a>> {
        let at = index.checked_mul(12)?;
        let record = self.tail.get(at..at.checked_add(12)?)?;
        Some(self.decode(record))
    }

    /// All members.
    pub fn members(&self) -> impl ExactSizeIterator<Item = Member<'a>> + Clone + use<'a> {
        let this = *self;
        self.tail
            .chunks_exact(12)
            .map(move |record| this.decode(record))
    }

    fn decode(&self, record: &'a [u8]) -> Member<'a> {
        let place = self.place(record);
        Member {
            name: self.btf.string_or_empty(place.name_off),
            ..place
        }
    }

    /// All members without their names, for searches that compare names in place.
    pub fn places(
        &self,
    ) -> impl ExactSizeIterator<Item = Member<'a>> + DoubleEndedIterator + Clone + use<'a> {
        let this = *self;
        self.tail
            .chunks_exact(12)
            .map(move |record| this.place(record))
    }

    fn place(&self, record: &[u8]) -> Member<'a> {
        let place = word(record, 8);
        let (bit_offset, bitfield_bits) = if self.flag {
            (place & 0xff_ffff, (place >> 24) as u8)
        } else {
            (place, 0)
        };
        Member {
            name: "",
            name_off: StrOff(word(record, 0)),
            ty: TypeId(word(record, 4)),
            bit_offset,
            bitfield_bits,
        }
    }
}

impl std::fmt::Debug for Composite<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Composite(size {}) ", self.size)?;
        f.debug_list().entries(self.members()).finish()
    }
}

/// Enumeration.
#[derive(Copy, Clone)]
pub struct Enumeration<'a> {
    btf: &'a Btf,
    tail: &'a [u8],
    wide: bool,
    /// Values are signed.
    pub signed: bool,
    /// Bytes a value of the enumeration occupies.
    pub size: u32,
}

/// One name of an enumeration.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Enumerator<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value's bits, extended to 64 by the enumeration's signedness.
    pub bits: u64,
    /// Whether `bits` is a signed number.
    pub signed: bool,
}

impl Enumerator<'_> {
    /// The value as a number that holds both.
    pub fn value(&self) -> i128 {
        if self.signed {
            i128::from(self.bits as i64)
        } else {
            i128::from(self.bits)
        }
    }
}

impl<'a> Enumeration<'a> {
    fn step(&self) -> usize {
        if self.wide { 12 } else { 8 }
    }

    /// Number of names.
    pub fn len(&self) -> usize {
        self.tail.len() / self.step()
    }

    /// No names at all.
    pub fn is_empty(&self) -> bool {
        self.tail.is_empty()
    }

    /// One name with its value.
    pub fn enumerator(&self, index: usize) -> Option<Enumerator<'a>> {
        let at = index.checked_mul(self.step())?;
        let record = self.tail.get(at..at.checked_add(self.step())?)?;
        Some(self.decode(record))
    }

    /// All names with their values.
    pub fn enumerators(&self) -> impl ExactSizeIterator<Item = Enumerator<'a>> + Clone + use<'a> {
        let this = *self;
        self.tail
            .chunks_exact(this.step())
            .map(move |record| this.decode(record))
    }

    fn decode(&self, record: &'a [u8]) -> Enumerator<'a> {
        let low = word(record, 4);
        let bits = if self.wide {
            u64::from(low) | u64::from(word(record, 8)) << 32
        } else if self.signed {
            i64::from(low as i32) as u64
        } else {
            u64::from(low)
        };
        Enumerator {
            name: self.btf.string_or_empty(StrOff(word(record, 0))),
            bits,
            signed: self.signed,
        }
    }
}

impl std::fmt::Debug for Enumeration<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Enumeration(size {}) ", self.size)?;
        f.debug_list().entries(self.enumerators()).finish()
    }
}

/// Prototype.
#[derive(Copy, Clone)]
pub struct FuncProto<'a> {
    btf: &'a Btf,
    tail: &'a [u8],
    /// What it returns.
    pub result: TypeId,
}

/// Parameter of a prototype.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    /// Its name, often empty.
    pub name: &'a str,
    /// Its type; `void` without a name, in the last place, means `…`.
    pub ty: TypeId,
}

impl<'a> FuncProto<'a> {
    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.tail.len() / 8
    }

    /// Takes nothing.
    pub fn is_empty(&self) -> bool {
        self.tail.is_empty()
    }

    /// All parameters.
    pub fn params(&self) -> impl ExactSizeIterator<Item = Param<'a>> + Clone + use<'a> {
        let btf = self.btf;
        self.tail.chunks_exact(8).map(move |record| Param {
            name: btf.string_or_empty(StrOff(word(record, 0))),
            ty: TypeId(word(record, 4)),
        })
    }
}

impl std::fmt::Debug for FuncProto<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FuncProto(result {}) ", self.result)?;
        f.debug_list().entries(self.params()).finish()
    }
}

/// Section of variables.
#[derive(Copy, Clone)]
pub struct DataSec<'a> {
    tail: &'a [u8],
    /// Bytes of the section; 0 until somebody who knows the ELF fills it in.
    pub size: u32,
}

/// A variable's place in its section.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct SecVar {
    /// A `VAR`, or a `FUNC` for an external function.
    pub var: TypeId,
    /// Where it begins; 0 until somebody who knows the ELF fills it in.
    pub offset: u32,
    /// Bytes it occupies.
    pub size: u32,
}

impl<'a> DataSec<'a> {
    /// Number of variables.
    pub fn len(&self) -> usize {
        self.tail.len() / 12
    }

    /// No variables.
    pub fn is_empty(&self) -> bool {
        self.tail.is_empty()
    }

    /// All variables.
    pub fn vars(&self) -> impl ExactSizeIterator<Item = SecVar> + Clone + use<'a> {
        self.tail.chunks_exact(12).map(|record| SecVar {
            var: TypeId(word(record, 0)),
            offset: word(record, 4),
            size: word(record, 8),
        })
    }
}

impl std::fmt::Debug for DataSec<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataSec(size {}) ", self.size)?;
        f.debug_list().entries(self.vars()).finish()
    }
}

impl<'a> Type<'a> {
    /// Its number.
    pub fn id(&self) -> TypeId {
        self.id
    }

    /// The BTF it was looked up in.
    pub fn btf(&self) -> &'a Btf {
        self.btf
    }

    /// Where its name is.
    pub fn name_off(&self) -> StrOff {
        StrOff(word(self.record, 0))
    }

    /// Its name; empty if it has none.
    pub fn name(&self) -> &'a str {
        self.btf.string_or_empty(self.name_off())
    }

    /// True if it has no name.
    pub fn is_anonymous(&self) -> bool {
        self.name().is_empty()
    }

    pub(crate) fn info(&self) -> Info {
        Info(word(self.record, 4))
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.info().kind().unwrap_or(Kind::Void)
    }

    /// Number of entries that follow the record.
    pub fn vlen(&self) -> u32 {
        self.info().vlen()
    }

    /// The kind flag of the record: bitfields, unions, signedness or attributes, by kind.
    pub fn kind_flag(&self) -> bool {
        self.info().flag()
    }

    /// The word that is a size or a type, by kind.
    pub(crate) fn size_or_type(&self) -> u32 {
        word(self.record, 8)
    }

    /// The type that a modifier, typedef, pointer, function, variable or tag is about.
    pub fn target(&self) -> Option<TypeId> {
        match self.kind() {
            Kind::Ptr
            | Kind::Typedef
            | Kind::Volatile
            | Kind::Const
            | Kind::Restrict
            | Kind::TypeTag
            | Kind::Func
            | Kind::FuncProto
            | Kind::Var
            | Kind::DeclTag => Some(TypeId(self.size_or_type())),
            _ => None,
        }
    }

    /// What it is.
    pub fn body(&self) -> Body<'a> {
        let tail = self.record.get(RECORD_BYTES..).unwrap_or(&[]);
        let last = self.size_or_type();
        let target = TypeId(last);
        let composite = Composite {
            btf: self.btf,
            tail,
            flag: self.kind_flag(),
            size: last,
        };
        let enumeration = Enumeration {
            btf: self.btf,
            tail,
            wide: self.kind() == Kind::Enum64,
            signed: self.kind_flag(),
            size: last,
        };
        match self.kind() {
            Kind::Void => Body::Void,
            Kind::Int => Body::Int(Int::from_words(last, word(tail, 0))),
            Kind::Ptr => Body::Ptr(target),
            Kind::Array => Body::Array(Array {
                element: TypeId(word(tail, 0)),
                index: TypeId(word(tail, 4)),
                len: word(tail, 8),
            }),
            Kind::Struct => Body::Struct(composite),
            Kind::Union => Body::Union(composite),
            Kind::Enum => Body::Enum(enumeration),
            Kind::Fwd => Body::Fwd(if self.kind_flag() {
                FwdKind::Union
            } else {
                FwdKind::Struct
            }),
            Kind::Typedef => Body::Typedef(target),
            Kind::Volatile => Body::Volatile(target),
            Kind::Const => Body::Const(target),
            Kind::Restrict => Body::Restrict(target),
            Kind::Func => Body::Func(Func {
                proto: target,
                linkage: Linkage::from_number(self.vlen()),
            }),
            Kind::FuncProto => Body::FuncProto(FuncProto {
                btf: self.btf,
                tail,
                result: target,
            }),
            Kind::Var => Body::Var(Var {
                ty: target,
                linkage: Linkage::from_number(word(tail, 0)),
            }),
            Kind::DataSec => Body::DataSec(DataSec { tail, size: last }),
            Kind::Float => Body::Float(last),
            Kind::DeclTag => Body::DeclTag(DeclTag {
                target,
                component: u32::try_from(word(tail, 0) as i32).ok(),
            }),
            Kind::TypeTag => Body::TypeTag(target),
            Kind::Enum64 => Body::Enum64(enumeration),
        }
    }

    /// Members, if it is a structure or union.
    pub fn composite(&self) -> Option<Composite<'a>> {
        match self.body() {
            Body::Struct(composite) | Body::Union(composite) => Some(composite),
            _ => None,
        }
    }

    /// Names and values, if it is an enumeration.
    pub fn enumeration(&self) -> Option<Enumeration<'a>> {
        match self.body() {
            Body::Enum(enumeration) | Body::Enum64(enumeration) => Some(enumeration),
            _ => None,
        }
    }
}

impl std::fmt::Debug for Type<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?} {:?}", self.id, self.name(), self.body())
    }
}

/// The word at `at`, 0 outside the record.
pub(crate) fn word(record: &[u8], at: usize) -> u32 {
    match record.get(at..at + 4) {
        Some(bytes) => u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
        None => 0,
    }
}
