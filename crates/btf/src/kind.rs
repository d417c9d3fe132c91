//! The twenty kinds of type (`void` included) and the few numbers of their encoding.

/// What kind of type a record describes.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// No record: type 0.
    Void = 0,
    /// Integer, boolean or character.
    Int = 1,
    /// Pointer.
    Ptr = 2,
    /// Array.
    Array = 3,
    /// Structure.
    Struct = 4,
    /// Union.
    Union = 5,
    /// Enumeration of up to 32 bits a value.
    Enum = 6,
    /// Structure or union of which only the name is known.
    Fwd = 7,
    /// Another name for a type.
    Typedef = 8,
    /// `volatile`.
    Volatile = 9,
    /// `const`.
    Const = 10,
    /// `restrict`.
    Restrict = 11,
    /// Function.
    Func = 12,
    /// Parameters and result of functions.
    FuncProto = 13,
    /// Global variable.
    Var = 14,
    /// Section of global variables.
    DataSec = 15,
    /// Floating-point number.
    Float = 16,
    /// `__attribute__((btf_decl_tag("…")))`.
    DeclTag = 17,
    /// `__attribute__((btf_type_tag("…")))`.
    TypeTag = 18,
    /// Enumeration of 64 bits a value.
    Enum64 = 19,
}

impl Kind {
    /// Every kind, in the order of the numbers.
    pub const ALL: [Kind; 20] = [
        Kind::Void,
        Kind::Int,
        Kind::Ptr,
        Kind::Array,
        Kind::Struct,
        Kind::Union,
        Kind::Enum,
        Kind::Fwd,
        Kind::Typedef,
        Kind::Volatile,
        Kind::Const,
        Kind::Restrict,
        Kind::Func,
        Kind::FuncProto,
        Kind::Var,
        Kind::DataSec,
        Kind::Float,
        Kind::DeclTag,
        Kind::TypeTag,
        Kind::Enum64,
    ];

    /// The kind with this number.
    pub const fn from_number(number: u32) -> Option<Kind> {
        if number < Kind::ALL.len() as u32 {
            Some(Kind::ALL[number as usize])
        } else {
            None
        }
    }

    /// `INT`, `PTR`, …, as bpftool writes them.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Void => "VOID",
            Kind::Int => "INT",
            Kind::Ptr => "PTR",
            Kind::Array => "ARRAY",
            Kind::Struct => "STRUCT",
            Kind::Union => "UNION",
            Kind::Enum => "ENUM",
            Kind::Fwd => "FWD",
            Kind::Typedef => "TYPEDEF",
            Kind::Volatile => "VOLATILE",
            Kind::Const => "CONST",
            Kind::Restrict => "RESTRICT",
            Kind::Func => "FUNC",
            Kind::FuncProto => "FUNC_PROTO",
            Kind::Var => "VAR",
            Kind::DataSec => "DATASEC",
            Kind::Float => "FLOAT",
            Kind::DeclTag => "DECL_TAG",
            Kind::TypeTag => "TYPE_TAG",
            Kind::Enum64 => "ENUM64",
        }
    }

    /// `const`, `volatile`, `restrict` or a type tag: says something about another type.
    pub const fn is_modifier(self) -> bool {
        matches!(
            self,
            Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag
        )
    }

    /// Structure or union.
    pub const fn is_composite(self) -> bool {
        matches!(self, Kind::Struct | Kind::Union)
    }

    /// Enumeration of either width.
    pub const fn is_enum(self) -> bool {
        matches!(self, Kind::Enum | Kind::Enum64)
    }

    /// Bytes that follow the twelve of every record, for `vlen` entries.
    pub(crate) const fn tail_bytes(self, vlen: u32) -> usize {
        let vlen = vlen as usize;
        match self {
            Kind::Int | Kind::Var | Kind::DeclTag => 4,
            Kind::Array => 12,
            Kind::Struct | Kind::Union | Kind::DataSec | Kind::Enum64 => vlen * 12,
            Kind::Enum | Kind::FuncProto => vlen * 8,
            _ => 0,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// Bytes of the part that every type record has: name, info, size or type.
pub(crate) const RECORD_BYTES: usize = 12;
/// First two bytes of BTF and of .BTF.ext, read in their own byte order.
pub(crate) const MAGIC: u16 = 0xeb9f;
/// The only version there is.
pub(crate) const VERSION: u8 = 1;
/// Bytes of the BTF header.
pub(crate) const HEADER_BYTES: usize = 24;

/// The three parts of a record's info word.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Info(pub(crate) u32);

impl Info {
    pub(crate) const fn new(kind: Kind, vlen: u32, flag: bool) -> Self {
        Info((flag as u32) << 31 | (kind as u32) << 24 | vlen & 0xffff)
    }

    pub(crate) const fn kind_number(self) -> u32 {
        self.0 >> 24 & 0x1f
    }

    pub(crate) const fn kind(self) -> Option<Kind> {
        Kind::from_number(self.kind_number())
    }

    pub(crate) const fn vlen(self) -> u32 {
        self.0 & 0xffff
    }

    pub(crate) const fn flag(self) -> bool {
        self.0 >> 31 != 0
    }
}
