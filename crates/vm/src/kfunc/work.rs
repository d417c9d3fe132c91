//! Work queues and task work: functions that run soon, after the program.

use osmia_program::Errno;

use super::family;
use crate::fields::{DeferredKind, FieldKind};
use crate::guest::{Call, Fault, Guest};
use crate::helper::timer::{call_back, make, number};
use crate::helper::{HelperFn, errno};

family! {
    "bpf_wq_init" => init,
    "bpf_wq_set_callback_impl" => set_callback,
    "bpf_wq_start" => start,
    "bpf_task_work_schedule_signal_impl" => schedule,
    "bpf_task_work_schedule_resume_impl" => schedule,
}

/// `bpf_wq_init(wq, map, flags)`
fn init<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    if call.args[2] as u32 != 0 {
        return Ok(errno(Err(Errno::EINVAL)));
    }
    Ok(errno(make(call, 1, &FieldKind::Work, DeferredKind::Work)?))
}

/// `bpf_wq_set_callback_impl(wq, function, flags, aux)`
fn set_callback<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    if call.args[2] as u32 != 0 {
        return Ok(errno(Err(Errno::EINVAL)));
    }
    Ok(errno(call_back(call, 1, &FieldKind::Work, 2)?))
}

/// `bpf_wq_start(wq, flags)`
fn start<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    if call.args[1] as u32 != 0 {
        return Ok(errno(Err(Errno::EINVAL)));
    }
    let (number, _) = number(call, 1, &FieldKind::Work)?;
    Ok(errno(call.world.runs.deferred().start(number, 0)))
}

/// `bpf_task_work_schedule_signal_impl(task, work, map, function, aux)`: once for each time it is
/// scheduled; `EBUSY` until it has run.
fn schedule<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let (waiting, _) = number(call, 2, &FieldKind::TaskWork)?;
    let deferred = call.world.runs.deferred();
    if deferred.is_waiting(waiting) {
        return Ok(errno(Err(Errno::EBUSY)));
    }
    if !deferred.exists(waiting, DeferredKind::Work)
        && let Err(error) = make(call, 2, &FieldKind::TaskWork, DeferredKind::Work)?
    {
        return Ok(errno(Err(error)));
    }
    if let Err(error) = call_back(call, 2, &FieldKind::TaskWork, 4)? {
        return Ok(errno(Err(error)));
    }
    let (number, _) = number(call, 2, &FieldKind::TaskWork)?;
    Ok(errno(call.world.runs.deferred().start(number, 0)))
}
