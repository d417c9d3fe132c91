//! Tunnel keys and options: what a program says is kept with the packet and read back as the kernel
//! would give it.

use osmia_program::Errno;

use super::{HelperFn, errno, negative};
use crate::guest::{Call, Fault, Guest};
use crate::world::{TUNNEL_KEY_BYTES, Tunnel};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        20 => skb_get_tunnel_key,
        21 => skb_set_tunnel_key,
        29 => skb_get_tunnel_opt,
        30 => skb_set_tunnel_opt,
        _ => return None,
    })
}

/// `BPF_F_TUNINFO_IPV6`
const IPV6: u64 = 1;
/// `BPF_F_ZERO_CSUM_TX`
const NO_CHECKSUM: u64 = 1 << 1;
/// `BPF_F_DONT_FRAGMENT`
const DONT_FRAGMENT: u64 = 1 << 2;
/// `BPF_F_SEQ_NUMBER`
const SEQUENCE: u64 = 1 << 3;
/// `BPF_F_NO_TUNNEL_KEY`; with `bpf_skb_get_tunnel_key` the same bit is `BPF_F_TUNINFO_FLAGS`.
const NO_KEY: u64 = 1 << 4;
const WITH_FLAGS: u64 = 1 << 4;

// Where the fields of `struct bpf_tunnel_key` lie.
const REMOTE: usize = 4;
const EXT: usize = 22;
const LABEL: usize = 24;
const LOCAL: usize = 28;
/// Bytes of the structure as older programs know it: up to the second word of the remote address,
/// to `tunnel_ext`, to the label, to the local address.
const OLD_SIZES: [usize; 4] = [8, EXT, LABEL, LOCAL];

/// Longest options (`IP_TUNNEL_OPTS_MAX`).
const OPTIONS_BYTES_MAX: usize = 255;

/// `bpf_skb_set_tunnel_key`
fn skb_set_tunnel_key<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, _, size, flags, _] = call.args;
    let bytes = call.bytes(2, size as u32 as usize)?;
    let result = tunnel(&bytes, flags).map(|tunnel| call.world.tunnel = Some(tunnel));
    call.world.reuse(bytes);
    Ok(errno(result))
}

fn tunnel(bytes: &[u8], flags: u64) -> Result<Tunnel, Errno> {
    if flags & !(IPV6 | NO_CHECKSUM | DONT_FRAGMENT | SEQUENCE | NO_KEY) != 0 {
        return Err(Errno::EINVAL);
    }
    if bytes.len() != TUNNEL_KEY_BYTES && !OLD_SIZES.contains(&bytes.len()) {
        return Err(Errno::EINVAL);
    }
    let mut key = [0; TUNNEL_KEY_BYTES];
    key[..bytes.len()].copy_from_slice(bytes);
    let is_zero = |bytes: &[u8]| bytes.iter().all(|&byte| byte == 0);
    let labelled = flags & IPV6 == 0 && !is_zero(&key[LABEL..LOCAL]);
    if labelled || !is_zero(&key[EXT..LABEL]) {
        return Err(Errno::EINVAL);
    }
    // A label has twenty bits.
    let label = &mut key[LABEL..LOCAL];
    let mut bytes = [0; 4];
    bytes.copy_from_slice(label);
    label.copy_from_slice(&(u32::from_ne_bytes(bytes) & 0xf_ffff).to_ne_bytes());
    Ok(Tunnel {
        key,
        flags,
        options: Vec::new(),
    })
}

/// `bpf_skb_get_tunnel_key`: the key of the tunnel, with the sender as the remote end.
fn skb_get_tunnel_key<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, _, size, flags, _] = call.args;
    let size = size as u32;
    call.check_write(2, size)?;
    let key = seen(call.world.tunnel.as_ref(), size as usize, flags);
    let mut buffer = call.world.buffer(size as usize);
    if let Ok(key) = &key {
        buffer.copy_from_slice(&key[..size as usize]);
    }
    let written = call.write(2, &buffer);
    call.world.reuse(buffer);
    written.map(|()| errno(key.map(drop)))
}

fn seen(tunnel: Option<&Tunnel>, size: usize, flags: u64) -> Result<[u8; TUNNEL_KEY_BYTES], Errno> {
    let tunnel = tunnel.ok_or(Errno::EINVAL)?;
    if flags & !(IPV6 | WITH_FLAGS) != 0 {
        return Err(Errno::EINVAL);
    }
    let ipv6 = flags & IPV6 != 0;
    if ipv6 != (tunnel.flags & IPV6 != 0) {
        return Err(Errno::EPROTO);
    }
    let old = OLD_SIZES.contains(&size) && !(size == OLD_SIZES[0] && ipv6);
    if size != TUNNEL_KEY_BYTES && !old {
        return Err(Errno::EINVAL);
    }
    let mut key = tunnel.key;
    let address_bytes = if ipv6 { 16 } else { 4 };
    // What the program set is a packet on its way out; whoever reads it looks from the other end.
    key[REMOTE..REMOTE + 16].fill(0);
    key[LOCAL..].fill(0);
    key[REMOTE..REMOTE + address_bytes].copy_from_slice(&tunnel.key[LOCAL..LOCAL + address_bytes]);
    key[LOCAL..LOCAL + address_bytes].copy_from_slice(&tunnel.key[REMOTE..REMOTE + address_bytes]);
    if flags & WITH_FLAGS != 0 {
        key[EXT..LABEL].copy_from_slice(&wire_flags(tunnel).to_be_bytes());
    }
    Ok(key)
}

/// The tunnel's flags as headers of the kernel number them (`TUNNEL_CSUM` and so on).
fn wire_flags(tunnel: &Tunnel) -> u16 {
    /// Options of any of the four kinds that headers know.
    const OPTIONS: u16 = 0xd800;
    let bit = |set: bool, bit: u32| u16::from(set) << bit;
    bit(tunnel.flags & NO_CHECKSUM == 0, 0)
        | bit(tunnel.flags & NO_KEY == 0, 2)
        | bit(tunnel.flags & SEQUENCE != 0, 3)
        | bit(tunnel.flags & DONT_FRAGMENT != 0, 8)
        | bit(true, 13)
        | if tunnel.options.is_empty() {
            0
        } else {
            OPTIONS
        }
}

/// `bpf_skb_set_tunnel_opt`
fn skb_set_tunnel_opt<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let options = call.bytes(2, call.args[2] as u32 as usize)?;
    let result = match &mut call.world.tunnel {
        Some(_) if options.len() > OPTIONS_BYTES_MAX && options.len() % 4 == 0 => {
            Err(Errno::ENOMEM)
        }
        Some(tunnel) if options.len() % 4 == 0 => {
            tunnel.options.clone_from(&options);
            Ok(())
        }
        _ => Err(Errno::EINVAL),
    };
    call.world.reuse(options);
    Ok(errno(result))
}

/// `bpf_skb_get_tunnel_opt`: how many bytes of options there are.
fn skb_get_tunnel_opt<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let size = call.args[2] as u32;
    call.check_write(2, size)?;
    let mut buffer = call.world.buffer(size as usize);
    let options = call.world.tunnel.as_ref().map(|tunnel| &tunnel.options);
    let result = match options.filter(|options| !options.is_empty()) {
        None => negative(Errno::ENOENT),
        Some(options) if options.len() > buffer.len() => negative(Errno::ENOMEM),
        Some(options) => {
            buffer[..options.len()].copy_from_slice(options);
            options.len() as u64
        }
    };
    let written = call.write(2, &buffer);
    call.world.reuse(buffer);
    written.map(|()| result)
}
