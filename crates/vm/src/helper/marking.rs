//! What networks write on passing packets: congestion marks, delivery times.

use osmia_program::Errno;

use super::packet::ETHERNET_BYTES;
use super::vlan::TAG_PROTOCOLS;
use super::{HelperFn, negative};
use crate::guest::{Call, Fault, Guest};
use crate::world::World;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        66 => skb_get_xfrm_state,
        97 => skb_ecn_set_ce,
        192 => skb_set_tstamp,
        _ => return None,
    })
}

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

fn protocol(world: &World) -> u16 {
    u16::from_be(world.context.field("protocol") as u16)
}

/// The protocol behind tags that are in the packet's bytes.
fn protocol_behind_tags(world: &World) -> u16 {
    const TAG_BYTES: usize = 4;
    let mut protocol = protocol(world);
    // The protocol inside is the second half of a tag.
    let mut at = ETHERNET_BYTES + 2;
    while TAG_PROTOCOLS.contains(&protocol) {
        let mut inside = [0; 2];
        if world.packet.read(at, &mut inside).is_none() {
            return 0;
        }
        protocol = u16::from_be_bytes(inside);
        at += TAG_BYTES;
    }
    protocol
}

/// "Congestion experienced", the highest of the two bits' values; 0 is "not capable".
const CONGESTED: u8 = 3;

/// `bpf_skb_ecn_set_ce`: marks a packet as having met congestion; 1 if it carries the mark now.
fn skb_ecn_set_ce<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    // Behind tags it takes them for the header, as the kernel does.
    let marked = match protocol_behind_tags(call.world) {
        IPV4 => mark_ipv4(call.world),
        IPV6 => mark_ipv6(call.world),
        _ => None,
    };
    Ok(u64::from(marked.unwrap_or(false)))
}

fn mark_ipv4(world: &World) -> Option<bool> {
    let mut header = [0; 20];
    let at = usize::try_from(world.packet.network()).ok()?;
    world.packet.read(at, &mut header)?;
    let ecn = header[1] & CONGESTED;
    if ecn == 0 || ecn == CONGESTED {
        return Some(ecn == CONGESTED);
    }
    let grown = u16::from(CONGESTED - ecn);
    // The checksum's complement grows with the header, so the checksum shrinks: RFC 1624.
    let check = u16::from_be_bytes([header[10], header[11]]);
    let (sum, carry) = check.overflowing_add(!grown);
    let check = sum.wrapping_add(u16::from(carry));
    world.packet.write(at + 1, &[header[1] | CONGESTED])?;
    world.packet.write(at + 10, &check.to_be_bytes())?;
    Some(true)
}

fn mark_ipv6(world: &World) -> Option<bool> {
    let mut header = [0; 40];
    let at = usize::try_from(world.packet.network()).ok()?;
    world.packet.read(at, &mut header)?;
    // The traffic class lies across the first two bytes.
    let ecn = header[1] >> 4 & CONGESTED;
    if ecn == 0 {
        return Some(false);
    }
    world.packet.write(at + 1, &[header[1] | CONGESTED << 4])?;
    Some(true)
}

/// Clocks of delivery times (`BPF_SKB_CLOCK_…`).
const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;
const TAI: u32 = 2;

/// `bpf_skb_set_tstamp`: when the packet is to be delivered, and by which clock.
fn skb_set_tstamp<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, time, clock, ..] = call.args;
    if ![IPV4, IPV6].contains(&protocol(call.world)) {
        return Ok(negative(Errno::EOPNOTSUPP));
    }
    match clock as u32 {
        REALTIME => {}
        MONOTONIC | TAI if time != 0 => {}
        _ => return Ok(negative(Errno::EINVAL)),
    }
    let context = &call.world.context;
    context.set_bytes("tstamp", &time.to_ne_bytes());
    context.set_bytes("tstamp_type", &[clock as u8]);
    Ok(0)
}

/// `bpf_skb_get_xfrm_state`: no packet here was ever encrypted, so there is no state to read.
fn skb_get_xfrm_state<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let size = call.args[3] as u32;
    call.check_write(3, size)?;
    let zeroes = call.world.buffer(size as usize);
    let written = call.write(3, &zeroes);
    call.world.reuse(zeroes);
    written.map(|()| negative(Errno::EINVAL))
}
