//! Objects that programs make: of a structure of theirs, by its number in their BTF.

use std::sync::Arc;

use super::family;
use crate::fields::{Allocated, release};
use crate::guest::{Call, Fault, Guest};
use crate::heap::{ObjectAccess, Tag};
use crate::helper::HelperFn;
use crate::limits;

family! {
    "bpf_obj_new_impl" => |call| make(call, false),
    "bpf_percpu_obj_new_impl" => |call| make(call, true),
    "bpf_obj_drop_impl" => drop_object,
    "bpf_percpu_obj_drop_impl" => drop_object,
    "bpf_refcount_acquire_impl" => acquire,
}

/// `bpf_obj_new_impl(type, meta)`
fn make<G: Guest>(call: &mut Call<'_, G>, per_cpu: bool) -> Result<u64, Fault> {
    let id = call.args[0];
    let Some(ty) = call.guest.object_type(id) else {
        return Err(Fault::Argument {
            argument: 1,
            what: format!("is {id}, which is no structure that objects can be made of"),
        });
    };
    if per_cpu && (ty.fields.is_some() || ty.bytes > limits::PERCPU_OBJECT_BYTES_MAX) {
        return Err(Fault::Argument {
            argument: 1,
            what: format!("is {}, which every CPU cannot have one of", ty.name),
        });
    }
    let stride = ty.bytes.next_multiple_of(8);
    let (bytes, stride) = match per_cpu {
        true => (stride * call.world.runs.cpus() as usize, Some(stride)),
        false => (ty.bytes, None),
    };
    let name = Arc::clone(&ty.name);
    let tag = Tag::with(name, Arc::new(Allocated::new(ty, stride)));
    let address = call.allocate(bytes, ObjectAccess::ReadWrite, tag);
    if let Some(address) = address {
        call.world.held.acquire(address);
    }
    Ok(address.unwrap_or(0))
}

/// `bpf_obj_drop_impl(object, meta)`
fn drop_object<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let address = call.args[0];
    if !call.world.held.release(address) {
        return Err(Fault::Argument {
            argument: 1,
            what: "is no object that the run has a reference to".to_owned(),
        });
    }
    release(&call.world.runs, address);
    Ok(0)
}

/// `bpf_refcount_acquire_impl(object, meta)`: null if nobody else holds it any more.
fn acquire<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let object = call.object(1, "an object")?;
    let counted = object
        .payload::<Allocated>()
        .filter(|allocated| allocated.ty.is_counted());
    let Some(allocated) = counted else {
        return Err(Fault::Argument {
            argument: 1,
            what: format!("is a {}, which only one can hold", object.tag.name),
        });
    };
    if !allocated.acquire() {
        return Ok(0);
    }
    call.world.held.acquire(object.address);
    Ok(object.address)
}
