//! Values as cases write them: numbers, names of numbers, bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use osmia_btf::{Btf, Kind};
use osmia_isa::{MapRef, Resolve};

use crate::case::words;
use crate::constants;

/// What names stand for while a case runs: descriptors, and ids as `name.id`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) numbers: BTreeMap<String, u64>,
    /// Ids count by kind of object: kind and id, and the name of what has it.
    pub(crate) objects: BTreeMap<(&'static str, u64), String>,
    /// The kernel's.
    pub(crate) types: Option<Arc<Btf>>,
}

/// Helpers by Linux's names, maps by the descriptors of a case.
impl Resolve for Names {
    fn helper(&self, name: &str) -> Option<i32> {
        osmia_program::helper::by_name(name).map(|helper| helper.id as i32)
    }

    fn map(&self, name: &str) -> Option<MapRef> {
        let fd = self.numbers.get(name)?;
        Some(MapRef::Fd(*fd as i32))
    }
}

impl Names {
    /// A number: parts joined by `|`, each a number, a name, or either with `-` or `+` another.
    pub(crate) fn number(&self, field: &str, text: &str) -> Result<u64, String> {
        let mut value = 0;
        for part in text.split('|') {
            value |= self.sum(field, part)?;
        }
        Ok(value)
    }

    fn sum(&self, field: &str, text: &str) -> Result<u64, String> {
        if let Some(value) = self.atom(field, text) {
            return Ok(value);
        }
        let at = text.rfind(['-', '+']).filter(|&at| at > 0);
        let (left, right) = at
            .map(|at| text.split_at(at))
            .ok_or_else(|| format!("`{text}` is no number and no name of one"))?;
        let (left, second) = (self.sum(field, left)?, self.sum(field, &right[1..])?);
        Ok(match right.starts_with('-') {
            true => left.wrapping_sub(second),
            false => left.wrapping_add(second),
        })
    }

    fn atom(&self, field: &str, text: &str) -> Option<u64> {
        if let Some(digits) = text.strip_prefix("0x") {
            return u64::from_str_radix(digits, 16).ok();
        }
        match text {
            "null" => return Some(0),
            // An address that nothing is at.
            "bad" => return Some(1),
            _ => {}
        }
        text.parse::<u64>()
            .or_else(|_| text.parse::<i64>().map(|number| number as u64))
            .ok()
            .or_else(|| self.numbers.get(text).copied())
            .or_else(|| self.type_id(text))
            .or_else(|| constants::by_name(field, text))
    }

    /// A type of the kernel's: `func(NAME)`, `typedef(NAME)`, `struct(NAME)`.
    fn type_id(&self, text: &str) -> Option<u64> {
        let (kind, name) = text.strip_suffix(')')?.split_once('(')?;
        let kind = match kind {
            "func" => Kind::Func,
            "typedef" => Kind::Typedef,
            "struct" => Kind::Struct,
            _ => return None,
        };
        let id = self.types.as_ref()?.find(name, kind)?;
        Some(u64::from(id.0))
    }

    /// The bytes between brackets: `x0a0b`, `"text"`, `number:bytes`, `byte*count`.
    pub(crate) fn bytes(&self, text: &str) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        for word in words(text)? {
            if let Some(digits) = word.strip_prefix('x') {
                bytes.extend(hex(digits).ok_or_else(|| format!("`{word}` is not hexadecimal"))?);
            } else if let Some(quoted) = word.strip_prefix('"') {
                let inside = quoted.strip_suffix('"').ok_or("a quote is open")?;
                bytes.extend(inside.replace("\\0", "\0").replace("\\n", "\n").bytes());
            } else if let Some((value, count)) = word.split_once('*') {
                let value = self.number("", value)? as u8;
                let count = self.product(count)?;
                bytes.resize(bytes.len() + count, value);
            } else if let Some((value, width)) = word.split_once(':') {
                let value = self.number("", value)?.to_le_bytes();
                let width = width.parse::<usize>().ok().filter(|width| *width <= 8);
                bytes.extend(&value[..width.ok_or("a number has at most 8 bytes")?]);
            } else {
                return Err(format!("`{word}` is not bytes"));
            }
        }
        Ok(bytes)
    }

    fn product(&self, text: &str) -> Result<usize, String> {
        let mut product = 1;
        for factor in text.split('*') {
            product *= self.number("", factor)? as usize;
        }
        Ok(product)
    }
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let bytes = pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    rest.is_empty().then(|| bytes.collect())?
}
