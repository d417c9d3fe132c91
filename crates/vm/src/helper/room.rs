//! Room for headers inside of a packet: what goes into tunnels or comes out of them.

use osmia_program::Errno;

use super::packet::{ETHERNET_BYTES, moved};
use super::{HelperFn, errno};
use crate::guest::{Call, Fault, Guest};
use crate::limits;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        50 => skb_adjust_room,
        _ => return None,
    })
}

// Protocols as `__sk_buff` has them: in the order of the network.
const IPV4: u16 = 0x0800u16.to_be();
const IPV6: u16 = 0x86ddu16.to_be();

const IPV4_BYTES: usize = 20;
const IPV6_BYTES: usize = 40;

// Flags of `bpf_skb_adjust_room`.
const FIXED_GSO: u64 = 1;
const ENCAP_IPV4: u64 = 1 << 1;
const ENCAP_IPV6: u64 = 1 << 2;
const ENCAP_GRE: u64 = 1 << 3;
const ENCAP_UDP: u64 = 1 << 4;
const NO_CHECKSUM_RESET: u64 = 1 << 5;
const ENCAP_ETHERNET: u64 = 1 << 6;
const DECAP_IPV4: u64 = 1 << 7;
const DECAP_IPV6: u64 = 1 << 8;
/// How many bytes the inner link header has.
const ENCAP_LINK_SHIFT: u32 = 56;
const DECAP: u64 = DECAP_IPV4 | DECAP_IPV6;
const ENCAP_NETWORK: u64 = ENCAP_IPV4 | ENCAP_IPV6;
const ENCAP: u64 =
    ENCAP_NETWORK | ENCAP_GRE | ENCAP_UDP | ENCAP_ETHERNET | 0xff << ENCAP_LINK_SHIFT;
/// `BPF_ADJ_ROOM_NET`: behind the network header; `BPF_ADJ_ROOM_MAC`: before it.
const BEHIND_NETWORK: u32 = 0;
const BEFORE_NETWORK: u32 = 1;
/// Most bytes by which room changes.
const ROOM_BYTES_MAX: u32 = 0xfff;

fn protocol<G: Guest>(call: &Call<'_, G>) -> u16 {
    call.world.context.field("protocol") as u16
}

fn set_protocol<G: Guest>(call: &mut Call<'_, G>, protocol: u16) {
    call.world.context.set("protocol", u32::from(protocol));
}

/// `bpf_skb_adjust_room`
fn skb_adjust_room<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, delta, mode, flags, _] = call.args;
    let result = adjust_room(call, delta as i32, mode as u32, flags);
    if result.is_ok() && flags & NO_CHECKSUM_RESET == 0 {
        call.world.checksums_right = None;
    }
    moved(call);
    Ok(errno(result))
}

fn adjust_room<G: Guest>(
    call: &mut Call<'_, G>,
    delta: i32,
    mode: u32,
    flags: u64,
) -> Result<(), Errno> {
    let bytes = delta.unsigned_abs() as usize;
    let protocol = protocol(call);
    if flags & !(FIXED_GSO | ENCAP | DECAP | NO_CHECKSUM_RESET) != 0 {
        return Err(Errno::EINVAL);
    }
    if delta.unsigned_abs() > ROOM_BYTES_MAX {
        return Err(Errno::EFAULT);
    }
    let header_bytes = match protocol {
        IPV4 => IPV4_BYTES,
        IPV6 => IPV6_BYTES,
        _ => return Err(Errno::ENOTSUPP),
    };
    let network = call.world.packet.link_bytes();
    let at = match mode {
        BEHIND_NETWORK => network + header_bytes,
        BEFORE_NETWORK => network,
        _ => return Err(Errno::ENOTSUPP),
    };
    let len_min = match flags & DECAP {
        0 => header_bytes,
        DECAP_IPV4 if delta < 0 => IPV4_BYTES,
        DECAP_IPV6 if delta < 0 => IPV6_BYTES,
        _ => return Err(Errno::EINVAL),
    };
    let len = call.world.packet.len() as i64 - call.world.packet.network();
    let len = usize::try_from(len).unwrap_or(0);
    if delta < 0 {
        if bytes >= len || len - bytes < len_min {
            return Err(Errno::ENOTSUPP);
        }
        if flags & !(FIXED_GSO | DECAP | NO_CHECKSUM_RESET) != 0 {
            return Err(Errno::EINVAL);
        }
        let packet = &mut call.world.packet;
        packet
            .remove_behind_headers(at, bytes)
            .ok_or(Errno::ENOMEM)?;
        match flags & DECAP {
            DECAP_IPV4 => set_protocol(call, IPV4),
            DECAP_IPV6 => set_protocol(call, IPV6),
            _ => {}
        }
        return Ok(());
    }
    if call.world.packet.len() + bytes > limits::SOCKET_BUFFER_BYTES_MAX {
        return Err(Errno::ENOTSUPP);
    }
    let encapsulates = flags & ENCAP_NETWORK != 0;
    if encapsulates {
        check_encapsulation(call, bytes, flags)?;
    }
    let packet = &mut call.world.packet;
    packet
        .insert_behind_headers(at, bytes)
        .ok_or(Errno::ENOMEM)?;
    if encapsulates {
        call.world.encapsulated = true;
        set_protocol(call, if flags & ENCAP_IPV6 != 0 { IPV6 } else { IPV4 });
    }
    Ok(())
}

fn check_encapsulation<G: Guest>(
    call: &Call<'_, G>,
    bytes: usize,
    flags: u64,
) -> Result<(), Errno> {
    let both = |pair| flags & pair == pair;
    let link_bytes = (flags >> ENCAP_LINK_SHIFT) as usize;
    if both(ENCAP_NETWORK)
        || both(ENCAP_GRE | ENCAP_UDP)
        || (flags & ENCAP_ETHERNET != 0 && link_bytes < ETHERNET_BYTES)
    {
        return Err(Errno::EINVAL);
    }
    if call.world.encapsulated {
        return Err(Errno::EALREADY);
    }
    if link_bytes > bytes {
        return Err(Errno::EINVAL);
    }
    Ok(())
}
