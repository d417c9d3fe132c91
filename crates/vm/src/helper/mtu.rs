//! `bpf_check_mtu`: whether a packet fits an interface (`net/core/filter.c`, 6.18).

use osmia_program::Errno;

use super::packet::is_xdp;
use super::{HelperFn, negative};
use crate::guest::{Call, Fault, Guest};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    (id == 163).then_some(check_mtu)
}

/// `BPF_MTU_CHK_SEGS`: look at the parts that hardware will cut the packet into.
const PARTS: u64 = 1;
/// `BPF_MTU_CHK_RET_FRAG_NEEDED`
const TOO_LONG: u64 = 1;
/// `BPF_MTU_CHK_RET_SEGS_TOOBIG`
const PARTS_TOO_LONG: u64 = 2;

/// Says whether the packet, or one of the length at the second address, fits, and writes what fits.
fn check_mtu<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, index, _, difference, flags] = call.args;
    let mut len_in = [0; 4];
    call.read(3, &mut len_in)?;
    call.check_write(3, 4)?;
    let len_in = u32::from_ne_bytes(len_in);
    let difference = difference as i32;
    let xdp = is_xdp(call);
    let known = if xdp { 0 } else { PARTS };
    if flags & !known != 0 || (flags & PARTS != 0 && (difference != 0 || len_in != 0)) {
        return Ok(negative(Errno::EINVAL));
    }
    let network = &call.world.env.network;
    let here = ["ifindex", "ingress_ifindex"];
    let index = match index as u32 {
        0 => call.world.context.field(here[usize::from(xdp)]),
        index => index,
    };
    let Some(link) = network.link(index) else {
        return Ok(negative(Errno::ENODEV));
    };
    // Signed, as the kernel has them: what is absurdly long is negative and fits.
    let len = match len_in {
        0 => call.world.packet.len() as i32,
        len => len.wrapping_add(link.header_bytes) as i32,
    };
    let len_max = link.mtu.wrapping_add(link.header_bytes) as i32;
    let part_bytes = call.world.context.field("gso_size");
    let mtu = link.mtu;
    let answer = if len.wrapping_add(difference) <= len_max {
        0
    } else if part_bytes == 0 {
        TOO_LONG
    } else if flags & PARTS != 0 && !parts_fit(call, part_bytes, mtu) {
        PARTS_TOO_LONG
    } else {
        0
    };
    call.write(3, &mtu.to_ne_bytes())?;
    Ok(answer)
}

/// True if parts of so many payload bytes with the packet's own headers fit.
fn parts_fit<G: Guest>(call: &Call<'_, G>, part_bytes: u32, mtu: u32) -> bool {
    let packet = &call.world.packet;
    let network = usize::try_from(packet.network()).unwrap_or(0);
    let mut header = [0; 40];
    let there = packet.len().saturating_sub(network).min(header.len());
    if packet.read(network, &mut header[..there]).is_none() {
        return true;
    }
    let (transport, protocol) = match header[0] >> 4 {
        4 => (usize::from(header[0] & 15) * 4, header[9]),
        6 => (40, header[6]),
        _ => return true,
    };
    let mut offset = [0; 1];
    let transport_bytes = match protocol {
        6 if packet.read(network + transport + 12, &mut offset).is_some() => {
            usize::from(offset[0] >> 4) * 4
        }
        17 => 8,
        _ => 0,
    };
    (transport + transport_bytes) as u32 + part_bytes <= mtu
}
