//! Dynptrs: packets as dynptrs, slices, and what can be done with a dynptr.

use std::sync::Arc;

use osmia_program::Errno;
use osmia_program::context::PacketAccess;

use super::family;
use crate::dynptr::{Dynptr, Kind, SIZE_MAX};
use crate::guest::{Call, Fault, Guest};
use crate::helper::{HelperFn, Whose, anywhere, current_task, errno, negative};
use crate::memory::{Block, Rights, Shape};

family! {
    "bpf_dynptr_from_skb" => |call| from_packet(call, Kind::Skb),
    "bpf_dynptr_from_skb_meta" => |call| from_packet(call, Kind::SkbMeta),
    "bpf_dynptr_from_xdp" => |call| from_packet(call, Kind::Xdp),
    "bpf_dynptr_slice" => |call| slice(call, false),
    "bpf_dynptr_slice_rdwr" => |call| slice(call, true),
    "bpf_dynptr_adjust" => adjust,
    "bpf_dynptr_is_null" => is_null,
    "bpf_dynptr_is_rdonly" => is_rdonly,
    "bpf_dynptr_size" => size,
    "bpf_dynptr_clone" => clone,
    "bpf_dynptr_copy" => copy,
    "bpf_dynptr_memset" => memset,
    "bpf_probe_read_kernel_dynptr" => |call| probe_read(call, Whose::Kernel),
    "bpf_probe_read_user_dynptr" => |call| probe_read(call, Whose::Process),
    "bpf_copy_from_user_dynptr" => |call| probe_read(call, Whose::Process),
    "bpf_copy_from_user_task_dynptr" => |call| of_task(call, probe_read),
    "bpf_probe_read_kernel_str_dynptr" => |call| probe_read_str(call, Whose::Kernel),
    "bpf_probe_read_user_str_dynptr" => |call| probe_read_str(call, Whose::Process),
    "bpf_copy_from_user_str_dynptr" => |call| probe_read_str(call, Whose::Process),
    "bpf_copy_from_user_task_str_dynptr" => |call| of_task(call, probe_read_str),
}

/// Bytes copied at a time from one dynptr to another.
const CHUNK_BYTES: usize = 256;

/// `bpf_dynptr_from_skb(skb, flags, ptr)` and relatives.
fn from_packet<G: Guest>(call: &mut Call<'_, G>, kind: Kind) -> Result<u64, Fault> {
    call.context(1)?;
    let packet = &call.world.packet;
    let size = match kind {
        Kind::SkbMeta => packet.data() - packet.meta(),
        _ => packet.len(),
    };
    let read_only = packet.access != PacketAccess::ReadWrite;
    let made = match call.args[1] {
        0 => Ok(Dynptr::new(
            kind,
            read_only,
            call.args[0],
            size as u32 & SIZE_MAX,
        )),
        _ => Err(Errno::EINVAL),
    };
    Dynptr::store(made.ok(), call, 3)?;
    Ok(errno(made.map(|_| ())))
}

/// `bpf_dynptr_slice(ptr, offset, buffer, size)`: the address of bytes that lie together, as all do
/// here. Programs that have no addresses of packets get a copy, in the buffer if they gave one.
fn slice<G: Guest>(call: &mut Call<'_, G>, write: bool) -> Result<u64, Fault> {
    let [_, offset, buffer, len, _] = call.args;
    let (offset, len) = (u64::from(offset as u32), len as u32);
    if buffer != 0 {
        call.check_write(3, len)?;
    }
    let dynptr = Dynptr::load(call, 1)?.filter(|dynptr| {
        dynptr.check(offset, u64::from(len)).is_ok() && !(write && dynptr.read_only)
    });
    let Some(dynptr) = dynptr else {
        return Ok(0);
    };
    let address = dynptr.address(call, offset);
    if call.guest.allows(address, len, write) {
        return Ok(address);
    }
    let mut bytes = call.world.buffer(len as usize);
    let mut to = 0;
    if dynptr.read(call, offset, &mut bytes).is_ok() {
        if buffer != 0 {
            call.write(3, &bytes)?;
            to = buffer;
        } else if let Some(copy) = Block::new(1, bytes.len()) {
            copy.write(0, 0, &bytes);
            let copy = Arc::new(copy);
            let shape = Shape::whole(&copy, Rights::Read);
            to = shape
                .and_then(|shape| call.guest.show(&copy, shape))
                .unwrap_or(0);
        }
    }
    call.world.reuse(bytes);
    Ok(to)
}

/// `bpf_dynptr_adjust(ptr, start, end)`
fn adjust<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, start, end, ..] = call.args;
    let adjusted = Dynptr::load(call, 1)?
        .ok_or(Errno::EINVAL)
        .and_then(|dynptr| dynptr.between(start as u32, end as u32));
    if adjusted.is_ok() {
        Dynptr::store(adjusted.ok(), call, 1)?;
    }
    Ok(errno(adjusted.map(|_| ())))
}

fn is_null<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    Ok(u64::from(Dynptr::load(call, 1)?.is_none()))
}

fn is_rdonly<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    Ok(u64::from(
        Dynptr::load(call, 1)?.is_some_and(|dynptr| dynptr.read_only),
    ))
}

fn size<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let size = Dynptr::load(call, 1)?.map(|dynptr| u64::from(dynptr.size));
    Ok(size.unwrap_or(negative(Errno::EINVAL)))
}

/// `bpf_dynptr_clone(ptr, clone)`
fn clone<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let dynptr = Dynptr::load(call, 1)?;
    Dynptr::store(dynptr, call, 2)?;
    Ok(errno(dynptr.map(|_| ()).ok_or(Errno::EINVAL)))
}

/// `bpf_dynptr_copy(dst, dst_offset, src, src_offset, size)`: piece by piece, so what overlaps is
/// copied from the end that is not overwritten.
fn copy<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, to, _, from, len] = call.args;
    let [to, from, len] = [to, from, len].map(|number| u64::from(number as u32));
    let (target, source) = (Dynptr::load(call, 1)?, Dynptr::load(call, 3)?);
    let Some((target, source)) = target.zip(source).filter(|(target, _)| !target.read_only) else {
        return Ok(errno(Err(Errno::EINVAL)));
    };
    if let Err(error) = (source.check(from, len)).and_then(|()| target.check(to, len)) {
        return Ok(errno(Err(error)));
    }
    let backwards = target.address(call, to) > source.address(call, from);
    let mut buffer = [0; CHUNK_BYTES];
    let mut done = 0;
    while done < len {
        let bytes = (len - done).min(CHUNK_BYTES as u64);
        let at = if backwards { len - done - bytes } else { done };
        let piece = &mut buffer[..bytes as usize];
        let copied = source
            .read(call, from + at, piece)
            .and_then(|()| target.write(call, to + at, piece));
        if let Err(error) = copied {
            return Ok(errno(Err(error)));
        }
        done += bytes;
    }
    Ok(0)
}

/// `bpf_dynptr_memset(ptr, offset, size, value)`
fn memset<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, offset, len, value, _] = call.args;
    let [offset, len] = [offset, len].map(|number| u64::from(number as u32));
    let Some(dynptr) = Dynptr::load(call, 1)?.filter(|dynptr| !dynptr.read_only) else {
        return Ok(errno(Err(Errno::EINVAL)));
    };
    if let Err(error) = dynptr.check(offset, len) {
        return Ok(errno(Err(error)));
    }
    let piece = [value as u8; CHUNK_BYTES];
    let mut done = 0;
    while done < len {
        let bytes = (len - done).min(CHUNK_BYTES as u64);
        if let Err(error) = dynptr.write(call, offset + done, &piece[..bytes as usize]) {
            return Ok(errno(Err(error)));
        }
        done += bytes;
    }
    Ok(0)
}

/// How memory is read into a dynptr.
type Read<G> = fn(&mut Call<'_, G>, Whose) -> Result<u64, Fault>;

/// `bpf_copy_from_user_task_dynptr(ptr, offset, size, source, task)` and its relative for strings: only
/// the current task has memory.
fn of_task<G: Guest>(call: &mut Call<'_, G>, read: Read<G>) -> Result<u64, Fault> {
    if Some(call.args[4]) != current_task(call) {
        call.args[3] = u64::MAX;
    }
    read(call, Whose::Process)
}

/// `bpf_probe_read_kernel_dynptr(ptr, offset, size, source)` and relatives: all or nothing.
fn probe_read<G: Guest>(call: &mut Call<'_, G>, whose: Whose) -> Result<u64, Fault> {
    let [_, offset, len, source, _] = call.args;
    let (offset, len) = (u64::from(offset as u32), len as u32);
    let Some(dynptr) = Dynptr::load(call, 1)?.filter(|dynptr| !dynptr.read_only) else {
        return Ok(errno(Err(Errno::EINVAL)));
    };
    if let Err(error) = dynptr.check(offset, u64::from(len)) {
        return Ok(errno(Err(error)));
    }
    let mut buffer = call.world.buffer(len as usize);
    let result = match anywhere(call).read(whose, source, &mut buffer) {
        true => dynptr.write(call, offset, &buffer),
        false => Err(Errno::EFAULT),
    };
    call.world.reuse(buffer);
    Ok(errno(result))
}

/// `bpf_probe_read_kernel_str_dynptr(ptr, offset, size, source)` and relatives: how many bytes were
/// written, the zero at the end included.
fn probe_read_str<G: Guest>(call: &mut Call<'_, G>, whose: Whose) -> Result<u64, Fault> {
    let [_, offset, len, source, _] = call.args;
    let (offset, len) = (u64::from(offset as u32), len as u32);
    let Some(dynptr) = Dynptr::load(call, 1)?.filter(|dynptr| !dynptr.read_only) else {
        return Ok(errno(Err(Errno::EINVAL)));
    };
    if let Err(error) = dynptr.check(offset, u64::from(len)) {
        return Ok(errno(Err(error)));
    }
    let mut buffer = call.world.buffer(len as usize);
    let result = match anywhere(call).string(whose, source, &mut buffer) {
        Some(len) => dynptr.write(call, offset, &buffer[..len]).map(|()| len),
        None => Err(Errno::EFAULT),
    };
    call.world.reuse(buffer);
    Ok(result.map_or_else(negative, |len| len as u64))
}
