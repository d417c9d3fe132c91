//! Internet checksums: differences, and corrections in packets.

use osmia_program::Errno;

use super::{HelperFn, errno, negative};
use crate::guest::{Call, Fault, Guest};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        10 => l3_csum_replace,
        11 => l4_csum_replace,
        28 => csum_diff,
        40 => csum_update,
        135 => csum_level,
        _ => return None,
    })
}

/// The ones' complement sum of 16-bit words onto `sum`; an odd byte counts as the first of a word.
fn add_words(mut sum: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<2>();
    for word in words {
        sum += u64::from(u16::from_ne_bytes(*word));
    }
    if let [last] = rest {
        sum += u64::from(u16::from_ne_bytes([*last, 0]));
    }
    sum
}

/// The sum folded to 16 bits. Never turns a sum that is not 0 into 0.
fn fold(mut sum: u64) -> u16 {
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// `bpf_csum_diff`: what to add to a checksum after `from` became `to`, folded to 16 bits and of any
/// length, as in Linux since 6.13.
fn csum_diff<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, from_size, _, to_size, seed] = call.args;
    let (from_size, to_size) = (from_size as u32, to_size as u32);
    let mut sum = u64::from(seed as u32);
    if to_size > 0 {
        let to = call.bytes(3, to_size as usize)?;
        sum = add_words(sum, &to);
        call.world.reuse(to);
    }
    if from_size > 0 {
        let from = call.bytes(1, from_size as usize)?;
        sum += u64::from(!fold(add_words(0, &from)));
        call.world.reuse(from);
    }
    Ok(u64::from(fold(sum)))
}

/// `BPF_F_HDR_FIELD_MASK`: how many bytes changed.
const FIELD_BYTES_MASK: u64 = 0xf;
/// `BPF_F_PSEUDO_HDR`
const PSEUDO_HEADER: u64 = 1 << 4;
/// `BPF_F_MARK_MANGLED_0`: a checksum of 0 means there is none.
const MARK_MANGLED_0: u64 = 1 << 5;
/// `BPF_F_MARK_ENFORCE`: also if it was 0 before.
const MARK_ENFORCE: u64 = 1 << 6;
/// `BPF_F_IPV6`
const IPV6: u64 = 1 << 7;

/// The checksum after `from` became `to`.
fn replaced(check: u16, from: u64, to: u64, bytes: u64) -> Result<u16, Errno> {
    let difference = match bytes {
        // The caller already knows the difference.
        0 if from == 0 => u64::from(to as u32),
        2 => u64::from(!(from as u16)) + u64::from(to as u16),
        4 => u64::from(!(from as u32)) + u64::from(to as u32),
        _ => return Err(Errno::EINVAL),
    };
    Ok(!fold(u64::from(!check) + difference))
}

fn replace<G: Guest>(call: &mut Call<'_, G>, flags_known: u64) -> Result<u64, Fault> {
    call.context(1)?;
    let [_, offset, from, to, flags] = call.args;
    if flags & !flags_known != 0 {
        return Ok(negative(Errno::EINVAL));
    }
    if offset > 0xffff || offset & 1 != 0 {
        return Ok(negative(Errno::EFAULT));
    }
    let mut bytes = [0; 2];
    if call
        .world
        .packet
        .read(offset as usize, &mut bytes)
        .is_none()
    {
        return Ok(negative(Errno::EFAULT));
    }
    call.guest.packet_moved(&call.world.packet);
    let check = u16::from_ne_bytes(bytes);
    let mangle = flags & MARK_MANGLED_0 != 0;
    if mangle && flags & MARK_ENFORCE == 0 && check == 0 {
        return Ok(0);
    }
    let result = replaced(check, from, to, flags & FIELD_BYTES_MASK).map(|check| {
        let check = if mangle && check == 0 { 0xffff } else { check };
        let written = call
            .world
            .packet
            .write(offset as usize, &check.to_ne_bytes());
        debug_assert!(written.is_some(), "read above");
    });
    Ok(errno(result))
}

/// `bpf_l3_csum_replace`
fn l3_csum_replace<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    replace(call, FIELD_BYTES_MASK)
}

/// `bpf_l4_csum_replace`
fn l4_csum_replace<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    replace(
        call,
        FIELD_BYTES_MASK | PSEUDO_HEADER | MARK_MANGLED_0 | MARK_ENFORCE | IPV6,
    )
}

/// `bpf_csum_update`: no packet here carries a checksum of the hardware's.
fn csum_update<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    Ok(negative(Errno::ENOTSUPP))
}

// What `bpf_csum_level` is asked for.
const QUERY: u64 = 0;
const INCREASE: u64 = 1;
const DECREASE: u64 = 2;
const RESET: u64 = 3;
/// Most checksums a packet remembers (`SKB_MAX_CSUM_LEVEL`).
const LEVEL_MAX: u8 = 3;

/// `bpf_csum_level`: how many checksums are known to be right; nothing was looked at at first.
fn csum_level<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let level = &mut call.world.checksums_right;
    *level = match (call.args[1], *level) {
        (QUERY, None) => return Ok(negative(Errno::EACCES)),
        (QUERY, Some(level)) => return Ok(u64::from(level)),
        (INCREASE, None) => Some(0),
        (INCREASE, Some(level)) => Some((level + 1).min(LEVEL_MAX)),
        (DECREASE, level) => level.and_then(|level| level.checked_sub(1)),
        (RESET, _) => None,
        _ => return Ok(negative(Errno::EINVAL)),
    };
    Ok(0)
}

/// The checksum of a header whose checksum is 0.
pub(super) fn of_header(header: &[u8]) -> [u8; 2] {
    (!fold(add_words(0, header))).to_ne_bytes()
}
