//! A value as text, as C would initialise it: `{ .a = 1, .b = "x" }`. `{:#}` takes a line for
//! each field of a structure.

use std::fmt::{Display, Formatter, Result, Write};

use crate::value::Value;

/// Equal elements in a row are written once from this many on.
const RUN_MIN: usize = 8;

impl Display for Value<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.write(f, 0)
    }
}

impl Value<'_> {
    fn write(&self, f: &mut Formatter<'_>, depth: usize) -> Result {
        match self {
            Value::Signed(number) => write!(f, "{number}"),
            Value::Unsigned(number) => write!(f, "{number}"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Char(byte @ 0x20..=0x7e) => write!(f, "{:?}", char::from(*byte)),
            Value::Char(byte) => write!(f, "{byte}"),
            Value::Float(number) => write!(f, "{number:?}"),
            Value::Enum(Some(name), _) => f.write_str(name),
            Value::Enum(None, number) => write!(f, "{number}"),
            Value::Pointer(address) => write!(f, "{address:#x}"),
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Bytes(bytes) => list(f, bytes, |f, byte| write!(f, "{byte:#04x}")),
            Value::Array(values) => list(f, values, |f, value| value.write(f, depth + 1)),
            Value::Fields(fields) => write_fields(f, fields, depth),
            Value::Missing => f.write_str("<missing>"),
            Value::Elided => f.write_str("…"),
        }
    }
}

fn write_fields(f: &mut Formatter<'_>, fields: &[(&str, Value<'_>)], depth: usize) -> Result {
    if fields.is_empty() {
        return f.write_str("{}");
    }
    let lines = f.alternate();
    let margin = |f: &mut Formatter<'_>, depth: usize| {
        f.write_char('\n')?;
        (0..depth).try_for_each(|_| f.write_char('\t'))
    };
    f.write_char('{')?;
    for (position, (name, value)) in fields.iter().enumerate() {
        if lines {
            margin(f, depth + 1)?;
        } else {
            f.write_str(if position == 0 { " " } else { ", " })?;
        }
        if !name.is_empty() {
            write!(f, ".{name} = ")?;
        }
        value.write(f, depth + 1)?;
        if lines {
            f.write_char(',')?;
        }
    }
    if lines {
        margin(f, depth)?;
    } else {
        f.write_char(' ')?;
    }
    f.write_char('}')
}

fn list<T: PartialEq>(
    f: &mut Formatter<'_>,
    items: &[T],
    each: impl Fn(&mut Formatter<'_>, &T) -> Result,
) -> Result {
    f.write_char('{')?;
    let mut rest = items;
    let mut first = true;
    while let Some(item) = rest.first() {
        if !first {
            f.write_str(", ")?;
        }
        first = false;
        each(f, item)?;
        let run = rest
            .iter()
            .take_while(|other| *other == item)
            .count()
            .max(1);
        if run >= RUN_MIN {
            write!(f, " <repeats {run} times>")?;
            rest = &rest[run..];
        } else {
            rest = &rest[1..];
        }
    }
    f.write_char('}')
}
