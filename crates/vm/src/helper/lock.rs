//! Spin locks in values and objects.

use super::HelperFn;
use crate::fields::{FieldKind, try_lock};
use crate::guest::{Call, Fault, Guest};
use crate::held::Lock;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        93 => spin_lock,
        94 => spin_unlock,
        _ => return None,
    })
}

/// The lock of a kind that an argument (from 1) points to.
pub(crate) fn lock_at<G: Guest>(
    call: &Call<'_, G>,
    argument: usize,
    kind: &FieldKind,
    what: &str,
) -> Result<Lock, Fault> {
    let (place, _) = call.field(argument, |found| found == kind, what)?;
    Ok(Lock {
        block: place.block,
        element: place.element,
        offset: place.offset,
    })
}

/// `bpf_spin_lock(lock)`: waits for runs on other threads. They end, or are ended, so that does, too.
fn spin_lock<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let lock = lock_at(call, 1, &FieldKind::SpinLock, "a bpf_spin_lock")?;
    while !try_lock(&lock.block, lock.element, lock.offset) {
        std::thread::yield_now();
    }
    call.world.held.locked(lock);
    Ok(0)
}

/// `bpf_spin_unlock(lock)`
fn spin_unlock<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let lock = lock_at(call, 1, &FieldKind::SpinLock, "a bpf_spin_lock")?;
    match call.world.held.unlocked(&lock) {
        true => Ok(0),
        false => Err(Fault::Misuse {
            what: "unlocks what is not locked".to_owned(),
        }),
    }
}
