//! From bytes to an [`Image`]: ELF, checked once.
//!
//! Only what a loader needs is kept: debug information stays unread, even when it is compressed.

mod fixup;
mod inflate;
mod read;

pub(crate) use read::read;
