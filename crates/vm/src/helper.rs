//! The helpers this machine has: one function each, written against [`Guest`].

mod events;
mod map;
mod system;

use osmia_program::Errno;

use crate::guest::{Call, Fault, Guest};

/// What a helper's implementation is.
pub(crate) type HelperFn<G> = fn(&mut Call<'_, G>) -> Result<u64, Fault>;

/// The implementation of a helper by number.
#[rustfmt::skip]
pub(crate) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
          1 => map::lookup_elem,
          2 => map::update_elem,
          3 => map::delete_elem,
          5 | 125 | 160 | 208 => system::ktime,
          7 => system::get_prandom_u32,
          8 => system::get_smp_processor_id,
         14 => system::get_current_pid_tgid,
         15 => system::get_current_uid_gid,
         16 => system::get_current_comm,
         25 => events::perf_event_output,
         35 => system::get_current_task,
         42 => system::get_numa_node_id,
         51 => map::redirect_map,
         87 => map::push_elem,
         88 => map::pop_elem,
         89 => map::peek_elem,
        118 => system::jiffies64,
        130 => events::ringbuf_output,
        131 => events::ringbuf_reserve,
        132 => events::ringbuf_submit,
        133 => events::ringbuf_discard,
        134 => events::ringbuf_query,
        164 => map::for_each_map_elem,
        181 => map::bpf_loop,
        195 => map::lookup_percpu_elem,
        _ => return None,
    })
}

/// A result as programs see it: 0 or a negative error number.
fn errno(result: Result<(), Errno>) -> u64 {
    match result {
        Ok(()) => 0,
        Err(errno) => negative(errno),
    }
}

fn negative(errno: Errno) -> u64 {
    i64::from(errno.0).wrapping_neg() as u64
}

/// Calls the function that argument `argument` (from 1) names.
fn function<G: Guest>(
    call: &mut Call<'_, G>,
    address: u64,
    argument: usize,
    args: [u64; 5],
) -> Result<u64, Fault> {
    call.guest.invoke(call.world, address, argument, args)
}
