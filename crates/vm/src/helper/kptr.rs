//! Pointers to objects in values, and objects of which every CPU has one.

use std::sync::atomic::Ordering::SeqCst;

use super::HelperFn;
use crate::fields::{Allocated, FieldKind, Ownership};
use crate::guest::{Call, Fault, Guest};
use crate::variable::Variable;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        153 => |call| on_cpu(call, call.args[1] as u32),
        154 => |call| on_cpu(call, call.world.env.cpu),
        194 => exchange,
        _ => return None,
    })
}

/// `bpf_kptr_xchg(field, object)`: the field takes the reference and gives up the one it had.
fn exchange<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let new = call.args[1];
    let owning = |kind: &FieldKind| match kind {
        FieldKind::Kptr(kptr) => {
            matches!(kptr.ownership, Ownership::Reference | Ownership::PerCpu)
        }
        _ => false,
    };
    let (place, kind) = call.field(1, owning, "a pointer that holds a reference")?;
    if new != 0 {
        let object = call.object(2, "an object")?;
        if let FieldKind::Kptr(kptr) = &kind
            && *kptr.of != *object.tag.name
        {
            return Err(Fault::Argument {
                argument: 2,
                what: format!("is a {}, not a {}", object.tag.name, kptr.of),
            });
        }
        if !call.world.held.release(new) {
            return Err(Fault::Argument {
                argument: 2,
                what: "is an object that the run has no reference to".to_owned(),
            });
        }
    }
    let old = place.word().swap(new, SeqCst);
    // A program may have written anything there.
    if call
        .world
        .runs
        .heap()
        .object(old)
        .is_none_or(|object| object.offset != 0)
    {
        return Ok(0);
    }
    call.world.held.acquire(old);
    Ok(old)
}

/// `bpf_per_cpu_ptr(object, cpu)`, `bpf_this_cpu_ptr(object)`: a CPU's part of an object.
fn on_cpu<G: Guest>(call: &mut Call<'_, G>, cpu: u32) -> Result<u64, Fault> {
    let object = call.object(1, "an object that every CPU has one of")?;
    let allocated = object.payload::<Allocated>();
    let variable = object.payload::<Variable>();
    let stride = (allocated.and_then(|allocated| allocated.per_cpu))
        .or_else(|| variable.and_then(|variable| variable.per_cpu));
    let Some(stride) = stride else {
        return Err(Fault::Argument {
            argument: 1,
            what: format!("is a {}, of which there is only one", object.tag.name),
        });
    };
    if cpu >= call.world.runs.cpus() {
        return Ok(0);
    }
    Ok(object.address + u64::from(cpu) * stride as u64)
}
