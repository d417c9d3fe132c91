//! Sections: RCU, preemption, interrupts. Nothing here preempts or interrupts a run; what counts is
//! that every section is left again, in order.

use super::family;
use crate::guest::{Call, Fault, Guest};
use crate::helper::HelperFn;

family! {
    "bpf_rcu_read_lock" => rcu_read_lock,
    "bpf_rcu_read_unlock" => rcu_read_unlock,
    "bpf_preempt_disable" => preempt_disable,
    "bpf_preempt_enable" => preempt_enable,
    "bpf_local_irq_save" => irq_save,
    "bpf_local_irq_restore" => irq_restore,
}

/// Interrupts are on, as `EFLAGS` says it on x86.
const INTERRUPTS_ON: u64 = 1 << 9;

fn rcu_read_lock<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.world.held.rcu += 1;
    Ok(0)
}

fn rcu_read_unlock<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    leave(&mut call.world.held.rcu, "an RCU read section")
}

fn preempt_disable<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.world.held.preempt += 1;
    Ok(0)
}

fn preempt_enable<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    leave(&mut call.world.held.preempt, "a section without preemption")
}

fn leave(depth: &mut u32, what: &str) -> Result<u64, Fault> {
    match depth.checked_sub(1) {
        Some(left) => {
            *depth = left;
            Ok(0)
        }
        None => Err(Fault::Misuse {
            what: format!("leaves {what} that the program is not in"),
        }),
    }
}

/// `bpf_local_irq_save(&flags)`
fn irq_save<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    irq_save_at(call, 1)
}

/// Disables interrupts and saves the flags from before where an argument (from 1) points.
pub(super) fn irq_save_at<G: Guest>(call: &mut Call<'_, G>, argument: usize) -> Result<u64, Fault> {
    let flags = match call.world.held.interrupts.len() {
        0 => INTERRUPTS_ON,
        _ => 0,
    };
    call.write(argument, &flags.to_ne_bytes())?;
    call.world.held.interrupts.push(call.args[argument - 1]);
    Ok(0)
}

/// `bpf_local_irq_restore(&flags)`
fn irq_restore<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    irq_restore_at(call, 1)
}

/// Puts the flags back that were saved last, where an argument (from 1) points.
pub(super) fn irq_restore_at<G: Guest>(
    call: &mut Call<'_, G>,
    argument: usize,
) -> Result<u64, Fault> {
    let flags_at = call.args[argument - 1];
    match (call.world.held.interrupts).pop_if(|saved| *saved == flags_at) {
        Some(_) => Ok(0),
        None => Err(Fault::Misuse {
            what: "restores interrupts from flags that are not the ones saved last".to_owned(),
        }),
    }
}
