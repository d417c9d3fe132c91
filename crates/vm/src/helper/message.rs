//! Messages that sockets of a map send: how much a verdict covers, what programs see, what they change
//! (`net/core/filter.c`, 6.18). A message here is one piece.

use osmia_program::Errno;

use super::{HelperFn, errno};
use crate::guest::{Call, Fault, Guest};
use crate::limits;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        61 => apply_bytes,
        62 => cork_bytes,
        63 => pull_data,
        90 => push_data,
        91 => pop_data,
        _ => return None,
    })
}

/// `bpf_msg_apply_bytes`: the verdict is for so many bytes.
fn apply_bytes<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    call.world.message.applied_bytes = call.args[1] as u32;
    Ok(0)
}

/// `bpf_msg_cork_bytes`: the program wants to see so many bytes before it decides.
fn cork_bytes<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    call.world.message.awaited_bytes = call.args[1] as u32;
    Ok(0)
}

/// Tells everybody that the message has another length, and which part of it the program sees.
fn show<G: Guest>(call: &mut Call<'_, G>, from: usize, to: usize) {
    call.world.packet.show(from, to);
    let len = call.world.packet.len() as u32;
    call.world.context.set("size", len);
    call.guest.packet_moved(&call.world.packet);
}

/// `bpf_msg_pull_data`: makes the program see a part of the message.
fn pull_data<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, start, end, flags, _] = call.args;
    let (start, end) = (start as u32 as usize, end as u32 as usize);
    if flags != 0 || end <= start || end > call.world.packet.len() {
        return Ok(errno(Err(Errno::EINVAL)));
    }
    show(call, start, end);
    Ok(0)
}

/// `bpf_msg_push_data`: opens zeroed bytes in the message. The program sees the piece before them, or
/// them.
fn push_data<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, start, len, flags, _] = call.args;
    let (start, len) = (start as u32 as usize, len as u32 as usize);
    let packet = &mut call.world.packet;
    let result = if flags != 0 {
        Err(Errno::EINVAL)
    } else if len == 0 {
        return Ok(0);
    } else if start > packet.len() {
        Err(Errno::EINVAL)
    } else if packet.len().saturating_add(len) > limits::PACKET_BYTES_MAX {
        Err(Errno::ENOMEM)
    } else {
        packet.insert(start, len).ok_or(Errno::ENOMEM)
    };
    if result.is_ok() {
        show(call, 0, if start > 0 { start } else { len });
    }
    Ok(errno(result))
}

/// `bpf_msg_pop_data`: takes bytes out of the message. The program sees the piece before them, or what
/// is left.
fn pop_data<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, start, len, flags, _] = call.args;
    let (start, len) = (start as u32 as usize, len as u32 as usize);
    let packet = &mut call.world.packet;
    let result = if flags != 0 {
        Err(Errno::EINVAL)
    } else if len == 0 {
        return Ok(0);
    } else if start.saturating_add(len) > packet.len() || start >= packet.len() {
        Err(Errno::EINVAL)
    } else {
        packet.remove(start, len).ok_or(Errno::ENOMEM)
    };
    if result.is_ok() {
        let left = call.world.packet.len();
        show(call, 0, if start > 0 { start } else { left });
    }
    Ok(errno(result))
}
