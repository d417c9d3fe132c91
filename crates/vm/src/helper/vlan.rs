//! VLAN tags. A packet's outermost tag lies beside the packet, in the context; further ones are in its
//! bytes (`net/core/skbuff.c`, 6.12).

use osmia_program::Errno;

use super::{HelperFn, errno, packet::moved};
use crate::guest::{Call, Fault, Guest};
use crate::world::World;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        18 => push,
        19 => pop,
        _ => return None,
    })
}

/// Bytes of both addresses of an Ethernet header.
const ADDRESSES_BYTES: usize = 12;
/// Bytes of an Ethernet header.
const ETHERNET_BYTES: usize = 14;
/// Bytes of a tag.
const TAG_BYTES: usize = 4;
/// `ETH_P_8021Q`, `ETH_P_8021AD`
pub(super) const TAG_PROTOCOLS: [u16; 2] = [0x8100, 0x88a8];

/// What the context says of a protocol: the number in network order.
fn protocol_of(world: &World, field: &str) -> u16 {
    u16::from_be(world.context.field(field) as u16)
}

fn put_tag(world: &World, protocol: u16, tag: u16) {
    world.context.set("vlan_present", 1);
    world.context.set("vlan_tci", u32::from(tag));
    world.context.set("vlan_proto", u32::from(protocol.to_be()));
}

/// `bpf_skb_vlan_push`
fn push<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let protocol = u16::from_be(call.args[1] as u16);
    let protocol = match TAG_PROTOCOLS.contains(&protocol) {
        true => protocol,
        false => TAG_PROTOCOLS[0],
    };
    let result = push_old(call.world);
    if result.is_ok() {
        put_tag(call.world, protocol, call.args[2] as u16);
    }
    moved(call);
    Ok(errno(result))
}

/// Writes the tag beside the packet, if there is one, into the packet.
fn push_old(world: &mut World) -> Result<(), Errno> {
    if world.context.field("vlan_present") == 0 {
        return Ok(());
    }
    let protocol = protocol_of(world, "vlan_proto");
    let tag = world.context.field("vlan_tci") as u16;
    let packet = &mut world.packet;
    let written = packet
        .insert(ADDRESSES_BYTES, TAG_BYTES)
        .and_then(|()| packet.write(ADDRESSES_BYTES, &protocol.to_be_bytes()))
        .and_then(|()| packet.write(ETHERNET_BYTES, &tag.to_be_bytes()));
    packet.set_network(ETHERNET_BYTES);
    world.context.set("protocol", u32::from(protocol.to_be()));
    written.ok_or(Errno::ENOMEM)
}

/// `bpf_skb_vlan_pop`: takes the outermost tag off; the next one moves out of the packet.
fn pop<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let result = pop_tag(call.world);
    moved(call);
    Ok(errno(result))
}

fn pop_tag(world: &mut World) -> Result<(), Errno> {
    if world.context.field("vlan_present") != 0 {
        for field in ["vlan_present", "vlan_tci", "vlan_proto"] {
            world.context.set(field, 0);
        }
    } else if is_tagged(world) {
        take_tag(world)?;
    } else {
        return Ok(());
    }
    if is_tagged(world) {
        let protocol = protocol_of(world, "protocol");
        let tag = take_tag(world)?;
        put_tag(world, protocol, tag);
    }
    Ok(())
}

fn is_tagged(world: &World) -> bool {
    TAG_PROTOCOLS.contains(&protocol_of(world, "protocol"))
}

/// Removes the first tag of the packet's bytes.
fn take_tag(world: &mut World) -> Result<u16, Errno> {
    let mut header = [0; ETHERNET_BYTES + TAG_BYTES];
    let packet = &mut world.packet;
    packet
        .read(0, &mut header)
        .and_then(|()| packet.remove(ADDRESSES_BYTES, TAG_BYTES))
        .ok_or(Errno::ENOMEM)?;
    if packet.network() < ETHERNET_BYTES as i64 {
        packet.set_network(ETHERNET_BYTES);
    }
    let (protocol, _) = world.ethernet_type();
    world.context.set("protocol", u32::from(protocol.to_be()));
    Ok(u16::from_be_bytes([
        header[ETHERNET_BYTES],
        header[ETHERNET_BYTES + 1],
    ]))
}
