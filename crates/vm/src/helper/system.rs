//! Clock, chance, CPU and task.

use osmia_program::MapKind;

use super::{HelperFn, negative};
use crate::checked::not_a_map;
use crate::guest::{Call, Fault, Guest};
use crate::leaf::Leaf;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    if let Some(leaf) = Leaf::of_helper(id) {
        return Some(look(leaf));
    }
    Some(match id {
        16 => get_current_comm,
        37 => current_task_under_cgroup,
        58 => override_return,
        80 => get_current_cgroup_id,
        123 => get_current_ancestor_cgroup_id,
        173 => get_func_ip,
        174 => get_attach_cookie,
        _ => return None,
    })
}

/// A function for each, since what they look at is not among their arguments.
fn look<G: Guest>(leaf: Leaf) -> HelperFn<G> {
    match leaf {
        Leaf::Time => |call| Ok(Leaf::Time.look(&mut call.world.env)),
        Leaf::Jiffies => |call| Ok(Leaf::Jiffies.look(&mut call.world.env)),
        Leaf::Random => |call| Ok(Leaf::Random.look(&mut call.world.env)),
        Leaf::Cpu => |call| Ok(Leaf::Cpu.look(&mut call.world.env)),
        Leaf::Node => |call| Ok(Leaf::Node.look(&mut call.world.env)),
        Leaf::Process => |call| Ok(Leaf::Process.look(&mut call.world.env)),
        Leaf::User => |call| Ok(Leaf::User.look(&mut call.world.env)),
    }
}

/// Bytes of a task's name, its zero included (`TASK_COMM_LEN`).
const COMM_BYTES: usize = 16;

/// `bpf_get_current_comm`: the name cut to the buffer, the rest of the buffer zero.
fn get_current_comm<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let size = call.args[1] as u32 as usize;
    call.check_write(1, call.args[1] as u32)?;
    let mut buffer = call.world.buffer(size);
    let comm = call.world.env.task.comm.as_bytes();
    let len = comm.len().min(COMM_BYTES - 1).min(size.saturating_sub(1));
    buffer[..len].copy_from_slice(&comm[..len]);
    let result = call.write(1, &buffer);
    call.world.reuse(buffer);
    result.map(|()| 0)
}

/// `bpf_get_current_cgroup_id`
fn get_current_cgroup_id<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    Ok(call.world.env.task.cgroups.last().copied().unwrap_or(0))
}

/// `bpf_get_current_ancestor_cgroup_id`: the ancestor at a level below the root; 0 without one.
fn get_current_ancestor_cgroup_id<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let level = usize::try_from(call.args[0] as i32).ok();
    let groups = &call.world.env.task.cgroups;
    Ok(level
        .and_then(|level| groups.get(level))
        .copied()
        .unwrap_or(0))
}

/// `bpf_current_task_under_cgroup`: 1 if the task is in the group of that slot or below it.
fn current_task_under_cgroup<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [handle, index, ..] = call.args;
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    if map.spec().kind != MapKind::CgroupArray {
        return Err(Fault::Argument {
            argument: 1,
            what: format!("is map {}, which holds no control groups", map.spec().name),
        });
    }
    let groups = &call.world.env.task.cgroups;
    Ok(match map.group(index as u32) {
        Ok(id) => u64::from(groups.contains(&id)),
        Err(errno) => negative(errno),
    })
}

/// `bpf_get_attach_cookie`
fn get_attach_cookie<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    Ok(call.world.env.event.cookie)
}

/// `bpf_get_func_ip`
fn get_func_ip<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    Ok(call.world.env.event.function)
}

/// `bpf_override_return`: what the probed function is to return is kept for the host.
fn override_return<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    call.world.override_return = Some(call.args[1]);
    Ok(0)
}
