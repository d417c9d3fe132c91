//! Sockets: looked up among the described ones, held, looked at more closely, given packets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use osmia_program::{Errno, ProgramKind};

use super::{HelperFn, errno, negative};
use crate::guest::{Call, Fault, Guest};
use crate::socket::protocol::{TCP, UDP};
use crate::socket::{LiveSocket, Socket, Wanted, family, state};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        84 => sk_lookup_tcp,
        85 => sk_lookup_udp,
        86 => sk_release,
        95 => sk_fullsock,
        96 => tcp_sock,
        98 => get_listener_sock,
        99 => skc_lookup_tcp,
        124 => sk_assign,
        _ => return None,
    })
}

/// The socket an argument (from 1) points to.
///
/// # Errors
/// If it points to none.
pub(super) fn socket<G: Guest>(
    call: &Call<'_, G>,
    argument: usize,
) -> Result<Arc<LiveSocket>, Fault> {
    let address = call.args[argument - 1];
    LiveSocket::at(&call.world.runs, address).ok_or_else(|| Fault::Argument {
        argument,
        what: format!("is {address:#x}, not a socket"),
    })
}

/// The same, or `None` for null.
pub(super) fn socket_or_null<G: Guest>(
    call: &Call<'_, G>,
    argument: usize,
) -> Result<Option<Arc<LiveSocket>>, Fault> {
    match call.args[argument - 1] {
        0 => Ok(None),
        _ => socket(call, argument).map(Some),
    }
}

/// The socket of the context's packet or event.
pub(super) fn socket_of_context<G: Guest>(call: &Call<'_, G>) -> Option<Arc<LiveSocket>> {
    let address = call.world.context.pointer_named("sk");
    LiveSocket::at(&call.world.runs, address)
}

/// `bpf_sk_lookup_tcp`
fn sk_lookup_tcp<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    lookup(call, TCP, true)
}

/// `bpf_sk_lookup_udp`
fn sk_lookup_udp<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    lookup(call, UDP, true)
}

/// `bpf_skc_lookup_tcp`
fn skc_lookup_tcp<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    lookup(call, TCP, false)
}

/// Finds the socket that a packet with this pair of addresses is for, and holds it for the program.
fn lookup<G: Guest>(call: &mut Call<'_, G>, protocol: u32, full: bool) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, _, size, namespace, flags] = call.args;
    let tuple = call.bytes(2, size as u32 as usize)?;
    let addresses = addresses(&tuple);
    call.world.reuse(tuple);
    // Other namespaces than the own one are not there.
    let (Some((remote, local)), true) = (addresses, (namespace as i32) < 0 && flags == 0) else {
        return Ok(0);
    };
    let link = match call.world.kind {
        ProgramKind::Xdp => call.world.context.field("ingress_ifindex"),
        _ => call.world.context.field("ifindex"),
    };
    let wanted = Wanted {
        protocol,
        remote,
        local,
        link,
    };
    let network = Arc::clone(&call.world.env.network);
    let found = network.socket_for(&wanted);
    let Some(found) = found.filter(|socket| !full || socket.is_full()) else {
        return Ok(0);
    };
    let runs = &call.world.runs;
    let Some(live) = LiveSocket::of(runs, found) else {
        return Ok(0);
    };
    call.guest.heap_grew(runs.heap());
    call.world.held.acquire(live.address());
    Ok(live.address())
}

type End = (IpAddr, u16);

/// Sender and receiver of a `struct bpf_sock_tuple`, whose size says the family.
fn addresses(tuple: &[u8]) -> Option<(End, End)> {
    let port = |at: usize| u16::from_be_bytes([tuple[at], tuple[at + 1]]);
    match tuple.len() {
        12 => {
            let ip = |at: usize| tuple[at..].first_chunk::<4>().map(|ip| Ipv4Addr::from(*ip));
            Some(((ip(0)?.into(), port(8)), (ip(4)?.into(), port(10))))
        }
        36 => {
            let ip = |at: usize| {
                let bytes = tuple[at..].first_chunk::<16>();
                bytes.map(|ip| Ipv6Addr::from(*ip))
            };
            Some(((ip(0)?.into(), port(32)), (ip(16)?.into(), port(34))))
        }
        _ => None,
    }
}

/// `bpf_sk_release`: gives up a socket that a lookup gave.
fn sk_release<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let address = socket(call, 1)?.address();
    if call.world.held.release(address) {
        return Ok(0);
    }
    Err(Fault::Argument {
        argument: 1,
        what: format!("is {address:#x}, not a socket that a lookup gave"),
    })
}

/// A socket as another kind of pointer, if it is of that kind.
fn narrow<G: Guest>(
    call: &mut Call<'_, G>,
    to: impl FnOnce(&LiveSocket) -> Option<u64>,
) -> Result<u64, Fault> {
    let live = socket_or_null(call, 1)?;
    Ok(live.and_then(|live| to(&live)).unwrap_or(0))
}

/// `bpf_sk_fullsock`
fn sk_fullsock<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    narrow(call, |live| live.lock().is_full().then(|| live.address()))
}

/// `bpf_tcp_sock`
fn tcp_sock<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    narrow(call, |live| live.connection())
}

/// `bpf_get_listener_sock`: the socket itself; whom a request is for is not known here.
fn get_listener_sock<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    narrow(call, |live| {
        let listens = live.lock().state == state::LISTEN;
        listens.then(|| live.address())
    })
}

/// `BPF_SK_LOOKUP_F_REPLACE`, `BPF_SK_LOOKUP_F_NO_REUSEPORT`
const REPLACE: u64 = 1;
const NO_REUSEPORT: u64 = 2;

/// `bpf_sk_assign`: gives the packet to a socket.
fn sk_assign<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let live = socket_or_null(call, 2)?;
    let flags = call.args[2];
    let result = match call.world.kind {
        ProgramKind::SkLookup => select(call, live.as_deref(), flags),
        _ if flags != 0 || live.is_none() => Err(Errno::EINVAL),
        _ => Ok(()),
    };
    if result.is_ok() {
        let address = live.map_or(0, |live| live.address());
        call.world.context.point("sk", address);
    }
    Ok(errno(result))
}

/// Whether a socket may be the answer of a socket lookup.
fn select<G: Guest>(
    call: &Call<'_, G>,
    live: Option<&LiveSocket>,
    flags: u64,
) -> Result<(), Errno> {
    if flags & !(REPLACE | NO_REUSEPORT) != 0 {
        return Err(Errno::EINVAL);
    }
    let context = &call.world.context;
    if let Some(live) = live {
        let socket: &Socket = &live.lock();
        let idle = match socket.protocol {
            TCP => socket.state == state::LISTEN,
            UDP => socket.state == state::CLOSE,
            _ => true,
        };
        if !idle {
            return Err(Errno::ESOCKTNOSUPPORT);
        }
        if socket.protocol != context.field("protocol") {
            return Err(Errno::EPROTOTYPE);
        }
        if socket.family != context.field("family")
            && (socket.family == family::INET || socket.ipv6_only)
        {
            return Err(Errno::EAFNOSUPPORT);
        }
    }
    if context.pointer_named("sk") != 0 && flags & REPLACE == 0 {
        return Err(Errno::EEXIST);
    }
    Ok(())
}

/// `-ENOENT` and so on of helpers that need the context's socket to be whole.
pub(super) fn full_socket_of_context<G: Guest>(call: &Call<'_, G>) -> Option<Arc<LiveSocket>> {
    socket_of_context(call).filter(|live| live.lock().is_full())
}

/// What an error is worth as a 64-bit result.
pub(super) fn or_error(result: Result<u64, Errno>) -> u64 {
    result.unwrap_or_else(negative)
}
