//! What a decoder of infrared signals tells the input device. Nothing is typed here; it is kept for the
//! host.

use osmia_program::Remote;

use super::HelperFn;
use crate::guest::{Call, Fault, Guest};
use crate::limits;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        77 => |call| tell(call, |_| Remote::Repeat),
        78 => |call| tell(call, key),
        92 => |call| tell(call, pointer),
        _ => return None,
    })
}

/// `bpf_rc_keydown(ctx, protocol, scancode, toggle)`
fn key([_, protocol, scancode, toggle, _]: [u64; 5]) -> Remote {
    Remote::Key {
        protocol: protocol as u32,
        scancode,
        toggle: toggle as u32 != 0,
    }
}

/// `bpf_rc_pointer_rel(ctx, x, y)`
fn pointer([_, x, y, ..]: [u64; 5]) -> Remote {
    Remote::Pointer {
        x: x as i32,
        y: y as i32,
    }
}

fn tell<G: Guest>(call: &mut Call<'_, G>, what: fn([u64; 5]) -> Remote) -> Result<u64, Fault> {
    call.context(1)?;
    if call.world.remote.len() >= limits::REMOTE_EVENTS_MAX {
        return Err(Fault::Misuse {
            what: format!("tells more than {} things", limits::REMOTE_EVENTS_MAX),
        });
    }
    call.world.remote.push(what(call.args));
    Ok(0)
}
