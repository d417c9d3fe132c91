//! The helpers this machine has: one function each, written against [`Guest`].

mod checksum;
mod events;
mod format;
mod map;
mod packet;
mod probe;
mod protocol;
mod redirect;
mod room;
mod socket;
mod stack;
mod system;
mod text;
mod tunnel;
mod vlan;

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
        4 | 112 | 113 => probe::read,
        5 | 125 | 160 | 208 => system::ktime,
          6 => text::trace_printk,
          7 => system::get_prandom_u32,
          8 => system::get_smp_processor_id,
          9 => packet::skb_store_bytes,
         10 => checksum::l3_csum_replace,
         11 => checksum::l4_csum_replace,
         13 => redirect::clone_redirect,
         14 => system::get_current_pid_tgid,
         15 => system::get_current_uid_gid,
         16 => system::get_current_comm,
         17 => socket::zero,
         18 => vlan::push,
         19 => vlan::pop,
         20 => tunnel::skb_get_tunnel_key,
         21 => tunnel::skb_set_tunnel_key,
         22 => events::perf_event_read,
         23 => redirect::redirect,
         24 => socket::zero,
         25 => events::perf_event_output,
         26 => packet::skb_load_bytes,
         27 => stack::get_stackid,
         28 => checksum::csum_diff,
         29 => tunnel::skb_get_tunnel_opt,
         30 => tunnel::skb_set_tunnel_opt,
         31 => protocol::change,
         32 => packet::skb_change_type,
         33 => socket::skb_under_cgroup,
         34 => packet::get_hash_recalc,
         35 => system::get_current_task,
         37 => system::current_task_under_cgroup,
         38 => packet::skb_change_tail,
         39 => packet::skb_pull_data,
         40 => checksum::csum_update,
         41 => packet::set_hash_invalid,
         42 => system::get_numa_node_id,
         43 => packet::skb_change_head,
         44 => packet::xdp_adjust_head,
        45 | 114 | 115 => probe::read_str,
         46 => system::get_socket_cookie,
         47 => system::get_socket_uid,
         48 => packet::set_hash,
         50 => room::skb_adjust_room,
         51 => redirect::redirect_map,
         54 => packet::xdp_adjust_meta,
         55 => events::perf_event_read_value,
         58 => system::override_return,
         65 => packet::xdp_adjust_tail,
         67 => stack::get_stack,
         68 => packet::skb_load_bytes_relative,
         69 => packet::fib_lookup,
         79 => socket::zero,
         80 => system::get_current_cgroup_id,
         83 => socket::zero,
        84 | 85 | 99 => socket::lookup,
         86 => socket::release,
         87 => map::push_elem,
         88 => map::pop_elem,
         89 => map::peek_elem,
        95 | 96 | 98 | 136..=140 | 178 | 196 => socket::narrow,
        105 => text::strtol,
        106 => text::strtoul,
        118 => system::jiffies64,
        122 => system::get_netns_cookie,
        123 => system::get_current_ancestor_cgroup_id,
        124 => socket::assign,
        130 => events::ringbuf_output,
        131 => events::ringbuf_reserve,
        132 => events::ringbuf_submit,
        133 => events::ringbuf_discard,
        134 => events::ringbuf_query,
        135 => checksum::csum_level,
        152 => redirect::redirect_neigh,
        155 => redirect::redirect_peer,
        164 => map::for_each_map_elem,
        165 => text::snprintf,
        173 => system::get_func_ip,
        174 => system::get_attach_cookie,
        177 => text::trace_vprintk,
        181 => map::bpf_loop,
        182 => text::strncmp,
        188 => packet::xdp_get_buff_len,
        189 => packet::xdp_load_bytes,
        190 => packet::xdp_store_bytes,
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
