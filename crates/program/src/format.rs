//! The formats of helpers that print: which conversions there are, read from the text.
//!
//! `%d %i %u %x %X` with `l` and `ll`, `%c %s %pks %pus`, `%p %px %pK`, `%pI4 %pi4 %pI6 %pi6`, flags and
//! widths. Everything else is `EINVAL`, as in `bpf_bprintf_prepare` (6.18). The verifier asks whether a
//! format is right, helpers print by it.

use crate::Errno;

/// The greatest width that counts.
pub const WIDTH_MAX: usize = 1024;

/// A part of a format.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// Text as it stands.
    Text(&'t [u8]),
    /// The next value.
    Value(Layout, Conversion),
}

/// Flags and width of a conversion.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Filled with zeroes.
    pub zero: bool,
    /// Filled at the right.
    pub left: bool,
    /// A sign even if it is positive.
    pub plus: bool,
    /// A space where the sign would be.
    pub space: bool,
    /// The least bytes it has.
    pub width: usize,
}

/// What a value is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// `%c`
    Char,
    /// `%d`, `%i`
    Signed {
        /// All 64 bits.
        long: bool,
    },
    /// `%u`
    Unsigned {
        /// All 64 bits.
        long: bool,
    },
    /// `%x`, `%X`
    Hex {
        /// All 64 bits.
        long: bool,
        /// With capital letters.
        upper: bool,
    },
    /// `%s`, `%pks`, `%pus`
    Text(Memory),
    /// `%pi4`, `%pI4`, `%pi6`, `%pI6`
    Address {
        /// 4 or 16.
        bytes: usize,
        /// With nothing between its parts.
        plain: bool,
    },
    /// `%ps`, `%pS`, `%pB`
    Symbol,
    /// `%p`, `%px`, `%pK`
    Pointer,
}

/// Where a text is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Wherever its address is.
    Either,
    /// In the kernel.
    Kernel,
    /// In the process.
    Process,
}

/// The parts of a format, without its final zero.
pub fn pieces(text: &[u8]) -> Pieces<'_> {
    // Bytes of other scripts pass since 6.17, control characters do not.
    let plain = |byte: u8| matches!(byte, b' '..=b'~' | 9..=13 | 0x80..);
    Pieces {
        rest: text,
        wrong: !text.iter().copied().all(plain),
    }
}

/// How many values a format takes.
///
/// # Errors
/// `EINVAL` if it has a conversion that is none.
pub fn value_count(text: &[u8]) -> Result<usize, Errno> {
    let mut count = 0;
    for piece in pieces(text) {
        count += usize::from(matches!(piece?, Piece::Value(..)));
    }
    Ok(count)
}

/// The parts of a format; it ends behind what is wrong.
#[derive(Clone, Debug)]
pub struct Pieces<'t> {
    rest: &'t [u8],
    wrong: bool,
}

impl<'t> Iterator for Pieces<'t> {
    type Item = Result<Piece<'t>, Errno>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.wrong {
            *self = pieces(&[]);
            return Some(Err(Errno::EINVAL));
        }
        let text = self.rest;
        match text {
            [] => None,
            [b'%', b'%', rest @ ..] => {
                self.rest = rest;
                Some(Ok(Piece::Text(&text[..1])))
            }
            [b'%', rest @ ..] => {
                let mut at = 0;
                let layout = layout(rest, &mut at);
                let Some((conversion, bytes)) = conversion(&rest[at..]) else {
                    self.wrong = true;
                    return self.next();
                };
                self.rest = &rest[at + bytes..];
                Some(Ok(Piece::Value(layout, conversion)))
            }
            _ => {
                let end = text.iter().position(|&byte| byte == b'%');
                let (plain, rest) = text.split_at(end.unwrap_or(text.len()));
                self.rest = rest;
                Some(Ok(Piece::Text(plain)))
            }
        }
    }
}

fn layout(text: &[u8], at: &mut usize) -> Layout {
    let mut layout = Layout::default();
    while let Some(byte) = text.get(*at) {
        match byte {
            b'0' => layout.zero = true,
            b'-' => layout.left = true,
            b'+' => layout.plus = true,
            b' ' => layout.space = true,
            _ => break,
        }
        *at += 1;
    }
    while let Some(digit) = text.get(*at).filter(|byte| byte.is_ascii_digit()) {
        let width = layout.width * 10 + usize::from(digit - b'0');
        layout.width = width.min(WIDTH_MAX);
        *at += 1;
    }
    layout
}

/// True if a pointer or string conversion may end before this byte.
fn ends(next: Option<&u8>) -> bool {
    next.is_none_or(|byte| byte.is_ascii_whitespace() || byte.is_ascii_punctuation())
}

/// Letters and digits right behind a pointer conversion, which belong to it whatever they are.
fn alphanumerics(rest: &[u8]) -> usize {
    let extra = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric());
    extra.count()
}

/// The conversion a text begins with, and its bytes.
fn conversion(text: &[u8]) -> Option<(Conversion, usize)> {
    let found = match text {
        [b'c', ..] => (Conversion::Char, 1),
        [b's', rest @ ..] if ends(rest.first()) => (Conversion::Text(Memory::Either), 1),
        [b'p', b'k', b's', rest @ ..] if ends(rest.first()) => {
            (Conversion::Text(Memory::Kernel), 3)
        }
        [b'p', b'u', b's', rest @ ..] if ends(rest.first()) => {
            (Conversion::Text(Memory::Process), 3)
        }
        [
            b'p',
            kind @ (b'i' | b'I'),
            version @ (b'4' | b'6'),
            rest @ ..,
        ] => {
            let address = Conversion::Address {
                bytes: if *version == b'4' { 4 } else { 16 },
                plain: *kind == b'i',
            };
            (address, 3 + alphanumerics(rest))
        }
        [b'p', b'K' | b'x', rest @ ..] => (Conversion::Pointer, 2 + alphanumerics(rest)),
        [b'p', b's' | b'S' | b'B', rest @ ..] => (Conversion::Symbol, 2 + alphanumerics(rest)),
        [b'p', rest @ ..] if ends(rest.first()) => (Conversion::Pointer, 1),
        [b'l', b'l', kind, ..] => (integer(*kind, true)?, 3),
        [b'l', kind, ..] => (integer(*kind, true)?, 2),
        [kind, ..] => (integer(*kind, false)?, 1),
        [] => return None,
    };
    Some(found)
}

fn integer(kind: u8, long: bool) -> Option<Conversion> {
    Some(match kind {
        b'd' | b'i' => Conversion::Signed { long },
        b'u' => Conversion::Unsigned { long },
        b'x' | b'X' => Conversion::Hex {
            long,
            upper: kind == b'X',
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::value_count;
    use crate::Errno;

    #[test]
    fn values_are_counted() {
        for (text, count) in [
            ("", 0),
            ("100%%", 0),
            ("%d %-05llx|%s", 3),
            ("%pI4:%u", 2),
            ("%pK", 1),
        ] {
            assert_eq!(value_count(text.as_bytes()), Ok(count), "{text}");
        }
    }

    #[test]
    fn what_is_no_conversion_is_refused() {
        for text in ["%hd", "%", "%l", "%sx", "%pi5", "a\x01b", "%q"] {
            assert_eq!(value_count(text.as_bytes()), Err(Errno::EINVAL), "{text}");
        }
    }
}
