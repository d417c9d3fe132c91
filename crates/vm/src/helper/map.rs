//! Maps: elements, queues, walks.

use std::sync::Arc;

use osmia_program::{Errno, MapKind};

use super::{HelperFn, errno, function, sockets};
use crate::checked::not_a_map;
use crate::guest::{Call, Fault, Guest};
use crate::limits;
use crate::map::{Map, Walk};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        1 => lookup_elem,
        2 => update_elem,
        3 => delete_elem,
        87 => push_elem,
        88 => pop_elem,
        89 => peek_elem,
        164 => for_each_map_elem,
        181 => bpf_loop,
        195 => lookup_percpu_elem,
        _ => return None,
    })
}

/// Arguments up to this many bytes are copied to the native stack.
const SHORT_BYTES: usize = 64;

/// Room for an argument copied out of the program's memory.
struct Room {
    short: [u8; SHORT_BYTES],
    long: Vec<u8>,
}

impl Room {
    const NEW: Self = Self {
        short: [0; SHORT_BYTES],
        long: Vec::new(),
    };

    /// The bytes an argument (from 1) points to.
    #[inline]
    fn copy<G: Guest>(
        &mut self,
        call: &Call<'_, G>,
        argument: usize,
        len: usize,
    ) -> Result<&[u8], Fault> {
        let bytes = match self.short.get_mut(..len) {
            Some(short) => short,
            None => {
                self.long.resize(len, 0);
                &mut self.long
            }
        };
        call.read(argument, bytes)?;
        Ok(bytes)
    }
}

#[inline]
fn map_of<'c, G: Guest>(call: &'c Call<'_, G>) -> Result<&'c Arc<Map>, Fault> {
    let handle = call.args[0];
    call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))
}

#[inline(always)]
fn lookup_on<G: Guest>(call: &mut Call<'_, G>, cpu: u32) -> Result<u64, Fault> {
    let map = map_of(call)?;
    // Most keys are integers, which need no loop to be copied and compared.
    let element = match map.spec().key_size {
        4 => {
            let mut key = [0; 4];
            call.read(2, &mut key)?;
            map.lookup_element(&key, cpu)
        }
        8 => {
            let mut key = [0; 8];
            call.read(2, &mut key)?;
            map.lookup_element(&key, cpu)
        }
        len => {
            let mut room = Room::NEW;
            map.lookup_element(room.copy(call, 2, len as usize)?, cpu)
        }
    };
    match element {
        Some(element) => Ok(call
            .guest
            .element_address(call.args[0], element)
            .unwrap_or(0)),
        None => lookup_no_element(call),
    }
}

/// A lookup in a map that has no element under the key, or no elements at all.
fn lookup_no_element<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let map = map_of(call)?;
    let mut room = Room::NEW;
    if map.spec().kind.is_map_in_map() {
        let key = room.copy(call, 2, map.spec().key_size as usize)?;
        let inner = map.inner_map(key);
        let handle = inner.and_then(|inner| call.guest.inner_handle(inner));
        return Ok(handle.unwrap_or(0));
    }
    if let Some(sockets) = map.sockets() {
        let sockets = Arc::clone(sockets);
        let key = room.copy(call, 2, map.spec().key_size as usize)?;
        return Ok(sockets::lookup(call, &sockets, key));
    }
    Ok(0)
}

/// `bpf_map_lookup_elem`
fn lookup_elem<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let cpu = call.world.env.cpu;
    lookup_on(call, cpu)
}

/// `bpf_map_lookup_percpu_elem`
fn lookup_percpu_elem<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let cpu = u32::try_from(call.args[2]).unwrap_or(u32::MAX);
    lookup_on(call, cpu)
}

/// `bpf_map_update_elem`
fn update_elem<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let map = map_of(call)?;
    let (mut key, mut value) = (Room::NEW, Room::NEW);
    let key = key.copy(call, 2, map.spec().key_size as usize)?;
    if let Some(sockets) = map.sockets() {
        let sockets = Arc::clone(sockets);
        return sockets::update(call, &sockets, key);
    }
    let (flags, cpu) = (call.args[3], call.world.env.cpu);
    let size = map.spec().value_size as usize;
    if size <= SHORT_BYTES {
        let value = value.copy(call, 3, size)?;
        return Ok(errno(map.update(key, value, flags, cpu)));
    }
    let value = call.bytes(3, size)?;
    let result = map_of(call)?.update(key, &value, flags, cpu);
    call.world.reuse(value);
    Ok(errno(result))
}

/// `bpf_map_delete_elem`
fn delete_elem<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let map = map_of(call)?;
    let mut key = Room::NEW;
    let key = key.copy(call, 2, map.spec().key_size as usize)?;
    Ok(errno(map.delete(key)))
}

/// `bpf_map_push_elem`
fn push_elem<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let (map, flags) = (map_of(call)?, call.args[2]);
    let size = map.spec().value_size as usize;
    if size <= SHORT_BYTES {
        let mut value = Room::NEW;
        return Ok(errno(map.push(value.copy(call, 2, size)?, flags)));
    }
    let value = call.bytes(2, size)?;
    let result = map_of(call)?.push(&value, flags);
    call.world.reuse(value);
    Ok(errno(result))
}

/// `bpf_map_pop_elem`
fn pop_elem<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    take(call, true)
}

/// `bpf_map_peek_elem`
fn peek_elem<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    take(call, false)
}

fn take<G: Guest>(call: &mut Call<'_, G>, remove: bool) -> Result<u64, Fault> {
    let map = map_of(call)?;
    let size = map.spec().value_size;
    if map.spec().kind == MapKind::BloomFilter && !remove {
        let mut value = call.bytes(2, size as usize)?;
        let result = map_of(call)?.peek(&mut value);
        call.world.reuse(value);
        return Ok(errno(result));
    }
    call.check_write(2, size)?;
    let taken = |map: &Map, value: &mut [u8]| match remove {
        true => map.pop(value),
        false => map.peek(value),
    };
    let mut short = [0; SHORT_BYTES];
    if let Some(value) = short.get_mut(..size as usize) {
        let result = taken(map, value);
        return call.write(2, value).map(|()| errno(result));
    }
    let mut value = call.world.buffer(size as usize);
    let result = taken(map_of(call)?, &mut value);
    let written = call.write(2, &value);
    call.world.reuse(value);
    written.map(|()| errno(result))
}

/// `bpf_for_each_map_elem`: how many elements the callback saw.
fn for_each_map_elem<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [handle, callback, context, flags, _] = call.args;
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    if !map.is_walkable() {
        // The kernel's verifier refuses these ("callback function not allowed for map").
        return Err(Fault::Argument {
            argument: 1,
            what: format!(
                "is map {}: elements of a {} cannot be walked over",
                map.spec().name,
                map.spec().kind
            ),
        });
    }
    if flags != 0 {
        return Ok(errno(Err(Errno::EINVAL)));
    }
    let mut key = call.world.buffer(0);
    let mut walk = Walk::default();
    let mut seen = 0;
    let cpu = call.world.env.cpu;
    let map = Arc::clone(map);
    while let Some(element) = map.walk(&mut walk, cpu, &mut key) {
        seen += 1;
        let key_at = call.guest.key_address(&key).unwrap_or(0);
        let value_at = call.guest.element_address(handle, element).unwrap_or(0);
        let args = [handle, key_at, value_at, context, 0];
        if function(call, callback, 2, args)? != 0 {
            break;
        }
    }
    call.world.reuse(key);
    Ok(seen)
}

/// `bpf_loop`: how many iterations were made.
fn bpf_loop<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [count, callback, context, flags, _] = call.args;
    // The count is a 32-bit number in the kernel's prototype.
    let count = u64::from(count as u32);
    if flags != 0 {
        return Ok(errno(Err(Errno::EINVAL)));
    }
    if count > limits::LOOP_ITERATIONS_MAX {
        return Ok(errno(Err(Errno::E2BIG)));
    }
    for index in 0..count {
        if function(call, callback, 2, [index, context, 0, 0, 0])? != 0 {
            return Ok(index + 1);
        }
    }
    Ok(count)
}
