//! Who a socket is: cookie, user, namespace, control groups. A packet without a socket is nobody's.

use std::sync::Arc;

use osmia_program::Errno;

use super::socket::{full_socket_of_context, or_error, socket, socket_of_context};
use super::{HelperFn, negative};
use crate::checked::not_a_map;
use crate::guest::{Call, Fault, Guest};
use crate::socket::LiveSocket;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        17 => get_cgroup_classid,
        24 => get_route_realm,
        33 => skb_under_cgroup,
        46 => get_socket_cookie,
        47 => get_socket_uid,
        79 => skb_cgroup_id,
        83 => skb_ancestor_cgroup_id,
        122 => get_netns_cookie,
        128 => sk_cgroup_id,
        129 => sk_ancestor_cgroup_id,
        151 => skb_cgroup_classid,
        _ => return None,
    })
}

/// The user that stands for none (`overflowuid`).
const NOBODY: u64 = 65_534;
/// Number of the first network namespace.
const FIRST_NAMESPACE: u64 = 1;

/// The context's socket, or the one the first argument is; tracing programs have no other.
fn own<G: Guest>(call: &Call<'_, G>) -> Result<Option<Arc<LiveSocket>>, Fault> {
    if call.context(1).is_ok() {
        return Ok(socket_of_context(call));
    }
    match call.args[0] {
        0 => Ok(None),
        _ => socket(call, 1).map(Some),
    }
}

/// `bpf_get_socket_cookie`
fn get_socket_cookie<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    Ok(own(call)?.map_or(0, |live| live.lock().cookie))
}

/// `bpf_get_socket_uid`
fn get_socket_uid<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let live = full_socket_of_context(call);
    Ok(live.map_or(NOBODY, |live| live.lock().uid.into()))
}

/// `bpf_get_netns_cookie`: of null, the first namespace's.
fn get_netns_cookie<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let live = own(call)?;
    Ok(live.map_or(FIRST_NAMESPACE, |live| live.lock().namespace_cookie))
}

/// `bpf_get_route_realm`: packets here have no route yet.
fn get_route_realm<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    Ok(0)
}

/// `bpf_get_cgroup_classid`
fn get_cgroup_classid<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    Ok(socket_of_context(call).map_or(0, |live| live.lock().classid.into()))
}

/// `bpf_skb_cgroup_classid`
fn skb_cgroup_classid<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    Ok(full_socket_of_context(call).map_or(0, |live| live.lock().classid.into()))
}

fn group_of(live: Option<Arc<LiveSocket>>) -> u64 {
    let group = live.and_then(|live| live.lock().cgroups.last().copied());
    group.unwrap_or(0)
}

/// The control group at a level below the root that a socket is in; 0 if it is not that deep.
fn ancestor_of(live: Option<Arc<LiveSocket>>, level: u64) -> u64 {
    let level = usize::try_from(level as i32).ok();
    let group = live.and_then(|live| live.lock().cgroups.get(level?).copied());
    group.unwrap_or(0)
}

/// `bpf_skb_cgroup_id`
fn skb_cgroup_id<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    Ok(group_of(full_socket_of_context(call)))
}

/// `bpf_skb_ancestor_cgroup_id`
fn skb_ancestor_cgroup_id<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    Ok(ancestor_of(full_socket_of_context(call), call.args[1]))
}

/// `bpf_sk_cgroup_id`
fn sk_cgroup_id<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let live = socket(call, 1)?;
    Ok(group_of(Some(live).filter(|live| live.lock().is_full())))
}

/// `bpf_sk_ancestor_cgroup_id`
fn sk_ancestor_cgroup_id<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let live = Some(socket(call, 1)?).filter(|live| live.lock().is_full());
    Ok(ancestor_of(live, call.args[1]))
}

/// `bpf_skb_under_cgroup`: 1 if the packet's socket is in the group of a slot or below it.
fn skb_under_cgroup<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, handle, index, ..] = call.args;
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 2))?;
    let map = Arc::clone(map);
    let Some(live) = full_socket_of_context(call) else {
        return Ok(negative(Errno::ENOENT));
    };
    let groups = live.lock().cgroups.clone();
    let group = map.group(index as u32);
    Ok(or_error(group.map(|id| u64::from(groups.contains(&id)))))
}
