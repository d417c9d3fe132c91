//! CO-RE: what a type or field that an object was compiled with is in another kernel.
//!
//! The compiler leaves records ("this immediate is the offset of that field"); [`Resolver`] finds
//! the field in the target's BTF and says the number there, and [`patch`] writes it into the
//! instruction. Results are those of libbpf 1.6, bit for bit; where nothing in the target matches,
//! the instruction is poisoned and the reason is kept as data.

mod compat;
mod error;
mod find;
mod kind;
mod patch;
mod poison;
mod resolve;
mod spec;
mod value;

pub use compat::types_compatible;
pub use error::CoreError;
pub use find::Mismatch;
pub use kind::ReloKind;
pub use patch::{POISON_HELPER, PatchError, Patched, patch};
pub use poison::{Candidate, Poison, Reason};
pub use resolve::{Outcome, Resize, Resolution, Resolver};

use crate::{Btf, CoreRelo, TypeId};

/// One question about the target.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Relo<'a> {
    /// What is asked.
    pub kind: ReloKind,
    /// The root type, in the object's BTF.
    pub ty: TypeId,
    /// The walk from there: indices of elements, members or enumerators, as in `0:1:2`.
    pub access: &'a str,
}

impl<'a> Relo<'a> {
    /// The question in a record of .BTF.ext.
    pub fn from_record(record: &CoreRelo, local: &'a Btf) -> Result<Self, CoreError> {
        let kind = ReloKind::from_number(record.kind).ok_or(CoreError::UnknownKind {
            number: record.kind,
        })?;
        Ok(Relo {
            kind,
            ty: record.ty,
            access: local.string_or_empty(record.access),
        })
    }

    /// The field or enumerator asked about, as C writes it after the type: `.mm.pgd[3]`, `::NAME`;
    /// empty for a whole type.
    pub fn path(&self, local: &Btf) -> Result<String, CoreError> {
        if local.ty(self.ty).is_none() {
            return Err(CoreError::UnknownType { ty: self.ty });
        }
        Ok(resolve::path_text(&spec::Spec::local(local, self)?))
    }
}
