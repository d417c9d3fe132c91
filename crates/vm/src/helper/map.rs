//! Maps: elements, queues, walks.

use std::sync::Arc;

use osmia_program::{Errno, MapKind};

use super::{HelperFn, errno, function, sockets};
use crate::checked::not_a_map;
use crate::guest::{Call, Fault, Guest};
use crate::limits;
use crate::map::Walk;

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

/// Keys up to this many bytes are copied to the native stack.
const SHORT_KEY_BYTES: usize = 64;

/// A key copied out of the program's memory.
enum Key {
    Short([u8; SHORT_KEY_BYTES], usize),
    Long(Vec<u8>),
}

impl Key {
    fn bytes(&self) -> &[u8] {
        match self {
            Key::Short(bytes, len) => &bytes[..*len],
            Key::Long(bytes) => bytes,
        }
    }
}

#[inline]
fn key<G: Guest>(call: &Call<'_, G>) -> Result<Key, Fault> {
    let handle = call.args[0];
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    let len = map.spec().key_size as usize;
    if len <= SHORT_KEY_BYTES {
        let mut bytes = [0; SHORT_KEY_BYTES];
        call.read(2, &mut bytes[..len])?;
        return Ok(Key::Short(bytes, len));
    }
    let mut bytes = vec![0; len.min(limits::KEY_BYTES_MAX)];
    call.read(2, &mut bytes)?;
    Ok(Key::Long(bytes))
}

fn lookup_on<G: Guest>(call: &mut Call<'_, G>, cpu: u32) -> Result<u64, Fault> {
    let handle = call.args[0];
    let key = key(call)?;
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    if map.spec().kind.is_map_in_map() {
        let inner = map.inner_map(key.bytes());
        let handle = inner.and_then(|inner| call.guest.inner_handle(inner));
        return Ok(handle.unwrap_or(0));
    }
    if let Some(sockets) = map.sockets() {
        let sockets = Arc::clone(sockets);
        return Ok(sockets::lookup(call, &sockets, key.bytes()));
    }
    let element = map.lookup_element(key.bytes(), cpu);
    let address = element.and_then(|element| call.guest.element_address(handle, element));
    Ok(address.unwrap_or(0))
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
    let handle = call.args[0];
    let key = key(call)?;
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    if let Some(sockets) = map.sockets() {
        let sockets = Arc::clone(sockets);
        return sockets::update(call, &sockets, key.bytes());
    }
    let size = map.spec().value_size as usize;
    let value = call.bytes(3, size)?;
    let (flags, cpu) = (call.args[3], call.world.env.cpu);
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    let result = map.update(key.bytes(), &value, flags, cpu);
    call.world.reuse(value);
    Ok(errno(result))
}

/// `bpf_map_delete_elem`
fn delete_elem<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let handle = call.args[0];
    let key = key(call)?;
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    Ok(errno(map.delete(key.bytes())))
}

/// `bpf_map_push_elem`
fn push_elem<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let handle = call.args[0];
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    let size = map.spec().value_size as usize;
    let value = call.bytes(2, size)?;
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    let result = map.push(&value, call.args[2]);
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
    let handle = call.args[0];
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    let size = map.spec().value_size;
    if map.spec().kind == MapKind::BloomFilter && !remove {
        let mut value = call.bytes(2, size as usize)?;
        let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
        let result = map.peek(&mut value);
        call.world.reuse(value);
        return Ok(errno(result));
    }
    call.check_write(2, size)?;
    let mut value = call.world.buffer(size as usize);
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    let result = if remove {
        map.pop(&mut value)
    } else {
        map.peek(&mut value)
    };
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
