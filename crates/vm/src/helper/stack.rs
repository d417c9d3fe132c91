//! Call stacks: those the environment describes; a machine nobody described has none.

use osmia_program::Errno;

use super::{HelperFn, negative};
use crate::checked::not_a_map;
use crate::guest::{Call, Fault, Guest};
use crate::map::with_build_ids;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        27 => get_stackid,
        67 => get_stack,
        141 => get_task_stack,
        _ => return None,
    })
}

/// `BPF_F_SKIP_FIELD_MASK`: innermost frames to leave out.
const SKIP_MASK: u64 = 0xff;
/// `BPF_F_USER_STACK`
const USER_STACK: u64 = 1 << 8;
/// `BPF_F_USER_BUILD_ID`
const USER_BUILD_ID: u64 = 1 << 11;

/// `bpf_get_stackid`: the stack's number in the map.
fn get_stackid<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, handle, flags, ..] = call.args;
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 2))?;
    let Some(stacks) = map.stacks() else {
        return Err(Fault::Argument {
            argument: 2,
            what: format!("is map {}, which keeps no stacks", map.spec().name),
        });
    };
    let event = &call.world.env.event;
    let id = stacks.keep(&event.kernel_stack, &event.user_stack, flags);
    Ok(id.map_or_else(negative, u64::from))
}

/// `bpf_get_stack`
fn get_stack<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    copy_stack(call)
}

/// `bpf_get_task_stack`: of the current task; nobody described where others stand.
fn get_task_stack<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    if call.world.stage.current() == Some(call.args[0]) {
        return copy_stack(call);
    }
    let size = call.args[2] as u32;
    call.check_write(2, size)?;
    let zeroes = call.world.buffer(size as usize);
    let written = call.write(2, &zeroes);
    call.world.reuse(zeroes);
    written.map(|()| negative(Errno::EFAULT))
}

/// How many bytes of the stack were written; what is behind them is zeroed.
fn copy_stack<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, _, size, flags, _] = call.args;
    let size = size as u32;
    call.check_write(2, size)?;
    let (user, build_ids) = (flags & USER_STACK != 0, flags & USER_BUILD_ID != 0);
    let frame_bytes = if user && build_ids { 32 } else { 8 };
    let event = &call.world.env.event;
    let stack = if user {
        &event.user_stack
    } else {
        &event.kernel_stack
    };
    let frames = stack.get((flags & SKIP_MASK) as usize..);
    let bytes = if flags & !(SKIP_MASK | USER_STACK | USER_BUILD_ID) != 0
        || (build_ids && !user)
        || !size.is_multiple_of(frame_bytes)
    {
        Err(Errno::EINVAL)
    } else if let Some(frames) = frames {
        let frames = &frames[..frames.len().min((size / frame_bytes) as usize)];
        Ok(match frame_bytes {
            8 => frames
                .iter()
                .flat_map(|frame| frame.to_ne_bytes())
                .collect(),
            _ => with_build_ids(frames),
        })
    } else {
        Err(Errno::EFAULT)
    };
    let mut buffer = call.world.buffer(size as usize);
    let result = match &bytes {
        Ok(bytes) => {
            buffer[..bytes.len()].copy_from_slice(bytes);
            bytes.len() as u64
        }
        Err(errno) => negative(*errno),
    };
    let written = call.write(2, &buffer);
    call.world.reuse(buffer);
    written.map(|()| result)
}
