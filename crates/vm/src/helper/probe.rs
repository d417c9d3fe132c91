//! Reads from anywhere: the program's own memory, kernel objects that were described, the process'
//! memory. What is not there cannot be read.

use osmia_program::Errno;

use super::{HelperFn, negative};
use crate::guest::{Call, Fault, Guest};
use crate::stage::UserPages;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        4 => read_any,
        36 => write_user,
        45 => read_any_str,
        112 => read_user,
        113 => read_kernel,
        114 => read_user_str,
        115 => read_kernel_str,
        148 => copy_from_user,
        191 => copy_from_user_task,
        _ => return None,
    })
}

/// Whose memory an address is taken to be in.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The kernel's: the program's own and described objects.
    Kernel,
    /// The process'.
    Process,
    /// Whichever the address belongs to.
    Either,
}

/// The memory that reads from anywhere see.
#[derive(Debug)]
pub(crate) struct Anywhere<'a, G> {
    pub(super) guest: &'a G,
    pub(super) user: &'a UserPages,
}

impl<G: Guest> Anywhere<'_, G> {
    /// Copies bytes out; false if they are not there.
    pub(crate) fn read(&self, whose: Whose, address: u64, out: &mut [u8]) -> bool {
        // In native runs the program's own memory lies where a process' does.
        let is_kernels = whose != Whose::Process && address != 0;
        if is_kernels && self.guest.probe(address, out) {
            return true;
        }
        let is_process = whose != Whose::Kernel && UserPages::holds(address);
        is_process && self.user.read(address, out)
    }

    /// Copies a string with its zero, cut to the buffer; its length with the zero, or `None` if it
    /// leaves readable memory first.
    pub(crate) fn string(&self, whose: Whose, source: u64, out: &mut [u8]) -> Option<usize> {
        let last = out.len().checked_sub(1)?;
        if whose == Whose::Process
            && UserPages::holds(source)
            && let Some(len) = self.user.living_string(source, out)
        {
            return Some(len);
        }
        for at in 0..last {
            let byte = &mut out[at..=at];
            if !self.read(whose, source.wrapping_add(at as u64), byte) {
                return None;
            }
            if byte[0] == 0 {
                return Some(at + 1);
            }
        }
        out[last] = 0;
        Some(out.len())
    }
}

/// The memory of a call.
pub(crate) fn anywhere<'a, G: Guest>(call: &'a Call<'_, G>) -> Anywhere<'a, G> {
    Anywhere {
        guest: &*call.guest,
        user: &call.world.stage.user,
    }
}

/// `bpf_probe_read`
fn read_any<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    read(call, Whose::Either)
}

/// `bpf_probe_read_user`
fn read_user<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    read(call, Whose::Process)
}

/// `bpf_probe_read_kernel`
fn read_kernel<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    read(call, Whose::Kernel)
}

/// `bpf_copy_from_user`: as a read, as no page of a described process is ever swapped out.
fn copy_from_user<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    read(call, Whose::Process)
}

/// `bpf_copy_from_user_task`: the memory of the current task, the only one that has any.
fn copy_from_user_task<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, _, _, task, flags] = call.args;
    if flags != 0 {
        return Ok(negative(Errno::EINVAL));
    }
    if call.world.stage.current() != Some(task) {
        let size = call.args[1] as u32;
        let zeroes = call.world.buffer(size as usize);
        let written = call.write(1, &zeroes);
        call.world.reuse(zeroes);
        return written.map(|()| negative(Errno::EFAULT));
    }
    read(call, Whose::Process)
}

/// A failed read leaves zeroes.
fn read<G: Guest>(call: &mut Call<'_, G>, whose: Whose) -> Result<u64, Fault> {
    let [_, size, source, ..] = call.args;
    let size = size as u32;
    call.check_write(1, size)?;
    let mut buffer = call.world.buffer(size as usize);
    let copied = anywhere(call).read(whose, source, &mut buffer);
    if !copied {
        buffer.fill(0);
    }
    let written = call.write(1, &buffer);
    call.world.reuse(buffer);
    written?;
    Ok(if copied { 0 } else { unreadable(whose, source) })
}

/// Why memory is not read: reads of the kernel's do not even try a process'
/// (`copy_from_kernel_nofault_allowed`).
fn unreadable(whose: Whose, source: u64) -> u64 {
    negative(match whose {
        Whose::Kernel if UserPages::holds(source) => Errno::ERANGE,
        _ => Errno::EFAULT,
    })
}

/// `bpf_probe_read_str`
fn read_any_str<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    read_str(call, Whose::Either)
}

/// `bpf_probe_read_user_str`
fn read_user_str<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    read_str(call, Whose::Process)
}

/// `bpf_probe_read_kernel_str`
fn read_kernel_str<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    read_str(call, Whose::Kernel)
}

/// How many bytes were written, the zero at the end included.
fn read_str<G: Guest>(call: &mut Call<'_, G>, whose: Whose) -> Result<u64, Fault> {
    let [_, size, source, ..] = call.args;
    let size = size as u32;
    call.check_write(1, size)?;
    if size == 0 {
        return Ok(0);
    }
    let mut buffer = call.world.buffer(size as usize);
    let copied = anywhere(call).string(whose, source, &mut buffer);
    let result = match copied {
        Some(len) => {
            // Bytes behind the string stay as they are.
            let (address, bytes) = (call.args[0], &buffer[..len]);
            let written = call.guest.write(address, bytes);
            debug_assert!(written, "checked above");
            len as u64
        }
        None => {
            buffer.fill(0);
            call.write(1, &buffer)?;
            unreadable(whose, source)
        }
    };
    call.world.reuse(buffer);
    Ok(result)
}

/// `bpf_probe_write_user`: into memory of the process; what changed is told after the run.
fn write_user<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [target, _, size, ..] = call.args;
    let bytes = call.bytes(2, size as u32 as usize)?;
    let written = UserPages::holds(target) && call.world.stage.user.write(target, &bytes);
    call.world.reuse(bytes);
    // `EPERM` is for what can never be written, from an interrupt or to the kernel.
    Ok(match (written, UserPages::holds(target)) {
        (true, _) => 0,
        (false, true) => negative(Errno::EFAULT),
        (false, false) => negative(Errno::EPERM),
    })
}
