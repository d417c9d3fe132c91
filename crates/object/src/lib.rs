//! eBPF object files: read, link statically, relocate.
//!
//! [`Object::parse`] reads a file and never looks outside it; [`Object::link`] makes programs of
//! it for one [`osmia_program::Target`]: calls, maps, variables, externs and CO-RE relocations are
//! resolved, subprograms appended as libbpf appends them.
//!
//! ```no_run
//! # use osmia_object::{LinkOptions, Object};
//! # fn with(target: &osmia_program::Target) -> Result<(), Box<dyn std::error::Error>> {
//! let object = Object::parse(&std::fs::read("hello.bpf.o")?, "hello.bpf.o")?;
//! let set = object.link(target, &LinkOptions::default())?;
//! for program in &set.programs {
//!     println!("{}: {} instructions", program.name, program.insns.len());
//! }
//! # Ok(()) }
//! ```
//!
//! This crate knows neither hosts nor how code runs.

mod btf_section;
pub mod codes;
mod elf;
mod error;
pub mod image;
pub mod limits;
mod link;
mod merge;
mod object;
mod read;
pub mod section_name;

pub use btf_section::{BtfSectionError, btf_section};
pub use error::{Looks, ObjectError};
pub use link::{LinkError, LinkOptions, LinkProblem, ProgramType};
pub use object::{
    Extern, ExternKind, Function, FunctionIndex, KconfigType, MapDecl, Object, ProgramDecl,
    Variable, display_name,
};
