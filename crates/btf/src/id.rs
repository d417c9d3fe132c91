//! The two kinds of numbers BTF refers by. They are not interchangeable, so they are two types.

/// Number of a type. 0 is `void`; a split BTF goes on where its base ends.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

impl TypeId {
    /// `void`, the type every BTF has without a record.
    pub const VOID: TypeId = TypeId(0);
}

impl std::fmt::Display for TypeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}]", self.0)
    }
}

/// Offset of a string. 0 is the empty string; a split BTF goes on where its base ends.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StrOff(pub u32);
