//! Control groups: references to them, their ancestors, their statistics.

use osmia_program::Known;

use super::{acquire, family, give_back, group, kernel_object};
use crate::guest::{Call, Fault, Guest};
use crate::helper::HelperFn;
use crate::owner::OwnerKind;

family! {
    "bpf_cgroup_acquire" => |call| acquire(call, "cgroup"),
    "bpf_cgroup_release" => |call| give_back(call, "cgroup"),
    "bpf_cgroup_ancestor" => ancestor,
    "bpf_cgroup_from_id" => from_id,
    "css_rstat_updated" => statistics,
    "css_rstat_flush" => statistics,
}

/// The group of an id: one that was described, or that the current task is in.
pub(super) fn find<G: Guest>(call: &mut Call<'_, G>, id: u64) -> Option<u64> {
    let runs = &call.world.runs;
    if let Some(known) = runs.owners().find(OwnerKind::Cgroup, id) {
        return Some(known);
    }
    let groups = &call.world.env.task.cgroups;
    let level = groups.iter().position(|group| *group == id)?;
    let address = runs.owners().find_or_make(runs, OwnerKind::Cgroup, id)?;
    let known = Known {
        number: id,
        groups: groups[..=level].to_vec(),
        ..Known::default()
    };
    runs.owners().describe(OwnerKind::Cgroup, &known, address);
    call.guest.heap_grew(runs.heap());
    Some(address)
}

/// `bpf_cgroup_from_id(id)`
fn from_id<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let found = find(call, call.args[0]);
    if let Some(address) = found {
        call.world.held.acquire(address);
    }
    Ok(found.unwrap_or(0))
}

/// `bpf_cgroup_ancestor(group, level)`: null below the group itself.
fn ancestor<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let (address, id) = group(call, 1)?;
    let path = call.world.runs.owners().groups(OwnerKind::Cgroup, id);
    let level = usize::try_from(call.args[1] as i32).ok();
    let found = match level.and_then(|level| path.get(level)) {
        Some(ancestor) if *ancestor == id => Some(address),
        Some(ancestor) => find(call, *ancestor),
        None => None,
    };
    if let Some(address) = found {
        call.world.held.acquire(address);
    }
    Ok(found.unwrap_or(0))
}

/// `css_rstat_updated(css, cpu)`, `css_rstat_flush(css)`: nothing is counted for groups here.
fn statistics<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    kernel_object(call, 1, "cgroup").map(|_| 0)
}
