//! SYN cookies: what a server needs to know of a connection, in the number it answers with
//! (`net/ipv4/syncookies.c`, 6.18). The kernel's secret is another one at each start; here it is the
//! machine's seed, so that cookies repeat with it. They keep nobody out.

use std::net::IpAddr;

use osmia_program::Errno;

use super::socket::{or_error, socket_or_null};
use super::{HelperFn, negative};
use crate::guest::{Call, Fault, Guest};
use crate::socket::{Socket, family, protocol, state};
use crate::world::World;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        100 => check,
        110 => generate,
        204 => raw_generate_ipv4,
        205 => raw_generate_ipv6,
        206 => raw_check_ipv4,
        207 => raw_check_ipv6,
        _ => return None,
    })
}

const IPV4_BYTES: usize = 20;
const IPV6_BYTES: usize = 40;
const TCP_BYTES: usize = 20;

/// Segment sizes that a cookie can tell.
const SIZES_IPV4: [u16; 4] = [536, 1300, 1440, 1460];
const SIZES_IPV6: [u16; 4] = [1220, 1420, 1440, 8940];
/// What is assumed of a client that does not say.
const SIZE_IPV4: u16 = 536;
const SIZE_IPV6: u16 = 1220;

/// How long the counter in a cookie stands still, and how many steps old a cookie may be.
const STEP_NANOSECONDS: u64 = 60_000_000_000;
const AGE_MAX: u32 = 2;
const COUNT_SHIFT: u32 = 24;
const DATA_MASK: u32 = (1 << COUNT_SHIFT) - 1;

/// Who talks to whom.
struct Pair {
    source: IpAddr,
    destination: IpAddr,
    /// Source and destination.
    ports: [u8; 4],
}

impl Pair {
    /// From both headers; `None` if they are too short for the version they name.
    fn of(ip: &[u8], tcp: &[u8]) -> Option<Pair> {
        let (source, destination) = if ip.first()? >> 4 == 6 {
            let at = |at: usize| {
                ip.get(at..)?
                    .first_chunk::<16>()
                    .map(|ip| IpAddr::from(*ip))
            };
            (at(8)?, at(24)?)
        } else {
            let at = |at: usize| ip.get(at..)?.first_chunk::<4>().map(|ip| IpAddr::from(*ip));
            (at(12)?, at(16)?)
        };
        Some(Pair {
            source,
            destination,
            ports: *tcp.first_chunk()?,
        })
    }

    fn sizes(&self) -> [u16; 4] {
        match self.source {
            IpAddr::V4(_) => SIZES_IPV4,
            IpAddr::V6(_) => SIZES_IPV6,
        }
    }

    /// A number that only who knows the secret can tell (FNV-1a: see above).
    fn hash(&self, secret: u64, count: u32, which: u8) -> u32 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ secret;
        let mut mix = |bytes: &[u8]| {
            for &byte in bytes {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        for address in [self.source, self.destination] {
            match address {
                IpAddr::V4(address) => mix(&address.octets()),
                IpAddr::V6(address) => mix(&address.octets()),
            }
        }
        mix(&self.ports);
        mix(&count.to_ne_bytes());
        mix(&[which]);
        (hash ^ hash >> 32) as u32
    }

    fn cookie(&self, secret: u64, sequence: u32, count: u32, data: u32) -> u32 {
        (self.hash(secret, 0, 0))
            .wrapping_add(sequence)
            .wrapping_add(count << COUNT_SHIFT)
            .wrapping_add(self.hash(secret, count, 1).wrapping_add(data) & DATA_MASK)
    }

    /// The data in a cookie, if it is one of ours and not too old.
    fn data(&self, secret: u64, cookie: u32, sequence: u32, count: u32) -> Option<u32> {
        let rest = cookie
            .wrapping_sub(self.hash(secret, 0, 0))
            .wrapping_sub(sequence);
        let age = count.wrapping_sub(rest >> COUNT_SHIFT) & (u32::MAX >> COUNT_SHIFT);
        if age >= AGE_MAX {
            return None;
        }
        let then = count.wrapping_sub(age);
        Some(rest.wrapping_sub(self.hash(secret, then, 1)) & DATA_MASK)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let part = bytes.get(at..).and_then(|part| part.first_chunk());
    part.map_or(0, |part| u32::from_be_bytes(*part))
}

/// The segment size that the options of a header name.
fn named_size(tcp: &[u8]) -> Option<u16> {
    const SIZE: u8 = 2;
    let mut options = tcp.get(TCP_BYTES..)?;
    loop {
        match *options {
            [] | [0, ..] => return None,
            [1, ..] => options = &options[1..],
            [kind, len, ..] => {
                let option = options.get(..len.into()).filter(|_| len >= 2)?;
                if let (SIZE, [_, _, high, low]) = (kind, option) {
                    let size = u16::from_be_bytes([*high, *low]);
                    return Some(size).filter(|&size| size != 0);
                }
                options = &options[usize::from(len)..];
            }
            [_] => return None,
        }
    }
}

fn count(world: &mut World) -> u32 {
    (world.env.clock.nanoseconds() / STEP_NANOSECONDS) as u32
}

/// The cookie, and above it the segment size it stands for.
fn made(world: &mut World, ip: &[u8], tcp: &[u8]) -> Result<u64, Errno> {
    let pair = Pair::of(ip, tcp).ok_or(Errno::EINVAL)?;
    let ipv4 = pair.source.is_ipv4();
    let named = named_size(tcp).unwrap_or(if ipv4 { SIZE_IPV4 } else { SIZE_IPV6 });
    let sizes = pair.sizes();
    let index = sizes.iter().rposition(|&size| named >= size).unwrap_or(0);
    let now = count(world);
    let cookie = pair.cookie(world.env.secret, u32_at(tcp, 4), now, index as u32);
    Ok(u64::from(cookie) | u64::from(sizes[index]) << 32)
}

/// True if a packet acknowledges a cookie of ours.
fn is_right(world: &mut World, ip: &[u8], tcp: &[u8]) -> bool {
    let Some(pair) = Pair::of(ip, tcp) else {
        return false;
    };
    let sequence = u32_at(tcp, 4).wrapping_sub(1);
    let cookie = u32_at(tcp, 8).wrapping_sub(1);
    let now = count(world);
    let data = pair.data(world.env.secret, cookie, sequence, now);
    data.is_some_and(|index| (index as usize) < pair.sizes().len())
}

/// Length of a TCP header as it says itself.
fn own_len(tcp: &[u8]) -> usize {
    tcp.get(12).map_or(0, |byte| usize::from(byte >> 4) * 4)
}

fn raw_generate<G: Guest>(call: &mut Call<'_, G>, ip_bytes: usize) -> Result<u64, Fault> {
    let ip = call.bytes(1, ip_bytes)?;
    let tcp = call.bytes(2, call.args[2] as u32 as usize)?;
    let result = match tcp.len() {
        TCP_BYTES.. if tcp.len() == own_len(&tcp) => made(call.world, &versioned(&ip), &tcp),
        _ => Err(Errno::EINVAL),
    };
    call.world.reuse(ip);
    call.world.reuse(tcp);
    Ok(or_error(result))
}

/// A header with the version its length stands for, whatever it says itself.
fn versioned(ip: &[u8]) -> Vec<u8> {
    let mut ip = ip.to_vec();
    ip[0] = if ip.len() == IPV6_BYTES { 0x60 } else { 0x45 };
    ip
}

/// `bpf_tcp_raw_gen_syncookie_ipv4`
fn raw_generate_ipv4<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    raw_generate(call, IPV4_BYTES)
}

/// `bpf_tcp_raw_gen_syncookie_ipv6`
fn raw_generate_ipv6<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    raw_generate(call, IPV6_BYTES)
}

fn raw_check<G: Guest>(call: &mut Call<'_, G>, ip_bytes: usize) -> Result<u64, Fault> {
    let ip = call.bytes(1, ip_bytes)?;
    let tcp = call.bytes(2, TCP_BYTES)?;
    let right = is_right(call.world, &versioned(&ip), &tcp);
    call.world.reuse(ip);
    call.world.reuse(tcp);
    Ok(if right { 0 } else { negative(Errno::EACCES) })
}

/// `bpf_tcp_raw_check_syncookie_ipv4`
fn raw_check_ipv4<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    raw_check(call, IPV4_BYTES)
}

/// `bpf_tcp_raw_check_syncookie_ipv6`
fn raw_check_ipv6<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    raw_check(call, IPV6_BYTES)
}

// Flags of a TCP header.
const FIN: u8 = 1;
const SYN: u8 = 1 << 1;
const RST: u8 = 1 << 2;
const ACK: u8 = 1 << 4;

/// What both helpers with a socket want: the headers, if the socket waits for connections.
fn with_listener<G: Guest>(
    call: &mut Call<'_, G>,
    work: impl FnOnce(&mut World, &Socket, &[u8], &[u8]) -> Result<u64, Errno>,
) -> Result<u64, Fault> {
    let live = socket_or_null(call, 1)?;
    let ip = call.bytes(2, call.args[2] as u32 as usize)?;
    let tcp = call.bytes(4, call.args[4] as u32 as usize)?;
    let listener = live.map(|live| live.lock().clone());
    let listener = listener.filter(|socket| {
        socket.protocol == protocol::TCP && socket.state == state::LISTEN && tcp.len() >= TCP_BYTES
    });
    let result = match listener {
        None => Err(Errno::EINVAL),
        Some(socket) => work(call.world, &socket, &ip, &tcp),
    };
    call.world.reuse(ip);
    call.world.reuse(tcp);
    Ok(or_error(result))
}

/// Whether a listener takes packets with such a header.
fn takes(socket: &Socket, ip: &[u8]) -> Result<(), Errno> {
    let version = ip.first().filter(|_| ip.len() >= IPV4_BYTES);
    match version.ok_or(Errno::EINVAL)? >> 4 {
        4 if !socket.ipv6_only => Ok(()),
        6 if ip.len() >= IPV6_BYTES && socket.family == family::INET6 => Ok(()),
        4 | 6 => Err(Errno::EINVAL),
        _ => Err(Errno::EPROTONOSUPPORT),
    }
}

/// `bpf_tcp_check_syncookie`
fn check<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    with_listener(call, |world, socket, ip, tcp| {
        if tcp[13] & (ACK | RST | SYN) != ACK {
            return Err(Errno::ENOENT);
        }
        takes(socket, ip)?;
        match socket.overflows && is_right(world, ip, tcp) {
            true => Ok(0),
            false => Err(Errno::ENOENT),
        }
    })
}

/// `bpf_tcp_gen_syncookie`
fn generate<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    with_listener(call, |world, socket, ip, tcp| {
        if tcp.len() != own_len(tcp) || tcp[13] & (SYN | ACK | FIN | RST) != SYN {
            return Err(Errno::EINVAL);
        }
        takes(socket, ip)?;
        // Who can remember everybody needs no cookies.
        match socket.overflows {
            true => made(world, ip, tcp),
            false => Err(Errno::ENOENT),
        }
    })
}
