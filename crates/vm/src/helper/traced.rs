//! Arguments and return value of the function a program is attached to.

use osmia_program::{Errno, TracedCall};

use super::{HelperFn, negative};
use crate::guest::{Call, Fault, Guest};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        183 => get_func_arg,
        184 => get_func_ret,
        185 => get_func_arg_cnt,
        _ => return None,
    })
}

/// How the context is made up.
fn traced<G: Guest>(call: &Call<'_, G>) -> Result<TracedCall, Fault> {
    call.context(1)?;
    call.world.env.event.call.ok_or_else(|| Fault::Argument {
        argument: 1,
        what: "is no context of a function that was described".to_owned(),
    })
}

/// Copies a word of the context to where argument `to` points.
fn copy<G: Guest>(call: &mut Call<'_, G>, word: u32, to: usize) -> Result<u64, Fault> {
    let mut value = [0; 8];
    let at = call.args[0].wrapping_add(u64::from(word) * 8);
    if !call.guest.read(at, &mut value) {
        return Err(Fault::Access {
            argument: 1,
            address: at,
            bytes: 8,
            write: false,
        });
    }
    call.write(to, &value).map(|()| 0)
}

/// `bpf_get_func_arg`
fn get_func_arg<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let traced = traced(call)?;
    let index = call.args[1] as u32;
    if index >= traced.arguments {
        return Ok(negative(Errno::EINVAL));
    }
    copy(call, index, 3)
}

/// `bpf_get_func_ret`
fn get_func_ret<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let traced = traced(call)?;
    if !traced.returned {
        return Ok(negative(Errno::EOPNOTSUPP));
    }
    copy(call, traced.arguments, 2)
}

/// `bpf_get_func_arg_cnt`
fn get_func_arg_cnt<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    Ok(u64::from(traced(call)?.arguments))
}
