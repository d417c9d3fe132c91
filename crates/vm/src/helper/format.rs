//! The kernel's formatting rules for programs: which conversions there are and how they print.
//!
//! `%d %i %u %x %X` with `l` and `ll`, `%c %s %pks %pus`, `%p %px %pK`, `%pI4 %pi4 %pI6 %pi6`, flags and
//! widths. Everything else is `EINVAL`, as in `bpf_bprintf_prepare` (6.12).

use osmia_program::Errno;

use super::probe::{Anywhere, Whose};
use crate::guest::Guest;
use crate::limits;

/// Flags and width of a conversion.
#[derive(Default)]
struct Layout {
    zero: bool,
    left: bool,
    plus: bool,
    space: bool,
    width: usize,
}

impl Layout {
    fn put(&self, out: &mut Vec<u8>, sign: &str, digits: &[u8]) {
        let missing = self.width.saturating_sub(sign.len() + digits.len());
        let fill = |out: &mut Vec<u8>, byte| out.resize(out.len() + missing, byte);
        if !self.left && !self.zero {
            fill(out, b' ');
        }
        out.extend_from_slice(sign.as_bytes());
        if !self.left && self.zero {
            fill(out, b'0');
        }
        out.extend_from_slice(digits);
        if self.left {
            fill(out, b' ');
        }
    }
}

/// Appends the formatted text; strings and addresses that values point to are read from memory.
pub(super) fn format<G: Guest>(
    text: &[u8],
    memory: &Anywhere<'_, G>,
    values: &[u64],
    out: &mut Vec<u8>,
) -> Result<(), Errno> {
    // Bytes of other scripts pass since 6.17, control characters do not.
    let plain = |byte: u8| matches!(byte, b' '..=b'~' | 9..=13 | 0x80..);
    if !text.iter().copied().all(plain) {
        return Err(Errno::EINVAL);
    }
    let mut values = values.iter().copied();
    let mut at = 0;
    while at < text.len() {
        if text[at] != b'%' {
            out.push(text[at]);
            at += 1;
            continue;
        }
        at += 1;
        if text.get(at) == Some(&b'%') {
            out.push(b'%');
            at += 1;
            continue;
        }
        let value = values.next().ok_or(Errno::EINVAL)?;
        let layout = layout(text, &mut at);
        at += conversion(&text[at..], memory, value, &layout, out)?;
    }
    Ok(())
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
        layout.width = width.min(limits::PRINT_BYTES_MAX);
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

/// Prints one value; how many bytes the conversion takes.
fn conversion<G: Guest>(
    text: &[u8],
    memory: &Anywhere<'_, G>,
    value: u64,
    layout: &Layout,
    out: &mut Vec<u8>,
) -> Result<usize, Errno> {
    match text {
        [b'c', ..] => {
            layout.put(out, "", &[value as u8]);
            Ok(1)
        }
        [b's', rest @ ..] if ends(rest.first()) => {
            put_string(memory, Whose::Either, value, layout, out);
            Ok(1)
        }
        [b'p', kind @ (b'k' | b'u'), b's', rest @ ..] if ends(rest.first()) => {
            let whose = if *kind == b'u' {
                Whose::Process
            } else {
                Whose::Kernel
            };
            put_string(memory, whose, value, layout, out);
            Ok(3)
        }
        [
            b'p',
            kind @ (b'i' | b'I'),
            version @ (b'4' | b'6'),
            rest @ ..,
        ] => {
            let mut address = [0; 16];
            let bytes = if *version == b'4' { 4 } else { 16 };
            // What cannot be read prints as zeroes.
            if !memory.read(Whose::Kernel, value, &mut address[..bytes]) {
                address.fill(0);
            }
            let plain = *kind == b'i';
            layout.put(out, "", ip(&address[..bytes], plain).as_bytes());
            Ok(3 + alphanumerics(rest))
        }
        [b'p', b'K' | b'x', rest @ ..] => {
            layout.put(out, "", format!("{value:016x}").as_bytes());
            Ok(2 + alphanumerics(rest))
        }
        // Symbols: nothing here has a name.
        [b'p', b's' | b'S' | b'B', rest @ ..] => {
            layout.put(out, "", format!("{value:#x}").as_bytes());
            Ok(2 + alphanumerics(rest))
        }
        [b'p', rest @ ..] if ends(rest.first()) => {
            layout.put(out, "", format!("{value:016x}").as_bytes());
            Ok(1)
        }
        [b'l', b'l', kind, ..] => integer(*kind, value, true, layout, out).map(|()| 3),
        [b'l', kind, ..] => integer(*kind, value, true, layout, out).map(|()| 2),
        [kind, ..] => integer(*kind, value, false, layout, out).map(|()| 1),
        [] => Err(Errno::EINVAL),
    }
}

fn integer(
    kind: u8,
    value: u64,
    long: bool,
    layout: &Layout,
    out: &mut Vec<u8>,
) -> Result<(), Errno> {
    let unsigned = if long { value } else { u64::from(value as u32) };
    let signed = if long {
        value as i64
    } else {
        i64::from(value as i32)
    };
    match kind {
        b'd' | b'i' => {
            let sign = match signed {
                ..0 => "-",
                _ if layout.plus => "+",
                _ if layout.space => " ",
                _ => "",
            };
            layout.put(out, sign, signed.unsigned_abs().to_string().as_bytes());
        }
        b'u' => layout.put(out, "", unsigned.to_string().as_bytes()),
        b'x' => layout.put(out, "", format!("{unsigned:x}").as_bytes()),
        b'X' => layout.put(out, "", format!("{unsigned:X}").as_bytes()),
        _ => return Err(Errno::EINVAL),
    }
    Ok(())
}

fn put_string<G: Guest>(
    memory: &Anywhere<'_, G>,
    whose: Whose,
    address: u64,
    layout: &Layout,
    out: &mut Vec<u8>,
) {
    let mut buffer = [0; limits::PRINT_BYTES_MAX];
    // A string that cannot be read prints as nothing.
    let len = memory
        .string(whose, address, &mut buffer)
        .map_or(0, |len| len - 1);
    layout.put(out, "", &buffer[..len]);
}

fn ip(bytes: &[u8], plain: bool) -> String {
    let words: Vec<String> = match bytes.len() {
        4 if plain => bytes.iter().map(|byte| format!("{byte:03}")).collect(),
        4 => bytes.iter().map(u8::to_string).collect(),
        _ => bytes
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[a, b]| format!("{a:02x}{b:02x}"))
            .collect(),
    };
    words.join(match (bytes.len(), plain) {
        (4, _) => ".",
        (_, true) => "",
        (_, false) => ":",
    })
}
