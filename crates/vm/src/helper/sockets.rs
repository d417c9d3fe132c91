//! Maps of sockets: putting sockets in, sending traffic to one, choosing one of a group.

use std::sync::{Arc, MutexGuard};

use osmia_program::{Errno, MapKind};

use super::socket::socket_of_context;
use super::{HelperFn, errno, negative};
use crate::checked::not_a_map;
use crate::guest::{Call, Fault, Guest};
use crate::map::{Map, Sockets, update_mode};
use crate::socket::{Socket, family, state};
use crate::world::{Destination, Redirect};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        52 | 72 => |call| redirect(call, false),
        60 | 71 => |call| redirect(call, true),
        53 | 70 => update_from_event,
        82 => select_reuseport,
        _ => return None,
    })
}

/// What programs return for traffic that goes on, and for traffic that ends.
const SK_DROP: u64 = 0;
const SK_PASS: u64 = 1;
/// `BPF_F_INGRESS`
const INGRESS: u64 = 1;

/// `bpf_map_lookup_elem` in a map of sockets: a reference to one.
pub(super) fn lookup<G: Guest>(call: &mut Call<'_, G>, sockets: &Sockets, key: &[u8]) -> u64 {
    let Some(socket) = sockets.at(key) else {
        return 0;
    };
    call.world.held.acquire(socket);
    socket
}

/// `bpf_map_update_elem` in a map of sockets: the value is a socket.
pub(super) fn update<G: Guest>(
    call: &mut Call<'_, G>,
    sockets: &Arc<Sockets>,
    key: &[u8],
) -> Result<u64, Fault> {
    let [_, _, socket, flags, _] = call.args;
    if call.world.runs.heap().object(socket).is_none() {
        return Err(Fault::Argument {
            argument: 3,
            what: format!("is {socket:#x}, not a socket"),
        });
    }
    let set = update_mode(flags).and_then(|mode| sockets.set(key, socket, mode));
    Ok(errno(set))
}

/// The map that an argument (from 1) is, and its sockets.
fn sockets<G: Guest>(
    call: &Call<'_, G>,
    argument: usize,
) -> Result<(Arc<Map>, Arc<Sockets>), Fault> {
    let handle = call.args[argument - 1];
    let map = call.guest.map(handle);
    let map = map.ok_or_else(|| not_a_map(handle, argument))?;
    let sockets = map.sockets().ok_or_else(|| Fault::Argument {
        argument,
        what: format!("is map {}, which holds no sockets", map.spec().name),
    })?;
    Ok((Arc::clone(map), Arc::clone(sockets)))
}

/// The key of a map of sockets in argument 3: an index, or where it lies.
fn key<G: Guest>(call: &mut Call<'_, G>, map: &Map, by_value: bool) -> Result<Vec<u8>, Fault> {
    if by_value {
        return Ok((call.args[2] as u32).to_ne_bytes().to_vec());
    }
    let mut key = vec![0; map.spec().key_size as usize];
    call.read(3, &mut key)?;
    Ok(key)
}

/// `bpf_sk_redirect_map`, `bpf_sk_redirect_hash`, `bpf_msg_redirect_map`, `bpf_msg_redirect_hash`
fn redirect<G: Guest>(call: &mut Call<'_, G>, message: bool) -> Result<u64, Fault> {
    call.context(1)?;
    let (map, sockets) = sockets(call, 2)?;
    let key = key(call, &map, map.spec().kind == MapKind::Sockmap)?;
    let flags = call.args[3];
    if flags & !INGRESS != 0 {
        return Ok(SK_DROP);
    }
    let Some(live) = sockets.socket(&key) else {
        return Ok(SK_DROP);
    };
    let socket = live.lock();
    if !takes(&socket) {
        return Ok(SK_DROP);
    }
    let ingress = flags & INGRESS != 0;
    let is_vsock = socket.family == family::VSOCK;
    // Messages leave through TCP sockets only, and vsock takes none.
    let refused = match message {
        true => is_vsock || (!ingress && !socket.is_tcp()),
        false => is_vsock && ingress,
    };
    if refused {
        return Ok(SK_DROP);
    }
    let cookie = socket.cookie;
    let to = Destination::Socket { map, key, cookie };
    call.world.redirect = Some(Redirect { to, flags });
    Ok(SK_PASS)
}

/// True for sockets that traffic can be sent to.
fn takes(socket: &Socket) -> bool {
    match socket.is_tcp() {
        true => socket.state != state::LISTEN,
        false => socket.state == state::ESTABLISHED,
    }
}

/// `bpf_sock_map_update`, `bpf_sock_hash_update`: puts the socket that something happened to into a
/// map.
fn update_from_event<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    /// `BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB`, `_PASSIVE_ESTABLISHED_CB`, `_TCP_LISTEN_CB`
    const EVENTS: [u32; 3] = [4, 5, 11];
    call.context(1)?;
    let (map, sockets) = sockets(call, 2)?;
    let key = key(call, &map, false)?;
    let socket = call.world.context.pointer_named("sk");
    if !EVENTS.contains(&call.world.context.field("op")) {
        return Ok(negative(Errno::EOPNOTSUPP));
    }
    let set = update_mode(call.args[3]).and_then(|mode| sockets.set(&key, socket, mode));
    Ok(errno(set))
}

/// `bpf_sk_select_reuseport(ctx, map, key, flags)`: the packet goes to that socket of the group.
fn select_reuseport<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let (map, sockets) = sockets(call, 2)?;
    let key = key(call, &map, false)?;
    let flags = call.args[3];
    if flags != 0 {
        return Ok(negative(Errno::EINVAL));
    }
    let Some(chosen) = sockets.socket(&key) else {
        return Ok(negative(Errno::ENOENT));
    };
    // A copy, as the program's own socket may be the same.
    let chosen = chosen.lock().clone();
    if chosen.reuseport.is_none() {
        return Ok(negative(Errno::EINVAL));
    }
    let own = socket_of_context(call);
    let same = |own: MutexGuard<'_, Socket>| match () {
        () if own.reuseport == chosen.reuseport => Ok(()),
        () if own.protocol != chosen.protocol => Err(Errno::EPROTOTYPE),
        () if own.family != chosen.family => Err(Errno::EAFNOSUPPORT),
        () => Err(Errno::EBADFD),
    };
    if let Err(error) = own.as_ref().map_or(Ok(()), |own| same(own.lock())) {
        return Ok(negative(error));
    }
    let cookie = chosen.cookie;
    let to = Destination::Socket { map, key, cookie };
    call.world.redirect = Some(Redirect { to, flags });
    Ok(0)
}
