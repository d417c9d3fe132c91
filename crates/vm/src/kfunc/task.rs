//! Tasks: references to them, their control groups, their files, signals to them.

use osmia_program::Errno;

use super::{acquire, family, give_back, group, kernel_object};
use crate::guest::{Call, Fault, Guest};
use crate::helper::{HelperFn, current_task, file_of_task, negative, send_signal, write_path};
use crate::owner::OwnerKind;

family! {
    "bpf_task_acquire" => |call| acquire(call, "task_struct"),
    "bpf_task_release" => |call| give_back(call, "task_struct"),
    "bpf_task_from_pid" => from_pid,
    "bpf_task_from_vpid" => from_vpid,
    "bpf_task_under_cgroup" => under_cgroup,
    "bpf_task_get_cgroup1" => get_cgroup1,
    "bpf_send_signal_task" => send_signal_task,
    "bpf_get_task_exe_file" => exe_file,
    "bpf_put_file" => |call| give_back(call, "file"),
    "bpf_path_d_path" => path_d_path,
}

/// The task of a pid; null if nobody described one.
fn find<G: Guest>(call: &mut Call<'_, G>, pid: u32) -> u64 {
    let found = match call.world.env.task.pid == pid {
        true => current_task(call),
        false => {
            let owners = call.world.runs.owners();
            owners.find(OwnerKind::Task, u64::from(pid))
        }
    };
    if let Some(task) = found {
        call.world.held.acquire(task);
    }
    found.unwrap_or(0)
}

/// `bpf_task_from_pid(pid)`
fn from_pid<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let pid = call.args[0] as u32;
    Ok(find(call, pid))
}

/// `bpf_task_from_vpid(pid)`: by the number in the current task's namespace. Only its own number there
/// is known, if it is in another than the first one.
fn from_vpid<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let pid = call.args[0] as u32;
    let task = &call.world.env.task;
    let pid = match task.pid_namespace {
        None => Some(pid),
        Some(namespace) => (namespace.pid == pid).then_some(task.pid),
    };
    Ok(pid.map_or(0, |pid| find(call, pid)))
}

/// `bpf_task_under_cgroup(task, group)`: 1 if the task is in the group or below it.
fn under_cgroup<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let task = kernel_object(call, 1, "task_struct")?;
    let (_, group) = group(call, 2)?;
    let groups = if Some(task) == current_task(call) {
        call.world.env.task.cgroups.as_slice().into()
    } else {
        let owners = call.world.runs.owners();
        let pid = owners.number(OwnerKind::Task, task);
        pid.map_or_else(Default::default, |pid| owners.groups(OwnerKind::Task, pid))
    };
    Ok(u64::from(groups.contains(&group)))
}

/// `bpf_task_get_cgroup1(task, hierarchy)`: there are no hierarchies of the first version here.
fn get_cgroup1<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    kernel_object(call, 1, "task_struct")?;
    Ok(0)
}

/// `bpf_send_signal_task(task, signal, type, value)`: to a thread or to its process.
fn send_signal_task<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    /// `PIDTYPE_PID`, `PIDTYPE_TGID`
    const THREAD: u32 = 0;
    const PROCESS: u32 = 1;
    let task = kernel_object(call, 1, "task_struct")?;
    let signal = call.args[1] as u32;
    let to_thread = match call.args[2] as u32 {
        THREAD => true,
        PROCESS => false,
        _ => return Ok(negative(Errno::EINVAL)),
    };
    let owners = call.world.runs.owners();
    let Some(pid) = owners.number(OwnerKind::Task, task) else {
        return Ok(negative(Errno::ESRCH));
    };
    let to = match to_thread {
        true => pid,
        false => owners.process(pid),
    };
    Ok(send_signal(call, signal, to as u32, to_thread))
}

/// `bpf_get_task_exe_file(task)`: null for a task without memory or file.
fn exe_file<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let task = kernel_object(call, 1, "task_struct")?;
    let file = file_of_task(call, task)?;
    if file != 0 {
        call.world.held.acquire(file);
    }
    Ok(file)
}

/// `bpf_path_d_path(path, buffer, size)`: the length of the path with its zero.
fn path_d_path<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [path, _, size, ..] = call.args;
    if size == 0 {
        return Ok(negative(Errno::EINVAL));
    }
    call.check_write(2, u32::try_from(size).unwrap_or(u32::MAX))?;
    write_path(call, path, size as usize)
}
