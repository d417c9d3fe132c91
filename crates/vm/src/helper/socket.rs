//! Sockets: there are none here. Looking one up finds nothing, and what is done to none does nothing.

use osmia_program::Errno;

use super::{HelperFn, negative};
use crate::guest::{Call, Fault, Guest};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        17 => zero,
        24 => zero,
        33 => skb_under_cgroup,
        79 => zero,
        83 => zero,
        84 | 85 | 99 => lookup,
        86 => release,
        95 => fullsock,
        96 | 98 | 136..=140 | 178 | 196 => narrow,
        124 => assign,
        _ => return None,
    })
}

/// `bpf_sk_lookup_tcp`, `_udp`, `bpf_skc_lookup_tcp`
fn lookup<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let size = call.args[2] as u32 as usize;
    let tuple = call.bytes(2, size)?;
    call.world.reuse(tuple);
    Ok(0)
}

/// Checks that an argument is null, which is what all sockets here are.
fn none<G: Guest>(call: &Call<'_, G>, argument: usize) -> Result<(), Fault> {
    match call.args[argument - 1] {
        0 => Ok(()),
        value => Err(Fault::Argument {
            argument,
            what: format!("is {value:#x}, not a socket"),
        }),
    }
}

/// `bpf_tcp_sock`, `bpf_get_listener_sock`, `bpf_skc_to_…`
fn narrow<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    none(call, 1)?;
    Ok(0)
}

/// `bpf_sk_fullsock`: every socket here is one.
fn fullsock<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    if call.args[0] != 0 {
        call.object(1, "a socket")?;
    }
    Ok(call.args[0])
}

/// `bpf_sk_release`: gives back what a lookup gave.
fn release<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let value = call.args[0];
    match call.world.held.release(value) {
        true => Ok(0),
        false => Err(Fault::Argument {
            argument: 1,
            what: format!("is {value:#x}, not a socket that a lookup gave"),
        }),
    }
}

/// `bpf_sk_assign`: without a socket there is nothing to assign.
fn assign<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    none(call, 2)?;
    Ok(negative(Errno::EINVAL))
}

/// `bpf_skb_under_cgroup`: a packet without a socket is in no group.
fn skb_under_cgroup<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    Ok(negative(Errno::ENOENT))
}

/// `bpf_skb_cgroup_id`, `bpf_skb_ancestor_cgroup_id`, `bpf_get_cgroup_classid`,
/// `bpf_get_route_realm`: what a packet without a socket and a route has.
fn zero<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    Ok(0)
}
