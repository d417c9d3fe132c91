//! Kernel parameters that a process reads or writes (`kernel/bpf/cgroup.c`, 6.18).

use osmia_program::Errno;

use super::{HelperFn, negative};
use crate::guest::{Call, Fault, Guest};
use osmia_program::Parameter;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        101 => get_name,
        102 => get_current_value,
        103 => get_new_value,
        104 => set_new_value,
        _ => return None,
    })
}

/// `BPF_F_SYSCTL_BASE_NAME`: without the folders.
const BASE_NAME: u64 = 1;
/// A parameter's value is shorter than a page.
const VALUE_BYTES_MAX: usize = 4095;

/// Copies a text, cut to what there is room for and ended by a zero: its length, or that it was cut.
fn copy<G: Guest>(
    call: &mut Call<'_, G>,
    text: impl FnOnce(&Parameter) -> Option<Vec<u8>>,
) -> Result<u64, Fault> {
    call.context(1)?;
    let size = call.args[2] as u32;
    call.check_write(2, size)?;
    let text = call.world.env.event.parameter.as_ref().and_then(text);
    let mut buffer = call.world.buffer(size as usize);
    let result = match text {
        None => Err(Errno::EINVAL),
        Some(_) if size == 0 => Err(Errno::E2BIG),
        Some(text) => {
            let kept = text.len().min(buffer.len() - 1);
            buffer[..kept].copy_from_slice(&text[..kept]);
            match kept == text.len() {
                true => Ok(kept),
                false => Err(Errno::E2BIG),
            }
        }
    };
    let written = call.write(2, &buffer);
    call.world.reuse(buffer);
    written.map(|()| result.map_or_else(negative, |len| len as u64))
}

/// `bpf_sysctl_get_name`
fn get_name<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let base = call.args[3] & BASE_NAME != 0;
    copy(call, |parameter| {
        let name = match parameter.name.rsplit_once('/') {
            Some((_, last)) if base => last,
            _ => &parameter.name,
        };
        Some(name.as_bytes().to_vec())
    })
}

/// `bpf_sysctl_get_current_value`
fn get_current_value<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    copy(call, |parameter| {
        Some(parameter.value.clone()).filter(|value| !value.is_empty())
    })
}

/// `bpf_sysctl_get_new_value`
fn get_new_value<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let set = call.world.new_value.clone();
    copy(call, |parameter| {
        let given = parameter.new_value.as_ref()?;
        Some(set.unwrap_or_else(|| given.clone())).filter(|value| !value.is_empty())
    })
}

/// `bpf_sysctl_set_new_value`
fn set_new_value<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let value = call.bytes(2, call.args[2] as u32 as usize)?;
    let parameter = call.world.env.event.parameter.as_ref();
    let is_written = parameter.is_some_and(|parameter| parameter.new_value.is_some());
    let result = if !is_written || value.is_empty() {
        negative(Errno::EINVAL)
    } else if value.len() > VALUE_BYTES_MAX {
        negative(Errno::E2BIG)
    } else {
        call.world.new_value = Some(value.clone());
        0
    };
    call.world.reuse(value);
    Ok(result)
}
