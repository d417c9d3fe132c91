//! Lightweight tunnels: headers put around packets on their way (`net/core/lwt_bpf.c`, 6.18).

use osmia_program::{Errno, ProgramKind};

use super::packet::moved;
use super::{HelperFn, checksum, errno};
use crate::guest::{Call, Fault, Guest};
use crate::world::World;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    (id == 73).then_some(push_encap)
}

/// What kind of header it is (`enum bpf_lwt_encap_mode`).
const SEGMENTS: u32 = 0;
const SEGMENTS_INSIDE: u32 = 1;
const IP: u32 = 2;

/// Most bytes of headers (`LWT_BPF_MAX_HEADROOM`).
const HEADERS_BYTES_MAX: usize = 256;
const IPV4_BYTES: usize = 20;
const IPV6_BYTES: usize = 40;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// `bpf_lwt_push_encap`: puts an outer header in front of the packet.
fn push_encap<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, mode, _, size, _] = call.args;
    let header = call.bytes(3, size as u32 as usize)?;
    let coming_in = call.world.kind == ProgramKind::LwtIn;
    let result = match mode as u32 {
        IP => push_ip(call.world, &header),
        SEGMENTS if coming_in => super::seg6::push(call.world, &header, false),
        SEGMENTS_INSIDE if coming_in => super::seg6::push(call.world, &header, true),
        _ => Err(Errno::EINVAL),
    };
    call.world.reuse(header);
    moved(call);
    Ok(errno(result))
}

fn push_ip(world: &mut World, header: &[u8]) -> Result<(), Errno> {
    if header.len() < IPV4_BYTES || header.len() > HEADERS_BYTES_MAX {
        return Err(Errno::EINVAL);
    }
    let own_bytes = usize::from(header[0] & 15) * 4;
    let protocol = match header[0] >> 4 {
        4 if header.len() >= own_bytes => IPV4,
        6 if header.len() >= IPV6_BYTES => IPV6,
        _ => return Err(Errno::EINVAL),
    };
    let packet = &mut world.packet;
    (packet.make_room(header.len(), 0))
        .and_then(|()| packet.grow_head(header.len()))
        .and_then(|()| packet.write(0, header))
        .ok_or(Errno::ENOMEM)?;
    packet.set_network(0);
    if protocol == IPV4 && header[10..12] == [0, 0] {
        // The length in the header is the program's word; the checksum is of what is there.
        let mut own = vec![0; own_bytes.max(IPV4_BYTES)];
        if packet.read(0, &mut own).is_some() {
            let check = checksum::of_header(&own);
            let written = packet.write(10, &check);
            debug_assert!(written.is_some(), "the header was just written");
        }
    }
    world.context.set("protocol", u32::from(protocol.to_be()));
    world.context.set("hash", 0);
    world.hash_is_set = false;
    world.encapsulated = true;
    Ok(())
}
