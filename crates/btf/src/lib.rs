//! BTF and .BTF.ext: read, write, query, print as C, typed values from bytes, CO-RE matching.
//!
//! [`Btf::parse`] takes bytes of any origin and checks everything once; what it returns can be
//! walked without further doubt. The bytes stay as they came: types are views into them, names are
//! borrowed, and an index from names to types is made at the first lookup.
//!
//! This crate knows neither ELF nor hosts: whoever has a section's bytes calls it.

mod btf;
mod build;
mod check;
pub mod codes;
pub mod core;
mod equal;
mod error;
mod ext;
mod id;
mod index;
mod kind;
pub mod limits;
mod parse;
pub mod print;
mod query;
mod ty;
pub mod value;

pub use btf::Btf;
pub use build::{BtfBuilder, Moved, NewMember};
pub use equal::equal_types;
pub use error::BtfError;
pub use ext::{BtfExt, CoreRelo, ExtSection, FuncInfo, LineInfo};
pub use id::{StrOff, TypeId};
pub use index::{BtfIndex, essential_name};
pub use kind::Kind;
pub use osmia_isa::Endian;
pub use query::describe;
pub use ty::{
    Array, Body, Composite, DataSec, DeclTag, Enumeration, Enumerator, Func, FuncProto, FwdKind,
    Int, Linkage, Member, Param, SecVar, Type, Var,
};
