//! Resilient spin locks: who cannot get one is told instead of waiting for ever.

use std::time::{Duration, Instant};

use osmia_program::Errno;

use super::family;
use super::section::{irq_restore_at, irq_save_at};
use crate::fields::{FieldKind, try_lock};
use crate::guest::{Call, Fault, Guest};
use crate::helper::{HelperFn, lock_at, negative};
use crate::limits;

family! {
    "bpf_res_spin_lock" => lock,
    "bpf_res_spin_unlock" => unlock,
    "bpf_res_spin_lock_irqsave" => lock_irqsave,
    "bpf_res_spin_unlock_irqrestore" => unlock_irqrestore,
}

const WHAT: &str = "a bpf_res_spin_lock";

/// `bpf_res_spin_lock(lock)`: `EDEADLK` for a lock the run has, `ETIMEDOUT` for one it does not get.
fn lock<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let lock = lock_at(call, 1, &FieldKind::ResSpinLock, WHAT)?;
    if call.world.held.has(&lock) {
        return Ok(negative(Errno::EDEADLK));
    }
    let patience = Duration::from_millis(limits::LOCK_MILLISECONDS_MAX);
    let mut since = None;
    while !try_lock(&lock.block, lock.element, lock.offset) {
        if since.get_or_insert_with(Instant::now).elapsed() > patience {
            return Ok(negative(Errno::ETIMEDOUT));
        }
        std::thread::yield_now();
    }
    call.world.held.locked(lock);
    Ok(0)
}

/// `bpf_res_spin_unlock(lock)`
fn unlock<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let lock = lock_at(call, 1, &FieldKind::ResSpinLock, WHAT)?;
    match call.world.held.unlocked(&lock) {
        true => Ok(0),
        false => Err(Fault::Misuse {
            what: "unlocks what is not the lock taken last".to_owned(),
        }),
    }
}

/// `bpf_res_spin_lock_irqsave(lock, flags)`
fn lock_irqsave<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let locked = lock(call)?;
    if locked == 0 {
        irq_save_at(call, 2)?;
    }
    Ok(locked)
}

/// `bpf_res_spin_unlock_irqrestore(lock, flags)`
fn unlock_irqrestore<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    unlock(call)?;
    irq_restore_at(call, 2)
}
