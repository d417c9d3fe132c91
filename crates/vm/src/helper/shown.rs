//! Values shown by the kernel's types: `bpf_snprintf_btf`, `bpf_seq_printf_btf`.

use osmia_btf::TypeId;
use osmia_btf::print::{ShowFlags, ShowStop, Shown, show};
use osmia_program::Errno;

use super::probe::{Whose, anywhere};
use super::seq::{append, sequence};
use super::{HelperFn, errno, negative};
use crate::guest::{Call, Fault, Guest};
use crate::stage::UserPages;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        149 => snprintf_btf,
        150 => seq_printf_btf,
        _ => return None,
    })
}

/// Bytes of `struct btf_ptr`.
const POINTER_BYTES: u32 = 16;
/// `BTF_F_COMPACT`, `BTF_F_NONAME`, `BTF_F_ZERO`
const COMPACT: u64 = 1;
const NO_NAME: u64 = 2;
const ZERO: u64 = 8;
/// All of them; the one left, `BTF_F_PTR_RAW`, changes nothing: no address here is worth hiding.
const FLAGS: u64 = 15;

/// Shows what the `struct btf_ptr` in argument `argument`, followed by its size and the flags, points to.
fn shown<G: Guest>(
    call: &mut Call<'_, G>,
    argument: usize,
    flags: u64,
) -> Result<Result<Shown, Errno>, Fault> {
    let size = call.args[argument] as u32;
    let pointer = call.bytes(argument, size as usize)?;
    let mut words = [0; POINTER_BYTES as usize];
    if size == POINTER_BYTES {
        words.copy_from_slice(&pointer);
    }
    call.world.reuse(pointer);
    if flags & !FLAGS != 0 || size != POINTER_BYTES {
        return Ok(Err(Errno::EINVAL));
    }
    let Some(types) = call.world.env.types.clone() else {
        return Ok(Err(Errno::EINVAL));
    };
    let (address, rest) = words.split_at(8);
    let address = u64::from_ne_bytes(address.try_into().expect("eight bytes"));
    let id = TypeId(u32::from_ne_bytes(
        rest[..4].try_into().expect("four bytes"),
    ));
    if id == TypeId::VOID {
        return Ok(Err(Errno::EINVAL));
    }
    if types.ty(id).is_none() {
        return Ok(Err(Errno::ENOENT));
    }
    let flags = ShowFlags {
        compact: flags & COMPACT != 0,
        no_name: flags & NO_NAME != 0,
        zero: flags & ZERO != 0,
    };
    let memory = anywhere(call);
    let read = |address: u64, out: &mut [u8]| memory.read(Whose::Kernel, address, out);
    Ok(Ok(show(&types, id, address, flags, &read)))
}

/// The error of a value that was not shown to its end.
fn stopped(shown: &Shown) -> Result<(), Errno> {
    match shown.stop {
        None => Ok(()),
        // The kernel does not even try what can only be a process'.
        Some(ShowStop::Unreadable(address)) if UserPages::holds(address) => Err(Errno::ERANGE),
        Some(ShowStop::Unreadable(_)) => Err(Errno::EFAULT),
        Some(ShowStop::Limit) => Err(Errno::E2BIG),
    }
}

/// `bpf_snprintf_btf`: the length of the whole text, even if not all of it had room.
fn snprintf_btf<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, size, _, _, flags] = call.args;
    let size = size as u32;
    call.check_write(1, size)?;
    let shown = match shown(call, 3, flags)? {
        Ok(shown) => shown,
        Err(errno) => return Ok(negative(errno)),
    };
    // Where nothing was shown, nothing is written.
    if size > 0 && !shown.text.is_empty() {
        let text = &shown.text[..shown.text.len().min(size as usize - 1)];
        let mut bytes = call.world.buffer(0);
        bytes.extend(text);
        bytes.push(0);
        let written = call.write(1, &bytes);
        call.world.reuse(bytes);
        written?;
    }
    Ok(match stopped(&shown) {
        Ok(()) => shown.text.len() as u64,
        Err(errno) => negative(errno),
    })
}

/// `bpf_seq_printf_btf`
fn seq_printf_btf<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    sequence(call)?;
    let shown = match shown(call, 2, call.args[3])? {
        Ok(shown) => shown,
        Err(errno) => return Ok(negative(errno)),
    };
    let appended = append(call, &shown.text);
    Ok(errno(appended.and(stopped(&shown))))
}
