//! `bpf_skb_change_proto`: from one Internet protocol to the other (`net/core/filter.c`, 6.12).

use osmia_program::Errno;

use super::packet::moved;
use super::{HelperFn, errno};
use crate::guest::{Call, Fault, Guest};
use crate::world::World;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        31 => change,
        _ => return None,
    })
}

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// Bytes an IPv6 header is longer than one of IPv4.
const BYTES_LONGER: usize = 20;

/// Makes room for the longer header, or takes what it has too much; what stands there is the
/// program's to write, the Ethernet header's protocol included.
fn change<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, to, flags, ..] = call.args;
    let result = match flags {
        0 => changed(call.world, u16::from_be(to as u16)),
        _ => Err(Errno::EINVAL),
    };
    moved(call);
    Ok(errno(result))
}

fn changed(world: &mut World, to: u16) -> Result<(), Errno> {
    let from = u16::from_be(world.context.field("protocol") as u16);
    let packet = &mut world.packet;
    let at = packet.link_bytes();
    let done = match (from, to) {
        (IPV4, IPV6) => packet.insert_behind_headers(at, BYTES_LONGER),
        (IPV6, IPV4) => packet.remove_behind_headers(at, BYTES_LONGER),
        _ => return Err(Errno::ENOTSUPP),
    };
    done.ok_or(Errno::ENOMEM)?;
    world.context.set("protocol", u32::from(to.to_be()));
    world.context.set("hash", 0);
    world.hash_is_set = false;
    Ok(())
}
