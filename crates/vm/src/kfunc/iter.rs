//! Open-coded iterators: their state is a structure on the program's stack, laid out as the kernel's.

use std::sync::Arc;

use osmia_program::Errno;

use super::family;
use crate::fields::{Scratch, release};
use crate::guest::{Call, Fault, Guest};
use crate::heap::{ObjectAccess, Tag};
use crate::helper::{HelperFn, errno};
use crate::limits;

family! {
    "bpf_iter_num_new" => num_new,
    "bpf_iter_num_next" => num_next,
    "bpf_iter_num_destroy" => num_destroy,
    "bpf_iter_bits_new" => bits_new,
    "bpf_iter_bits_next" => bits_next,
    "bpf_iter_bits_destroy" => bits_destroy,
}

/// Two 32-bit numbers from where an argument points.
fn pair<G: Guest>(call: &Call<'_, G>, address: u64) -> Result<[i32; 2], Fault> {
    let mut bytes = [0; 8];
    if !call.guest.read(address, &mut bytes) {
        return Err(denied(address, false));
    }
    Ok(unpair(bytes))
}

fn unpair(bytes: [u8; 8]) -> [i32; 2] {
    let (words, _) = bytes.as_chunks::<4>();
    [words[0], words[1]].map(i32::from_ne_bytes)
}

fn set_pair<G: Guest>(
    call: &mut Call<'_, G>,
    address: u64,
    [first, second]: [i32; 2],
) -> Result<(), Fault> {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&first.to_ne_bytes());
    bytes[4..].copy_from_slice(&second.to_ne_bytes());
    match call.guest.write(address, &bytes) {
        true => Ok(()),
        false => Err(denied(address, true)),
    }
}

fn denied(address: u64, write: bool) -> Fault {
    Fault::Access {
        argument: 1,
        address,
        bytes: 8,
        write,
    }
}

/// `bpf_iter_num_new(it, start, end)`: the state is the number before the next one, and the end.
fn num_new<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [at, start, end, ..] = call.args;
    let (start, end) = (start as i32, end as i32);
    let state = match i64::from(end) - i64::from(start) {
        ..0 => Err(Errno::EINVAL),
        count if count > limits::LOOP_ITERATIONS_MAX as i64 => Err(Errno::E2BIG),
        _ => Ok([start.wrapping_sub(1), end]),
    };
    set_pair(call, at, state.unwrap_or_default())?;
    Ok(errno(state.map(|_| ())))
}

/// `bpf_iter_num_next(it)`: where the number is.
fn num_next<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let at = call.args[0];
    let [current, end] = pair(call, at)?;
    let next = current.wrapping_add(1);
    if next >= end {
        set_pair(call, at, [0, 0])?;
        return Ok(0);
    }
    set_pair(call, at, [next, end])?;
    Ok(at)
}

/// `bpf_iter_num_destroy(it)`
fn num_destroy<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    set_pair(call, call.args[0], [0, 0])?;
    Ok(0)
}

/// Bits of the word that lies in the state itself.
const WORD_BITS: i32 = 64;

/// `bpf_iter_bits_new(it, words, count)`: the state is the word, or where a copy of the words is, how
/// many bits there are, and the last one met.
fn bits_new<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [at, from, count, ..] = call.args;
    let count = count as u32 as usize;
    call.check_write(1, 16)?;
    set_pair(call, at, [0, 0])?;
    set_pair(call, at + 8, [0, -1])?;
    if from == 0 || count == 0 {
        return Ok(errno(Err(Errno::EINVAL)));
    }
    if count > limits::BITS_WORDS_MAX {
        return Ok(errno(Err(Errno::E2BIG)));
    }
    let mut words = call.world.buffer(count * 8);
    let result = if call.guest.probe(from, &mut words) {
        keep_bits(call, at, &words)?
    } else {
        Err(Errno::EFAULT)
    };
    call.world.reuse(words);
    Ok(errno(result))
}

fn keep_bits<G: Guest>(
    call: &mut Call<'_, G>,
    at: u64,
    words: &[u8],
) -> Result<Result<(), Errno>, Fault> {
    let bits = words.len() as i32 * 8;
    if bits == WORD_BITS {
        call.write(1, words)?;
    } else {
        let tag = Tag::with("bits", Arc::<Scratch>::default());
        let Some(copy) = call.allocate(words.len(), ObjectAccess::Read, tag) else {
            return Ok(Err(Errno::ENOMEM));
        };
        if let Some(object) = call.world.runs.heap().object(copy) {
            object.write(0, words);
        }
        call.world.held.acquire(copy);
        call.write(1, &copy.to_ne_bytes())?;
    }
    set_pair(call, at + 8, [bits, -1])?;
    Ok(Ok(()))
}

/// `bpf_iter_bits_next(it)`: where the number of the next set bit is.
fn bits_next<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let at = call.args[0];
    let [bits, last] = pair(call, at + 8)?;
    let mut words = [0; 8];
    call.read(1, &mut words)?;
    let base = if bits == WORD_BITS {
        at
    } else {
        u64::from_ne_bytes(words)
    };
    let mut bit = last.saturating_add(1).max(0);
    while bit < bits {
        let word_at = base.wrapping_add(bit as u64 / 64 * 8);
        if !call.guest.read(word_at, &mut words) {
            return Err(denied(word_at, false));
        }
        let rest = u64::from_ne_bytes(words) >> (bit % WORD_BITS);
        if rest != 0 {
            bit += rest.trailing_zeros() as i32;
            set_pair(call, at + 8, [bits, bit])?;
            return Ok(at + 12);
        }
        bit = bit / WORD_BITS * WORD_BITS + WORD_BITS;
    }
    set_pair(call, at + 8, [bits, bits.max(0)])?;
    Ok(0)
}

/// `bpf_iter_bits_destroy(it)`
fn bits_destroy<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let at = call.args[0];
    let [bits, _] = pair(call, at + 8)?;
    if bits <= WORD_BITS {
        return Ok(0);
    }
    let mut copy = [0; 8];
    call.read(1, &mut copy)?;
    let copy = u64::from_ne_bytes(copy);
    let object = call.world.runs.heap().object(copy);
    let ours = object.is_some_and(|object| object.payload::<Scratch>().is_some());
    if !ours || !call.world.held.release(copy) {
        return Err(Fault::Misuse {
            what: "ends an iterator that was not begun".to_owned(),
        });
    }
    release(&call.world.runs, copy);
    set_pair(call, at + 8, [0, -1])?;
    Ok(0)
}
