//! The packet: reading, writing, growing, shrinking.

use osmia_program::Errno;

use super::{HelperFn, errno, negative};
use crate::guest::{Call, Fault, Guest};
use crate::limits;
use crate::world::Layer;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        9 => skb_store_bytes,
        26 => skb_load_bytes,
        32 => skb_change_type,
        34 => get_hash_recalc,
        38 => skb_change_tail,
        39 => skb_pull_data,
        41 => set_hash_invalid,
        43 => skb_change_head,
        44 => xdp_adjust_head,
        48 => set_hash,
        54 => xdp_adjust_meta,
        65 => xdp_adjust_tail,
        68 => skb_load_bytes_relative,
        188 => xdp_get_buff_len,
        189 => xdp_load_bytes,
        190 => xdp_store_bytes,
        _ => return None,
    })
}

/// Bytes of an Ethernet header.
pub(super) const ETHERNET_BYTES: usize = 14;

/// Tells everybody that the packet has another place or length.
pub(super) fn moved<G: Guest>(call: &mut Call<'_, G>) {
    call.world.packet_resized();
    call.guest.packet_moved(&call.world.packet);
}

/// What offsets count from.
enum From {
    /// The first byte.
    Start,
    /// The link header, where the packet has or had one.
    Link,
    /// The network header.
    Network,
}

/// Copies packet bytes to where argument 3 points; zeroes, if they are not all there.
fn load<G: Guest>(
    call: &mut Call<'_, G>,
    from: Option<From>,
    offset: u64,
    size: u64,
    missing: Errno,
) -> Result<u64, Fault> {
    const ARGUMENT: usize = 3;
    call.context(1)?;
    let offset = offset as u32 as usize;
    let size = size as u32;
    call.check_write(ARGUMENT, size)?;
    let mut buffer = call.world.buffer(size as usize);
    let packet = &call.world.packet;
    let there = match (from, call.world.layer) {
        (Some(From::Start), _) => packet.read(offset, &mut buffer),
        (Some(From::Link), Layer::Network) | (None, _) => None,
        (Some(From::Link), _) => packet.read_from_link(offset, &mut buffer),
        (Some(From::Network), _) => packet.read_from_network(offset, &mut buffer),
    };
    // Socket buffer helpers leave zeroes behind, XDP's nothing.
    let written = match there {
        None if missing != Errno::EFAULT => Ok(()),
        None => {
            buffer.fill(0);
            call.write(ARGUMENT, &buffer)
        }
        Some(()) => call.write(ARGUMENT, &buffer),
    };
    call.world.reuse(buffer);
    written?;
    Ok(match there {
        Some(()) => 0,
        None => negative(missing),
    })
}

fn store<G: Guest>(
    call: &mut Call<'_, G>,
    offset: u64,
    argument: usize,
    size: u64,
    missing: Errno,
) -> Result<u64, Fault> {
    call.context(1)?;
    let bytes = call.bytes(argument, size as u32 as usize)?;
    let written = call.world.packet.write(offset as u32 as usize, &bytes);
    call.world.reuse(bytes);
    Ok(match written {
        Some(()) => 0,
        None => negative(missing),
    })
}

/// `bpf_skb_load_bytes`
fn skb_load_bytes<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, offset, _, size, _] = call.args;
    // Flow dissectors look at plain bytes in test runs, and there is no buffer to load from.
    let from = (!call.world.context.is_flow()).then_some(From::Start);
    load(call, from, offset, size, Errno::EFAULT)
}

/// Longest offset of `bpf_skb_load_bytes_relative`.
const RELATIVE_MAX: u32 = 0xffff;

/// `bpf_skb_load_bytes_relative`: from the link header (0) or the network header (1).
fn skb_load_bytes_relative<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, offset, _, size, from] = call.args;
    let from = match from as u32 {
        _ if offset as u32 > RELATIVE_MAX => None,
        0 => Some(From::Link),
        1 => Some(From::Network),
        _ => None,
    };
    load(call, from, offset, size, Errno::EFAULT)
}

/// `BPF_F_RECOMPUTE_CSUM`: nothing here keeps a checksum of the whole packet.
const RECOMPUTE_CHECKSUM: u64 = 1;
/// `BPF_F_INVALIDATE_HASH`
const INVALIDATE_HASH: u64 = 2;

/// `bpf_skb_store_bytes`
fn skb_store_bytes<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, offset, _, size, flags] = call.args;
    if flags & !(RECOMPUTE_CHECKSUM | INVALIDATE_HASH) != 0 {
        return Ok(negative(Errno::EINVAL));
    }
    let result = store(call, offset, 3, size, Errno::EFAULT)?;
    if result == 0 && flags & INVALIDATE_HASH != 0 {
        forget_hash(call);
    }
    moved(call);
    Ok(result)
}

/// `bpf_skb_pull_data`: packets here are always in one piece.
fn skb_pull_data<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let len = call.args[1] as u32 as usize;
    moved(call);
    Ok(if len > call.world.packet.len() {
        negative(Errno::ENOMEM)
    } else {
        0
    })
}

/// Bytes of a packet's headers that cannot be cut off.
fn len_min<G: Guest>(call: &Call<'_, G>) -> usize {
    usize::try_from(call.world.packet.network()).unwrap_or(0)
}

/// `bpf_skb_change_tail`
fn skb_change_tail<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, len, flags, ..] = call.args;
    let len = len as u32 as usize;
    if flags != 0 || len > limits::SOCKET_BUFFER_BYTES_MAX {
        return Ok(negative(Errno::EINVAL));
    }
    let delta = len as i64 - call.world.packet.len() as i64;
    let len_min = len_min(call);
    let packet = &mut call.world.packet;
    let room = packet.make_room(0, usize::try_from(delta).unwrap_or(0));
    let done = match room {
        Some(()) => packet.move_tail(delta, len_min).ok_or(Errno::EINVAL),
        None => Err(Errno::ENOMEM),
    };
    moved(call);
    Ok(errno(done))
}

/// `bpf_skb_change_head`
fn skb_change_head<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, room, flags, ..] = call.args;
    if flags != 0 {
        return Ok(negative(Errno::EINVAL));
    }
    let room = room as u32 as usize;
    let packet = &mut call.world.packet;
    if room.saturating_add(packet.len()) > limits::SOCKET_BUFFER_BYTES_MAX {
        return Ok(negative(Errno::EINVAL));
    }
    let done = packet.make_room(room, 0);
    let done = done.and_then(|()| packet.grow_head(room));
    packet.reset_link();
    moved(call);
    Ok(errno(done.ok_or(Errno::ENOMEM)))
}

/// Highest packet type (`PACKET_OTHERHOST`).
const PACKET_TYPE_MAX: u32 = 3;

/// `bpf_skb_change_type`
fn skb_change_type<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let kind = call.args[1] as u32;
    if kind > PACKET_TYPE_MAX || call.world.context.field("pkt_type") > PACKET_TYPE_MAX {
        return Ok(negative(Errno::EINVAL));
    }
    call.world.context.set("pkt_type", kind);
    Ok(0)
}

/// Bytes of a packet its hash is made of.
const HASHED_BYTES: usize = 64;

/// `bpf_get_hash_recalc`: the same for the same headers, never 0 once there is a packet.
fn get_hash_recalc<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let known = call.world.context.field("hash");
    if known != 0 || call.world.hash_is_set {
        return Ok(u64::from(known));
    }
    let mut bytes = [0; HASHED_BYTES];
    let len = call.world.packet.len().min(HASHED_BYTES);
    let read = call.world.packet.read(0, &mut bytes[..len]);
    debug_assert!(read.is_some(), "no more than its length");
    // FNV-1a: any hash will do, the kernel's is keyed by chance.
    let hash = bytes[..len].iter().fold(0x811c_9dc5_u32, |hash, &byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let hash = if len == 0 { 0 } else { hash.max(1) };
    call.world.context.set("hash", hash);
    Ok(u64::from(hash))
}

/// `bpf_set_hash_invalid`
fn set_hash_invalid<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    forget_hash(call);
    Ok(0)
}

fn forget_hash<G: Guest>(call: &mut Call<'_, G>) {
    call.world.context.set("hash", 0);
    call.world.hash_is_set = false;
}

/// `bpf_set_hash`
fn set_hash<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let hash = call.args[1] as u32;
    call.world.context.set("hash", hash);
    call.world.hash_is_set = true;
    Ok(0)
}

/// True for programs whose context is a `struct xdp_md`.
pub(super) fn is_xdp<G: Guest>(call: &Call<'_, G>) -> bool {
    call.world.context.structure("xdp_md").is_some()
}

/// `bpf_xdp_adjust_head`
fn xdp_adjust_head<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let delta = i64::from(call.args[1] as i32);
    let done = call.world.packet.move_head(delta, ETHERNET_BYTES);
    moved(call);
    Ok(errno(done.ok_or(Errno::EINVAL)))
}

/// `bpf_xdp_adjust_tail`
fn xdp_adjust_tail<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let delta = i64::from(call.args[1] as i32);
    let done = call.world.packet.move_tail(delta, ETHERNET_BYTES);
    moved(call);
    Ok(errno(done.ok_or(Errno::EINVAL)))
}

/// `bpf_xdp_adjust_meta`: metadata is a multiple of four bytes.
fn xdp_adjust_meta<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let delta = i64::from(call.args[1] as i32);
    let packet = &mut call.world.packet;
    let before = packet.meta();
    let mut done = packet.move_meta(delta).ok_or(Errno::EINVAL);
    let len = packet.data() - packet.meta();
    if done.is_ok() && (!len.is_multiple_of(4) || len > limits::PACKET_META_BYTES_MAX) {
        let back = packet.move_meta(before as i64 - packet.meta() as i64);
        debug_assert!(back.is_some(), "it was there before");
        done = Err(Errno::EACCES);
    }
    moved(call);
    Ok(errno(done))
}

/// `bpf_xdp_get_buff_len`
fn xdp_get_buff_len<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    Ok(call.world.packet.len() as u64)
}

/// Highest offset and length of `bpf_xdp_load_bytes` and `_store_bytes`.
const XDP_BYTES_MAX: u64 = 0xffff;

/// `bpf_xdp_load_bytes`
fn xdp_load_bytes<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, offset, _, size, _] = call.args;
    if u64::from(offset as u32) > XDP_BYTES_MAX || u64::from(size as u32) > XDP_BYTES_MAX {
        return Ok(negative(Errno::EFAULT));
    }
    load(call, Some(From::Start), offset, size, Errno::EINVAL)
}

/// `bpf_xdp_store_bytes`
fn xdp_store_bytes<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, offset, _, size, _] = call.args;
    if u64::from(offset as u32) > XDP_BYTES_MAX || u64::from(size as u32) > XDP_BYTES_MAX {
        return Ok(negative(Errno::EFAULT));
    }
    store(call, offset, 3, size, Errno::EINVAL)
}
