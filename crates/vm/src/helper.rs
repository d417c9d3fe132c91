//! The helpers this machine has: one function each, written against [`Guest`].

mod system;

use crate::guest::{Call, Fault, Guest};

/// What a helper's implementation is.
pub(crate) type HelperFn<G> = fn(&mut Call<'_, G>) -> Result<u64, Fault>;

/// The implementation of a helper by number.
#[rustfmt::skip]
pub(crate) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
          5 | 125 | 160 | 208 => system::ktime,
          7 => system::get_prandom_u32,
          8 => system::get_smp_processor_id,
         14 => system::get_current_pid_tgid,
         15 => system::get_current_uid_gid,
         16 => system::get_current_comm,
         35 => system::get_current_task,
         42 => system::get_numa_node_id,
        118 => system::jiffies64,
        _ => return None,
    })
}
