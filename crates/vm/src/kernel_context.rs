//! The kernel's structure behind a program's context, laid out by its types from what a run works on:
//! a `struct sk_buff` from a packet, with members of the UAPI's names and what programs ask for first.

use std::sync::Arc;

use osmia_btf::value::{Spot, lookup_path, put};
use osmia_btf::{Btf, TypeId};
use osmia_program::ProgramKind;
use osmia_program::context::{Context, ContextValue};

use crate::guest::{Call, Fault, Guest};
use crate::helper::structure;
use crate::memory::{Block, Rights, Shape};
use crate::world::World;

/// The kernel's structure behind the contexts of a program type.
fn name(kind: ProgramKind) -> Option<&'static str> {
    use ProgramKind as P;
    Some(match kind {
        P::SocketFilter
        | P::SchedCls
        | P::SchedAct
        | P::CgroupSkb
        | P::LwtIn
        | P::LwtOut
        | P::LwtXmit
        | P::LwtSeg6local
        | P::SkSkb => "sk_buff",
        P::Xdp => "xdp_buff",
        P::CgroupSockAddr => "bpf_sock_addr_kern",
        P::SockOps => "bpf_sock_ops_kern",
        P::SkLookup => "bpf_sk_lookup_kern",
        P::CgroupSysctl => "bpf_sysctl_kern",
        P::CgroupSockopt => "bpf_sockopt_kern",
        P::CgroupSock => "sock",
        P::SkMsg => "sk_msg",
        P::SkReuseport => "sk_reuseport_kern",
        P::PerfEvent => "bpf_perf_event_data_kern",
        _ => return None,
    })
}

/// A structure that is being laid out.
struct Layout<'a> {
    types: &'a Btf,
    of: TypeId,
    bytes: Vec<u8>,
}

impl Layout<'_> {
    fn member(&self, path: &str) -> Option<Spot> {
        lookup_path(self.types, self.of, path).ok()
    }

    /// Writes a number, cut to what the member takes; what these types do not have is left out.
    fn set(&mut self, path: &str, number: u64) {
        let Some(spot) = self.member(path) else {
            return;
        };
        let bits = match spot.bitfield_bits {
            0 => self.types.size_of(spot.ty).unwrap_or(8) * 8,
            bits => u64::from(bits),
        };
        let kept = number
            & u64::MAX
                .checked_shr(64_u32.saturating_sub(bits as u32))
                .unwrap_or(0);
        let text = kept.to_string();
        if put(self.types, spot, &text, &mut self.bytes).is_err() {
            // A signed member takes the same bits as a number below zero.
            let signed = (kept as i64) << (64 - bits.min(64)) >> (64 - bits.min(64));
            let _ = put(self.types, spot, &signed.to_string(), &mut self.bytes);
        }
    }

    fn point(&mut self, path: &str, address: u64) {
        if let Some(spot) = self.member(path) {
            let at = spot.byte_offset() as usize;
            if let Some(place) = self.bytes.get_mut(at..at + 8) {
                place.copy_from_slice(&address.to_ne_bytes());
            }
        }
    }
}

/// Shows the structure until the run ends; its address.
///
/// # Errors
/// If there are no types to lay it out by.
pub(crate) fn show<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let Some(name) = name(call.world.kind) else {
        return Err(Fault::Misuse {
            what: "is called in a program whose context has no kernel structure here".to_owned(),
        });
    };
    let (types, of) = structure(call, name)?;
    let size = types.size_of(of).unwrap_or(0) as usize;
    let mut layout = Layout {
        types: &types,
        of,
        bytes: vec![0; size],
    };
    copy_fields(&mut layout, call.world);
    match name {
        "sk_buff" => socket_buffer(&mut layout, call)?,
        "xdp_buff" => xdp_buffer(&mut layout, call)?,
        _ => {}
    }
    let bytes = layout.bytes;
    Ok(memory(call, &bytes))
}

/// Members that are called as in the UAPI hold the same.
fn copy_fields(layout: &mut Layout<'_>, world: &World) {
    let Context::Fields(fields) = world.context.kind() else {
        return;
    };
    for field in fields.layout().fields {
        match field.value {
            ContextValue::Scalar if field.count == 1 => {
                let mut value = [0; 8];
                let part = &mut value[..field.bytes as usize];
                (world.context.block()).read(0, field.offset as usize, part);
                layout.set(field.name, u64::from_ne_bytes(value));
            }
            ContextValue::Pointer { .. } => {
                layout.point(field.name, world.context.pointer(field.offset));
            }
            _ => {}
        }
    }
}

fn socket_buffer<G: Guest>(layout: &mut Layout<'_>, call: &mut Call<'_, G>) -> Result<(), Fault> {
    let packet = &call.world.packet;
    let (start, end) = (packet.data(), packet.end());
    let head = call.guest.packet_address(0);
    layout.set("len", (end - start) as u64);
    layout.set("tail", end as u64);
    layout.set("end", packet.block().window() as u64);
    layout.set("truesize", packet.block().window() as u64);
    layout.point("head", head);
    layout.point("data", call.guest.packet_address(start));
    let index = call.world.context.field("ifindex");
    layout.set(
        "skb_iif",
        u64::from(call.world.context.field("ingress_ifindex")),
    );
    let device = device(call, index)?;
    layout.point("dev", device);
    Ok(())
}

fn xdp_buffer<G: Guest>(layout: &mut Layout<'_>, call: &mut Call<'_, G>) -> Result<(), Fault> {
    let packet = &call.world.packet;
    let places = [
        ("data", packet.data()),
        ("data_end", packet.end()),
        ("data_meta", packet.meta()),
        ("data_hard_start", 0),
    ];
    layout.set("frame_sz", packet.block().window() as u64);
    for (member, position) in places {
        let address = call.guest.packet_address(position);
        layout.point(member, address);
    }
    let index = call.world.context.field("ingress_ifindex");
    let device = device(call, index)?;
    let (types, of) = structure(call, "xdp_rxq_info")?;
    let mut queue = Layout {
        types: &types,
        of,
        bytes: vec![0; types.size_of(of).unwrap_or(0) as usize],
    };
    queue.point("dev", device);
    queue.set(
        "queue_index",
        u64::from(call.world.context.field("rx_queue_index")),
    );
    let bytes = queue.bytes;
    layout.point("rxq", memory(call, &bytes));
    Ok(())
}

/// The interface of an index; null if there is none.
fn device<G: Guest>(call: &mut Call<'_, G>, index: u32) -> Result<u64, Fault> {
    let network = Arc::clone(&call.world.env.network);
    let Some(link) = network.link(index) else {
        return Ok(0);
    };
    let (types, of) = structure(call, "net_device")?;
    let mut layout = Layout {
        types: &types,
        of,
        bytes: vec![0; types.size_of(of).unwrap_or(0) as usize],
    };
    layout.set("ifindex", u64::from(index));
    layout.set("mtu", u64::from(link.mtu));
    if let Some(spot) = layout.member("name") {
        let at = spot.byte_offset() as usize;
        let name = link.name.as_bytes();
        if let Some(place) = layout.bytes.get_mut(at..at + name.len()) {
            place.copy_from_slice(name);
        }
    }
    let bytes = layout.bytes;
    Ok(memory(call, &bytes))
}

/// Shows bytes until the run ends; 0 if there are no addresses left.
fn memory<G: Guest>(call: &mut Call<'_, G>, bytes: &[u8]) -> u64 {
    let Some(block) = Block::new(1, bytes.len().next_multiple_of(8)) else {
        return 0;
    };
    block.write(0, 0, bytes);
    let block = Arc::new(block);
    let shape = Shape::whole(&block, Rights::Read);
    (shape.and_then(|shape| call.guest.show(&block, shape))).unwrap_or(0)
}
