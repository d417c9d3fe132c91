//! One value for everything Osmia has to say to a person.
//!
//! A [`Diagnostic`] has a stable [`Code`], a [`Place`], the sentence, an optional [`Listing`] with
//! carets, what was known (notes) and what would fix it (help). It is rendered as text or as JSON;
//! both say the same. Errors for programs are enums in the crates that raise them; each converts
//! into a `Diagnostic` where a person is about to read it.
//!
//! This crate does not know what eBPF is.

mod code;
mod diagnostic;
mod json;
mod place;
mod skip;
mod text;

pub use code::Code;
pub use diagnostic::{Diagnostic, Label, Listing, Severity};
pub use place::Place;
pub use skip::skipped;
pub use text::Paint;
