//! Timers in values.

use std::sync::atomic::Ordering::SeqCst;

use osmia_program::Errno;

use super::{HelperFn, errno, negative};
use crate::fields::{Callback, DeferredKind, FieldKind};
use crate::guest::{Call, Fault, Guest, Holder};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        169 => init,
        170 => set_callback,
        171 => start,
        172 => cancel,
        _ => return None,
    })
}

const WHAT: &str = "a field for what runs later";

/// Makes what runs later in the field that an argument (from 1) points to: `EBUSY` if it was made before,
/// `EPERM` once nobody outside has the map.
pub(crate) fn make<G: Guest>(
    call: &Call<'_, G>,
    argument: usize,
    field: &FieldKind,
    kind: DeferredKind,
) -> Result<Result<(), Errno>, Fault> {
    let (place, _) = call.field(argument, |found| found == field, WHAT)?;
    let Holder::Value { map, element } = &place.holder else {
        return Err(Fault::Argument {
            argument,
            what: "is in no map's value".to_owned(),
        });
    };
    let deferred = call.world.runs.deferred();
    let word = place.word();
    if deferred.exists(word.load(SeqCst), kind) {
        return Ok(Err(Errno::EBUSY));
    }
    if map.is_orphaned() {
        return Ok(Err(Errno::EPERM));
    }
    word.store(deferred.make(kind, map, *element), SeqCst);
    Ok(Ok(()))
}

/// The number in the field that an argument points to, and whether somebody outside has its map.
pub(crate) fn number<G: Guest>(
    call: &Call<'_, G>,
    argument: usize,
    field: &FieldKind,
) -> Result<(u64, bool), Fault> {
    let (place, _) = call.field(argument, |found| found == field, WHAT)?;
    let owned = match &place.holder {
        Holder::Value { map, .. } => !map.is_orphaned(),
        Holder::Object => false,
    };
    Ok((place.word().load(SeqCst), owned))
}

/// Says what the field that an argument points to calls: the function in another argument.
pub(crate) fn call_back<G: Guest>(
    call: &Call<'_, G>,
    at: usize,
    field: &FieldKind,
    argument: usize,
) -> Result<Result<(), Errno>, Fault> {
    let (number, owned) = number(call, at, field)?;
    let function = call.args[argument - 1];
    let Some(code) = call.guest.code_of(function) else {
        return Err(Fault::Argument {
            argument,
            what: format!("is {function:#x}, not a function of the program"),
        });
    };
    if number == 0 {
        return Ok(Err(Errno::EINVAL));
    }
    if !owned {
        return Ok(Err(Errno::EPERM));
    }
    let callback = Callback { code, function };
    Ok(call.world.runs.deferred().set_callback(number, callback))
}

/// `bpf_timer_init(timer, map, flags)`: flags are the number of a clock.
fn init<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    /// `CLOCK_REALTIME`, `CLOCK_MONOTONIC`, `CLOCK_BOOTTIME`: all the same here.
    const CLOCKS: [u64; 3] = [0, 1, 7];
    if !CLOCKS.contains(&call.args[2]) {
        return Ok(negative(Errno::EINVAL));
    }
    Ok(errno(make(
        call,
        1,
        &FieldKind::Timer,
        DeferredKind::Timer,
    )?))
}

/// `bpf_timer_set_callback(timer, function)`
fn set_callback<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    Ok(errno(call_back(call, 1, &FieldKind::Timer, 2)?))
}

/// `bpf_timer_start(timer, nanoseconds, flags)`
fn start<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    /// `BPF_F_TIMER_ABS`
    const ABSOLUTE: u64 = 1;
    /// `BPF_F_TIMER_CPU_PIN`: a machine is one CPU.
    const PIN: u64 = 2;
    let [_, nanoseconds, flags, ..] = call.args;
    let (number, _) = number(call, 1, &FieldKind::Timer)?;
    if flags & !(ABSOLUTE | PIN) != 0 {
        return Ok(negative(Errno::EINVAL));
    }
    let time = match flags & ABSOLUTE {
        0 => call
            .world
            .env
            .clock
            .nanoseconds()
            .saturating_add(nanoseconds),
        _ => nanoseconds,
    };
    Ok(errno(call.world.runs.deferred().start(number, time)))
}

/// `bpf_timer_cancel(timer)`: 1 if it was to run.
fn cancel<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let (number, _) = number(call, 1, &FieldKind::Timer)?;
    let cancelled = call.world.runs.deferred().cancel(number);
    Ok(cancelled.map_or_else(negative, u64::from))
}
