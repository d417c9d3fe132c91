//! Open-coded iterators of kernel objects: tasks, control groups, memory areas. One is a list made
//! when it begins; its state on the program's stack is where that list is.

use std::sync::Arc;

use osmia_program::Errno;

use super::cgroup;
use super::{family, group, kernel_object};
use crate::fields::{Scratch, release};
use crate::guest::{Call, Fault, Guest};
use crate::heap::{ObjectAccess, Tag};
use crate::helper::{HelperFn, area_object, current_task, errno};
use crate::limits;
use crate::owner::OwnerKind;

family! {
    "bpf_iter_task_new" => task_new,
    "bpf_iter_task_next" => next,
    "bpf_iter_task_destroy" => destroy,
    "bpf_iter_css_new" => css_new,
    "bpf_iter_css_next" => next,
    "bpf_iter_css_destroy" => destroy,
    "bpf_iter_css_task_new" => css_task_new,
    "bpf_iter_css_task_next" => next,
    "bpf_iter_css_task_destroy" => destroy,
    "bpf_iter_task_vma_new" => task_vma_new,
    "bpf_iter_task_vma_next" => next,
    "bpf_iter_task_vma_destroy" => destroy,
    "bpf_iter_kmem_cache_new" => |call| described_new(call, "kmem_cache"),
    "bpf_iter_kmem_cache_next" => next,
    "bpf_iter_kmem_cache_destroy" => destroy,
    "bpf_iter_dmabuf_new" => |call| described_new(call, "dma_buf"),
    "bpf_iter_dmabuf_next" => next,
    "bpf_iter_dmabuf_destroy" => destroy,
}

/// Begins an iterator of these objects, or says why there is none.
fn begin<G: Guest>(call: &mut Call<'_, G>, list: Result<Scratch, Errno>) -> Result<u64, Fault> {
    let state = list.and_then(|list| {
        let tag = Tag::with("iterator", Arc::new(list));
        let made = call.allocate(limits::OBJECT_BYTES_MIN, ObjectAccess::Read, tag);
        made.ok_or(Errno::ENOMEM)
    });
    call.write(1, &state.unwrap_or(0).to_ne_bytes())?;
    if let Ok(state) = state {
        call.world.held.acquire(state);
    }
    Ok(errno(state.map(|_| ())))
}

/// The list behind an iterator's state; `None` for one that could not begin.
fn list<G: Guest>(call: &Call<'_, G>) -> Result<Option<(u64, Arc<Scratch>)>, Fault> {
    let mut state = [0; 8];
    call.read(1, &mut state)?;
    let state = u64::from_ne_bytes(state);
    if state == 0 {
        return Ok(None);
    }
    let object = call.world.runs.heap().object(state);
    let list = object.and_then(|object| object.payload::<Scratch>());
    match list {
        Some(list) => Ok(Some((state, list))),
        None => Err(Fault::Misuse {
            what: "goes on with an iterator that was not begun".to_owned(),
        }),
    }
}

/// `bpf_iter_…_next(it)`: the next object, or null.
fn next<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let list = list(call)?;
    Ok(list.and_then(|(_, list)| list.next()).unwrap_or(0))
}

/// `bpf_iter_…_destroy(it)`
fn destroy<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let Some((state, _)) = list(call)? else {
        return Ok(0);
    };
    call.world.held.release(state);
    release(&call.world.runs, state);
    call.write(1, &[0; 8])?;
    Ok(0)
}

/// Numbers of the tasks there are, the current one among them.
fn tasks<G: Guest>(call: &mut Call<'_, G>) -> Vec<u64> {
    current_task(call);
    call.world.runs.owners().all(OwnerKind::Task)
}

/// Addresses of objects by their numbers.
fn addresses<G: Guest>(call: &Call<'_, G>, kind: OwnerKind, numbers: Vec<u64>) -> Scratch {
    let owners = call.world.runs.owners();
    let found = numbers
        .into_iter()
        .filter_map(|number| owners.find(kind, number));
    Scratch::listing(found.collect())
}

/// `bpf_iter_task_new(it, task, flags)`: processes, threads, or the threads of one process.
fn task_new<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    /// `BPF_TASK_ITER_ALL_PROCS`, `BPF_TASK_ITER_ALL_THREADS`, `BPF_TASK_ITER_PROC_THREADS`
    const PROCESSES: u32 = 0;
    const THREADS: u32 = 1;
    const OF_PROCESS: u32 = 2;
    let [_, task, flags, ..] = call.args;
    let mut found = tasks(call);
    let owners = call.world.runs.owners();
    let found = match flags as u32 {
        PROCESSES => {
            found.retain(|pid| owners.process(*pid) == *pid);
            Ok(found)
        }
        THREADS => Ok(found),
        OF_PROCESS if task == 0 => Err(Errno::EINVAL),
        OF_PROCESS => {
            let task = kernel_object(call, 2, "task_struct")?;
            let pid = owners.number(OwnerKind::Task, task).unwrap_or(0);
            found.retain(|other| owners.process(*other) == owners.process(pid));
            // It begins with the task that was given.
            let start = found.iter().position(|other| *other == pid);
            found.rotate_left(start.unwrap_or(0));
            Ok(found)
        }
        _ => Err(Errno::EINVAL),
    };
    let list = found.map(|found| addresses(call, OwnerKind::Task, found));
    begin(call, list)
}

/// `bpf_iter_css_new(it, start, flags)`: the groups below one, it before or after them, or those
/// above it.
fn css_new<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    /// `BPF_CGROUP_ITER_DESCENDANTS_PRE`, `BPF_CGROUP_ITER_DESCENDANTS_POST`,
    /// `BPF_CGROUP_ITER_ANCESTORS_UP`
    const BEFORE: u32 = 2;
    const AFTER: u32 = 3;
    const UP: u32 = 4;
    let (_, start) = group(call, 2)?;
    let flags = call.args[2] as u32;
    let path = call.world.runs.owners().groups(OwnerKind::Cgroup, start);
    let ids = match flags {
        UP => {
            for id in path.iter() {
                cgroup::find(call, *id);
            }
            Ok(path.iter().rev().copied().collect())
        }
        BEFORE | AFTER => {
            for id in call.world.env.task.cgroups.clone() {
                cgroup::find(call, id);
            }
            let owners = call.world.runs.owners();
            let all = owners.all(OwnerKind::Cgroup).into_iter();
            let paths = all.map(|id| owners.groups(OwnerKind::Cgroup, id));
            let mut below: Vec<Arc<[u64]>> = paths.filter(|path| path.contains(&start)).collect();
            // A path that goes on comes after the one it goes on from.
            below.sort_unstable_by(|one, other| match flags {
                AFTER if one.starts_with(other) => std::cmp::Ordering::Less,
                AFTER if other.starts_with(one) => std::cmp::Ordering::Greater,
                _ => one.cmp(other),
            });
            Ok(below
                .iter()
                .filter_map(|path| path.last().copied())
                .collect())
        }
        _ => Err(Errno::EINVAL),
    };
    let list = ids.map(|ids| addresses(call, OwnerKind::Cgroup, ids));
    begin(call, list)
}

/// `bpf_iter_css_task_new(it, css, flags)`: the tasks of a group, not those below it.
fn css_task_new<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    /// `CSS_TASK_ITER_PROCS`, `CSS_TASK_ITER_THREADED`
    const PROCESSES: u32 = 1;
    const THREADED: u32 = 2;
    let (_, id) = group(call, 2)?;
    let flags = call.args[2] as u32;
    let mut found = tasks(call);
    let owners = call.world.runs.owners();
    let only_processes = match flags {
        0 => Ok(false),
        PROCESSES => Ok(true),
        flags if flags == PROCESSES | THREADED => Ok(true),
        _ => Err(Errno::EINVAL),
    };
    let list = only_processes.map(|only_processes| {
        found.retain(|pid| {
            let is_inside = owners.groups(OwnerKind::Task, *pid).last() == Some(&id);
            is_inside && (!only_processes || owners.process(*pid) == *pid)
        });
        addresses(call, OwnerKind::Task, found)
    });
    begin(call, list)
}

/// `bpf_iter_task_vma_new(it, task, address)`: the areas of a task's memory from an address on. Only
/// the current one has memory here.
fn task_vma_new<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let task = kernel_object(call, 2, "task_struct")?;
    if Some(task) != current_task(call) {
        return begin(call, Err(Errno::ENOENT));
    }
    let mut from = call.args[2];
    let mut areas = Vec::new();
    while let Some(area) = call.world.stage.user.area_from(from) {
        from = area.end;
        match area_object(call, &area)? {
            Some(address) => areas.push(address),
            None => return begin(call, Err(Errno::ENOMEM)),
        }
    }
    begin(call, Ok(Scratch::owning(areas)))
}

/// Objects of a type that were described.
fn described_new<G: Guest>(call: &mut Call<'_, G>, of: &str) -> Result<u64, Fault> {
    let objects = call.world.stage.objects(of).collect();
    begin(call, Ok(Scratch::listing(objects)))
}
