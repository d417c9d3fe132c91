//! Text: formatting, numbers, comparison.

use osmia_program::{Errno, RecordSource};

use super::format::format;
use super::probe::{Whose, anywhere};
use super::{HelperFn, errno, negative};
use crate::guest::{Call, Fault, Guest};
use crate::limits;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        6 => trace_printk,
        105 => strtol,
        106 => strtoul,
        165 => snprintf,
        177 => trace_vprintk,
        182 => strncmp,
        _ => return None,
    })
}

/// Most values a formatting helper takes (`MAX_BPRINTF_VARARGS`).
const VALUES_MAX: usize = 12;

/// `bpf_trace_printk`: up to three values in registers.
fn trace_printk<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, size, a, b, c] = call.args;
    let text = call.bytes(1, size as u32 as usize)?;
    let result = trace(call, &text, &[a, b, c]);
    call.world.reuse(text);
    Ok(result)
}

/// `bpf_trace_vprintk`: values in memory.
fn trace_vprintk<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let size = call.args[1];
    let text = call.bytes(1, size as u32 as usize)?;
    let values = values(call, 3, 4)?;
    let result = match values {
        Ok((values, count)) => trace(call, &text, &values[..count]),
        Err(errno) => negative(errno),
    };
    call.world.reuse(text);
    Ok(result)
}

fn trace<G: Guest>(call: &mut Call<'_, G>, text: &[u8], values: &[u64]) -> u64 {
    let Some(end) = text.iter().position(|&byte| byte == 0) else {
        return negative(Errno::EINVAL);
    };
    say(call, RecordSource::Trace, &text[..end], values)
}

/// Formats a text and records it; its length or a negative error number.
fn say<G: Guest>(call: &mut Call<'_, G>, source: RecordSource, text: &[u8], values: &[u64]) -> u64 {
    let mut out = Vec::new();
    if let Err(errno) = format(text, &anywhere(call), values, &mut out) {
        return negative(errno);
    }
    let len = out.len() as u64;
    out.truncate(limits::PRINT_BYTES_MAX - 1);
    call.world.record(source, out);
    len
}

/// `bpf_stream_vprintk_impl(stream, format, values, size, aux)`: to the program's output or errors.
pub(crate) fn stream_vprintk<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    /// `BPF_STDOUT`, `BPF_STDERR`
    const OUTPUT: u32 = 1;
    const ERRORS: u32 = 2;
    let [stream, format_at, ..] = call.args;
    let mut text = call.world.buffer(limits::PRINT_BYTES_MAX);
    let len = anywhere(call).string(Whose::Kernel, format_at, &mut text);
    let values = values(call, 3, 4)?;
    let result = match (stream as u32, len, values) {
        (OUTPUT | ERRORS, Some(len), Ok((values, count))) => {
            let error = stream as u32 == ERRORS;
            let source = RecordSource::Stream { error };
            match say(call, source, &text[..len - 1], &values[..count]) {
                failed if (failed as i64) < 0 => failed,
                _ => 0,
            }
        }
        (OUTPUT | ERRORS, None, _) => negative(Errno::EFAULT),
        (OUTPUT | ERRORS, _, Err(errno)) => negative(errno),
        _ => negative(Errno::ENOENT),
    };
    call.world.reuse(text);
    Ok(result)
}

/// `bpf_snprintf`: the length the text needs, its zero included.
fn snprintf<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, size, format_at, ..] = call.args;
    let size = size as u32;
    call.check_write(1, size)?;
    let values = match values(call, 4, 5)? {
        Ok(values) => values,
        Err(errno) => return Ok(negative(errno)),
    };
    let mut text = call.world.buffer(limits::PRINT_BYTES_MAX);
    let Some(len) = anywhere(call).string(Whose::Kernel, format_at, &mut text) else {
        return Err(Fault::Argument {
            argument: 3,
            what: format!("is {format_at:#x}, where no string begins"),
        });
    };
    let mut out = call.world.buffer(0);
    let given = &values.0[..values.1];
    let result = format(&text[..len - 1], &anywhere(call), given, &mut out);
    let needed = out.len() as u64 + 1;
    if result.is_ok() && size > 0 {
        out.truncate(size as usize - 1);
        out.push(0);
        call.write(1, &out)?;
    }
    call.world.reuse(text);
    call.world.reuse(out);
    Ok(match result {
        Ok(()) => needed,
        Err(errno) => negative(errno),
    })
}

/// The values in memory that two arguments describe.
#[allow(clippy::type_complexity)]
pub(super) fn values<G: Guest>(
    call: &mut Call<'_, G>,
    data: usize,
    size: usize,
) -> Result<Result<([u64; VALUES_MAX], usize), Errno>, Fault> {
    let bytes = call.args[size - 1] as u32 as usize;
    if !bytes.is_multiple_of(8) || bytes > VALUES_MAX * 8 {
        return Ok(Err(Errno::EINVAL));
    }
    let mut raw = [0; VALUES_MAX * 8];
    if bytes > 0 {
        call.read(data, &mut raw[..bytes])?;
    }
    let mut values = [0; VALUES_MAX];
    for (value, bytes) in values.iter_mut().zip(raw.as_chunks::<8>().0) {
        *value = u64::from_ne_bytes(*bytes);
    }
    Ok(Ok((values, bytes / 8)))
}

/// Most bytes a number is read from.
const NUMBER_BYTES_MAX: usize = 64;

/// A number at the start of a text: sign, magnitude, bytes read.
fn number(text: &[u8], flags: u64) -> Result<(bool, u64, usize), Errno> {
    let base = match flags {
        0 | 8 | 10 | 16 => flags,
        _ => return Err(Errno::EINVAL),
    };
    if text.is_empty() {
        return Err(Errno::EINVAL);
    }
    // The kernel's blanks: vertical tabs and Latin-1's unbreakable space too.
    let blank = |byte: &&u8| matches!(byte, 9..=13 | b' ' | 0xa0);
    let spaces = text.iter().take_while(blank);
    let mut at = spaces.count();
    let minus = text.get(at) == Some(&b'-');
    at += usize::from(minus);
    let text = &text[..text.len().min(at + NUMBER_BYTES_MAX - 1)];
    let prefix = text.get(at) == Some(&b'0') && matches!(text.get(at + 1), Some(b'x' | b'X'));
    let base = match base {
        // `0x` and no digit is an octal zero, unless the caller asked for base 16.
        0 if prefix && text.get(at + 2).is_some_and(u8::is_ascii_hexdigit) => 16,
        0 if text.get(at) == Some(&b'0') => 8,
        0 => 10,
        base => base as u32,
    };
    if base == 16 && prefix {
        at += 2;
    }
    let first = at;
    let mut value = 0u64;
    while let Some(digit) = text
        .get(at)
        .and_then(|&byte| char::from(byte).to_digit(base))
    {
        value = value
            .checked_mul(u64::from(base))
            .and_then(|value| value.checked_add(u64::from(digit)))
            .ok_or(Errno::ERANGE)?;
        at += 1;
    }
    if at == first {
        return Err(Errno::EINVAL);
    }
    Ok((minus, value, at))
}

fn parse<G: Guest>(
    call: &mut Call<'_, G>,
    convert: impl Fn(bool, u64) -> Result<u64, Errno>,
) -> Result<u64, Fault> {
    let [_, size, flags, ..] = call.args;
    let text = call.bytes(1, size as u32 as usize)?;
    call.check_write(4, 8)?;
    let result =
        number(&text, flags).and_then(|(minus, value, read)| Ok((convert(minus, value)?, read)));
    call.world.reuse(text);
    match result {
        Ok((value, read)) => {
            call.write(4, &value.to_ne_bytes())?;
            Ok(read as u64)
        }
        Err(error) => {
            call.write(4, &[0; 8])?;
            Ok(errno(Err(error)))
        }
    }
}

/// `bpf_strtol`
fn strtol<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    parse(call, |minus, value| {
        let signed = i128::from(value) * if minus { -1 } else { 1 };
        i64::try_from(signed)
            .map(|value| value as u64)
            .map_err(|_| Errno::ERANGE)
    })
}

/// `bpf_strtoul`
fn strtoul<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    parse(call, |minus, value| match minus {
        true => Err(Errno::EINVAL),
        false => Ok(value),
    })
}

/// `bpf_strncmp`: -1, 0 or 1.
fn strncmp<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, size, other, ..] = call.args;
    let text = call.bytes(1, size as u32 as usize)?;
    let mut result = 0;
    for (at, &byte) in text.iter().enumerate() {
        let mut against = [0];
        if !call.guest.read(other.wrapping_add(at as u64), &mut against) {
            return Err(Fault::Access {
                argument: 3,
                address: other.wrapping_add(at as u64),
                bytes: 1,
                write: false,
            });
        }
        if byte != against[0] {
            result = if byte < against[0] { -1i64 } else { 1 } as u64;
            break;
        }
        if byte == 0 {
            break;
        }
    }
    call.world.reuse(text);
    Ok(result)
}
