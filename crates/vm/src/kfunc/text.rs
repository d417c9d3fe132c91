//! Strings in memory that may not be there: lengths, comparison, searching, copying.
//!
//! Results are positions or negative error numbers: `ERANGE` for what is no kernel address, `EFAULT`
//! where memory ends, `E2BIG` for what has no end in sight, `ENOENT` for what is not found.

use osmia_program::Errno;

use super::family;
use crate::guest::{Call, Fault, Guest};
use crate::helper::{HelperFn, Whose, anywhere, current_task, negative};
use crate::limits;

family! {
    "bpf_strcmp" => |call| compare(call, |byte| byte),
    "bpf_strcasecmp" => |call| compare(call, |byte| byte.to_ascii_lowercase()),
    "bpf_strchr" => |call| find(call, 1, limits::STRING_BYTES_MAX),
    "bpf_strnchr" => strnchr,
    "bpf_strchrnul" => strchrnul,
    "bpf_strrchr" => strrchr,
    "bpf_strlen" => |call| length(call, limits::STRING_BYTES_MAX),
    "bpf_strnlen" => strnlen,
    "bpf_strspn" => |call| span(call, true),
    "bpf_strcspn" => |call| span(call, false),
    "bpf_strstr" => |call| search(call, limits::STRING_BYTES_MAX),
    "bpf_strnstr" => strnstr,
    "bpf_copy_from_user_str" => |call| copy_str(call, call.args[3]),
    "bpf_copy_from_user_task_str" => copy_from_user_task_str,
}

/// Addresses below are those of processes.
const KERNEL_ADDRESSES: u64 = 1 << 47;

/// A string somewhere.
struct Text<'g, G: Guest> {
    guest: &'g G,
    address: u64,
}

impl<'g, G: Guest> Text<'g, G> {
    fn of(guest: &'g G, address: u64) -> Result<Self, Errno> {
        // Memory of machine code's own lies where a process' does.
        if address < KERNEL_ADDRESSES && !guest.probe(address, &mut [0]) {
            return Err(Errno::ERANGE);
        }
        Ok(Self { guest, address })
    }

    fn at(&self, position: usize) -> Result<u8, Errno> {
        let mut byte = [0];
        match self
            .guest
            .probe(self.address.wrapping_add(position as u64), &mut byte)
        {
            true => Ok(byte[0]),
            false => Err(Errno::EFAULT),
        }
    }
}

fn answer(result: Result<usize, Errno>) -> Result<u64, Fault> {
    Ok(result.map_or_else(negative, |position| position as u64))
}

fn compare<G: Guest>(call: &mut Call<'_, G>, fold: fn(u8) -> u8) -> Result<u64, Fault> {
    let order = || {
        let first = Text::of(&*call.guest, call.args[0])?;
        let second = Text::of(&*call.guest, call.args[1])?;
        for position in 0..limits::STRING_BYTES_MAX {
            let (one, other) = (fold(first.at(position)?), fold(second.at(position)?));
            match (one as i8).cmp(&(other as i8)) {
                std::cmp::Ordering::Equal if one == 0 => return Ok(0),
                std::cmp::Ordering::Equal => {}
                order => return Ok(order as i64 as u64),
            }
        }
        Err(Errno::E2BIG)
    };
    Ok(order().unwrap_or_else(negative))
}

fn find<G: Guest>(call: &mut Call<'_, G>, byte: usize, count: usize) -> Result<u64, Fault> {
    let position = || {
        let text = Text::of(&*call.guest, call.args[0])?;
        for position in 0..count.min(limits::STRING_BYTES_MAX) {
            match text.at(position)? {
                found if found == call.args[byte] as u8 => return Ok(position),
                0 => return Err(Errno::ENOENT),
                _ => {}
            }
        }
        Err(too_long(count, Errno::ENOENT))
    };
    answer(position())
}

/// Why a search among so many bytes found no end.
fn too_long(count: usize, short: Errno) -> Errno {
    if count >= limits::STRING_BYTES_MAX {
        Errno::E2BIG
    } else {
        short
    }
}

/// `bpf_strnchr(s, count, c)`
fn strnchr<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    find(call, 2, call.args[1] as usize)
}

/// `bpf_strchrnul(s, c)`: where the character is, or the end.
fn strchrnul<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    answer(first(&*call.guest, call.args[0], |byte| {
        Ok(byte == 0 || byte == call.args[1] as u8)
    }))
}

/// The position of the first byte that is wanted.
fn first<G: Guest>(
    guest: &G,
    address: u64,
    wanted: impl Fn(u8) -> Result<bool, Errno>,
) -> Result<usize, Errno> {
    let text = Text::of(guest, address)?;
    for position in 0..limits::STRING_BYTES_MAX {
        if wanted(text.at(position)?)? {
            return Ok(position);
        }
    }
    Err(Errno::E2BIG)
}

/// `bpf_strrchr(s, c)`
fn strrchr<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let position = || {
        let text = Text::of(&*call.guest, call.args[0])?;
        let mut last = Err(Errno::ENOENT);
        for position in 0..limits::STRING_BYTES_MAX {
            let byte = text.at(position)?;
            if byte == call.args[1] as u8 {
                last = Ok(position);
            }
            if byte == 0 {
                return last;
            }
        }
        Err(Errno::E2BIG)
    };
    answer(position())
}

fn length<G: Guest>(call: &mut Call<'_, G>, count: usize) -> Result<u64, Fault> {
    let len = || {
        let text = Text::of(&*call.guest, call.args[0])?;
        for position in 0..count.min(limits::STRING_BYTES_MAX) {
            if text.at(position)? == 0 {
                return Ok(position);
            }
        }
        match count {
            limits::STRING_BYTES_MAX.. => Err(Errno::E2BIG),
            _ => Ok(count),
        }
    };
    answer(len())
}

/// `bpf_strnlen(s, count)`
fn strnlen<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    length(call, call.args[1] as usize)
}

/// How far a string has only bytes of a set, or only others.
fn span<G: Guest>(call: &mut Call<'_, G>, inside: bool) -> Result<u64, Fault> {
    let guest = &*call.guest;
    let position = || {
        // Both are looked at before either is read.
        Text::of(guest, call.args[0])?;
        let set = Text::of(guest, call.args[1])?;
        first(guest, call.args[0], |byte| {
            if byte == 0 {
                return Ok(true);
            }
            let at = first(guest, call.args[1], |member| {
                Ok(member == 0 || member == byte)
            })?;
            let is_member = set.at(at)? == byte;
            Ok(is_member != inside)
        })
    };
    answer(position())
}

/// Where the second string is in the first `len` bytes of the first one.
fn search<G: Guest>(call: &mut Call<'_, G>, len: usize) -> Result<u64, Fault> {
    let position = || {
        let text = Text::of(&*call.guest, call.args[0])?;
        let wanted = Text::of(&*call.guest, call.args[1])?;
        for start in 0..limits::STRING_BYTES_MAX {
            let mut matched = 0;
            while start + matched <= len && matched < limits::STRING_BYTES_MAX {
                let byte = wanted.at(matched)?;
                if byte == 0 {
                    return Ok(start);
                }
                // The end of what is wanted may lie one byte behind what is searched.
                if start + matched == len {
                    break;
                }
                match text.at(start + matched)? {
                    0 => return Err(Errno::ENOENT),
                    found if found != byte => break,
                    _ => matched += 1,
                }
            }
            if matched == limits::STRING_BYTES_MAX {
                return Err(Errno::E2BIG);
            }
            if start + matched == len {
                return Err(Errno::ENOENT);
            }
        }
        Err(Errno::E2BIG)
    };
    answer(position())
}

/// `bpf_strnstr(s1, s2, len)`
fn strnstr<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    search(call, call.args[2] as usize)
}

/// `bpf_copy_from_user_task_str(dst, size, source, task, flags)`: only the current task has memory.
fn copy_from_user_task_str<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    if Some(call.args[3]) != current_task(call) {
        call.args[2] = u64::MAX;
    }
    copy_str(call, call.args[4])
}

/// `bpf_copy_from_user_str(dst, size, source, flags)`: how many bytes were written, the zero at the
/// end included.
fn copy_str<G: Guest>(call: &mut Call<'_, G>, flags: u64) -> Result<u64, Fault> {
    /// `BPF_F_PAD_ZEROS`
    const PAD: u64 = 1;
    let [_, size, source, ..] = call.args;
    let size = size as u32;
    call.check_write(1, size)?;
    if flags & !PAD != 0 {
        return Ok(negative(Errno::EINVAL));
    }
    if size == 0 {
        return Ok(0);
    }
    let mut buffer = call.world.buffer(size as usize);
    let copied = anywhere(call).string(Whose::Process, source, &mut buffer);
    let len = copied.unwrap_or(0);
    buffer[len..].fill(0);
    let written = match flags {
        PAD => call.write(1, &buffer),
        _ => call.write(1, &buffer[..len]),
    };
    call.world.reuse(buffer);
    written?;
    Ok(copied.map_or(negative(Errno::EFAULT), |len| len as u64))
}
