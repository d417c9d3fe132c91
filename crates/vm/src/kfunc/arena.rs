//! Arenas: pages for programs.

use std::sync::Arc;

use osmia_program::Errno;

use super::family;
use crate::checked::not_a_map;
use crate::guest::{Call, Fault, Guest};
use crate::helper::{HelperFn, errno};
use crate::map::Arena;

family! {
    "bpf_arena_alloc_pages" => alloc_pages,
    "bpf_arena_free_pages" => free_pages,
    "bpf_arena_reserve_pages" => reserve_pages,
}

/// The arena that argument 1 is; `None` for another map.
fn arena<G: Guest>(call: &Call<'_, G>) -> Result<Option<Arc<Arena>>, Fault> {
    let handle = call.args[0];
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    Ok(map.arena().map(Arc::clone))
}

/// `bpf_arena_alloc_pages(map, addr, page_cnt, node_id, flags)`
fn alloc_pages<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, address, count, _, flags] = call.args;
    Ok(match arena(call)? {
        Some(arena) if flags == 0 => arena.allocate(address, count as u32),
        _ => 0,
    })
}

/// `bpf_arena_free_pages(map, ptr, page_cnt)`
fn free_pages<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, address, count, ..] = call.args;
    if let Some(arena) = arena(call)?
        && address != 0
    {
        arena.give_back(address, count as u32);
    }
    Ok(0)
}

/// `bpf_arena_reserve_pages(map, ptr, page_cnt)`
fn reserve_pages<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, address, count, ..] = call.args;
    let reserved = match arena(call)? {
        Some(arena) => arena.reserve(address, count as u32),
        None => Err(Errno::EINVAL),
    };
    Ok(errno(reserved))
}
