//! The kernel's structure behind a program's context, laid out by its types from what a run works on:
//! a `struct sk_buff` from a packet, with members of the UAPI's names and what programs ask for first.

use std::sync::Arc;

use osmia_program::ProgramKind;
use osmia_program::context::{Context, ContextValue};

use crate::guest::{Call, Fault, Guest};
use crate::kernel_layout::KernelLayout;
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
    let types = call.world.env.types.clone();
    let mut layout = KernelLayout::of(types.as_deref(), name)?;
    copy_fields(&mut layout, call.world);
    match name {
        "sk_buff" => socket_buffer(&mut layout, call)?,
        "xdp_buff" => xdp_buffer(&mut layout, call)?,
        _ => {}
    }
    Ok(layout.show(call.guest))
}

/// Members that are called as in the UAPI hold the same.
fn copy_fields(layout: &mut KernelLayout<'_>, world: &World) {
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

fn socket_buffer<G: Guest>(
    layout: &mut KernelLayout<'_>,
    call: &mut Call<'_, G>,
) -> Result<(), Fault> {
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

fn xdp_buffer<G: Guest>(
    layout: &mut KernelLayout<'_>,
    call: &mut Call<'_, G>,
) -> Result<(), Fault> {
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
    let types = call.world.env.types.clone();
    let mut queue = KernelLayout::of(types.as_deref(), "xdp_rxq_info")?;
    queue.point("dev", device);
    queue.set(
        "queue_index",
        u64::from(call.world.context.field("rx_queue_index")),
    );
    layout.point("rxq", queue.show(call.guest));
    Ok(())
}

/// The interface of an index; null if there is none.
fn device<G: Guest>(call: &mut Call<'_, G>, index: u32) -> Result<u64, Fault> {
    let network = Arc::clone(&call.world.env.network);
    let Some(link) = network.link(index) else {
        return Ok(0);
    };
    let types = call.world.env.types.clone();
    let mut layout = KernelLayout::of(types.as_deref(), "net_device")?;
    layout.set("ifindex", u64::from(index));
    layout.set("mtu", u64::from(link.mtu));
    layout.copy("name", link.name.as_bytes());
    Ok(layout.show(call.guest))
}
