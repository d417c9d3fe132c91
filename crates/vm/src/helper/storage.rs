//! Local storages: the value a map keeps for a socket, task, inode or control group.

use std::sync::Arc;

use osmia_program::Errno;

use super::{HelperFn, errno, negative};
use crate::checked::not_a_map;
use crate::guest::{Call, Fault, Guest};
use crate::map::Storage;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        81 => get_local_storage,
        107 | 145 | 156 | 210 => get,
        108 | 146 | 157 | 211 => delete,
        _ => return None,
    })
}

/// `BPF_LOCAL_STORAGE_GET_F_CREATE`
const CREATE: u64 = 1;

/// `bpf_sk_storage_get`, `bpf_inode_storage_get`, `bpf_task_storage_get`, `bpf_cgrp_storage_get`
fn get<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let storage = storage(call)?;
    let [_, owner, initial, flags, _] = call.args;
    if owner == 0 || flags & !CREATE != 0 {
        return Ok(0);
    }
    if let Some(value) = storage.find(owner) {
        return Ok(value);
    }
    check_owner(call, &storage)?;
    if flags & CREATE == 0 {
        return Ok(0);
    }
    let value = match initial {
        0 => storage.find_or_make(owner, None),
        _ => {
            let bytes = call.bytes(3, storage.value_bytes())?;
            let value = storage.find_or_make(owner, Some(&bytes));
            call.world.reuse(bytes);
            value
        }
    };
    // The value may be the first object of its size.
    call.guest.heap_grew(call.world.runs.heap());
    Ok(value.unwrap_or(0))
}

/// `bpf_sk_storage_delete`, `bpf_inode_storage_delete`, `bpf_task_storage_delete`,
/// `bpf_cgrp_storage_delete`
fn delete<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let storage = storage(call)?;
    let owner = call.args[1];
    if owner == 0 {
        return Ok(negative(Errno::EINVAL));
    }
    check_owner(call, &storage)?;
    Ok(errno(storage.delete(owner)))
}

/// `bpf_get_local_storage`: what a map keeps for the control group the program is attached to.
fn get_local_storage<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let handle = call.args[0];
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    let map = Arc::clone(map);
    if map.group_storage().is_none() {
        return Err(Fault::Argument {
            argument: 1,
            what: format!("is map {}, not a cgroup storage", map.spec().name),
        });
    }
    let value = call.world.group_value(&map);
    call.guest.heap_grew(call.world.runs.heap());
    Ok(value.unwrap_or(0))
}

/// The storage that argument 1 is.
fn storage<G: Guest>(call: &Call<'_, G>) -> Result<Arc<Storage>, Fault> {
    let handle = call.args[0];
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    map.storage()
        .map(Arc::clone)
        .ok_or_else(|| Fault::Argument {
            argument: 1,
            what: format!("is map {}, not a local storage", map.spec().name),
        })
}

/// Checks that argument 2 is an object the storage keeps values for.
fn check_owner<G: Guest>(call: &Call<'_, G>, storage: &Storage) -> Result<(), Fault> {
    let kind = storage.owner_kind();
    let address = call.args[1];
    match call.world.runs.heap().object(address) {
        Some(object) if kind.is(&object) => Ok(()),
        _ => Err(Fault::Argument {
            argument: 2,
            what: format!("is {address:#x}, not a {}", kind.type_name()),
        }),
    }
}
