//! Names for the numbers in instructions, both ways; the caller knows them, this crate does not.

use std::borrow::Cow;

/// How an instruction refers to a map.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum MapRef {
    /// By file descriptor.
    Fd(i32),
    /// By position in the load's map list.
    Idx(i32),
}

/// Names to print beside numbers. Every method may answer `None`, which prints the number alone.
///
/// A name that could not be read back (empty, or with other characters than letters, digits,
/// `_`, `.` and `$`) is left out when printing.
pub trait Names {
    /// Of a helper.
    fn helper(&self, _id: i32) -> Option<Cow<'_, str>> {
        None
    }
    /// Of a kernel function by BTF id and position in the descriptor list.
    fn kfunc(&self, _id: i32, _module: i16) -> Option<Cow<'_, str>> {
        None
    }
    /// Of a map.
    fn map(&self, _map: MapRef) -> Option<Cow<'_, str>> {
        None
    }
    /// Of a kernel variable by BTF id and module BTF descriptor.
    fn variable(&self, _id: i32, _fd: i32) -> Option<Cow<'_, str>> {
        None
    }
    /// Of the function that starts at a slot.
    fn function(&self, _slot: i64) -> Option<Cow<'_, str>> {
        None
    }
}

/// Numbers for names that an assembly text uses without a number.
pub trait Resolve {
    /// The helper of this name.
    fn helper(&self, _name: &str) -> Option<i32> {
        None
    }
    /// The kernel function of this name: BTF id and position in the descriptor list.
    fn kfunc(&self, _name: &str) -> Option<(i32, i16)> {
        None
    }
    /// The map of this name.
    fn map(&self, _name: &str) -> Option<MapRef> {
        None
    }
}

/// Knows no names: everything is printed and written as numbers.
#[derive(Copy, Clone, Debug, Default)]
pub struct NoNames;

impl Names for NoNames {}
impl Resolve for NoNames {}

/// Whether the assembler would read this name as one word.
pub(crate) fn is_word(name: &str) -> bool {
    let rest = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$');
    name.starts_with(|c: char| rest(c) && !c.is_ascii_digit()) && name.chars().all(rest)
}
