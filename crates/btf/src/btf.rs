//! One BTF: its bytes as they came, in the byte order of this machine, and where each type begins.
//!
//! A `Btf` exists only checked: every offset, name and type reference in it is in bounds and no
//! type contains itself, so reading it cannot fail and walking it ends.

use std::sync::{Arc, OnceLock};

use osmia_isa::Endian;

use crate::{BtfError, BtfIndex, Kind, StrOff, Type, TypeId, parse};

/// A checked BTF, possibly split: then ids and string offsets go on from its base.
pub struct Btf {
    /// The whole section, swapped to the order of this machine.
    pub(crate) bytes: Vec<u8>,
    /// The order it came in.
    pub(crate) endian: Endian,
    pub(crate) base: Option<Arc<Btf>>,
    /// Offset of each own type's record in `bytes`, then of their end.
    pub(crate) offsets: Vec<u32>,
    /// Id of the first own type.
    pub(crate) first_id: u32,
    /// Where own strings begin in `bytes`, and their length.
    pub(crate) strings_at: usize,
    pub(crate) strings_len: u32,
    /// Bytes of strings of all bases.
    pub(crate) first_string: u32,
    pub(crate) pointer_bytes: u32,
    pub(crate) index: OnceLock<BtfIndex>,
}

/// The record of `void`.
static VOID: [u8; 12] = [0; 12];

impl Btf {
    /// Reads and checks a BTF section. With a `base`, it is split BTF (a kernel module's).
    pub fn parse(bytes: impl Into<Vec<u8>>, base: Option<Arc<Btf>>) -> Result<Btf, BtfError> {
        parse::parse(bytes.into(), base)
    }

    /// Its bytes, in the byte order of this machine, without the base's.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The byte order it came in: of the values it describes, and of the target it belongs to.
    pub fn endian(&self) -> Endian {
        self.endian
    }

    /// What it goes on from, if split.
    pub fn base(&self) -> Option<&Arc<Btf>> {
        self.base.as_ref()
    }

    /// Bytes of a pointer: that of `long`, as libbpf decides, else 8.
    pub fn pointer_bytes(&self) -> u32 {
        self.pointer_bytes
    }

    /// One more than the greatest id; `void` and the base count.
    pub fn type_count(&self) -> u32 {
        self.first_id + self.own_count()
    }

    /// The id of the first type that is not the base's.
    pub fn first_id(&self) -> TypeId {
        TypeId(self.first_id)
    }

    pub(crate) fn own_count(&self) -> u32 {
        self.offsets.len().saturating_sub(1) as u32
    }

    /// Bytes of all strings, the base's included.
    pub fn strings_len(&self) -> u32 {
        self.first_string + self.strings_len
    }

    /// The type with this id, `void` for 0.
    pub fn ty(&self, id: TypeId) -> Option<Type<'_>> {
        let record = self.record(id)?;
        Some(Type {
            btf: self,
            id,
            record,
        })
    }

    /// The type with this id, `void` if there is none. For ids that this BTF itself holds: those
    /// are checked.
    pub fn type_at(&self, id: TypeId) -> Type<'_> {
        self.ty(id).unwrap_or(Type {
            btf: self,
            id: TypeId::VOID,
            record: &VOID,
        })
    }

    fn record(&self, id: TypeId) -> Option<&[u8]> {
        let mut owner = self;
        while id.0 < owner.first_id {
            match &owner.base {
                Some(base) => owner = base,
                None => return (id == TypeId::VOID).then_some(&VOID),
            }
        }
        let index = (id.0 - owner.first_id) as usize;
        let start = *owner.offsets.get(index)?;
        let end = *owner.offsets.get(index + 1)?;
        owner.bytes.get(start as usize..end as usize)
    }

    /// Where the record of an own type begins in the section.
    pub fn record_offset(&self, id: TypeId) -> Option<usize> {
        let index = id.0.checked_sub(self.first_id)? as usize;
        // The last offset is the end of the last record.
        let (_, offsets) = self.offsets.split_last()?;
        offsets.get(index).map(|at| *at as usize)
    }

    /// Every type that is not the base's, in the order of ids.
    pub fn own_types(&self) -> impl ExactSizeIterator<Item = Type<'_>> + Clone {
        let first = self.first_id;
        self.offsets
            .windows(2)
            .enumerate()
            .map(move |(index, bounds)| Type {
                btf: self,
                id: TypeId(first + index as u32),
                record: self
                    .bytes
                    .get(bounds[0] as usize..bounds[1] as usize)
                    .unwrap_or(&VOID),
            })
    }

    /// Every type, the base's included, `void` not.
    pub fn types(&self) -> impl Iterator<Item = Type<'_>> {
        (1..self.type_count()).map(|id| self.type_at(TypeId(id)))
    }

    /// The string at this offset. Bytes that are not UTF-8 end it early.
    pub fn string(&self, at: StrOff) -> Option<&str> {
        self.string_bytes(at).map(lenient)
    }

    /// The bytes of the string at this offset, without the NUL.
    pub fn string_bytes(&self, at: StrOff) -> Option<&[u8]> {
        let mut owner = self;
        while at.0 < owner.first_string {
            owner = owner.base.as_ref()?;
        }
        let at = at.0 - owner.first_string;
        if at >= owner.strings_len {
            return (at == 0).then_some(&[]);
        }
        let start = owner.strings_at + at as usize;
        let rest = owner
            .bytes
            .get(start..owner.strings_at + owner.strings_len as usize)?;
        let text = std::ffi::CStr::from_bytes_until_nul(rest).ok()?;
        Some(text.to_bytes())
    }

    /// How the string at this offset compares with `text`, without looking for its end first.
    pub(crate) fn compare_name(&self, at: StrOff, text: &[u8]) -> Name {
        if at.0 == 0 {
            return Name::Empty;
        }
        let mut owner = self;
        while at.0 < owner.first_string {
            match &owner.base {
                Some(base) => owner = base,
                None => return Name::Empty,
            }
        }
        let start = owner.strings_at + (at.0 - owner.first_string) as usize;
        // Only a string ends in a NUL, so the byte where this one should end rules most out.
        match owner.bytes.get(start..start + text.len() + 1) {
            Some([0, ..]) => Name::Empty,
            Some([found @ .., 0]) if found == text => Name::Same,
            _ if owner.bytes.get(start) == Some(&0) => Name::Empty,
            _ => Name::Other,
        }
    }

    pub(crate) fn string_or_empty(&self, at: StrOff) -> &str {
        if at.0 == 0 {
            return "";
        }
        self.string(at).unwrap_or("")
    }

    /// Names to ids, made at the first call. It knows this BTF's own types, not the base's.
    pub fn index(&self) -> &BtfIndex {
        self.index.get_or_init(|| BtfIndex::new(self))
    }

    /// The types of this name and kind, the base's first.
    pub fn find_all(&self, name: &str, kind: Kind) -> Vec<TypeId> {
        let mut found = match &self.base {
            Some(base) => base.find_all(name, kind),
            None => Vec::new(),
        };
        found.extend(self.index().named(self, name).filter(|id| {
            self.ty(*id)
                .is_some_and(|ty| ty.kind() == kind && ty.name() == name)
        }));
        found
    }

    /// The first type of this name and kind, the base's before the own.
    pub fn find(&self, name: &str, kind: Kind) -> Option<TypeId> {
        let in_base = self.base.as_ref().and_then(|base| base.find(name, kind));
        in_base.or_else(|| {
            self.index().named(self, name).find(|id| {
                self.ty(*id)
                    .is_some_and(|ty| ty.kind() == kind && ty.name() == name)
            })
        })
    }

    /// Bytes of memory it holds, the base's and the index not counted.
    pub fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.offsets.capacity() * size_of::<u32>()
    }
}

impl std::fmt::Debug for Btf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Btf")
            .field("types", &self.own_count())
            .field("first_id", &self.first_id)
            .field("endian", &self.endian)
            .finish_non_exhaustive()
    }
}

/// See [`Btf::compare_name`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Empty,
    Same,
    Other,
}

fn lenient(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => bytes
            .get(..error.valid_up_to())
            .and_then(|valid| std::str::from_utf8(valid).ok())
            .unwrap_or(""),
    }
}
