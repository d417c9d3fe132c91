//! The helpers this machine has: one function each, written against [`Guest`].

mod absent;
mod checksum;
mod drain;
mod dynptr;
mod effect;
mod events;
mod fib;
mod format;
mod infrared;
mod kernel_socket;
mod kptr;
mod lock;
mod lwt;
mod map;
mod marking;
mod member;
mod message;
mod mtu;
mod packet;
mod probe;
mod protocol;
mod redirect;
mod room;
mod seg6;
mod seq;
mod shown;
mod sock_ops;
mod socket;
mod socket_identity;
mod sockets;
mod sockopt;
mod stack;
mod storage;
mod syncookie;
mod sysctl;
mod system;
mod system_call;
mod task;
mod text;
pub(crate) mod timer;
mod traced;
mod tunnel;
mod vlan;

use osmia_program::Errno;

pub(crate) use effect::send as send_signal;
pub(crate) use lock::lock_at;
pub(crate) use member::{
    area_object, file_of_task, offset as member_offset, structure as kernel_structure, write_path,
};
pub(crate) use probe::{Whose, anywhere};
pub(crate) use task::current as current_task;
pub(crate) use text::stream_vprintk;

use crate::guest::{Call, Fault, Guest};

/// What a helper's implementation is.
pub(crate) type HelperFn<G> = fn(&mut Call<'_, G>) -> Result<u64, Fault>;

/// The families, in the order they are asked.
macro_rules! families {
    ($($family:ident),+ $(,)?) => {
        /// The implementation of a helper by number.
        pub(crate) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
            None$(.or_else(|| $family::implementation(id)))+
        }
    };
}

families! {
    map,
    probe,
    system,
    task,
    traced,
    text,
    seq,
    shown,
    member,
    sysctl,
    absent,
    packet,
    checksum,
    redirect,
    socket,
    sockets,
    kernel_socket,
    vlan,
    tunnel,
    drain,
    events,
    dynptr,
    kptr,
    lock,
    timer,
    stack,
    storage,
    protocol,
    room,
    fib,
    mtu,
    marking,
    lwt,
    seg6,
    socket_identity,
    sockopt,
    sock_ops,
    message,
    syncookie,
    effect,
    infrared,
    system_call,
}

/// A result as programs see it: 0 or a negative error number.
pub(crate) fn errno(result: Result<(), Errno>) -> u64 {
    match result {
        Ok(()) => 0,
        Err(errno) => negative(errno),
    }
}

pub(crate) fn negative(errno: Errno) -> u64 {
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
