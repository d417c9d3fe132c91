//! Ring buffers and perf event arrays: what programs send to whoever listens.

use osmia_program::Errno;

use super::{HelperFn, errno};
use crate::checked::not_a_map;
use crate::guest::{Call, Fault, Guest};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        22 => perf_event_read,
        25 => perf_event_output,
        111 | 121 => packet_output,
        55 => perf_event_read_value,
        56 => perf_prog_read_value,
        130 => ringbuf_output,
        131 => ringbuf_reserve,
        132 => ringbuf_submit,
        133 => ringbuf_discard,
        134 => ringbuf_query,
        _ => return None,
    })
}

pub(super) fn not_a_ring(argument: usize, name: &str) -> Fault {
    Fault::Argument {
        argument,
        what: format!("is map {name}, which is not a ring buffer"),
    }
}

/// `bpf_ringbuf_output`
fn ringbuf_output<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [handle, _, size, flags, _] = call.args;
    let bytes = call.bytes(2, size as usize)?;
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    let ring = map
        .ringbuf()
        .ok_or_else(|| not_a_ring(1, &map.spec().name))?;
    let result = ring.output(&bytes, flags);
    call.world.reuse(bytes);
    Ok(errno(result))
}

/// `bpf_ringbuf_reserve`
fn ringbuf_reserve<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [handle, size, flags, ..] = call.args;
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    let ring = map
        .ringbuf()
        .ok_or_else(|| not_a_ring(1, &map.spec().name))?;
    let Ok(reservation) = ring.reserve(size, flags) else {
        return Ok(0);
    };
    let map = std::sync::Arc::clone(map);
    Ok(call.guest.show_reservation(&map, reservation).unwrap_or(0))
}

/// `bpf_ringbuf_submit`
fn ringbuf_submit<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    give_back(call, call.args[0], true)
}

/// `bpf_ringbuf_discard`
fn ringbuf_discard<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    give_back(call, call.args[0], false)
}

/// Ends the reservation that begins at an address; the call's second argument says whom to wake.
pub(super) fn give_back<G: Guest>(
    call: &mut Call<'_, G>,
    address: u64,
    submit: bool,
) -> Result<u64, Fault> {
    let Some((map, reservation)) = call.guest.take_reservation(address) else {
        return Err(Fault::Argument {
            argument: 1,
            what: format!("is {address:#x}, not the start of a ring buffer reservation"),
        });
    };
    if let Some(ring) = map.ringbuf() {
        if submit {
            ring.submit(reservation, call.args[1]);
        } else {
            ring.discard(reservation, call.args[1]);
        }
    }
    Ok(0)
}

/// `bpf_ringbuf_query`
fn ringbuf_query<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [handle, what, ..] = call.args;
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    let ring = map
        .ringbuf()
        .ok_or_else(|| not_a_ring(1, &map.spec().name))?;
    Ok(ring.query(what))
}

/// Which bits of the flags are how many packet bytes to add (`BPF_F_CTXLEN_MASK`).
const PACKET_BYTES_MASK: u64 = 0xf_ffff << 32;
/// Which bits of the flags choose the CPU (`BPF_F_INDEX_MASK`).
const INDEX_MASK: u64 = 0xffff_ffff;

/// `bpf_skb_output`, `bpf_xdp_output`: the same for tracing programs, whose first argument is the
/// packet that the traced function has. Here that is the input's packet.
fn packet_output<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    if call.args[0] == 0 {
        let what = "is null, not a packet".to_owned();
        return Err(Fault::Argument { argument: 1, what });
    }
    output(call, true)
}

/// `bpf_perf_event_output`: the data, for packet programs followed by bytes of the packet.
fn perf_event_output<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let fields = matches!(
        call.world.context.kind(),
        osmia_program::context::Context::Fields(_)
    );
    output(call, fields)
}

fn output<G: Guest>(call: &mut Call<'_, G>, with_packet: bool) -> Result<u64, Fault> {
    let [_, handle, flags, _, size] = call.args;
    let allowed = INDEX_MASK | if with_packet { PACKET_BYTES_MASK } else { 0 };
    if flags & !allowed != 0 {
        return Ok(errno(Err(Errno::EINVAL)));
    }
    let from_packet = ((flags & PACKET_BYTES_MASK) >> 32) as usize;
    if from_packet > call.world.packet.len() {
        return Ok(errno(Err(Errno::EFAULT)));
    }
    let mut bytes = call.bytes(4, size as usize)?;
    let own = bytes.len();
    bytes.resize(own + from_packet, 0);
    let copied = call.world.packet.read(0, &mut bytes[own..]);
    debug_assert!(copied.is_some(), "the length was compared above");
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 2))?;
    let Some(events) = map.perf_events() else {
        return Err(Fault::Argument {
            argument: 2,
            what: format!(
                "is map {}, which is not a perf event array",
                map.spec().name
            ),
        });
    };
    let result = events.output(call.world.env.cpu, flags & INDEX_MASK, &bytes);
    call.world.reuse(bytes);
    Ok(errno(result))
}

/// The event of a perf event array that flags name: nobody counts anything here, so an index that
/// could have one is empty.
fn counter<G: Guest>(call: &Call<'_, G>, argument: usize, flags: u64) -> Result<Errno, Fault> {
    let handle = call.args[argument - 1];
    let map = call.guest.map(handle);
    let map = map.ok_or_else(|| not_a_map(handle, argument))?;
    if map.perf_events().is_none() {
        return Err(Fault::Argument {
            argument,
            what: format!(
                "is map {}, which is not a perf event array",
                map.spec().name
            ),
        });
    }
    let index = match flags & INDEX_MASK {
        INDEX_MASK => u64::from(call.world.env.cpu),
        index => index,
    };
    Ok(match () {
        () if flags & !INDEX_MASK != 0 => Errno::EINVAL,
        () if index >= u64::from(map.spec().max_entries) => Errno::E2BIG,
        () => Errno::ENOENT,
    })
}

/// `bpf_perf_event_read`
fn perf_event_read<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let error = counter(call, 1, call.args[1])?;
    Ok(errno(Err(error)))
}

/// Bytes of `struct bpf_perf_event_value`.
const VALUE_BYTES: u32 = 24;

/// `bpf_perf_prog_read_value`: the event the program is attached to, as it was described.
fn perf_prog_read_value<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let size = call.args[2] as u32;
    call.check_write(2, size)?;
    let mut value = call.world.buffer(size as usize);
    let is_right = size == VALUE_BYTES;
    if is_right {
        let words = call.world.env.event.counter.map(u64::to_ne_bytes);
        value.copy_from_slice(words.as_flattened());
    }
    let written = call.write(2, &value);
    call.world.reuse(value);
    let result = is_right.then_some(()).ok_or(Errno::EINVAL);
    written.map(|()| errno(result))
}

/// `bpf_perf_event_read_value`
fn perf_event_read_value<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, flags, _, size, _] = call.args;
    let size = size as u32;
    call.check_write(3, size)?;
    let mut error = counter(call, 1, flags)?;
    if size != VALUE_BYTES {
        error = Errno::EINVAL;
    }
    let zeroes = call.world.buffer(size as usize);
    let written = call.write(3, &zeroes);
    call.world.reuse(zeroes);
    written.map(|()| errno(Err(error)))
}
