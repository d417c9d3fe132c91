//! The kernel's formatting rules for programs: how values print. Which conversions there are is
//! [`osmia_program::format`]'s.

use osmia_program::Errno;
use osmia_program::format::{Conversion, Layout, Memory, Piece, pieces};

use super::probe::{Anywhere, Whose};
use crate::guest::Guest;
use crate::limits;

fn put(layout: &Layout, out: &mut Vec<u8>, sign: &str, digits: &[u8]) {
    let missing = layout.width.saturating_sub(sign.len() + digits.len());
    let fill = |out: &mut Vec<u8>, byte| out.resize(out.len() + missing, byte);
    if !layout.left && !layout.zero {
        fill(out, b' ');
    }
    out.extend_from_slice(sign.as_bytes());
    if !layout.left && layout.zero {
        fill(out, b'0');
    }
    out.extend_from_slice(digits);
    if layout.left {
        fill(out, b' ');
    }
}

/// Appends the formatted text; strings and addresses that values point to are read from memory.
pub(super) fn format<G: Guest>(
    text: &[u8],
    memory: &Anywhere<'_, G>,
    values: &[u64],
    out: &mut Vec<u8>,
) -> Result<(), Errno> {
    let mut values = values.iter().copied();
    for piece in pieces(text) {
        match piece? {
            Piece::Text(plain) => out.extend_from_slice(plain),
            Piece::Value(layout, conversion) => {
                let value = values.next().ok_or(Errno::EINVAL)?;
                show(conversion, memory, value, &layout, out);
            }
        }
    }
    Ok(())
}

/// Prints one value.
fn show<G: Guest>(
    conversion: Conversion,
    memory: &Anywhere<'_, G>,
    value: u64,
    layout: &Layout,
    out: &mut Vec<u8>,
) {
    let unsigned = |long| if long { value } else { u64::from(value as u32) };
    match conversion {
        Conversion::Char => put(layout, out, "", &[value as u8]),
        Conversion::Text(place) => {
            let whose = match place {
                Memory::Either => Whose::Either,
                Memory::Kernel => Whose::Kernel,
                Memory::Process => Whose::Process,
            };
            put_string(memory, whose, value, layout, out);
        }
        Conversion::Address { bytes, plain } => {
            let mut address = [0; 16];
            // What cannot be read prints as zeroes.
            if !memory.read(Whose::Kernel, value, &mut address[..bytes]) {
                address.fill(0);
            }
            put(layout, out, "", ip(&address[..bytes], plain).as_bytes());
        }
        // Symbols: nothing here has a name.
        Conversion::Symbol => put(layout, out, "", format!("{value:#x}").as_bytes()),
        Conversion::Pointer => put(layout, out, "", format!("{value:016x}").as_bytes()),
        Conversion::Signed { long } => {
            let signed = match long {
                true => value as i64,
                false => i64::from(value as i32),
            };
            let sign = match signed {
                ..0 => "-",
                _ if layout.plus => "+",
                _ if layout.space => " ",
                _ => "",
            };
            let digits = signed.unsigned_abs().to_string();
            put(layout, out, sign, digits.as_bytes());
        }
        Conversion::Unsigned { long } => {
            put(layout, out, "", unsigned(long).to_string().as_bytes());
        }
        Conversion::Hex { long, upper: false } => {
            put(layout, out, "", format!("{:x}", unsigned(long)).as_bytes());
        }
        Conversion::Hex { long, upper: true } => {
            put(layout, out, "", format!("{:X}", unsigned(long)).as_bytes());
        }
    }
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
    put(layout, out, "", &buffer[..len]);
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
