//! Kinds of programs, maps and attachments.

mod attach;
mod map;
mod program;

pub use attach::AttachKind;
pub use map::MapKind;
pub use program::ProgramKind;
