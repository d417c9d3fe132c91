//! From text to bytes, for `--set NAME=VALUE`.
//!
//! Numbers as in C or Rust, enumerators by name, `true` and `false`, text for arrays of `char`,
//! `hex 0a 0b` or `0x0a0b` for other bytes, and `{1, 2}` or `{ .a = 1 }` for arrays and structures
//! of those.

use osmia_diag::Diagnostic;

use crate::query::describe;
use crate::value::bits;
use crate::value::path::{PathError, Spot, lookup_path};
use crate::{Body, Btf, TypeId, codes, limits};

/// Why text is not a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// It does not say a value of this type.
    #[error("{text:?} is no value of {ty}: expected {expected}")]
    Text {
        /// The text.
        text: String,
        /// The type, as C.
        ty: String,
        /// What would do.
        expected: String,
    },
    /// The number does not fit.
    #[error("{text} does not fit {ty}, which holds {least} to {greatest}")]
    Range {
        /// The number.
        text: String,
        /// The type, as C.
        ty: String,
        /// The least value.
        least: i128,
        /// The greatest value.
        greatest: i128,
    },
    /// The text is too long for the array.
    #[error("{ty} has {have} bytes, the value needs {need}")]
    TooLong {
        /// The type, as C.
        ty: String,
        /// Bytes there are.
        have: u64,
        /// Bytes needed.
        need: u64,
    },
    /// Values of this type cannot be written as text.
    #[error("values of {ty} cannot be given as text")]
    NotWritable {
        /// The type, as C.
        ty: String,
    },
    /// The path leads nowhere.
    #[error(transparent)]
    Path(#[from] PathError),
}

impl ValueError {
    /// The error for a person.
    pub fn to_diagnostic(&self) -> Diagnostic {
        match self {
            ValueError::Path(error) => error.to_diagnostic(),
            ValueError::NotWritable { .. } => Diagnostic::error(codes::VALUE, self.to_string())
                .help("set its members one by one, as in name.member=1"),
            _ => Diagnostic::error(codes::VALUE, self.to_string()),
        }
    }
}

/// Sets the part of `bytes`, a value of type `id`, that `path` leads to. An empty path is the whole.
/// On error `bytes` is as before.
pub fn set(
    btf: &Btf,
    id: TypeId,
    path: &str,
    text: &str,
    bytes: &mut [u8],
) -> Result<(), ValueError> {
    let spot = lookup_path(btf, id, path)?;
    if braces(text.trim()).is_none() {
        return put(btf, spot, text, bytes);
    }
    // Several parts: a later one may be wrong.
    let mut copy = bytes.to_vec();
    put(btf, spot, text, &mut copy)?;
    bytes.copy_from_slice(&copy);
    Ok(())
}

/// The bytes of a value of type `id` given as text.
pub fn encode_scalar(btf: &Btf, id: TypeId, text: &str) -> Result<Vec<u8>, ValueError> {
    let ty = || describe(btf, id);
    let size = btf
        .size_of(id)
        .ok_or_else(|| ValueError::NotWritable { ty: ty() })?;
    let size = usize::try_from(size)
        .ok()
        .filter(|size| *size <= limits::SECTION_BYTES_MAX)
        .ok_or_else(|| ValueError::NotWritable { ty: ty() })?;
    let mut bytes = vec![0; size];
    let spot = Spot {
        ty: id,
        bit_offset: 0,
        bitfield_bits: 0,
    };
    put(btf, spot, text, &mut bytes)?;
    Ok(bytes)
}

/// Sets the part of `bytes` that is at `spot`. What was set before an error stays set.
pub fn put(btf: &Btf, spot: Spot, text: &str, bytes: &mut [u8]) -> Result<(), ValueError> {
    let text = text.trim();
    let ty = btf.resolve(spot.ty);
    let wrong = |expected: String| ValueError::Text {
        text: text.to_owned(),
        ty: describe(btf, spot.ty),
        expected,
    };
    let width = |size: u32| {
        if spot.bitfield_bits == 0 {
            size.saturating_mul(8)
        } else {
            spot.bitfield_bits
        }
    };
    match ty.body() {
        Body::Var(var) => put(btf, Spot { ty: var.ty, ..spot }, text, bytes),
        Body::Int(int) => {
            let number = match (text, int.is_bool()) {
                ("true", true) => Number::plain(1),
                ("false", true) => Number::plain(0),
                (_, is_bool) => parse_number(text).ok_or_else(|| {
                    wrong(if is_bool {
                        "true or false".into()
                    } else {
                        "a number".into()
                    })
                })?,
            };
            let bits = if int.is_bool() { 1 } else { width(int.size) };
            check_range(btf, spot, text, number, bits, int.is_signed())?;
            store(btf, spot, bytes, width(int.size), number.bits)
        }
        Body::Enum(enumeration) | Body::Enum64(enumeration) => {
            let named = enumeration
                .enumerators()
                .find(|enumerator| enumerator.name == text)
                .map(|enumerator| Number::plain(enumerator.value()));
            let number = named.or_else(|| parse_number(text)).ok_or_else(|| {
                let names: Vec<&str> = enumeration
                    .enumerators()
                    .take(12)
                    .map(|enumerator| enumerator.name)
                    .collect();
                wrong(format!("a number or one of {}", names.join(", ")))
            })?;
            let bits = width(enumeration.size);
            check_range(btf, spot, text, number, bits, enumeration.signed)?;
            store(btf, spot, bytes, bits, number.bits)
        }
        Body::Ptr(_) => {
            let number = parse_number(text).ok_or_else(|| wrong("an address".into()))?;
            let bits = btf.pointer_bytes() * 8;
            check_range(btf, spot, text, number, bits, false)?;
            store(btf, spot, bytes, bits, number.bits)
        }
        Body::Float(size @ (4 | 8)) => {
            let number: f64 = text.parse().map_err(|_| wrong("a number".into()))?;
            let raw = if size == 4 {
                u128::from((number as f32).to_bits())
            } else {
                u128::from(number.to_bits())
            };
            store(btf, spot, bytes, size * 8, raw)
        }
        Body::Array(array) => put_array(btf, spot, array, text, bytes),
        Body::Struct(_) | Body::Union(_) => {
            let Some(inner) = braces(text) else {
                return Err(wrong("{ .member = value, … }".into()));
            };
            for part in split_list(inner) {
                let Some((name, value)) = part
                    .strip_prefix('.')
                    .and_then(|assignment| assignment.split_once('='))
                else {
                    return Err(wrong(format!(".member = value, not {part:?}")));
                };
                let inner = lookup_path(btf, ty.id(), name.trim())?;
                let inner = Spot {
                    bit_offset: spot.bit_offset + inner.bit_offset,
                    ..inner
                };
                put(btf, inner, value, bytes)?;
            }
            Ok(())
        }
        _ => Err(ValueError::NotWritable {
            ty: describe(btf, spot.ty),
        }),
    }
}

fn put_array(
    btf: &Btf,
    spot: Spot,
    array: crate::Array,
    text: &str,
    bytes: &mut [u8],
) -> Result<(), ValueError> {
    let ty = || describe(btf, spot.ty);
    let element = btf.resolve(array.element);
    let start = spot.byte_offset();
    let room = match array.len {
        0 => (bytes.len() as u64).saturating_sub(start),
        len => btf
            .size_of(array.element)
            .and_then(|size| size.checked_mul(u64::from(len)))
            .ok_or_else(|| ValueError::NotWritable { ty: ty() })?,
    };
    let too_long = |need: u64| ValueError::TooLong {
        ty: ty(),
        have: room,
        need,
    };
    let one_byte = matches!(element.body(), Body::Int(int) if int.size == 1);
    if let Some(inner) = braces(text) {
        let size = btf
            .size_of(array.element)
            .ok_or_else(|| ValueError::NotWritable { ty: ty() })?;
        for (index, part) in split_list(inner).enumerate() {
            let offset = size.saturating_mul(index as u64);
            if offset.saturating_add(size) > room {
                return Err(too_long(offset.saturating_add(size)));
            }
            let inner = Spot {
                ty: array.element,
                bit_offset: spot.bit_offset + offset * 8,
                bitfield_bits: 0,
            };
            put(btf, inner, part, bytes)?;
        }
        return Ok(());
    }
    let expected = if one_byte {
        "text, hex 0a 0b …, 0x0a0b… or {1, 2, …}"
    } else {
        "{value, …}"
    };
    let is_text = matches!(element.body(), Body::Int(int) if int.is_char())
        || matches!(element.name(), "char");
    let content = match parse_bytes(text) {
        Some(content) if one_byte => content,
        _ if one_byte && is_text => unquote(text).into_bytes(),
        _ => {
            return Err(ValueError::Text {
                text: text.to_owned(),
                ty: ty(),
                expected: expected.to_owned(),
            });
        }
    };
    let need = content.len() as u64;
    let place = usize::try_from(start).ok().and_then(|start| {
        bytes
            .get_mut(start..)?
            .get_mut(..usize::try_from(room).ok()?)
    });
    match place {
        Some(place) if need <= room => {
            place.fill(0);
            place[..content.len()].copy_from_slice(&content);
            Ok(())
        }
        _ => Err(too_long(need)),
    }
}

fn store(
    btf: &Btf,
    spot: Spot,
    bytes: &mut [u8],
    width: u32,
    number: u128,
) -> Result<(), ValueError> {
    let have = bytes.len() as u64;
    bits::write(bytes, spot.bit_offset, width, btf.endian(), number).ok_or_else(|| {
        ValueError::TooLong {
            ty: describe(btf, spot.ty),
            have,
            need: (spot.bit_offset + u64::from(width)).div_ceil(8),
        }
    })
}

/// A number and whether it was written as a bit pattern, which may fill a signed type.
#[derive(Copy, Clone)]
struct Number {
    bits: u128,
    negative: bool,
    pattern: bool,
}

impl Number {
    fn plain(value: i128) -> Self {
        Number {
            bits: value as u128,
            negative: value < 0,
            pattern: false,
        }
    }
}

fn parse_number(text: &str) -> Option<Number> {
    if let [b'\'', byte, b'\''] = text.as_bytes() {
        return Some(Number::plain(i128::from(*byte)));
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.replace('_', "");
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (2, digits)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (8, digits)
    } else {
        (10, lower.as_str())
    };
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let bits = u128::from_str_radix(digits, radix).ok()?;
    if negative && bits > 1 << 127 {
        return None;
    }
    Some(Number {
        bits: if negative { bits.wrapping_neg() } else { bits },
        negative: negative && bits != 0,
        pattern: radix != 10 && !negative,
    })
}

fn check_range(
    btf: &Btf,
    spot: Spot,
    text: &str,
    number: Number,
    width: u32,
    signed: bool,
) -> Result<(), ValueError> {
    let fits = if number.negative {
        signed && bits::sign_extend(number.bits, width) == number.bits as i128
    } else if signed && !number.pattern {
        number.bits <= bits::mask(width) >> 1
    } else {
        number.bits <= bits::mask(width)
    };
    if fits {
        return Ok(());
    }
    let (least, greatest) = if signed {
        (
            -(bits::mask(width.min(127)) as i128 >> 1) - 1,
            (bits::mask(width) >> 1) as i128,
        )
    } else {
        (0, i128::try_from(bits::mask(width)).unwrap_or(i128::MAX))
    };
    Err(ValueError::Range {
        text: text.to_owned(),
        ty: describe(btf, spot.ty),
        least,
        greatest,
    })
}

/// `hex 0a 0b` as bpftool has it, or `0x0a0b` with an even number of digits.
fn parse_bytes(text: &str) -> Option<Vec<u8>> {
    let byte = |digits: &str| u8::from_str_radix(digits, 16).ok();
    if let Some(list) = text.strip_prefix("hex ") {
        return list.split_ascii_whitespace().map(byte).collect();
    }
    let digits = text.strip_prefix("0x")?;
    if digits.len() % 2 != 0 || !digits.is_ascii() {
        return None;
    }
    (0..digits.len() / 2)
        .map(|index| byte(&digits[index * 2..index * 2 + 2]))
        .collect()
}

fn unquote(text: &str) -> String {
    match text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
    {
        Some(inner) => inner.to_owned(),
        None => text.to_owned(),
    }
}

fn braces(text: &str) -> Option<&str> {
    text.strip_prefix('{')?.strip_suffix('}')
}

/// Splits at commas that are in no braces and no quotes.
fn split_list(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    let mut quoted = false;
    text.split(move |c: char| {
        match c {
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => depth = depth.saturating_sub(1),
            ',' => return depth == 0 && !quoted,
            _ => {}
        }
        false
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}
