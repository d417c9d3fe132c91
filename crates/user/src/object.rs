//! Live objects: programs, maps and BTF, each with an id and what is known about it.
//!
//! An object lives as long as somebody holds it: a descriptor, a pin, a link, a program, a map. All
//! of these hold an `Arc`; the registry itself only knows ids. What is known about a map or a program
//! lies in it as its identity, so the id is free again in the moment the last of them lets go.

mod btf;
mod digest;
mod map;
mod name;
mod program;
mod table;

pub(crate) use btf::BtfObject;
pub use digest::program_tag;
pub(crate) use digest::{Digest, digest, tag};
pub(crate) use map::{MapAbout, MapRecord, MapRefused, MapUse, Owner};
pub(crate) use name::{checked_name, fitted_name};
pub(crate) use program::{AttachTo, ProgramAbout, ProgramRecord, ProgramRefused};
pub(crate) use table::Table;
