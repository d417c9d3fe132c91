//! Helpers for hardware and subsystems that the user-space host does not have: they answer as a
//! kernel without them.

use osmia_program::Errno;

use super::{HelperFn, negative};
use crate::guest::{Call, Fault, Guest};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        119 => read_branch_records,
        161 | 193 => ima_hash,
        176 => get_branch_snapshot,
        179 => kallsyms_lookup_name,
        _ => return None,
    })
}

/// `bpf_read_branch_records`: no event here samples branches.
fn read_branch_records<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    /// `BPF_F_GET_BRANCH_RECORDS_SIZE`
    const SIZE_ONLY: u64 = 1;
    call.context(1)?;
    let [_, _, size, flags, _] = call.args;
    call.check_write(2, size as u32)?;
    Ok(negative(if flags & !SIZE_ONLY != 0 {
        Errno::EINVAL
    } else {
        Errno::ENOENT
    }))
}

/// `bpf_get_branch_snapshot`: nothing records branches.
fn get_branch_snapshot<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, size, flags, ..] = call.args;
    call.check_write(1, size as u32)?;
    Ok(negative(if flags != 0 {
        Errno::EINVAL
    } else {
        Errno::ENOENT
    }))
}

/// `bpf_ima_inode_hash`, `bpf_ima_file_hash`: nothing measures files.
fn ima_hash<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let size = call.args[2] as u32;
    call.check_write(2, size)?;
    Ok(negative(Errno::EOPNOTSUPP))
}

/// `bpf_kallsyms_lookup_name`: nothing here has a name.
fn kallsyms_lookup_name<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, size, flags, ..] = call.args;
    let name = call.bytes(1, size as u32 as usize)?;
    let is_text = name.len() > 1 && name.last() == Some(&0);
    call.world.reuse(name);
    call.write(4, &[0; 8])?;
    Ok(negative(if flags != 0 || !is_text {
        Errno::EINVAL
    } else {
        Errno::ENOENT
    }))
}
