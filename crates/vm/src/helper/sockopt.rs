//! Options of sockets: what programs may set and read of them (`net/core/filter.c`, 6.18).

use std::net::IpAddr;
use std::sync::Arc;

use osmia_program::Errno;

use super::socket::{socket, socket_of_context};
use super::{HelperFn, errno, negative};
use crate::guest::{Call, Fault, Guest};
use crate::net::Network;
use crate::socket::family::{INET as AF_INET, INET6 as AF_INET6};
use crate::socket::{LiveSocket, Socket, protocol};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        49 => setsockopt,
        57 => getsockopt,
        64 => bind,
        _ => return None,
    })
}

/// Levels.
const SOCKET: u32 = 1;
const IP: u32 = 0;
const TCP_LEVEL: u32 = 6;
const IPV6: u32 = 41;

/// Sizes an option's value may have.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Size {
    /// Of an `int`.
    Int,
    /// Of a name, with at least so many bytes.
    Name(usize),
}

/// An option programs may touch.
struct Entry {
    level: u32,
    number: u32,
    size: Size,
    /// It may be set, and it may be read.
    set: bool,
    get: bool,
}

const fn int(level: u32, number: u32) -> Entry {
    Entry {
        level,
        number,
        size: Size::Int,
        set: true,
        get: true,
    }
}

const fn set_only(level: u32, number: u32) -> Entry {
    Entry {
        get: false,
        ..int(level, number)
    }
}

const fn name(level: u32, number: u32, bytes_min: usize) -> Entry {
    Entry {
        size: Size::Name(bytes_min),
        ..int(level, number)
    }
}

const SO_PRIORITY: u32 = 12;
const SO_MARK: u32 = 36;
const SO_BINDTOIFINDEX: u32 = 62;
const TCP_BPF_IW: u32 = 1001;
const TCP_BPF_SNDCWND_CLAMP: u32 = 1002;

#[rustfmt::skip]
const OPTIONS: &[Entry] = &[
    // SO_REUSEADDR, SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE, SO_REUSEPORT, SO_RCVLOWAT, SO_MAX_PACING_RATE,
    // SO_BINDTODEVICE, SO_TXREHASH, and those with names above.
    int(SOCKET, 2), int(SOCKET, 7), int(SOCKET, 8), int(SOCKET, 9), int(SOCKET, 15), int(SOCKET, 18),
    int(SOCKET, 47), name(SOCKET, 25, 0), int(SOCKET, 74),
    int(SOCKET, SO_PRIORITY), int(SOCKET, SO_MARK), int(SOCKET, SO_BINDTOIFINDEX),
    // TCP_NODELAY, TCP_MAXSEG, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_SYNCNT, TCP_WINDOW_CLAMP,
    // TCP_CONGESTION, TCP_THIN_LINEAR_TIMEOUTS, TCP_USER_TIMEOUT, TCP_NOTSENT_LOWAT, TCP_SAVE_SYN,
    // TCP_SAVED_SYN.
    int(TCP_LEVEL, 1), int(TCP_LEVEL, 2), int(TCP_LEVEL, 4), int(TCP_LEVEL, 5), int(TCP_LEVEL, 6),
    int(TCP_LEVEL, 7), int(TCP_LEVEL, 10), name(TCP_LEVEL, 13, 2), int(TCP_LEVEL, 16),
    int(TCP_LEVEL, 18), int(TCP_LEVEL, 25), int(TCP_LEVEL, 27),
    Entry { level: TCP_LEVEL, number: 28, size: Size::Name(1), set: false, get: true },
    // TCP_BPF_DELACK_MAX, TCP_BPF_RTO_MIN, TCP_BPF_SOCK_OPS_CB_FLAGS.
    set_only(TCP_LEVEL, TCP_BPF_IW), set_only(TCP_LEVEL, TCP_BPF_SNDCWND_CLAMP),
    int(TCP_LEVEL, 1003), int(TCP_LEVEL, 1004), int(TCP_LEVEL, 1008),
    // IP_TOS; IPV6_TCLASS, IPV6_AUTOFLOWLABEL.
    int(IP, 1), int(IPV6, 67), int(IPV6, 70),
];

/// The option of a socket, if a program may touch it with a value of so many bytes.
fn option(
    socket: &Socket,
    level: u32,
    number: u32,
    bytes: usize,
    set: bool,
) -> Result<&'static Entry, Errno> {
    let level_fits = match level {
        TCP_LEVEL => socket.protocol == protocol::TCP,
        IP => socket.family == AF_INET,
        IPV6 => socket.family == AF_INET6,
        _ => true,
    };
    let mut entries = OPTIONS.iter();
    let entry = entries.find(|entry| (entry.level, entry.number) == (level, number));
    let size_fits = |entry: &Entry| match entry.size {
        Size::Int => bytes == 4,
        Size::Name(min) => bytes >= min,
    };
    entry
        .filter(|entry| level_fits && size_fits(entry) && if set { entry.set } else { entry.get })
        .ok_or(Errno::EINVAL)
}

/// The socket that options are of: the context's, or the first argument itself.
fn target<G: Guest>(call: &Call<'_, G>) -> Result<Option<Arc<LiveSocket>>, Fault> {
    match call.context(1) {
        Ok(()) => Ok(socket_of_context(call).filter(|live| live.lock().is_full())),
        Err(_) => socket(call, 1).map(Some),
    }
}

/// `bpf_setsockopt`
fn setsockopt<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let live = target(call)?;
    let [_, level, number, _, size] = call.args;
    let value = call.bytes(4, size as u32 as usize)?;
    let result = match live {
        None => Err(Errno::EINVAL),
        Some(live) => live.change(&call.world.runs, |socket| {
            set(socket, level as u32, number as u32, &value)
        }),
    };
    call.world.reuse(value);
    Ok(errno(result))
}

fn set(socket: &mut Socket, level: u32, number: u32, value: &[u8]) -> Result<(), Errno> {
    let entry = option(socket, level, number, value.len(), true)?;
    let int = value
        .first_chunk()
        .map_or(0, |int| i32::from_ne_bytes(*int));
    match (level, number) {
        (SOCKET, SO_PRIORITY) => socket.priority = int as u32,
        (SOCKET, SO_MARK) => socket.mark = int as u32,
        (SOCKET, SO_BINDTOIFINDEX) if int < 0 => return Err(Errno::EINVAL),
        (SOCKET, SO_BINDTOIFINDEX) => socket.link = int as u32,
        (TCP_LEVEL, TCP_BPF_IW | TCP_BPF_SNDCWND_CLAMP) if int <= 0 => return Err(Errno::EINVAL),
        (TCP_LEVEL, TCP_BPF_IW) => {
            socket.numbers.set("snd_cwnd", int as u64);
        }
        _ => {}
    }
    let kept = match entry.size {
        Size::Int => value,
        // Names end at their zero.
        Size::Name(_) => value.split(|&byte| byte == 0).next().unwrap_or(value),
    };
    socket.options.insert((level, number), kept.to_vec());
    Ok(())
}

/// `bpf_getsockopt`
fn getsockopt<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let live = target(call)?;
    let [_, level, number, _, size] = call.args;
    call.check_write(4, size as u32)?;
    let mut value = call.world.buffer(size as u32 as usize);
    let result = match live {
        None => Err(Errno::EINVAL),
        Some(live) => get(&live.lock(), level as u32, number as u32, &mut value),
    };
    if result.is_err() {
        value.fill(0);
    }
    let written = call.write(4, &value);
    call.world.reuse(value);
    written.map(|()| errno(result))
}

/// What nobody set is zero.
fn get(socket: &Socket, level: u32, number: u32, out: &mut [u8]) -> Result<(), Errno> {
    option(socket, level, number, out.len(), false)?;
    let own = match (level, number) {
        (SOCKET, SO_PRIORITY) => Some(socket.priority),
        (SOCKET, SO_MARK) => Some(socket.mark),
        (SOCKET, SO_BINDTOIFINDEX) => Some(socket.link),
        _ => None,
    };
    let own = own.map(|value| value.to_ne_bytes().to_vec());
    let kept = own.or_else(|| socket.options.get(&(level, number)).cloned());
    for (to, from) in out.iter_mut().zip(kept.unwrap_or_default()) {
        *to = from;
    }
    Ok(())
}

/// `bpf_bind`: the address a connection will come from.
fn bind<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    /// Bytes of `struct sockaddr_in`, and the least of `struct sockaddr_in6`.
    const IPV4_BYTES: usize = 16;
    const IPV6_BYTES: usize = 24;
    call.context(1)?;
    let bytes = call.bytes(2, call.args[2] as u32 as usize)?;
    let family = bytes
        .first_chunk()
        .map_or(0, |family| u16::from_ne_bytes(*family));
    let address = match (u32::from(family), bytes.len()) {
        (AF_INET, IPV4_BYTES..) => bytes[4..].first_chunk::<4>().map(|ip| IpAddr::from(*ip)),
        (AF_INET6, IPV6_BYTES..) => bytes[8..].first_chunk::<16>().map(|ip| IpAddr::from(*ip)),
        _ => None,
    };
    let port = bytes
        .get(2..4)
        .map_or(0, |port| u16::from_be_bytes([port[0], port[1]]));
    call.world.reuse(bytes);
    let Some(address) = address else {
        let known = [AF_INET, AF_INET6].contains(&family.into());
        return Ok(negative(if known {
            Errno::EINVAL
        } else {
            Errno::EAFNOSUPPORT
        }));
    };
    let Some(live) = socket_of_context(call) else {
        return Ok(negative(Errno::EINVAL));
    };
    if !address.is_unspecified() && !is_own(&call.world.env.network, address) {
        return Ok(negative(Errno::EADDRNOTAVAIL));
    }
    live.change(&call.world.runs, |socket| {
        // Without a port, one is chosen when the connection is made.
        let port = if port == 0 { socket.local.1 } else { port };
        socket.local = (address, port);
    });
    Ok(0)
}

fn is_own(network: &Network, address: IpAddr) -> bool {
    let mut own = network.links().flat_map(|link| &link.addresses);
    own.any(|own| own.address == address)
}
