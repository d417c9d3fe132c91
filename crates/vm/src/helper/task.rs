//! The current task: the object it is, its registers, its stack, its number in a namespace.

use osmia_program::{Errno, Known};

use super::{HelperFn, negative};
use crate::guest::{Call, Fault, Guest};
use crate::owner::OwnerKind;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        35 | 158 => get_current_task,
        120 => get_ns_current_pid_tgid,
        175 => task_pt_regs,
        _ => return None,
    })
}

/// `bpf_get_current_task`, `_btf`: zeroes where no kernel's types were there to lay one out by.
fn get_current_task<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    Ok(current(call).unwrap_or(0))
}

/// Address of the current task; `None` if memory is short.
pub(crate) fn current<G: Guest>(call: &mut Call<'_, G>) -> Option<u64> {
    if let Some(task) = call.world.stage.current() {
        return Some(task);
    }
    let (runs, task) = (&call.world.runs, &call.world.env.task);
    let known = Known {
        number: u64::from(task.pid),
        process: u64::from(task.tgid),
        groups: task.cgroups.clone(),
    };
    let address = (runs.owners()).find_or_make(runs, OwnerKind::Task, known.number)?;
    runs.owners().describe(OwnerKind::Task, &known, address);
    call.guest.heap_grew(runs.heap());
    Some(address)
}

/// `bpf_task_pt_regs`: null for any task but the current one.
fn task_pt_regs<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let stage = &call.world.stage;
    let registers = (stage.current() == Some(call.args[0])).then(|| stage.registers());
    Ok(registers.flatten().unwrap_or(0))
}

/// `bpf_get_ns_current_pid_tgid`: the task's numbers in the namespace that device and inode name.
fn get_ns_current_pid_tgid<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    /// Bytes of `struct bpf_pidns_info`.
    const INFO_BYTES: u32 = 8;
    let [device, inode, _, size, _] = call.args;
    let size = size as u32;
    call.check_write(3, size)?;
    let namespace = call.world.env.task.pid_namespace;
    let found = match namespace {
        _ if size != INFO_BYTES => Err(Errno::EINVAL),
        Some(namespace) if namespace.device == device && namespace.inode == inode => Ok(namespace),
        // Every process has a namespace; nobody said which, so it is not this one.
        Some(_) | None => Err(Errno::EINVAL),
    };
    let mut info = call.world.buffer(size as usize);
    if let Ok(namespace) = found {
        info[..4].copy_from_slice(&namespace.pid.to_ne_bytes());
        info[4..].copy_from_slice(&namespace.tgid.to_ne_bytes());
    }
    let written = call.write(3, &info);
    call.world.reuse(info);
    written.map(|()| found.map_or_else(negative, |_| 0))
}
