//! Reads from anywhere: what is not the program's own memory is not there.

use osmia_program::Errno;

use super::{HelperFn, negative};
use crate::guest::{Call, Fault, Guest};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        4 | 112 | 113 => read,
        45 | 114 | 115 => read_str,
        _ => return None,
    })
}

/// `bpf_probe_read`, `_kernel`, `_user`: a failed read leaves zeroes.
fn read<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, size, source, ..] = call.args;
    let size = size as u32;
    call.check_write(1, size)?;
    let mut buffer = call.world.buffer(size as usize);
    let copied = call.guest.read(source, &mut buffer);
    if !copied {
        buffer.fill(0);
    }
    let written = call.write(1, &buffer);
    call.world.reuse(buffer);
    written?;
    Ok(if copied { 0 } else { negative(Errno::EFAULT) })
}

/// `bpf_probe_read_str`, `_kernel_str`, `_user_str`: how many bytes were written, the zero at the
/// end included.
fn read_str<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, size, source, ..] = call.args;
    let size = size as u32;
    call.check_write(1, size)?;
    if size == 0 {
        return Ok(0);
    }
    let mut buffer = call.world.buffer(size as usize);
    let copied = string(call.guest, source, &mut buffer);
    let result = match copied {
        Some(len) => {
            // Bytes behind the string stay as they are.
            let (address, bytes) = (call.args[0], &buffer[..len]);
            let written = call.guest.write(address, bytes);
            debug_assert!(written, "checked above");
            len as u64
        }
        None => {
            buffer.fill(0);
            call.write(1, &buffer)?;
            negative(Errno::EFAULT)
        }
    };
    call.world.reuse(buffer);
    Ok(result)
}

/// Copies a string with its zero, cut to the buffer; its length with the zero, or `None` if it
/// leaves readable memory first.
pub(crate) fn string<G: Guest>(guest: &G, source: u64, out: &mut [u8]) -> Option<usize> {
    let last = out.len().checked_sub(1)?;
    for at in 0..last {
        let byte = &mut out[at..=at];
        if !guest.read(source.wrapping_add(at as u64), byte) {
            return None;
        }
        if byte[0] == 0 {
            return Some(at + 1);
        }
    }
    out[last] = 0;
    Some(out.len())
}
