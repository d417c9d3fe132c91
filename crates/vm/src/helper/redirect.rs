//! Sending the packet elsewhere. Nothing is sent here: where it should go is kept for the host.

use std::sync::Arc;

use osmia_program::{Errno, MapKind};

use super::packet::is_xdp;
use super::{HelperFn, negative};
use crate::checked::not_a_map;
use crate::guest::{Call, Fault, Guest};
use crate::limits;
use crate::world::{Destination, Redirect};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        13 => clone_redirect,
        23 => redirect,
        51 => redirect_map,
        152 => redirect_neigh,
        155 => redirect_peer,
        _ => return None,
    })
}

/// What XDP programs return for a packet that goes elsewhere, and for one that went wrong.
const XDP_REDIRECT: u64 = 4;
const XDP_ABORTED: u64 = 0;
/// The same of traffic control.
const TC_ACT_REDIRECT: u64 = 7;
const TC_ACT_SHOT: u64 = 2;
/// `BPF_F_INGRESS`
const INGRESS: u64 = 1;
/// Bits of the flags of `bpf_redirect_map` that are what a missing entry returns.
const ACTION_MASK: u64 = 3;
/// `BPF_F_BROADCAST`
const BROADCAST: u64 = 1 << 3;
/// `BPF_F_EXCLUDE_INGRESS`
const EXCLUDE_INGRESS: u64 = 1 << 4;

/// `bpf_redirect`: what the program should return for the packet to go there.
fn redirect<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [target, flags, ..] = call.args;
    let (known, refused, result) = match is_xdp(call) {
        true => (0, XDP_ABORTED, XDP_REDIRECT),
        false => (INGRESS, TC_ACT_SHOT, TC_ACT_REDIRECT),
    };
    if flags & !known != 0 {
        return Ok(refused);
    }
    let to = Destination::Interface(target as u32);
    call.world.redirect = Some(Redirect { to, flags });
    Ok(result)
}

/// `bpf_redirect_neigh`: to an interface, with the neighbour's address.
fn redirect_neigh<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    /// Bytes of `struct bpf_redir_neigh`.
    const NEIGHBOUR_BYTES: u32 = 20;
    let [target, _, size, flags, _] = call.args;
    let size = size as u32;
    if size != 0 {
        let neighbour = call.bytes(2, size as usize)?;
        call.world.reuse(neighbour);
    }
    if (size != 0 && size < NEIGHBOUR_BYTES) || flags != 0 {
        return Ok(TC_ACT_SHOT);
    }
    let to = Destination::Neighbour(target as u32);
    call.world.redirect = Some(Redirect { to, flags });
    Ok(TC_ACT_REDIRECT)
}

/// `bpf_redirect_peer`: to the other end of an interface.
fn redirect_peer<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [target, flags, ..] = call.args;
    if flags != 0 {
        return Ok(TC_ACT_SHOT);
    }
    let to = Destination::Peer(target as u32);
    call.world.redirect = Some(Redirect { to, flags });
    Ok(TC_ACT_REDIRECT)
}

/// `bpf_clone_redirect`: a copy goes to an interface, the packet goes on.
fn clone_redirect<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, target, flags, ..] = call.args;
    if flags & !INGRESS != 0 || !call.world.env.network.may_have(target as u32) {
        return Ok(negative(Errno::EINVAL));
    }
    if call.world.copies.len() >= limits::COPIES_MAX {
        return Ok(negative(Errno::ENOBUFS));
    }
    let mut copy = Vec::new();
    call.world.packet.copy_to(&mut copy);
    let to = Destination::Interface(target as u32);
    call.world.copies.push((Redirect { to, flags }, copy));
    call.guest.packet_moved(&call.world.packet);
    Ok(0)
}

/// `bpf_redirect_map`: to what a map has under a key; the low bits of the flags are what a missing
/// entry returns.
fn redirect_map<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [handle, key, flags, ..] = call.args;
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    let known = match map.spec().kind {
        MapKind::Devmap | MapKind::DevmapHash => ACTION_MASK | BROADCAST | EXCLUDE_INGRESS,
        MapKind::Cpumap | MapKind::Xskmap => ACTION_MASK,
        _ => {
            return Err(Fault::Argument {
                argument: 1,
                what: format!(
                    "is map {}, which holds no interfaces, CPUs or sockets",
                    map.spec().name
                ),
            });
        }
    };
    if flags & !known != 0 {
        return Ok(XDP_ABORTED);
    }
    let to = if flags & BROADCAST != 0 {
        Destination::Everybody(Arc::clone(map))
    } else if map.has_target(key as u32) {
        Destination::Slot(Arc::clone(map), key as u32)
    } else {
        call.world.redirect = None;
        return Ok(flags & ACTION_MASK);
    };
    call.world.redirect = Some(Redirect { to, flags });
    Ok(XDP_REDIRECT)
}
