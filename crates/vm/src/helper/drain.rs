//! Draining a ring that a process fills.

use std::sync::Arc;

use osmia_program::Errno;

use super::{HelperFn, errno, events, function, negative};
use crate::checked::not_a_map;
use crate::dynptr::{Dynptr, Kind};
use crate::guest::{Call, Fault, Guest};
use crate::limits;
use crate::map::{Drain, Peek, Sample};
use crate::memory::{Rights, Shape};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        209 => user_ringbuf_drain,
        _ => return None,
    })
}

/// `BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP`
const FLAGS: u64 = 3;

/// `bpf_user_ringbuf_drain(map, callback, context, flags)`: how many samples the callback saw.
fn user_ringbuf_drain<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [handle, callback, context, flags, _] = call.args;
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    let map = Arc::clone(map);
    let ring = map.user_ringbuf();
    let ring = ring.ok_or_else(|| events::not_a_ring(1, &map.spec().name))?;
    if flags & !FLAGS != 0 {
        return Ok(negative(Errno::EINVAL));
    }
    let drain = match ring.drain() {
        Ok(drain) => drain,
        Err(busy) => return Ok(negative(busy)),
    };
    let (mut looked_at, mut seen, mut failed) = (0, 0, Ok(()));
    let mut stop = false;
    while looked_at < limits::DRAIN_SAMPLES_MAX && !stop {
        match drain.peek() {
            Ok(Peek::Sample(sample)) => {
                stop = show(call, &drain, sample, callback, context)? != 0;
                drain.release(sample);
                seen += 1;
            }
            Ok(Peek::Discarded) => {}
            Ok(Peek::Nothing) => break,
            Err(error) => {
                failed = Err(error);
                break;
            }
        }
        looked_at += 1;
    }
    drop(drain);
    ring.wake(flags, looked_at);
    Ok(match failed {
        Ok(()) => seen,
        failed => errno(failed),
    })
}

/// Calls a callback with a dynptr of a sample.
fn show<G: Guest>(
    call: &mut Call<'_, G>,
    drain: &Drain<'_>,
    sample: Sample,
    callback: u64,
    context: u64,
) -> Result<u64, Fault> {
    let shown = drain.memory(sample).and_then(|(memory, start)| {
        let shape = Shape {
            start,
            window: sample.len as usize,
            shift: 40,
            count: 1,
            rights: Rights::ReadWrite,
        };
        call.guest.show(&memory, shape)
    });
    // Without an address for it the callback sees a null dynptr.
    let dynptr = shown.map(|address| Dynptr::new(Kind::Local, false, address, sample.len));
    let dynptr = call.guest.key_address(&Dynptr::bytes(dynptr)).unwrap_or(0);
    let result = function(call, callback, 2, [dynptr, context, 0, 0, 0]);
    if let Some(address) = shown {
        call.guest.hide(address);
    }
    result
}
