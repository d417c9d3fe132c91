//! What programs that watch TCP connections may do: choose events, read and add header options
//! (`net/core/filter.c`, 6.18).

use osmia_program::Errno;

use super::socket::socket;
use super::{HelperFn, errno, negative};
use crate::guest::{Call, Fault, Guest};
use crate::packet::Packet;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        59 => cb_flags_set,
        116 => tcp_send_ack,
        142 => load_hdr_opt,
        143 => store_hdr_opt,
        144 => reserve_hdr_opt,
        _ => return None,
    })
}

/// `BPF_SOCK_OPS_ALL_CB_FLAGS`
const EVENTS: u64 = 0x7f;

/// `bpf_sock_ops_cb_flags_set`: which events the program wants to hear of; returns those there are not.
fn cb_flags_set<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let context = &call.world.context;
    if context.field("is_fullsock") == 0 {
        return Ok(negative(Errno::EINVAL));
    }
    let wanted = call.args[1] & u64::from(u32::MAX);
    context.set("bpf_sock_ops_cb_flags", (wanted & EVENTS) as u32);
    Ok(wanted & !EVENTS)
}

/// `bpf_tcp_send_ack`: a described socket has nobody to send it to.
fn tcp_send_ack<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    socket(call, 1)?;
    Ok(0)
}

// Events that come with a header (`BPF_SOCK_OPS_…`).
const HEADER_LEN: u32 = 14;
const WRITE_HEADER: u32 = 15;
/// `BPF_LOAD_HDR_OPT_TCP_SYN`: look in the packet that opened the connection.
const OPENING: u64 = 1;
/// Bytes of a TCP header without options, and the most that options take.
const HEADER_BYTES: usize = 20;
const OPTIONS_BYTES_MAX: usize = 40;
// Kinds of options: the end, a gap, and the two that experiments share by a magic number.
const END: u8 = 0;
const GAP: u8 = 1;
const SHARED: [u8; 2] = [253, 254];

/// An option looked for.
struct Pattern {
    kind: u8,
    magic: Vec<u8>,
}

impl Pattern {
    /// From an option's first bytes; its length is that of the magic number, or 0 without one.
    fn of(bytes: &[u8]) -> Option<Pattern> {
        let (&kind, &len) = (bytes.first()?, bytes.get(1)?);
        if kind == END || kind == GAP || usize::from(len) > bytes.len() {
            return None;
        }
        let magic = match (SHARED.contains(&kind), len) {
            (true, 4 | 6) => bytes[2..len.into()].to_vec(),
            (false, 0) => Vec::new(),
            _ => return None,
        };
        Some(Pattern { kind, magic })
    }

    /// The option in a row of options.
    fn find<'a>(&self, mut options: &'a [u8]) -> Result<&'a [u8], Errno> {
        while let Some((&kind, rest)) = options.split_first() {
            match kind {
                END => break,
                GAP => options = rest,
                _ => {
                    let len = usize::from(*rest.first().ok_or(Errno::EFAULT)?);
                    let option = options.get(..len).filter(|_| len >= 2);
                    let option = option.ok_or(Errno::EFAULT)?;
                    if kind == self.kind {
                        let magic = option.get(2..2 + self.magic.len());
                        if magic.ok_or(Errno::EFAULT)? == self.magic {
                            return Ok(option);
                        }
                    }
                    options = &options[len..];
                }
            }
        }
        Err(Errno::ENOMSG)
    }
}

/// The options of the packet, which starts with a TCP header.
fn options(packet: &Packet) -> Vec<u8> {
    let mut bytes = vec![0; packet.len()];
    let whole = packet.read(0, &mut bytes).is_some();
    bytes
        .get(HEADER_BYTES..)
        .filter(|_| whole)
        .unwrap_or(&[])
        .to_vec()
}

/// `bpf_load_hdr_opt`: an option of the header, by its kind, into the buffer that names the kind.
fn load_hdr_opt<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, _, size, flags, _] = call.args;
    let size = size as u32 as usize;
    let mut buffer = call.bytes(2, size)?;
    call.check_write(2, size as u32)?;
    let pattern = Pattern::of(&buffer).filter(|_| flags & !OPENING == 0);
    let result = match pattern {
        None => Err(Errno::EINVAL),
        // Nobody described the packet that opened it.
        Some(_) if flags & OPENING != 0 => Err(Errno::ENOENT),
        Some(_) if call.world.packet.is_empty() => Err(Errno::EPERM),
        Some(_) if call.world.context.field("op") == HEADER_LEN => Err(Errno::EPERM),
        Some(pattern) => pattern.find(&options(&call.world.packet)).map(|option| {
            let kept = option.len().min(size);
            buffer[..kept].copy_from_slice(&option[..kept]);
            option.len()
        }),
    };
    let written = match result {
        Ok(_) => call.write(2, &buffer),
        Err(_) => Ok(()),
    };
    call.world.reuse(buffer);
    written?;
    Ok(match result {
        Ok(len) if len > size => negative(Errno::ENOSPC),
        Ok(len) => len as u64,
        Err(errno) => negative(errno),
    })
}

/// `bpf_store_hdr_opt`: adds an option to the header, unless it has it.
fn store_hdr_opt<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, _, size, flags, _] = call.args;
    let option = call.bytes(2, size as u32 as usize)?;
    let result = store(call, &option, flags);
    call.world.reuse(option);
    call.world.packet_resized();
    call.guest.packet_moved(&call.world.packet);
    Ok(errno(result))
}

fn store<G: Guest>(call: &mut Call<'_, G>, option: &[u8], flags: u64) -> Result<(), Errno> {
    if call.world.context.field("op") != WRITE_HEADER {
        return Err(Errno::EPERM);
    }
    let len = usize::from(*option.get(1).ok_or(Errno::EINVAL)?);
    if flags != 0 || len < 2 || len > option.len() || [END, GAP].contains(&option[0]) {
        return Err(Errno::EINVAL);
    }
    let magic = match SHARED.contains(&option[0]) {
        true => option
            .get(2..len.min(6))
            .filter(|magic| [2, 4].contains(&magic.len())),
        false => Some(&[][..]),
    };
    let pattern = Pattern {
        kind: option[0],
        magic: magic.ok_or(Errno::EINVAL)?.to_vec(),
    };
    let packet = &mut call.world.packet;
    let there = options(packet);
    match pattern.find(&there) {
        Ok(_) => return Err(Errno::EEXIST),
        Err(Errno::ENOMSG) => {}
        Err(errno) => return Err(errno),
    }
    if there.len() + len > OPTIONS_BYTES_MAX {
        return Err(Errno::ENOSPC);
    }
    let end = packet.len();
    packet
        .make_room(0, len)
        .and_then(|()| packet.move_tail(len as i64, 0))
        .and_then(|()| packet.write(end, &option[..len]))
        .ok_or(Errno::ENOMEM)
}

/// `bpf_reserve_hdr_opt`: sets bytes of the header aside for options to come.
fn reserve_hdr_opt<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, len, flags, ..] = call.args;
    let len = len as u32 as usize;
    let there = options(&call.world.packet).len() + call.world.reserved_bytes;
    let result = match call.world.context.field("op") {
        op if op != HEADER_LEN => Err(Errno::EPERM),
        _ if flags != 0 || len < 2 => Err(Errno::EINVAL),
        _ if len > OPTIONS_BYTES_MAX.saturating_sub(there) => Err(Errno::ENOSPC),
        _ => {
            call.world.reserved_bytes += len;
            Ok(())
        }
    };
    Ok(errno(result))
}
