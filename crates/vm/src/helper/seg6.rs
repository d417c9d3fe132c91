//! Segment routing over IPv6: headers that name the way of a packet (RFC 8754).

use std::net::Ipv6Addr;

use osmia_program::{Errno, ProgramKind};

use super::packet::moved;
use super::{HelperFn, errno};
use crate::guest::{Call, Fault, Guest};
use crate::net::Flow;
use crate::world::World;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        74 => store_bytes,
        75 => adjust,
        76 => action,
        _ => return None,
    })
}

const IPV6: u16 = 0x86dd;
const IPV6_BYTES: usize = 40;
// Where fields of an IPv6 header lie.
const PAYLOAD_LEN: usize = 4;
const NEXT: usize = 6;
const SOURCE: usize = 8;
const DESTINATION: usize = 24;
/// Next headers: a routing header, IPv6 itself.
const ROUTING: u8 = 43;
const IPV6_INSIDE: u8 = 41;
/// Bytes of a routing header before its segments, and where its fields lie.
const FIXED_BYTES: usize = 8;
const LEN: usize = 1;
const KIND: usize = 2;
const SEGMENTS_LEFT: usize = 3;
const LAST_SEGMENT: usize = 4;
const FLAGS: usize = 5;
/// The kind of routing header that names segments.
const SEGMENT_ROUTING: u8 = 4;
const SEGMENT_BYTES: usize = 16;

/// The routing header of a packet.
struct Header {
    /// Where it is in the packet.
    at: usize,
    bytes: Vec<u8>,
}

impl Header {
    /// The one behind the IPv6 header, where programs that handle segments find it.
    fn of(world: &World) -> Option<Header> {
        if world.kind != ProgramKind::LwtSeg6local {
            return None;
        }
        let mut fixed = [0; IPV6_BYTES + FIXED_BYTES];
        world.packet.read(0, &mut fixed)?;
        if fixed[NEXT] != ROUTING || fixed[IPV6_BYTES + KIND] != SEGMENT_ROUTING {
            return None;
        }
        let mut bytes = vec![0; (usize::from(fixed[IPV6_BYTES + LEN]) + 1) * 8];
        world.packet.read(IPV6_BYTES, &mut bytes)?;
        Some(Header {
            at: IPV6_BYTES,
            bytes,
        })
    }

    /// Where what follows the segments starts in the packet.
    fn options(&self) -> usize {
        self.at + FIXED_BYTES + (usize::from(self.bytes[LAST_SEGMENT]) + 1) * SEGMENT_BYTES
    }
}

/// True if a routing header makes sense.
fn is_valid(header: &[u8], reduced: bool) -> bool {
    if header.len() < FIXED_BYTES
        || header[KIND] != SEGMENT_ROUTING
        || (usize::from(header[LEN]) + 1) * 8 != header.len()
    {
        return false;
    }
    let (left, last) = (header[SEGMENTS_LEFT], header[LAST_SEGMENT]);
    let fits = if reduced {
        last < header[LEN] / 2 && u16::from(left) <= u16::from(last) + 1
    } else {
        left <= last
    };
    let mut at = FIXED_BYTES + (usize::from(last) + 1) * SEGMENT_BYTES;
    while at < header.len() {
        // A kind, a length, and so many bytes.
        let Some(len) = header.get(at + 1) else {
            return false;
        };
        at += 2 + usize::from(*len);
    }
    fits && at == header.len()
}

/// Puts a routing header into a packet, or around it with an IPv6 header of its own.
pub(super) fn push(world: &mut World, header: &[u8], inside: bool) -> Result<(), Errno> {
    if !is_valid(header, false) {
        return Err(Errno::EINVAL);
    }
    let is_ipv6 = world.context.field("protocol") as u16 == IPV6.to_be();
    let mut outer = [0; IPV6_BYTES];
    let read = world.packet.read(0, &mut outer);
    if !is_ipv6 || read.is_none() {
        return Err(if inside {
            Errno::EBADMSG
        } else {
            Errno::EINVAL
        });
    }
    let mut header = header.to_vec();
    let last = FIXED_BYTES + usize::from(header[LAST_SEGMENT]) * SEGMENT_BYTES;
    let first_hop = header[last..last + SEGMENT_BYTES].to_vec();
    let (at, grown) = if inside {
        header[0] = outer[NEXT];
        header[FIXED_BYTES..FIXED_BYTES + SEGMENT_BYTES].copy_from_slice(&outer[DESTINATION..]);
        (IPV6_BYTES, header.len())
    } else {
        header[0] = IPV6_INSIDE;
        (0, IPV6_BYTES + header.len())
    };
    // The destination may be the segment just overwritten.
    let first_hop = match inside && header[LAST_SEGMENT] == 0 {
        true => outer[DESTINATION..].to_vec(),
        false => first_hop,
    };
    outer[NEXT] = ROUTING;
    outer[DESTINATION..].copy_from_slice(&first_hop);
    let hop = address(&first_hop);
    if !inside {
        let index = world.context.field("ifindex");
        let source = world.env.network.source(index, hop.into());
        if let Some(std::net::IpAddr::V6(source)) = source {
            outer[SOURCE..DESTINATION].copy_from_slice(&source.octets());
        }
    }
    let len = world.packet.len() + grown - IPV6_BYTES;
    outer[PAYLOAD_LEN..NEXT].copy_from_slice(&(len as u16).to_be_bytes());
    let packet = &mut world.packet;
    (packet.insert(at, grown))
        .and_then(|()| packet.write(0, &outer))
        .and_then(|()| packet.write(IPV6_BYTES, &header))
        .ok_or(Errno::ENOMEM)?;
    packet.set_network(0);
    world.encapsulated |= !inside;
    routed(world, hop)
}

fn address(bytes: &[u8]) -> Ipv6Addr {
    let mut octets = [0; 16];
    octets.copy_from_slice(bytes);
    octets.into()
}

/// Whether there is a route to there.
fn routed(world: &World, destination: Ipv6Addr) -> Result<(), Errno> {
    let flow = Flow {
        destination: destination.into(),
        source: Ipv6Addr::UNSPECIFIED.into(),
        dscp: 0,
        mark: world.context.field("mark"),
        input: world.context.field("ifindex"),
        output: 0,
    };
    match world.env.network.route(&flow) {
        Ok(_) => Ok(()),
        Err(_) => Err(Errno::ENETUNREACH),
    }
}

/// `bpf_lwt_seg6_store_bytes`: changes flags, tag and options, not the segments.
fn store_bytes<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, offset, _, size, _] = call.args;
    let bytes = call.bytes(3, size as u32 as usize)?;
    let result = stored(call.world, offset as u32 as usize, &bytes);
    call.world.reuse(bytes);
    moved(call);
    Ok(errno(result))
}

fn stored(world: &mut World, offset: usize, bytes: &[u8]) -> Result<(), Errno> {
    let header = Header::of(world).ok_or(Errno::EINVAL)?;
    let end = offset.saturating_add(bytes.len());
    let options = header.options()..=header.at + header.bytes.len();
    let flags = header.at + FLAGS..=header.at + FIXED_BYTES;
    let within =
        |range: &std::ops::RangeInclusive<usize>| range.contains(&offset) && range.contains(&end);
    if !within(&options) && !within(&flags) {
        return Err(Errno::EFAULT);
    }
    world.packet.write(offset, bytes).ok_or(Errno::EFAULT)
}

/// `bpf_lwt_seg6_adjust_srh`: makes room for options, or takes some away.
fn adjust<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, offset, delta, ..] = call.args;
    let result = adjusted(call.world, offset as u32 as usize, delta as i32);
    moved(call);
    Ok(errno(result))
}

fn adjusted(world: &mut World, offset: usize, delta: i32) -> Result<(), Errno> {
    let header = Header::of(world).ok_or(Errno::EINVAL)?;
    let end = header.at + header.bytes.len();
    let bytes = delta.unsigned_abs() as usize;
    if offset < header.options() || offset > end || (delta < 0 && offset + bytes > end) {
        return Err(Errno::EFAULT);
    }
    let new_len = match delta {
        0.. => header.bytes.len() + bytes,
        _ => header.bytes.len() - bytes,
    };
    // The length counts eight bytes; nothing between two of them is a packet afterwards.
    let units = (new_len / 8)
        .checked_sub(1)
        .and_then(|units| u8::try_from(units).ok());
    let units = units.filter(|_| new_len.is_multiple_of(8));
    let units = units.ok_or(Errno::EBADMSG)?;
    let packet = &mut world.packet;
    let done = match delta {
        0.. => packet.insert(offset, bytes),
        _ => packet.remove(offset, bytes),
    };
    done.ok_or(Errno::ENOMEM)?;
    packet.set_network(0);
    let payload = (packet.len() - IPV6_BYTES) as u16;
    packet
        .write(PAYLOAD_LEN, &payload.to_be_bytes())
        .and_then(|()| packet.write(header.at + LEN, &[units]))
        .ok_or(Errno::EFAULT)
}

/// What a program asks for (`SEG6_LOCAL_ACTION_…`).
const END_X: u32 = 2;
const END_T: u32 = 3;
const END_DT6: u32 = 7;
const END_B6: u32 = 9;
const END_B6_ENCAP: u32 = 10;

/// `bpf_lwt_seg6_action`: sends the packet on by one of the standard's actions.
fn action<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, action, _, size, _] = call.args;
    let parameter = call.bytes(3, size as u32 as usize)?;
    let result = acted(call.world, action as u32, &parameter);
    call.world.reuse(parameter);
    moved(call);
    Ok(errno(result))
}

fn acted(world: &mut World, action: u32, parameter: &[u8]) -> Result<(), Errno> {
    let valid = Header::of(world).filter(|header| is_valid(&header.bytes, true));
    let header = match (action, valid) {
        (END_X | END_T | END_DT6 | END_B6 | END_B6_ENCAP, None) => return Err(Errno::EBADMSG),
        (_, None) => return Err(Errno::EINVAL),
        (_, Some(header)) => header,
    };
    let mut destination = [0; 16];
    world
        .packet
        .read(DESTINATION, &mut destination)
        .ok_or(Errno::EINVAL)?;
    match action {
        END_X if parameter.len() == SEGMENT_BYTES => routed(world, address(parameter)),
        END_T if parameter.len() == 4 => routed(world, destination.into()),
        END_DT6 if parameter.len() == 4 => {
            let outer = header.at + header.bytes.len();
            if header.bytes[0] != IPV6_INSIDE {
                return Err(Errno::EBADMSG);
            }
            world.packet.remove(0, outer).ok_or(Errno::EBADMSG)?;
            world.packet.set_network(0);
            world
                .packet
                .read(DESTINATION, &mut destination)
                .ok_or(Errno::EBADMSG)?;
            routed(world, destination.into())
        }
        END_B6 => push(world, parameter, true),
        END_B6_ENCAP => push(world, parameter, false),
        _ => Err(Errno::EINVAL),
    }
}
