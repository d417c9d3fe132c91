//! The thirteen questions a CO-RE relocation can ask.

/// What a relocation asks about the target's types. Numbers and names are LLVM's and libbpf's.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ReloKind {
    /// Offset of a field in bytes.
    FieldByteOffset = 0,
    /// Size of a field in bytes.
    FieldByteSize = 1,
    /// 1 if the field exists.
    FieldExists = 2,
    /// 1 if the field is signed.
    FieldSigned = 3,
    /// How far a bitfield's 64-bit load is shifted left.
    FieldLshiftU64 = 4,
    /// How far it is then shifted right.
    FieldRshiftU64 = 5,
    /// Id of the type in the object's own BTF.
    TypeIdLocal = 6,
    /// Id of the type in the target's BTF, 0 if there is none.
    TypeIdTarget = 7,
    /// 1 if the type exists.
    TypeExists = 8,
    /// Size of the type in bytes, 0 if there is none.
    TypeSize = 9,
    /// 1 if the enumerator exists.
    EnumvalExists = 10,
    /// Value of the enumerator.
    EnumvalValue = 11,
    /// 1 if the type exists and all of it matches.
    TypeMatches = 12,
}

impl ReloKind {
    /// Every kind, in the order of the numbers.
    pub const ALL: [ReloKind; 13] = [
        ReloKind::FieldByteOffset,
        ReloKind::FieldByteSize,
        ReloKind::FieldExists,
        ReloKind::FieldSigned,
        ReloKind::FieldLshiftU64,
        ReloKind::FieldRshiftU64,
        ReloKind::TypeIdLocal,
        ReloKind::TypeIdTarget,
        ReloKind::TypeExists,
        ReloKind::TypeSize,
        ReloKind::EnumvalExists,
        ReloKind::EnumvalValue,
        ReloKind::TypeMatches,
    ];

    /// The kind with this number.
    pub fn from_number(number: u32) -> Option<ReloKind> {
        ReloKind::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// Its short name, as libbpf's messages have it.
    pub fn name(self) -> &'static str {
        match self {
            ReloKind::FieldByteOffset => "byte_off",
            ReloKind::FieldByteSize => "byte_sz",
            ReloKind::FieldExists => "field_exists",
            ReloKind::FieldSigned => "signed",
            ReloKind::FieldLshiftU64 => "lshift_u64",
            ReloKind::FieldRshiftU64 => "rshift_u64",
            ReloKind::TypeIdLocal => "local_type_id",
            ReloKind::TypeIdTarget => "target_type_id",
            ReloKind::TypeExists => "type_exists",
            ReloKind::TypeSize => "type_size",
            ReloKind::EnumvalExists => "enumval_exists",
            ReloKind::EnumvalValue => "enumval_value",
            ReloKind::TypeMatches => "type_matches",
        }
    }

    pub(crate) fn is_about_field(self) -> bool {
        (self as u8) <= ReloKind::FieldRshiftU64 as u8
    }

    pub(crate) fn is_about_enumerator(self) -> bool {
        matches!(self, ReloKind::EnumvalExists | ReloKind::EnumvalValue)
    }

    pub(crate) fn is_about_type(self) -> bool {
        !self.is_about_field() && !self.is_about_enumerator()
    }
}

impl std::fmt::Display for ReloKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}
