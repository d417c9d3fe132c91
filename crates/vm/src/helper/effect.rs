//! What programs do to the process that made them run: a signal, another result of its system call.
//! Nothing is sent here; it is kept for the host.

use osmia_program::{Errno, Signal};

use super::{HelperFn, negative};
use crate::guest::{Call, Fault, Guest};
use crate::limits;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        109 => send_signal,
        117 => send_signal_thread,
        186 => get_retval,
        187 => set_retval,
        _ => return None,
    })
}

/// `bpf_send_signal`
fn send_signal<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let (number, to) = (call.args[0] as u32, call.world.env.task.tgid);
    Ok(send(call, number, to, false))
}

/// `bpf_send_signal_thread`
fn send_signal_thread<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let (number, to) = (call.args[0] as u32, call.world.env.task.pid);
    Ok(send(call, number, to, true))
}

/// Sends a signal to a thread or a process; 0 or a negative error number.
pub(crate) fn send<G: Guest>(call: &mut Call<'_, G>, number: u32, to: u32, to_thread: bool) -> u64 {
    /// Signals of Linux.
    const SIGNALS_MAX: u32 = 64;
    if number > SIGNALS_MAX {
        return negative(Errno::EINVAL);
    }
    if call.world.signals.len() >= limits::SIGNALS_MAX {
        return negative(Errno::EBUSY);
    }
    // The first process is nobody's to kill.
    if to == 1 {
        return negative(Errno::EPERM);
    }
    // Signal 0 only asks whether there is somebody.
    if number != 0 {
        call.world.signals.push(Signal {
            number,
            to,
            to_thread,
        });
    }
    0
}

/// `bpf_get_retval`
fn get_retval<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    Ok(i64::from(call.world.retval) as u64)
}

/// `bpf_set_retval`
fn set_retval<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.world.retval = call.args[0] as i32;
    Ok(0)
}
