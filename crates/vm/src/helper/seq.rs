//! What iterators print to their sequence file.

use osmia_program::Errno;

use super::format::format;
use super::probe::anywhere;
use super::text::values;
use super::{HelperFn, errno, negative};
use crate::guest::{Call, Fault, Guest};
use crate::limits;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        126 => seq_printf,
        127 => seq_write,
        _ => return None,
    })
}

/// Checks that the first argument is the sequence file of the iteration.
pub(super) fn sequence<G: Guest>(call: &Call<'_, G>) -> Result<(), Fault> {
    let file = call.args[0];
    if file != 0 && call.world.stage.sequence_address() == Some(file) {
        return Ok(());
    }
    Err(Fault::Argument {
        argument: 1,
        what: format!("is {file:#x}, not the sequence file of an iteration"),
    })
}

/// Appends, unless the file's buffer would run over: then nothing is kept.
pub(super) fn append<G: Guest>(call: &mut Call<'_, G>, bytes: &[u8]) -> Result<(), Errno> {
    let sequence = &mut call.world.stage.sequence;
    if sequence.len() + bytes.len() > limits::SEQUENCE_BYTES_MAX {
        return Err(Errno::EOVERFLOW);
    }
    sequence.extend(bytes);
    Ok(())
}

/// `bpf_seq_printf`
fn seq_printf<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    sequence(call)?;
    let size = call.args[2] as u32 as usize;
    let text = call.bytes(2, size)?;
    let end = text.iter().position(|byte| *byte == 0);
    let values = values(call, 4, 5)?;
    let mut out = call.world.buffer(0);
    let result = match (end, values) {
        (Some(end), Ok((values, count))) => {
            format(&text[..end], &anywhere(call), &values[..count], &mut out)
                .and_then(|()| append(call, &out))
        }
        (None, _) => Err(Errno::EINVAL),
        (_, Err(errno)) => Err(errno),
    };
    call.world.reuse(text);
    call.world.reuse(out);
    Ok(errno(result))
}

/// `bpf_seq_write`
fn seq_write<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    sequence(call)?;
    let bytes = call.bytes(2, call.args[2] as u32 as usize)?;
    let result = append(call, &bytes);
    call.world.reuse(bytes);
    Ok(result.map_or_else(negative, |()| 0))
}
