//! Dynptrs: making, reading, writing, giving back.

use std::sync::Arc;

use osmia_program::Errno;

use super::{HelperFn, errno, events};
use crate::checked::not_a_map;
use crate::dynptr::{Dynptr, Kind, SIZE_MAX};
use crate::guest::{Call, Fault, Guest};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        197 => from_mem,
        198 => ringbuf_reserve,
        199 => |call| ringbuf_end(call, true),
        200 => |call| ringbuf_end(call, false),
        201 => read,
        202 => write,
        203 => data,
        _ => return None,
    })
}

/// Stores what was made, or a null dynptr and why not.
fn store<G: Guest>(
    call: &mut Call<'_, G>,
    argument: usize,
    made: Result<Dynptr, Errno>,
) -> Result<u64, Fault> {
    Dynptr::store(made.ok(), call, argument)?;
    Ok(errno(made.map(|_| ())))
}

/// `bpf_dynptr_from_mem(data, size, flags, ptr)`
fn from_mem<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [address, size, flags, ..] = call.args;
    let size = size as u32;
    let made = match (size, flags) {
        (size, _) if size > SIZE_MAX => Err(Errno::E2BIG),
        (_, 0) => {
            call.check_write(1, size)?;
            Ok(Dynptr::new(Kind::Local, false, address, size))
        }
        _ => Err(Errno::EINVAL),
    };
    store(call, 4, made)
}

/// `bpf_ringbuf_reserve_dynptr(ring, size, flags, ptr)`
fn ringbuf_reserve<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [handle, size, flags, ..] = call.args;
    let size = size as u32;
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    let ring = (map.ringbuf()).ok_or_else(|| events::not_a_ring(1, &map.spec().name))?;
    let reserved = match (flags, size) {
        (0, ..=SIZE_MAX) => ring.reserve(u64::from(size), 0).map_err(|_| Errno::EINVAL),
        (0, _) => Err(Errno::E2BIG),
        _ => Err(Errno::EINVAL),
    };
    let map = Arc::clone(map);
    let made = reserved.and_then(|reservation| {
        let address = call.guest.show_reservation(&map, reservation);
        let address = address.ok_or(Errno::EINVAL)?;
        Ok(Dynptr::new(Kind::Ringbuf, false, address, size))
    });
    store(call, 4, made)
}

/// `bpf_ringbuf_submit_dynptr(ptr, flags)`, `bpf_ringbuf_discard_dynptr`: nothing for a null one.
fn ringbuf_end<G: Guest>(call: &mut Call<'_, G>, submit: bool) -> Result<u64, Fault> {
    let Some(dynptr) = Dynptr::load(call, 1)? else {
        return Ok(0);
    };
    let address = dynptr.reservation().ok_or_else(|| Fault::Argument {
        argument: 1,
        what: "points to a dynptr that is no reservation in a ring buffer".to_owned(),
    })?;
    events::give_back(call, address, submit)?;
    Dynptr::store(None, call, 1)?;
    Ok(0)
}

/// `bpf_dynptr_read(dst, len, src, offset, flags)`
fn read<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, len, _, offset, flags] = call.args;
    let (len, offset) = (len as u32, u64::from(offset as u32));
    call.check_write(1, len)?;
    let dynptr = match Dynptr::load(call, 3)? {
        Some(dynptr) if flags == 0 => dynptr,
        _ => return Ok(errno(Err(Errno::EINVAL))),
    };
    // The length is checked before there is a buffer of it.
    if let Err(error) = dynptr.check(offset, u64::from(len)) {
        return Ok(errno(Err(error)));
    }
    let mut buffer = call.world.buffer(len as usize);
    let result = dynptr.read(call, offset, &mut buffer);
    if result.is_err() {
        buffer.fill(0);
    }
    let written = call.write(1, &buffer);
    call.world.reuse(buffer);
    written.map(|()| errno(result))
}

/// `bpf_dynptr_write(dst, offset, src, len, flags)`
fn write<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    /// `BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH`
    const SKB_FLAGS: u64 = 3;
    let [_, offset, _, len, flags] = call.args;
    let offset = u64::from(offset as u32);
    let bytes = call.bytes(3, len as u32 as usize)?;
    let result = match Dynptr::load(call, 1)? {
        None => Err(Errno::EINVAL),
        Some(dynptr) => {
            let allowed = if dynptr.kind == Kind::Skb {
                SKB_FLAGS
            } else {
                0
            };
            match (dynptr.read_only, dynptr.check(offset, bytes.len() as u64)) {
                (true, _) => Err(Errno::EINVAL),
                (_, Err(error)) => Err(error),
                _ if flags & !allowed != 0 => Err(Errno::EINVAL),
                _ => dynptr.write(call, offset, &bytes),
            }
        }
    };
    call.world.reuse(bytes);
    Ok(errno(result))
}

/// `bpf_dynptr_data(ptr, offset, len)`
fn data<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, offset, len, ..] = call.args;
    let (offset, len) = (u64::from(offset as u32), u64::from(len as u32));
    let dynptr = Dynptr::load(call, 1)?;
    let usable = dynptr.filter(|dynptr| {
        dynptr.has_address() && !dynptr.read_only && dynptr.check(offset, len).is_ok()
    });
    Ok(usable.map_or(0, |dynptr| dynptr.address(call, offset)))
}
