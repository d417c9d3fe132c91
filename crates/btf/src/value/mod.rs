//! Values: bytes seen through a type, as a tree, as text and JSON; and text back into bytes.
//!
//! [`decode`] takes any bytes, also too few: what is not there is [`Value::Missing`]. Its size is
//! bounded by the bytes present and by [`crate::limits::VALUE_NODES_MAX`].

pub(crate) mod bits;
mod decode;
mod encode;
mod json;
mod path;
mod text;

pub use decode::decode;
pub use encode::{ValueError, encode_scalar, put, set};
pub use path::{PathError, Spot, lookup_path};

/// A decoded value. Names are borrowed from the BTF.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Signed integer of up to 128 bits.
    Signed(i128),
    /// Unsigned integer of up to 128 bits.
    Unsigned(u128),
    /// `_Bool`.
    Bool(bool),
    /// A `char`.
    Char(u8),
    /// Floating-point number of 2, 4 or 8 bytes.
    Float(f64),
    /// Enumeration: the name if the value has one.
    Enum(Option<&'a str>, i128),
    /// Pointer.
    Pointer(u64),
    /// Array of `char` that holds text, up to its NUL.
    Text(String),
    /// Array of other bytes, and what cannot be decoded otherwise.
    Bytes(Vec<u8>),
    /// Array.
    Array(Vec<Value<'a>>),
    /// Structure, union or section of variables: names with values, no name for an anonymous
    /// structure or union.
    Fields(Vec<(&'a str, Value<'a>)>),
    /// The bytes end before the value does.
    Missing,
    /// Left out: the value has too many parts.
    Elided,
}
